//! `rolecall master-key`: which key the store is sealed under, and the way to another.

use std::process::ExitCode;

use rolecall_state::SystemEntropy;
use serde_json::Value;

use super::serve::new_key;
use super::task::{self, Task};
use super::{Failure, load, print};
use crate::cli::{MasterKeyArgs, MasterKeyCommand};

/// Runs the subcommand.
pub(crate) fn run(args: &MasterKeyArgs) -> Result<ExitCode, Failure> {
    match &args.command {
        MasterKeyCommand::New => print(format!("{}\n", *new_key(&SystemEntropy))),
        MasterKeyCommand::Status { settings, json } => {
            let said = task::run(&load(settings)?, &Task::MasterKeyStatus, |_| Ok(()))?;
            let status: Value = serde_json::from_str(&said)
                .map_err(|cause| Failure::Environment(format!("the answer is no JSON: {cause}")))?;
            print(if *json { format!("{status:#}\n") } else { table(&status) })
        }
        MasterKeyCommand::Rotate { settings, to } => {
            let said = task::run(&load(settings)?, &Task::RotateMasterKey { to: *to }, |_| Ok(()))?;
            print(format!("{said}\n"))
        }
    }
}

fn table(status: &Value) -> String {
    let mut text = format!("{:<18} {:<8} {:<7} {}\n", "KEY", "IN USE", "KNOWN", "SECRETS");
    for key in status.get("keys").and_then(Value::as_array).into_iter().flatten() {
        let truth = |name: &str| match key.get(name) {
            Some(Value::Bool(true)) => "yes",
            _ => "no",
        };
        let id = key.get("id").and_then(Value::as_str).unwrap_or_default();
        let values = key.get("values").and_then(Value::as_u64).unwrap_or(0);
        text.push_str(&format!("{id:<18} {:<8} {:<7} {values}\n", truth("inUse"), truth("known")));
    }
    if status.get("finished") == Some(&Value::Bool(false)) {
        text.push_str("a rotation was not finished: run `rolecall master-key rotate`\n");
    }
    text
}
