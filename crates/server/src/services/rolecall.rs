//! This program's own operations: explaining a recorded request.

use http::request::Parts;
use http::{HeaderValue, Method, Response, header};
use rolecall_access::{Caller, Demand, Subject, authorize};
use rolecall_aws_model::{Protocol, WireError};
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
