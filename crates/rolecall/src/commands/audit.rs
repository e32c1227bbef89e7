//! `rolecall audit verify`: whether the audit trail is as it was written.

use std::path::Path;
use std::process::ExitCode;

use rolecall_server::record::{Broken, Verified, verify};
use serde_json::json;

use super::serve::files::AUDIT;
use super::{Failure, print};
use crate::cli::{AuditArgs, AuditCommand};
use crate::settings::Settings;

/// Checks the trail in the data directory of the settings.
pub(crate) fn run(args: &AuditArgs, settings: &Settings) -> Result<ExitCode, Failure> {
    let AuditCommand::Verify { head, json, .. } = &args.command;
    let directory = Path::new(settings.text("data")).join(AUDIT);
    let found = match verify(&directory, head.as_deref()) {
        Ok(found) => found,
        Err(broken @ (Broken::Line { .. } | Broken::HeadMissing(_))) => {
            eprintln!("rolecall: {broken}");
            return Ok(ExitCode::from(1));
        }
        Err(other) => return Err(Failure::Environment(other.to_string())),
    };
    let text = if *json { as_json(&found) } else { as_text(&found) };
    print(&text)
}

fn as_text(found: &Verified) -> String {
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut out = format!(
        "whole    {} records in {} files, {} to {}\nhead     {}\n",
        found.records,
        found.files,
        shown(&found.first),
        shown(&found.last),
        shown(&found.head),
    );
    if found.unchained > 0 {
        out.push_str(&format!("before   {} records from before there was a chain\n", found.unchained));
    }
    if found.incomplete {
        out.push_str("end      the last line is incomplete: it is being written, or the server was killed\n");
    }
    out
}

fn as_json(found: &Verified) -> String {
    let value = json!({"files": found.files, "records": found.records, "unchained": found.unchained,
        "first": found.first, "last": found.last, "head": found.head, "incomplete": found.incomplete});
    format!("{value:#}\n")
}
