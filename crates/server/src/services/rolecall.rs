//! This program's own operations: explaining a recorded request.

use http::request::Parts;
use http::{HeaderValue, Method, Response, header};
use rolecall_access::{Caller, Demand, Subject, authorize};
use rolecall_aws_model::{Protocol, WireError};
use rolecall_policy::Outcome;
use serde_json::{Value, json};

use super::iam::denied;
use crate::body::{Body, full};
use crate::line::Passage;
use crate::record::{Record, to_json};

/// `GET /rolecall/requests/ID`: the record of a request of the caller's account, with every
/// decision explained.
pub(crate) fn answer_own(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Response<Body> {
    match explain(passage, caller, parts) {
        Ok(body) => {
            let mut response = Response::new(full(body.to_string()));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            response
        }
        Err(error) => passage.fail(&error, Protocol::Json),
    }
}

fn explain(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Result<Value, WireError> {
    if (&parts.method, parts.uri.path()) == (&Method::GET, "/rolecall/requests") {
        return list(passage, caller, parts);
    }
    let path = parts.uri.path().strip_prefix("/rolecall/requests/");
    let wanted = match (&parts.method, path) {
        (&Method::GET, Some(id)) if !id.is_empty() && !id.contains('/') => id,
        _ => return Err(WireError::new("UnknownOperation", 404, "There is no such operation.")),
    };
    passage.trace.operation = "ExplainRequest".into();
    let resource = format!("arn:{}:rolecall:::{}:request/{wanted}", caller.partition, caller.account)
        .replace(":::", "::");
    let demands = vec![Demand::new("rolecall:ExplainRequest", resource)];
    let ruling = authorize((), Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    ruling.result.map_err(|error| denied(passage, &error))?;
    let record = passage.endpoint.recorder().find(wanted);
    // Another account's requests are not told apart from none.
    let own = record.filter(|record| record.is_of(caller.account));
    let record = own.ok_or_else(|| {
        WireError::new(
            "ResourceNotFound",
            404,
            format!("There is no recent request {wanted} of this account."),
        )
    })?;
    Ok(json!({"request": to_json(&record), "explanations": explanations(&record)}))
}

/// The most requests that one answer lists.
const MAX_LISTED: usize = 1_000;

/// `GET /rolecall/requests`: recent requests of the caller's account, newest first. `max`, and filters:
/// `principal` and `operation` (parts of them), `service`, `outcome` (`done`, `denied` or `failed`);
/// `before` is the id of a request, of which older ones are wanted.
fn list(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Result<Value, WireError> {
    passage.trace.operation = "ListRequests".into();
    let resource = format!("arn:{}:rolecall::{}:request/*", caller.partition, caller.account);
    let demands = vec![Demand::new("rolecall:ListRequests", resource)];
    let ruling = authorize((), Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    ruling.result.map_err(|error| denied(passage, &error))?;
    let query = parts.uri.query().unwrap_or_default();
    let of = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let max = match of("max").as_str() {
        "" => 100,
        text => text.parse().ok().filter(|max| (1..=MAX_LISTED).contains(max)).ok_or_else(|| {
            WireError::new("ValidationException", 400, format!("max must be from 1 to {MAX_LISTED}."))
        })?,
    };
    let (principal, operation, service, outcome) =
        (of("principal"), of("operation"), of("service"), of("outcome"));
    let account = caller.account;
    let before = of("before");
    // Newest first: what comes up to the named request, and it, was told already.
    let told = std::cell::Cell::new(!before.is_empty());
    let found = passage.endpoint.recorder().recent(max, |record| {
        let newer = told.get();
        told.set(newer && record.request_id.as_str() != before);
        !newer
            && record.is_of(account)
            && (service.is_empty() || record.service == service)
            && contains(&record.operation, &operation)
            && contains(record.caller.as_ref().map_or("", |caller| &caller.arn), &principal)
            && (outcome.is_empty() || outcome == outcome_of(record))
    });
    Ok(json!({"requests": found.iter().map(|record| to_json(record)).collect::<Vec<_>>()}))
}

fn contains(text: &str, part: &str) -> bool {
    part.is_empty() || text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}

fn outcome_of(record: &Record) -> &'static str {
    let denied = record.evidence.iter().any(|decided| decided.outcome != Outcome::Allowed);
    match &record.error {
        None => "done",
        Some(_) if denied => "denied",
        Some(_) => "failed",
    }
}

fn explanations(record: &Record) -> Vec<Value> {
    record
        .evidence
        .iter()
        .map(|evidence| {
            evidence
                .explain(|explanation| json!({"explanation": explanation, "text": explanation.to_text(100)}))
        })
        .collect()
}
