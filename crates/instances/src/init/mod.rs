//! An instance's own first process: small, without threads, made of the same program as the server.
//!
//! Three stages, each an execution of that program anew: `launch` makes the namespaces, `boot` is
//! process 1 within them, `enter` becomes one program of the instance. (`probe` only finds out whether
//! namespaces can be made.)

mod enter;
mod etc;
mod files;
mod launch;
mod network;
mod root;
mod spawn;
mod supervise;
mod system;
mod terminal;
mod userdata;

use std::ffi::OsString;
use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

pub(crate) use self::launch::start_time;
pub(crate) use self::terminal::resize;
use crate::driver::Users;
use crate::spec::InstanceSpec;

/// Runs a stage. The program calls this before anything else (no threads, no logging set up), with
/// the arguments that lead here (`prefix`, for instance `["instance-init"]`) and those that follow.
pub fn main(prefix: &[&str], arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let stage = arguments.next();
    let subject = arguments.next();
    if stage.as_ref().is_some_and(|stage| stage == "probe") {
        return launch::probe();
    }
    let (Some(stage), Some(subject)) = (stage.as_ref().and_then(|s| s.to_str()), subject) else {
        return complain("a stage and its subject are needed");
    };
    match stage {
        "launch" => launch::launch(prefix, &PathBuf::from(subject)),
        "boot" => supervise::boot(prefix, arguments),
        "enter" => enter::enter(&subject),
        _ => complain("no such stage"),
    }
}

fn complain(what: &str) -> ExitCode {
    use std::io::Write;
    // Nobody may be listening any more; there is no other place to say it.
    let _ = writeln!(std::io::stderr(), "instance-init: {what}");
    ExitCode::from(126)
}

/// What `boot` is to make: written by the driver, read once.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) spec: InstanceSpec,
    pub(crate) users: Users,
    /// Host directories to show read-only beside the usual ones.
    pub(crate) shown: Vec<PathBuf>,
    /// Directories never to show, though they may lie below one that is shown.
    pub(crate) hidden: Vec<PathBuf>,
    /// Whether to try an overlay at all.
    pub(crate) overlay: bool,
    pub(crate) sshd: Option<PathBuf>,
    /// How long to go on with no server attached.
    pub(crate) orphan_grace_seconds: u64,
}

impl Plan {
    /// Reads the plan in the current directory.
    fn read() -> Outcome<Self> {
        let text = std::fs::read(crate::layout::SPEC).map_err(doing("reading the spec"))?;
        serde_json::from_slice(&text).map_err(doing("reading the spec"))
    }
}

/// Why a stage could not go on, for people.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

pub(crate) type Outcome<T> = Result<T, Failure>;

/// Puts what was being done before an error.
pub(crate) fn doing<E: Display>(action: impl Display) -> impl FnOnce(E) -> Failure {
    move |error| Failure(format!("{action}: {error}"))
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}
