//! `AssumeRoleWithWebIdentity` on the line: the token is what authenticates.

use std::collections::BTreeMap;

use rolecall_access::{Subject, authorize};
use rolecall_aws_model::WireError;
use rolecall_aws_model::sts::{AssumeRoleWithWebIdentityRequest, Request, Response, VERSION};
use rolecall_federation::http::HttpFetcher;
use rolecall_federation::oidc::{JwkSet, KeyCache, UnverifiedToken};
use rolecall_sts::Issuing;
use rolecall_sts::web_identity::{Issuer, ProvenRequest, assume_role_with_web_identity};

use super::iam::denied;
use super::query::{Asked, validation};
use super::sts::failed;
use crate::line::Passage;

/// The keys of issuers, as tokens are verified with them.
pub type IssuerKeys = KeyCache<HttpFetcher>;

/// Keys that were given for issuers, by the issuer's URL: such an issuer is never asked.
pub type GivenKeys = BTreeMap<String, JwkSet>;

/// Parses, then answers.
pub(super) async fn answer_unsigned(passage: &mut Passage<'_>, asked: &Asked) -> Result<String, WireError> {
    let operation = rolecall_aws_model::sts::Operation::AssumeRoleWithWebIdentity;
    passage.trace.operation = operation.name().into();
    let request = Request::parse(operation, &asked.params).map_err(|error| validation(&error))?;
    match request {
        Some(Request::AssumeRoleWithWebIdentity(request)) => answer(passage, *request).await,
        _ => Err(WireError::invalid_action(operation.name(), VERSION)),
    }
}

/// Verifies the token, authorizes, handles and renders.
pub(super) async fn answer(
    passage: &mut Passage<'_>,
    request: AssumeRoleWithWebIdentityRequest,
) -> Result<String, WireError> {
    let proven = prove(passage, request).await?;
    let demands = proven.demands(&passage.snapshot).map_err(|error| failed(passage, &error))?;
    let (provider, context) = (proven.provider_arn().to_owned(), proven.context());
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
    let answered = assume_role_with_web_identity(&env, &authorized);
    let response: Response = answered.map_err(|error| failed(passage, &error))?.into();
    Ok(response.to_xml(passage.id.as_str()))
}

async fn prove(
    passage: &Passage<'_>,
    request: AssumeRoleWithWebIdentityRequest,
) -> Result<ProvenRequest, WireError> {
    let refused = |error| {
        passage.endpoint.metrics().unauthenticated();
        failed(passage, &error)
    };
    let token = UnverifiedToken::parse(request.web_identity_token.expose());
    let token = token.map_err(|error| refused(error.into()))?;
    let issuer = Issuer::find(&request.role_arn, &token, &passage.snapshot).map_err(refused)?;
    let parts = passage.endpoint.parts();
    let given = parts.given_keys.get(&issuer.url().to_string());
    let verified = parts.issuer_keys.verify(token, &issuer.provider(given), passage.facts.now.0).await;
    let verified = verified.map_err(|error| refused(error.into()))?;
    ProvenRequest::new(request, verified, issuer).map_err(refused)
}
