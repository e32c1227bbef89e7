//! AWS Organizations on the line.

use http::Response;
use http::request::Parts;
use rolecall_access::{AccessError, Caller, Subject, authorize};
use rolecall_aws_model::organizations::{Operation, Request, TARGET_PREFIX};
use rolecall_aws_model::{JsonInput, WireError};
use rolecall_organizations::{Env, OrganizationsError, Quotas, demands, handle, refusal};
use rolecall_state::Txn;

use super::json::{respond_to_target, target, unknown_operation};
use crate::body::Body;
use crate::line::Passage;

/// Answers a request.
pub(crate) async fn answer_organizations(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    let answered = answer(passage, caller, parts, body).await;
    respond_to_target(passage, answered)
}

async fn answer(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Result<String, WireError> {
    let operation = Operation::from_name(target(parts, TARGET_PREFIX)?).ok_or_else(unknown_operation)?;
    passage.trace.operation = operation.name().into();
    let input = JsonInput::json(body)?;
    let request = Request::parse(operation, &input).map_err(|error| refusal(&error))?;
    let request = request.ok_or_else(|| WireError::not_implemented("organizations", operation.name()))?;
    let demands = demands(&request, caller, &passage.snapshot).map_err(|error| failed(passage, &error))?;
    let ruling = authorize(request, Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    let authorized = ruling.result.map_err(|error| denied(passage, error))?;
    let quotas = Quotas::default();
    let env = Env { caller, now: passage.facts.now, entropy: passage.endpoint.entropy(), quotas: &quotas };
    let state = &passage.endpoint.parts().state;
    let answered = state.write(caller.account, |txn: &mut Txn| handle(txn, &env, &authorized)).await;
    answered.map(|response| response.to_json()).map_err(|error| failed(passage, &error))
}

fn denied(passage: &Passage<'_>, error: AccessError) -> WireError {
    match error {
        AccessError::Denied { message } => {
            passage.endpoint.metrics().denied();
            WireError::new("AccessDeniedException", 400, message)
        }
        other => super::iam::denied(passage, &other),
    }
}

fn failed(passage: &Passage<'_>, error: &OrganizationsError) -> WireError {
    if let OrganizationsError::State(cause) = error {
        tracing::error!(request_id = passage.id.as_str(), %cause, "the state could not be changed");
    }
    if matches!(error, OrganizationsError::AccessDenied) {
        passage.endpoint.metrics().denied();
    }
    let code = error.code();
    WireError::new(code.code(), code.status(), error.to_string()).with_reason(error.reason())
}
