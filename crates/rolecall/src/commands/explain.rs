//! `rolecall explain REQUEST_ID`: why a recorded request was allowed or denied.

use std::process::ExitCode;

use rolecall_policy::decide_format::Decider;
use serde_json::Value;

use super::request::{self, Asked, Body};
use super::{Failure, print, read_text, wait_for};
use crate::cli::ExplainArgs;

/// How wide explanations are.
const TEXT_WIDTH: usize = 100;

/// Asks the server, and prints what it says.
#[expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is absent")]
pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    if let Some(path) = &args.request {
        return hypothetical(&read_text(path)?, args.json);
    }
    let (status, body) = wait_for(fetch(args))?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if status != 200 {
        let message = answer["message"].as_str().unwrap_or("the server's answer can't be read");
        eprintln!("rolecall: {message}");
        return Ok(ExitCode::from(if status == 403 || status == 404 { 1 } else { 2 }));
    }
    let text = if args.json { format!("{answer:#}\n") } else { as_text(&answer) };
    print(&text)
}

/// Explains a request that was never made. The answer is no when it would be denied.
fn hypothetical(line: &str, json: bool) -> Result<ExitCode, Failure> {
    let shown =
        Decider::new(None).with_knowledge(super::decide::takes_no_resource).explain(line, |explanation| {
            let text = match json {
                true => serde_json::to_string_pretty(explanation).map(|text| text + "\n"),
                false => Ok(explanation.to_text(TEXT_WIDTH) + "\n"),
            };
            (explanation.decision.is_allowed(), text)
        });
    let (allowed, text) = shown.map_err(|cause| Failure::Environment(cause.to_string()))?;
    let text = text.map_err(|cause| Failure::Environment(cause.to_string()))?;
    print(&text)?;
    Ok(ExitCode::from(u8::from(!allowed)))
}

#[expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is absent")]
fn as_text(answer: &Value) -> String {
    let request = &answer["request"];
    let shown = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let mut out = format!(
        "{} {}:{} by {}: {}\n",
        shown(&request["eventTime"]),
        shown(&request["eventSource"]),
        shown(&request["eventName"]),
        shown(&request["userIdentity"]["arn"]),
        request["errorCode"].as_str().unwrap_or("done"),
    );
    for explanation in answer["explanations"].as_array().into_iter().flatten() {
        out.push('\n');
        out.push_str(explanation["text"].as_str().unwrap_or_default());
        out.push('\n');
    }
    out
}

async fn fetch(args: &ExplainArgs) -> Result<(u16, Vec<u8>), Failure> {
    let path = format!("/rolecall/requests/{}", args.request_id.as_deref().unwrap_or_default());
    let endpoint_url = &args.endpoint_url;
    request::send(&Asked { endpoint_url, service: "rolecall", path: &path, body: Body::Nothing }).await
}
