//! Services that answer in JSON.

use http::{HeaderValue, Response, header};
use rolecall_access::{AccessError, Caller, Demand, Subject, authorize};
use rolecall_aws_model::{Protocol, WireError};
use serde_json::Value;

use crate::body::{Body, full};
use crate::line::Passage;

/// The answer, or the error in the protocol's form.
pub(super) fn respond(passage: &mut Passage<'_>, answered: Result<Value, WireError>) -> Response<Body> {
    match answered {
        Ok(body) => {
            let mut response = Response::new(full(body.to_string()));
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if let Ok(id) = HeaderValue::from_str(passage.id.as_str()) {
                headers.insert("x-amzn-requestid", id);
            }
            response
        }
        Err(error) => passage.fail(&error, Protocol::Json),
    }
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
