//! The project's own chores: `cargo xtask generate`, and what else must be made by a program.

mod dist;
mod generate;

use std::process::ExitCode;

use generate::{Mode, generate, slim};

const USAGE: &str = "\
cargo xtask generate                      write crates/aws-model/src/generated from the slim models
cargo xtask generate --check              fail if what is checked in is not what would be written
cargo xtask generate --botocore PATH      first renew the slim models from a botocore (unpacked, or a wheel)
cargo xtask generate --pypi               first renew the slim models from the pinned botocore of PyPI
cargo xtask slim --check                  fail if the slim models are not those of the pinned botocore of PyPI
cargo xtask dist [OUTPUT]                 build for release, and make a tarball and SHA256SUMS in target/dist
cargo xtask dist --binary PATH [OUTPUT]   the same of a program that is built already";

const DIST: &str = "target/dist";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["generate"] => generate(Mode::Write),
        ["generate", "--check"] => generate(Mode::Check),
        ["generate", "--botocore", path] => {
            slim::models(Mode::Write, Some(path.as_ref())).and_then(|()| generate(Mode::Write))
        }
        ["generate", "--pypi"] => slim::models(Mode::Write, None).and_then(|()| generate(Mode::Write)),
        ["slim", "--check"] => slim::models(Mode::Check, None),
        ["dist", rest @ ..] => return dist_of(rest),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    ended(done)
}

fn dist_of(arguments: &[&str]) -> ExitCode {
    ended(match arguments {
        [] => dist::dist(None, DIST.as_ref()),
        ["--binary", binary] => dist::dist(Some(binary.as_ref()), DIST.as_ref()),
        ["--binary", binary, output] => dist::dist(Some(binary.as_ref()), output.as_ref()),
        [output] if !output.starts_with('-') => dist::dist(None, output.as_ref()),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    })
}

fn ended<E: std::fmt::Display>(done: Result<(), E>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("xtask: {cause}");
            ExitCode::FAILURE
        }
    }
}
