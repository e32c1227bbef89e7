//! `rolecall root`: a new access key for the root user.

use std::process::ExitCode;

use super::task::{self, Task};
use super::{Failure, load, print};
use crate::cli::{RootArgs, RootCommand};

/// Runs the subcommand.
pub(crate) fn run(args: &RootArgs) -> Result<ExitCode, Failure> {
    let RootCommand::Rotate { settings } = &args.command;
    let said = task::run(&load(settings)?, &Task::RotateRoot, |_| Ok(()))?;
    print(format!("{said}\n"))
}
