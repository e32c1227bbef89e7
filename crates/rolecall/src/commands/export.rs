//! `rolecall export`: an account as a file, by asking any endpoint for its details, or from a file that has them.

use std::process::ExitCode;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rolecall_account_details::{Json, Pages, terraform};
use rolecall_aws_model::Element;

use super::request::{self, Asked, Body};
use super::{Failure, print, read_text};
use crate::cli::{ExportArgs, ExportFormat};

const QUERY: &str = "Action=GetAccountAuthorizationDetails&Version=2010-05-08&MaxItems=1000";

/// Runs the subcommand.
pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let details = match &args.from {
        Some(path) => read_text(path)?,
        None => match ask(&args.endpoint_url)? {
            Ok(answer) => as_text(&answer)?,
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
            print(as_text(&parsed)?)
        }
    }
}

fn as_text(answer: &Json) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(answer);
    Ok(text.map_err(|cause| Failure::Environment(cause.to_string()))? + "\n")
}

/// All pages of the details, as the principal of the environment; or what was said against it.
fn ask(endpoint_url: &str) -> Result<Result<Json, String>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::Environment(format!("no runtime: {cause}")))?;
    runtime.block_on(async {
        let (mut pages, mut form) = (Pages::default(), QUERY.to_owned());
        loop {
            let asked = Asked { endpoint_url, service: "iam", path: "/", body: Body::Form(&form) };
            let (status, body) = request::send(&asked).await?;
            if status != 200 {
                return Ok(Err(refusal(status, &body)));
            }
            let next = pages.add(&body);
            match next.map_err(|cause| Failure::Environment(format!("{endpoint_url}: {cause}")))? {
                Some(marker) => {
                    form = format!("{QUERY}&Marker={}", utf8_percent_encode(&marker, NON_ALPHANUMERIC));
                }
                None => return Ok(Ok(pages.joined())),
            }
        }
    })
}

fn refusal(status: u16, body: &[u8]) -> String {
    let root = Element::parse(body);
    let error = root.as_ref().and_then(|root| root.child("Error"));
    let said = |name| error.and_then(|error| error.text(name)).unwrap_or_default().to_owned();
    format!("refused with status {status}: {}: {}", said("Code"), said("Message"))
}
