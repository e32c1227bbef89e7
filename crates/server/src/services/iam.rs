//! IAM on the line.

use rolecall_access::{AccessError, Caller, Subject, authorize};
use rolecall_aws_model::WireError;
use rolecall_aws_model::iam::{Operation, Request, VERSION};
use rolecall_iam::{Env, IamError, demands, handle, is_slow};
use rolecall_state::Txn;
use tokio::runtime::{Handle, RuntimeFlavor};

use super::query::{Asked, validation};
use crate::line::Passage;

/// Parses, authorizes, handles and renders.
pub(super) async fn answer(
    passage: &mut Passage<'_>,
    caller: &Caller,
    asked: &Asked,
) -> Result<String, WireError> {
    let invalid = || WireError::invalid_action(&asked.operation, VERSION);
    let operation = Operation::from_name(&asked.operation).ok_or_else(invalid)?;
    passage.trace.operation = operation.name().into();
    let request = Request::parse(operation, &asked.params).map_err(|error| validation(&error))?;
    let request = request.ok_or_else(|| WireError::not_implemented("iam", operation.name()))?;
    let demands = demands(&request, caller, &passage.snapshot, &passage.endpoint.parts().role_templates);
    let ruling = authorize(request, Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    let authorized = ruling.result.map_err(|error| denied(passage, &error))?;
    let parts = passage.endpoint.parts();
    let env = Env {
        caller,
        now: passage.facts.now,
        entropy: passage.endpoint.entropy(),
        quotas: &parts.quotas,
        local_issuers: parts.local_issuers,
        public_url: &parts.public_url,
        providers: &parts.providers,
        role_templates: &parts.role_templates,
        last_used: parts.state.last_used(),
    };
    let slow = is_slow(operation);
    let carry_out = |txn: &mut Txn| {
        if slow { aside(|| handle(txn, &env, &authorized)) } else { handle(txn, &env, &authorized) }
    };
    let answered = parts.state.write(caller.account, carry_out).await;
    match answered {
        Ok(response) => Ok(response.to_xml(passage.id.as_str())),
        Err(error) => Err(failed(passage, &error)),
    }
}

/// Does slow work so that this thread's other requests go on elsewhere meanwhile.
pub(super) fn aside<R>(work: impl FnOnce() -> R) -> R {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// What a refused demand looks like to the services of the query protocol.
pub(super) fn denied(passage: &Passage<'_>, error: &AccessError) -> WireError {
    passage.endpoint.metrics().denied();
    match error {
        AccessError::Denied { message } => WireError::new("AccessDenied", 403, message.clone()),
        AccessError::SessionNotAccepted => WireError::new("InvalidClientTokenId", 403, error.to_string()),
        AccessError::Unevaluable(_) | AccessError::NotAPrincipal(_) => {
            tracing::error!(request_id = passage.id.as_str(), cause = %error, "a decision could not be taken");
            WireError::internal()
        }
    }
}

fn failed(passage: &Passage<'_>, error: &IamError) -> WireError {
    if let IamError::State(cause) = error {
        tracing::error!(request_id = passage.id.as_str(), %cause, "the state could not be changed");
    }
    let code = error.code();
    WireError::new(code.code(), code.status(), error.to_string())
}
