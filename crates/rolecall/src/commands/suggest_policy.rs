//! `rolecall suggest-policy`: the least policy for what somebody did.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;

use rolecall_access::iso8601;
use rolecall_analysis::AnalysisError;
use rolecall_analysis::suggest::{Suggestion, Trail};
use rolecall_server::record::backwards;
use rolecall_state::Timestamp;
use serde_json::{Value, json};

use super::known::now;
use super::request::{self, Asked, Body};
use super::{Failure, pretty, print, wait_for};
use crate::cli::SuggestPolicyArgs;

const LOOKUP: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
/// The most events that a server is asked for.
const MOST_EVENTS: usize = 50_000;
const NO_OBJECTS: &str =
    "Requests for objects of S3 are not among what a server tells of the trail: --trail DATA/audit has them.";

/// Runs the subcommand. The answer is no when there is nothing to make a policy of.
pub(crate) fn run(args: &SuggestPolicyArgs) -> Result<ExitCode, Failure> {
    let since = args.since.as_deref().map(|text| since(text, now())).transpose()?;
    let from = since.map(iso8601);
    let mut trail = Trail::of(&args.principal, from.clone(), args.with_denied);
    let mut remarks = Vec::new();
    match &args.trail {
        Some(directory) => read(directory, from.as_deref(), &mut trail)?,
        None => {
            remarks.push(NO_OBJECTS.to_owned());
            if wait_for(look_up(args, since, &mut trail))? {
                remarks.push(format!("Only the latest {MOST_EVENTS} events were read."));
            }
        }
    }
    match trail.suggest(args.collapse_over) {
        Ok(mut found) => {
            found.remarks.extend(remarks);
            show(&found, args.json)
        }
        Err(AnalysisError::Principal(message)) => {
            eprintln!("rolecall: {message}");
            remarks.iter().for_each(|remark| eprintln!("{remark}"));
            Ok(ExitCode::FAILURE)
        }
        Err(cause) => Err(Failure::Environment(cause.to_string())),
    }
}

fn show(found: &Suggestion, as_json: bool) -> Result<ExitCode, Failure> {
    if as_json {
        return print(pretty(found)?);
    }
    eprint!("{}", found.to_text());
    print(found.policy_text())
}

/// A time: so long ago, or a date.
fn since(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let ago = |unit: char, seconds: i64| {
        text.strip_suffix(unit)?.parse::<u32>().ok().map(|n| i64::from(n) * seconds)
    };
    let ago = ago('m', 60).or_else(|| ago('h', 3_600)).or_else(|| ago('d', 86_400));
    if let Some(seconds) = ago {
        return Ok(Timestamp(now.0 - seconds));
    }
    let dated = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    let parsed = rolecall_aws_model::Timestamp::parse(&dated).filter(|_| text.contains('-'));
    let parsed = parsed.map(|at| Timestamp(at.seconds()));
    parsed.ok_or_else(|| {
        Failure::Environment(format!("--since {text}: write 90m, 12h, 7d, or a date such as 2026-01-31"))
    })
}

/// Reads the files of a trail, the newest line first.
fn read(directory: &Path, from: Option<&str>, trail: &mut Trail) -> Result<(), Failure> {
    let failed = |cause| Failure::Environment(format!("{}: {cause}", directory.display()));
    let name = trail.name().as_bytes().to_vec();
    let read = backwards(directory, |line| {
        let Ok(event) = serde_json::from_slice::<Value>(line) else { return ControlFlow::Continue(()) };
        let at = event.get("eventTime").and_then(Value::as_str).unwrap_or_default();
        if from.is_some_and(|from| at < from) {
            return ControlFlow::Break(());
        }
        if line.windows(name.len().max(1)).any(|part| part == name) {
            trail.add(&event);
        }
        ControlFlow::Continue(())
    });
    read.map_err(failed)
}

/// Asks a server for its events; whether there are more than are asked for.
async fn look_up(
    args: &SuggestPolicyArgs,
    since: Option<Timestamp>,
    trail: &mut Trail,
) -> Result<bool, Failure> {
    let mut input = json!({"MaxResults": 50});
    let mut set = |name: &str, value: Value| {
        if let Some(members) = input.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if let Some(since) = since {
        set("StartTime", json!(since.0));
    }
    // The events of a user can be asked for by its name; those of a role are by its sessions'.
    if args.principal.starts_with("user/") || args.principal.contains(":user/") {
        set("LookupAttributes", json!([{"AttributeKey": "Username", "AttributeValue": trail.name()}]));
    }
    let mut read = 0;
    loop {
        let answer = page(&args.endpoint_url, &input.to_string()).await?;
        for event in answer.get("Events").and_then(Value::as_array).into_iter().flatten() {
            read += 1;
            let text = event.get("CloudTrailEvent").and_then(Value::as_str).unwrap_or_default();
            if let Ok(event) = serde_json::from_str(text) {
                trail.add(&event);
            }
        }
        let Some(next) = answer.get("NextToken").cloned() else { return Ok(false) };
        if read >= MOST_EVENTS {
            return Ok(true);
        }
        if let Some(members) = input.as_object_mut() {
            members.insert("NextToken".to_owned(), next);
        }
    }
}

async fn page(endpoint_url: &str, text: &str) -> Result<Value, Failure> {
    let body = Body::Json { target: LOOKUP, text };
    let asked = Asked { endpoint_url, service: "cloudtrail", path: "/", body };
    let (status, body) = request::send(&asked).await?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if status == 200 {
        return Ok(answer);
    }
    let said = ["message", "Message"].iter().find_map(|name| answer.get(name)?.as_str());
    Err(Failure::Environment(format!(
        "refused with status {status}: {}",
        said.unwrap_or("no reason was given")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_so_long_ago_or_dates() {
        let at = |text| since(text, Timestamp(1_000_000)).ok().map(|at| at.0);
        assert_eq!(at("10m"), Some(1_000_000 - 600));
        assert_eq!(at("2h"), Some(1_000_000 - 7_200));
        assert_eq!(at("3d"), Some(1_000_000 - 259_200));
        assert_eq!(at("1970-01-02"), Some(86_400));
        assert_eq!(at("1970-01-02T00:00:01Z"), Some(86_401));
        for bad in ["", "soon", "7", "d", "-1d", "1970"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}
