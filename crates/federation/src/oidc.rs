//! OpenID Connect tokens for AssumeRoleWithWebIdentity: signed JWTs of an issuer that the account trusts.
//!
//! 1. [`UnverifiedToken::parse`], whose [`issuer`](UnverifiedToken::issuer) finds the account's [`Provider`].
//! 2. [`KeyCache::verify`] fetches and caches the issuer's keys, or
//!    [`UnverifiedToken::verify`] takes keys that were registered.
//! 3. The [`VerifiedToken`] has the subject, the audience, the condition keys and the session tags.

mod claims;
mod issuer;
mod jwk;
mod key_cache;
mod strict_json;
mod token;

pub use claims::ConditionKey;
pub use issuer::{IssuerUrl, IssuerUrlError};
pub use jwk::{JwkSet, JwkSetError};
pub use key_cache::{CacheSettings, FetchError, FetchFuture, KeyCache, KeyFetcher};
pub use token::{UnverifiedToken, VerifiedToken};

/// An OpenID Connect provider of an account, as far as verification needs it.
#[derive(Clone, Copy, Debug)]
pub struct Provider<'a> {
    /// Its URL.
    pub url: &'a IssuerUrl,
    /// The client ids (audiences) that it is registered for.
    pub client_ids: &'a [String],
    /// The thumbprints of the authorities that may vouch for its server beside the public ones.
    pub thumbprints: &'a [String],
    /// Keys registered for offline use: where given, none are fetched.
    pub inline_keys: Option<&'a JwkSet>,
}

/// Why a token is refused. [`TokenError::code`] is AWS's error code, the `Display` its message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, or one that is not signed by an algorithm that AWS takes.
    #[error("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")]
    NotAJwt,
    /// The account has no provider for this issuer.
    #[error("No OpenIDConnect provider found in your account for {0}")]
    NoProvider(String),
    /// The issuer has no key that fits the token.
    #[error(
        "Couldn't retrieve verification key from your identity provider, please reference \
         AssumeRoleWithWebIdentity documentation for requirements"
    )]
    NoVerificationKey,
    /// The signature is not the key's.
    // FIDELITY: AWS's words for this, for a claim that is missing, and for a token from the future are
    // not on the public record.
    #[error("The signature of the ID Token provided is invalid")]
    BadSignature,
    /// A claim that AWS asks for is not there.
    #[error("Missing a required claim: {0}")]
    MissingClaim(&'static str),
    /// The audience is not among the provider's client ids.
    #[error("Incorrect token audience")]
    IncorrectAudience,
    /// The token has expired.
    #[error("Token expired: current date/time {now} must be before the expiration date/time{expiration}")]
    Expired {
        /// The current time.
        now: i64,
        /// When it expired.
        expiration: i64,
    },
    /// The token is not to be used yet.
    #[error("The ID Token provided is not valid yet")]
    NotYetValid,
    /// The session tags or the source identity in it are malformed.
    #[error("The ID Token provided has invalid session tags or an invalid source identity")]
    RejectedClaim,
    /// The issuer could not be asked for its keys.
    #[error("The identity provider could not be reached or did not answer in time")]
    Communication,
}

impl TokenError {
    /// AWS's code for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Expired { .. } => "ExpiredTokenException",
            Self::Communication => "IDPCommunicationError",
            Self::RejectedClaim => "IDPRejectedClaim",
            Self::NotAJwt
            | Self::NoProvider(_)
            | Self::NoVerificationKey
            | Self::BadSignature
            | Self::MissingClaim(_)
            | Self::IncorrectAudience
            | Self::NotYetValid => "InvalidIdentityToken",
        }
    }

    /// The status of AWS's answer: 403 for a rejected claim, else 400.
    pub fn http_status(&self) -> u16 {
        if matches!(self, Self::RejectedClaim) { 403 } else { 400 }
    }
}

#[cfg(test)]
mod tests;
