//! STS on the line.

use rolecall_access::{Caller, Subject, authorize};
use rolecall_aws_model::WireError;
use rolecall_aws_model::sts::{Operation, Request, VERSION};
use rolecall_sts::mfa::{self, SecondFactor};
use rolecall_sts::{Env, StsError, demands, handle};

use super::iam::denied;
use super::query::{Asked, validation};
use super::{saml, web_identity};
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
    let request = request.ok_or_else(|| WireError::not_implemented("sts", operation.name()))?;
    // Whoever brings the word of an identity provider needs no credentials, and those sent count for nothing.
    let request = match request {
        Request::AssumeRoleWithWebIdentity(request) => {
            return Box::pin(web_identity::answer(passage, *request)).await;
        }
        Request::AssumeRoleWithSAML(request) => return saml::answer(passage, *request),
        other => other,
    };
    let second_factor =
        second_factor(passage, caller, &request).await.map_err(|error| failed(passage, &error))?;
    let demands = demands(&request, caller, &passage.snapshot, second_factor)
        .map_err(|error| failed(passage, &error))?;
    let ruling = authorize(request, Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    let authorized = ruling.result.map_err(|error| denied(passage, &error))?;
    let parts = passage.endpoint.parts();
    let env = Env {
        caller,
        now: passage.facts.now,
        entropy: passage.endpoint.entropy(),
        snapshot: &passage.snapshot,
        limits: &parts.sts_limits,
        public_url: &parts.public_url,
        region: &passage.facts.region,
        second_factor,
    };
    match handle(&env, &authorized) {
        Ok(response) => Ok(response.to_xml(passage.id.as_str())),
        Err(error) => Err(failed(passage, &error)),
    }
}

/// Checks a second factor and stores that its code was used, before anything is decided on it.
async fn second_factor(
    passage: &Passage<'_>,
    caller: &Caller,
    request: &Request,
) -> Result<Option<SecondFactor>, StsError> {
    let Some(presented) = mfa::presented(request)? else { return Ok(None) };
    let (now, endpoint) = (passage.facts.now, passage.endpoint);
    // Six digits could be guessed by someone who may try without end.
    let holder = caller.principal_arn();
    if !endpoint.code_attempts().may_try(holder, now) {
        return Err(mfa::wrong_code());
    }
    let verified =
        endpoint.state().write(caller.account, |txn| mfa::verify(txn, caller, presented, now)).await;
    if verified.is_err() {
        endpoint.code_attempts().failed(holder, now);
    }
    verified.map(Some)
}

pub(super) fn failed(passage: &Passage<'_>, error: &StsError) -> WireError {
    if matches!(
        error,
        StsError::Unevaluable(_) | StsError::NoSessionKey | StsError::UnreadableSeed | StsError::State(_)
    ) {
        tracing::error!(request_id = passage.id.as_str(), cause = %error, "an STS operation failed");
        return WireError::internal();
    }
    let code = error.code();
    WireError::new(code.code(), code.status(), error.to_string())
}
