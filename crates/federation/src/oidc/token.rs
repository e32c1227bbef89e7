//! Reading and verifying one token.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::claims::{Claims, ConditionKey};
use super::jwk::{Algorithm, JwkSet};
use super::strict_json::StrictObject;
use super::{Provider, TokenError};
use crate::SessionTags;

/// The longest token that STS takes.
const MAXIMUM_LENGTH: usize = 20_000;

/// How far the issuer's clock may be ahead of ours.
// FIDELITY: AWS does not publish its tolerance; for expiry it documents none.
const SKEW_SECONDS: i64 = 300;

/// A token that has been read and nothing more: anyone can have made it.
pub struct UnverifiedToken<'a> {
    signed: &'a str,
    signature: Vec<u8>,
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    claims: Claims,
    issuer: String,
}

/// The header's members that count. Those that name keys or places to get keys from (`jku`, `jwk`, `x5u`,
/// `x5c`) are not among them: keys come from the provider alone.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<Value>,
}

impl<'a> UnverifiedToken<'a> {
    /// Reads a token in the compact form (RFC 7515, section 7.1).
    ///
    /// # Errors
    /// [`TokenError::NotAJwt`], or [`TokenError::MissingClaim`] without an issuer.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAXIMUM_LENGTH {
            return Err(TokenError::NotAJwt);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotAJwt)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::NotAJwt)?;
        let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| TokenError::NotAJwt)?;
        let algorithm = Algorithm::parse(&header.alg).ok_or(TokenError::NotAJwt)?;
        // An extension that must be understood is one that is not (RFC 7515, section 4.1.11).
        if header.crit.is_some() {
            return Err(TokenError::NotAJwt);
        }
        let claims: StrictObject =
            serde_json::from_slice(&decoded(claims)?).map_err(|_| TokenError::NotAJwt)?;
        let claims = Claims::new(claims.0);
        let issuer = claims.text("iss").ok_or(TokenError::MissingClaim("iss"))?.to_owned();
        Ok(Self { signed, signature: decoded(signature)?, algorithm, key_id: header.kid, claims, issuer })
    }

    /// Whom the token says it is from: enough to find the provider, and not to be believed before it is verified.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Verifies the token with keys at hand. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// Every [`TokenError`] but [`TokenError::NotAJwt`] and [`TokenError::Communication`].
    pub fn verify(
        self,
        provider: &Provider<'_>,
        keys: &JwkSet,
        now: i64,
    ) -> Result<VerifiedToken, TokenError> {
        if !provider.url.is_named_by(&self.issuer) {
            return Err(TokenError::NoProvider(self.issuer));
        }
        let verified =
            keys.verify(self.key_id.as_deref(), self.algorithm, self.signed.as_bytes(), &self.signature);
        match verified {
            None => return Err(TokenError::NoVerificationKey),
            Some(false) => return Err(TokenError::BadSignature),
            Some(true) => {}
        }
        let expiration = check_times(&self.claims, now)?;
        let audience = self.claims.effective_audience()?;
        if !provider.client_ids.contains(&audience) {
            return Err(TokenError::IncorrectAudience);
        }
        let subject = self.claims.text("sub").filter(|subject| !subject.is_empty());
        let subject = subject.ok_or(TokenError::MissingClaim("sub"))?.to_owned();
        let prefix = provider.url.without_scheme();
        Ok(VerifiedToken {
            condition_keys: self.claims.condition_keys(prefix, &audience, &subject),
            session_tags: self.claims.session_tags().map_err(|_| TokenError::RejectedClaim)?,
            source_identity: self.claims.source_identity()?,
            provider: prefix.to_owned(),
            subject,
            audience,
            expiration,
            claims: self.claims,
        })
    }
}

impl fmt::Debug for UnverifiedToken<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("UnverifiedToken").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// A token whose signature, issuer, audience and times have been checked.
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    provider: String,
    subject: String,
    audience: String,
    expiration: i64,
    claims: Claims,
    condition_keys: Vec<ConditionKey>,
    session_tags: SessionTags,
    source_identity: Option<String>,
}

impl VerifiedToken {
    /// The provider's URL without its scheme (`aws:FederatedProvider` is the ARN that ends with it).
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// `SubjectFromWebIdentityToken`.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `Audience` of the answer.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// When the token expires, in seconds since 1970. The session may last longer.
    pub fn expiration(&self) -> i64 {
        self.expiration
    }

    /// The condition keys that the token gives the decision on its role, and some the session too.
    pub fn condition_keys(&self) -> &[ConditionKey] {
        &self.condition_keys
    }

    /// The session tags that the issuer gives.
    pub fn session_tags(&self) -> &SessionTags {
        &self.session_tags
    }

    /// The source identity that the issuer gives.
    pub fn source_identity(&self) -> Option<&str> {
        self.source_identity.as_deref()
    }

    /// A claim, by its name.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }
}

/// Checks `exp`, `nbf` and `iat`; returns the expiration.
fn check_times(claims: &Claims, now: i64) -> Result<i64, TokenError> {
    let expiration = claims.seconds("exp")?.ok_or(TokenError::MissingClaim("exp"))?;
    if now >= expiration {
        return Err(TokenError::Expired { now, expiration });
    }
    // FIDELITY: whether AWS refuses a token without `iat` is not documented.
    for name in ["nbf", "iat"] {
        if claims.seconds(name)?.is_some_and(|start| start > now.saturating_add(SKEW_SECONDS)) {
            return Err(TokenError::NotYetValid);
        }
    }
    Ok(expiration)
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::NotAJwt)
}
