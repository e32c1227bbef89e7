//! `AssumeRoleWithWebIdentity`: a role for whom an OpenID Connect provider of the role's account vouches.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use std::sync::Arc;

use rolecall_access::{Authorized, Demand};
use rolecall_aws_model::sts as wire;
use rolecall_federation::oidc::{IssuerUrl, JwkSet, Provider, TokenError, UnverifiedToken, VerifiedToken};
use rolecall_state::arn::{self, ArnParts};
use rolecall_state::entities::OidcProvider;
use rolecall_state::snapshot::Entry;
use rolecall_state::{Partition, Snapshot};

use crate::error::StsError;
use crate::federated_claims::FederatedClaims;
use crate::federated_session::{self, Asked, Issuing};
use crate::views;

/// The provider of the role's account that a token says it is from.
pub struct Issuer {
    entity: Arc<Entry<OidcProvider>>,
    url: IssuerUrl,
    partition: Partition,
    arn: String,
}

impl Issuer {
    /// Finds the provider.
    ///
    /// # Errors
    /// When the role's ARN is none, or its account knows no such issuer.
    pub fn find(role_arn: &str, token: &UnverifiedToken<'_>, snapshot: &Snapshot) -> Result<Self, StsError> {
        let invalid = || StsError::Validation("Request ARN is invalid".into());
        let parts = ArnParts::parse(role_arn).ok_or_else(invalid)?;
        let partition = Partition::from_name(parts.partition).ok_or_else(invalid)?;
        let account = parts.account_id().ok_or_else(invalid)?;
        let issuer = token.issuer();
        let unknown = || TokenError::NoProvider(issuer.to_owned());
        // Issuers' names come with a scheme or, as Google's, without.
        let name = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://"));
        let entity = snapshot
            .account(account)
            .and_then(|account| account.oidc_providers.get(name.unwrap_or(issuer)))
            .ok_or_else(unknown)?;
        // Whether a local issuer may be one was decided when the provider was made, and whether it may
        // be asked is decided when it is.
        let url = IssuerUrl::parse_local(&entity.url).map_err(|_| unknown())?;
        let arn = arn::iam(partition, account, "oidc-provider", "/", &entity.name);
        Ok(Self { entity: entity.clone(), url, partition, arn })
    }

    /// The issuer's URL.
    pub fn url(&self) -> &IssuerUrl {
        &self.url
    }

    /// The provider, as far as verifying the token needs it, with the keys that were given for the issuer, if any were.
    pub fn provider<'a>(&'a self, given: Option<&'a JwkSet>) -> Provider<'a> {
        Provider {
            url: &self.url,
            client_ids: &self.entity.client_ids,
            thumbprints: &self.entity.thumbprints,
            inline_keys: given,
        }
    }
}

/// A request with its verified token.
pub struct ProvenRequest {
    request: wire::AssumeRoleWithWebIdentityRequest,
    token: VerifiedToken,
    issuer: Issuer,
    claims: FederatedClaims,
}

impl ProvenRequest {
    /// Joins a request with the proof that came with it.
    ///
    /// # Errors
    /// When the proof is of another issuer, or asks for session tags that can't be.
    pub fn new(
        request: wire::AssumeRoleWithWebIdentityRequest,
        token: VerifiedToken,
        issuer: Issuer,
    ) -> Result<Self, StsError> {
        if token.provider() != issuer.url.without_scheme() {
            return Err(TokenError::NoProvider(token.provider().to_owned()).into());
        }
        if request.provider_id.is_some() {
            return Err(StsError::NotImplemented("AssumeRoleWithWebIdentity with ProviderId"));
        }
        let claims = FederatedClaims::check(token.session_tags(), token.source_identity())
            .ok_or(TokenError::RejectedClaim)?;
        Ok(Self { request, token, issuer, claims })
    }

    /// The ARN of the provider that vouches.
    pub fn provider_arn(&self) -> &str {
        &self.issuer.arn
    }

    /// The context keys that its word carries.
    pub fn context(&self) -> Vec<(String, Vec<String>)> {
        self.token.condition_keys().iter().map(|key| (key.name.clone(), key.values.clone())).collect()
    }

    /// What must be allowed: the assuming itself, and what the token brings along.
    ///
    /// # Errors
    /// When the trust policy can't be evaluated.
    pub fn demands(&self, snapshot: &Snapshot) -> Result<Vec<Demand>, StsError> {
        let request = &self.request;
        let demand = |action| {
            self.claims.demand(
                action,
                (&request.role_arn, &request.role_session_name),
                request.duration_seconds,
                snapshot,
            )
        };
        self.claims.actions("sts:AssumeRoleWithWebIdentity").into_iter().map(demand).collect()
    }
}

/// Makes the session.
///
/// # Errors
/// When its length or its policies are not possible.
pub fn assume_role_with_web_identity(
    env: &Issuing<'_>,
    proven: &Authorized<ProvenRequest>,
) -> Result<wire::AssumeRoleWithWebIdentityResponse, StsError> {
    let ProvenRequest { request, token, issuer, claims } = proven.input();
    let wire::AssumeRoleWithWebIdentityRequest {
        role_arn,
        role_session_name,
        web_identity_token: _,
        provider_id: _,
        policy_arns,
        policy,
        duration_seconds,
        minimum_session_token_size,
    } = request;
    let asked = Asked {
        action: "sts:AssumeRoleWithWebIdentity",
        role_arn,
        partition: issuer.partition,
        session_name: role_session_name,
        policy: policy.as_deref(),
        policy_arns,
        seconds: *duration_seconds,
        ends_by: None,
        min_token_size: *minimum_session_token_size,
        claims,
        context: session_context(issuer, token),
    };
    let made = federated_session::make(env, asked)?;
    Ok(wire::AssumeRoleWithWebIdentityResponse {
        credentials: Some(views::credentials(&made.credentials)),
        subject_from_web_identity_token: Some(token.subject().to_owned()),
        assumed_role_user: Some(made.user),
        packed_policy_size: made.packed_policy_size,
        // FIDELITY: the reference says "the value of the iss field"; answers that people have shown carry
        // the provider's ARN.
        provider: Some(issuer.arn.clone()),
        audience: Some(token.audience().to_owned()),
        source_identity: claims.source_identity.clone(),
        session_token_size: views::token_size(&made.credentials),
        session_token_utilization: views::token_utilization(&made.credentials),
    })
}

/// What later requests of the session carry of the token.
fn session_context(issuer: &Issuer, token: &VerifiedToken) -> Vec<(String, Vec<String>)> {
    let provider = ("aws:FederatedProvider".to_owned(), vec![issuer.arn.clone()]);
    let keys = token.condition_keys().iter().filter(|key| key.in_session);
    let keys = keys.map(|key| (key.name.clone(), key.values.clone()));
    std::iter::once(provider).chain(keys).collect()
}
