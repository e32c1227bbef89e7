//! What the fuzz targets do, apart from the fuzzer, so that an ordinary test can do it too.
//!
//! Each target takes any bytes, and asserts what must hold of whatever they are. `fuzz/` at the top of the repository
//! runs them under libFuzzer; `tests/smoke.rs` runs them over the seeds and over what comes of changing those.
//! `docs/security/fuzzing.md` says what each one checks.

#![expect(clippy::expect_used, clippy::panic, reason = "a target fails by panicking")]

mod assertion;
mod backup;
mod front;
mod input;
mod lines;
mod metadata;
mod policy;
mod s3;
mod signature;
mod stored;
mod token;

/// One run of a target.
pub type Run = Box<dyn Fn(&[u8]) + Send + Sync>;

/// A target, and what makes it ready.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: that of its binary, and of the directory of its seeds.
    pub name: &'static str,
    /// Makes what it needs, once; then it runs as often as one likes.
    pub start: fn() -> Run,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "assertion", start: assertion::start },
    Target { name: "backup", start: backup::start },
    Target { name: "chunks", start: || Box::new(signature::chunks) },
    Target { name: "decision", start: || Box::new(policy::decision) },
    Target { name: "front", start: front::start },
    Target { name: "input", start: || Box::new(input::run) },
    Target { name: "metadata", start: metadata::start },
    Target { name: "pattern", start: || Box::new(policy::pattern) },
    Target { name: "policy", start: || Box::new(policy::policy) },
    Target { name: "s3", start: s3::start },
    Target { name: "signature", start: || Box::new(signature::request) },
    Target { name: "stored", start: stored::start },
    Target { name: "token", start: token::start },
];

/// The target of this name, ready to run.
///
/// # Panics
/// When there is none.
pub fn start(name: &str) -> Run {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    (target.start)()
}
