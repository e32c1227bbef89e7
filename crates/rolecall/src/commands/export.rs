//! `rolecall export`: an account as a file, by asking any endpoint for its details, or from a file that has them.

use std::process::ExitCode;

use rolecall_account_details::{Json, Pages, terraform};

use super::details::ask;
use super::{Failure, pretty, print, read_text};
use crate::cli::{ExportArgs, ExportFormat};

/// Runs the subcommand.
pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let details = match &args.from {
        Some(path) => read_text(path)?,
        None => match ask(&args.endpoint_url, Pages::default())? {
            Ok(answer) => pretty(&answer)?,
            Err(refusal) => {
                eprintln!("rolecall: {refusal}");
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    let wrong =
        |cause: &dyn std::fmt::Display| Failure::Environment(format!("the account's details: {cause}"));
    match args.format {
        ExportFormat::Terraform => print(terraform(&details).map_err(|cause| wrong(&cause))?),
        ExportFormat::Json => {
            let parsed: Json = serde_json::from_str(&details).map_err(|cause| wrong(&cause))?;
            print(pretty(&parsed)?)
        }
    }
}
