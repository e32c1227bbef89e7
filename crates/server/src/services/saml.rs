//! `AssumeRoleWithSAML` on the line: the assertion is what authenticates.

use rolecall_access::{Subject, authorize};
use rolecall_aws_model::WireError;
use rolecall_aws_model::sts::{AssumeRoleWithSAMLRequest, Operation, Request, Response, VERSION};
use rolecall_sts::Issuing;
use rolecall_sts::saml::{ProvenRequest, assume_role_with_saml};

use super::iam::{aside, denied};
use super::query::{Asked, validation};
use super::sts::failed;
use crate::line::Passage;

/// Parses, then answers.
pub(super) fn answer_unsigned(passage: &mut Passage<'_>, asked: &Asked) -> Result<String, WireError> {
    let operation = Operation::AssumeRoleWithSAML;
    passage.trace.operation = operation.name().into();
    let request = Request::parse(operation, &asked.params).map_err(|error| validation(&error))?;
    match request {
        Some(Request::AssumeRoleWithSAML(request)) => answer(passage, *request),
        _ => Err(WireError::invalid_action(operation.name(), VERSION)),
    }
}

/// Verifies the assertion, authorizes, handles and renders.
pub(super) fn answer(
    passage: &mut Passage<'_>,
    request: AssumeRoleWithSAMLRequest,
) -> Result<String, WireError> {
    // Reading and canonicalizing XML of 100,000 characters takes a while.
    let proven = aside(|| ProvenRequest::verify(request, &passage.snapshot, passage.facts.now));
    let proven = proven.map_err(|error| {
        passage.endpoint.metrics().unauthenticated();
        failed(passage, &error)
    })?;
    let demands = proven.demands(&passage.snapshot).map_err(|error| failed(passage, &error))?;
    let (provider, context) = (proven.provider_arn().to_owned(), proven.context().to_vec());
    let subject = Subject::Federated { provider: &provider, context: &context };
    let ruling = authorize(proven, subject, &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    let authorized = ruling.result.map_err(|error| denied(passage, &error))?;
    let env = Issuing {
        now: passage.facts.now,
        entropy: passage.endpoint.entropy(),
        snapshot: &passage.snapshot,
        limits: &passage.endpoint.parts().sts_limits,
    };
    let answered = assume_role_with_saml(&env, &authorized);
    let response: Response = answered.map_err(|error| failed(passage, &error))?.into();
    Ok(response.to_xml(passage.id.as_str()))
}
