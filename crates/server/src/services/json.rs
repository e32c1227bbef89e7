//! Services that answer in JSON.

use http::request::Parts;
use http::{HeaderValue, Response, header};
use rolecall_access::{AccessError, Caller, Demand, Subject, authorize};
use rolecall_aws_model::{Protocol, WireError};
use serde_json::Value;

use crate::body::{Body, full};
use crate::line::Passage;

/// The answer, or the error in the protocol's form.
pub(super) fn respond(passage: &mut Passage<'_>, answered: Result<Value, WireError>) -> Response<Body> {
    match answered {
        Ok(body) => success(passage, body.to_string(), "application/json"),
        Err(error) => passage.fail(&error, Protocol::Json),
    }
}

/// As [`respond`], for the services of `awsJson1.1`.
pub(super) fn respond_to_target(
    passage: &mut Passage<'_>,
    answered: Result<String, WireError>,
) -> Response<Body> {
    match answered {
        Ok(body) => success(passage, body, "application/x-amz-json-1.1"),
        Err(error) => passage.fail(&error, Protocol::Json),
    }
}

fn success(passage: &Passage<'_>, body: String, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(full(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(passage.id.as_str()) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// The operation that an `awsJson1.1` request names, behind the service's prefix in `X-Amz-Target`.
pub(super) fn target<'p>(parts: &'p Parts, prefix: &str) -> Result<&'p str, WireError> {
    let named = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
    let operation = named.and_then(|named| named.strip_prefix(prefix)?.strip_prefix('.'));
    operation.ok_or_else(unknown_operation)
}

/// There is no such operation.
pub(super) fn unknown_operation() -> WireError {
    WireError::new("UnknownOperationException", 400, "The operation that X-Amz-Target names does not exist.")
}

/// Asks for the decision; a denial is what services of this kind call it.
pub(super) fn permitted(passage: &mut Passage<'_>, caller: &Caller, demand: Demand) -> Result<(), WireError> {
    let ruling = authorize((), Subject::Caller(caller), &passage.facts, &passage.snapshot, vec![demand]);
    passage.trace.evidence = ruling.evidence;
    ruling.result.map(drop).map_err(|error| match error {
        AccessError::Denied { message } => {
            passage.endpoint.metrics().denied();
            WireError::new("AccessDeniedException", 403, message)
        }
        other => super::iam::denied(passage, &other),
    })
}
