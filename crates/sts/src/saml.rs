//! `AssumeRoleWithSAML`: a role for whom a SAML provider of the role's account vouches.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html>

use rolecall_access::{Authorized, Demand};
use rolecall_aws_model::sts as wire;
use rolecall_federation::saml::{Expected, Metadata, SamlError, VerifiedAssertion, verify};
use rolecall_state::arn::{self, ArnParts};
use rolecall_state::{Partition, Snapshot, Timestamp};

use crate::error::StsError;
use crate::federated_claims::FederatedClaims;
use crate::federated_session::{self, Asked, Issuing};
use crate::views;

const ACTION: &str = "sts:AssumeRoleWithSAML";

/// A request with its verified assertion. Private fields: [`ProvenRequest::verify`] is the only maker.
pub struct ProvenRequest {
    request: wire::AssumeRoleWithSAMLRequest,
    assertion: VerifiedAssertion,
    claims: FederatedClaims,
    partition: Partition,
}

impl ProvenRequest {
    /// Verifies the assertion that a request brings, by the metadata of the provider that it names.
    ///
    /// # Errors
    /// When an ARN is none, the provider is not of the role's account, or the assertion does not hold, or
    /// holds for another role.
    // FIDELITY: whether AWS takes an assertion a second time within its five minutes is not documented;
    // it is not known to refuse it, and here it is taken.
    pub fn verify(
        request: wire::AssumeRoleWithSAMLRequest,
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Self, StsError> {
        let invalid = || StsError::Validation("Request ARN is invalid".into());
        let provider = ArnParts::parse(&request.principal_arn).ok_or_else(invalid)?;
        let partition = Partition::from_name(provider.partition).ok_or_else(invalid)?;
        let account_id = provider.account_id().ok_or_else(invalid)?;
        let name = provider.resource.strip_prefix("saml-provider/").ok_or_else(invalid)?;
        let role_account = ArnParts::parse(&request.role_arn).and_then(|parts| parts.account_id());
        // FIDELITY: that role and provider must be of one account is documented; the answer is not.
        if role_account.ok_or_else(invalid)? != account_id {
            return Err(StsError::AccessDenied(format!("Not authorized to perform {ACTION}")));
        }
        let entity = snapshot.account(account_id).and_then(|account| account.saml_providers.get(name));
        let entity = entity.filter(|entity| {
            request.principal_arn == arn::iam(partition, account_id, "saml-provider", "/", &entity.name)
        });
        // FIDELITY: AWS's words for a provider that does not exist are not on the public record.
        let entity = entity.ok_or(SamlError::WrongIssuer)?;
        let metadata = Metadata::parse(&entity.metadata).map_err(|_| SamlError::MetadataExpired)?;
        let expected = Expected {
            metadata: &metadata,
            account_id: &account_id.to_string(),
            provider_name: &entity.name,
            own_urls: &[],
        };
        let assertion = verify(request.saml_assertion.expose(), &expected, now.0)?;
        if !assertion.allows(&request.role_arn, &request.principal_arn) {
            return Err(StsError::InvalidIdentityToken(
                "SAML Assertion doesn't contain the requested Role and Metadata in the attributes".into(),
            ));
        }
        if assertion.session_not_on_or_after().is_some_and(|end| end <= now.0) {
            return Err(SamlError::Expired.into());
        }
        let claims = FederatedClaims::check(assertion.session_tags(), assertion.source_identity())
            .ok_or_else(|| SamlError::InvalidAttribute("PrincipalTag or SourceIdentity".into()))?;
        Ok(Self { request, assertion, claims, partition })
    }

    /// The ARN of the provider that vouches.
    pub fn provider_arn(&self) -> &str {
        &self.request.principal_arn
    }

    /// The context keys that its word carries.
    pub fn context(&self) -> &[(String, Vec<String>)] {
        self.assertion.condition_keys()
    }

    /// What must be allowed: the assuming itself, and what the assertion brings along.
    ///
    /// # Errors
    /// When the trust policy can't be evaluated.
    pub fn demands(&self, snapshot: &Snapshot) -> Result<Vec<Demand>, StsError> {
        let named = (self.request.role_arn.as_str(), self.assertion.role_session_name());
        let demand = |action| self.claims.demand(action, named, self.request.duration_seconds, snapshot);
        self.claims.actions(ACTION).into_iter().map(demand).collect()
    }
}

/// Makes the session.
///
/// # Errors
/// When its length or its policies are not possible.
pub fn assume_role_with_saml(
    env: &Issuing<'_>,
    proven: &Authorized<ProvenRequest>,
) -> Result<wire::AssumeRoleWithSAMLResponse, StsError> {
    let ProvenRequest { request, assertion, claims, partition } = proven.input();
    let wire::AssumeRoleWithSAMLRequest {
        role_arn,
        principal_arn,
        saml_assertion: _,
        policy_arns,
        policy,
        duration_seconds,
        minimum_session_token_size,
    } = request;
    let provider = ("aws:FederatedProvider".to_owned(), vec![principal_arn.clone()]);
    let asked = Asked {
        action: ACTION,
        role_arn,
        partition: *partition,
        session_name: assertion.role_session_name(),
        policy: policy.as_deref(),
        policy_arns,
        seconds: *duration_seconds,
        // The shorter of both counts. `SessionDuration` is for the console alone.
        ends_by: assertion.session_not_on_or_after().map(Timestamp),
        min_token_size: *minimum_session_token_size,
        claims,
        context: std::iter::once(provider).chain(assertion.condition_keys().iter().cloned()).collect(),
    };
    let made = federated_session::make(env, asked)?;
    Ok(wire::AssumeRoleWithSAMLResponse {
        credentials: Some(views::credentials(&made.credentials)),
        assumed_role_user: Some(made.user),
        packed_policy_size: made.packed_policy_size,
        subject: Some(assertion.subject().to_owned()),
        subject_type: Some(assertion.subject_type().to_owned()),
        issuer: Some(assertion.issuer().to_owned()),
        audience: Some(assertion.recipient().to_owned()),
        name_qualifier: Some(assertion.name_qualifier().to_owned()),
        source_identity: claims.source_identity.clone(),
        session_token_size: views::token_size(&made.credentials),
        session_token_utilization: views::token_utilization(&made.credentials),
    })
}
