//! How the program is linked for release: the code that every server runs lies side by side (`link/first.ld`),
//! and the addresses that the loader must correct are packed, where this machine's linker and loader can do it.
//! `ROLECALL_LINK=plain` leaves both out, `portable` the second: a program with packed addresses starts on
//! glibc 2.36 and later only.

#![expect(clippy::disallowed_methods, reason = "a build script is told by the environment what to build")]

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

const PACKED: &str = "-Wl,-z,pack-relative-relocs";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=link/first.ld");
    println!("cargo::rerun-if-env-changed=ROLECALL_LINK");
    let wish = env::var("ROLECALL_LINK").unwrap_or_default();
    if variable("PROFILE") != "release" || variable("CARGO_CFG_TARGET_OS") != "linux" || wish == "plain" {
        return;
    }
    let here = variable("HOST") == variable("TARGET");
    let ordered = format!("-T{}/link/first.ld", variable("CARGO_MANIFEST_DIR"));
    let works = |argument: &str| links(argument) && (!here || starts());
    if works(&ordered) {
        println!("cargo::rustc-link-arg-bins={ordered}");
    }
    if wish != "portable" && here && works(PACKED) {
        println!("cargo::rustc-link-arg-bins={PACKED}");
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

/// Whether the smallest program can be linked with `argument`, by the compiler, linker and flags of this build.
fn links(argument: &str) -> bool {
    let folder = variable("OUT_DIR");
    let source = Path::new(&folder).join("probe.rs");
    if std::fs::write(&source, "fn main() {}\n").is_err() {
        return false;
    }
    let mut compiler = Command::new(variable("RUSTC"));
    compiler.args(["--edition=2024", "--target", &variable("TARGET"), "-o", &probe()]).arg(&source);
    compiler.args(variable("CARGO_ENCODED_RUSTFLAGS").split('\x1f').filter(|flag| !flag.is_empty()));
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        compiler.arg(format!("-Clinker={linker}"));
    }
    compiler.arg(format!("-Clink-arg={argument}"));
    succeeds(&mut compiler)
}

/// Whether the program that was linked last runs on this machine.
fn starts() -> bool {
    succeeds(&mut Command::new(probe()))
}

fn probe() -> String {
    format!("{}/probe", variable("OUT_DIR"))
}

fn succeeds(command: &mut Command) -> bool {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.status().is_ok_and(|status| status.success())
}
