//! Why an STS operation fails, in AWS's words.

use rolecall_aws_model::sts::ErrorCode;
use rolecall_federation::oidc::TokenError;
use rolecall_federation::saml::SamlError;
use rolecall_state::{StateError, Unevaluable};

/// Why an STS operation fails.
#[derive(Debug, thiserror::Error)]
pub enum StsError {
    /// The caller may not, whatever its policies say.
    #[error("{0}")]
    AccessDenied(String),
    /// A parameter's value is not possible.
    #[error("{0}")]
    Validation(String),
    /// Session tags are not possible together.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// A session policy is no good.
    #[error("{0}")]
    MalformedPolicyDocument(String),
    /// Session policies and tags take more room than a token has.
    #[error("{0}")]
    PackedPolicyTooLarge(String),
    /// An encoded message is none of ours.
    #[error("{0}")]
    InvalidAuthorizationMessage(String),
    /// A token of an identity provider is refused.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// An assertion of an identity provider is refused.
    #[error(transparent)]
    Assertion(#[from] SamlError),
    /// An assertion that holds is not for what is asked.
    #[error("{0}")]
    InvalidIdentityToken(String),
    /// The access that a trade-in token stands for is over.
    /// FIDELITY: the message is not AWS's, which is not documented.
    #[error("The trade-in token has expired and can no longer be exchanged for credentials.")]
    ExpiredTradeInToken,
    /// The account does not sign tokens for others.
    #[error("The outbound web identity federation feature is not enabled for this account.")]
    OutboundFederationDisabled,
    /// A token would outlast the session that it is asked for with.
    #[error("The requested token duration would extend the session beyond its original expiration time.")]
    SessionDurationEscalation,
    /// A token would be too large.
    #[error("The requested token payload size exceeds the maximum allowed size.")]
    TokenTooLarge,
    /// The operation is not built.
    #[error("{0} is not built yet; docs/roadmap.md lists what is missing")]
    NotImplemented(&'static str),
    /// A policy can't be evaluated.
    #[error(transparent)]
    Unevaluable(#[from] Unevaluable),
    /// A stored seed of an MFA device can't be read.
    #[error("a stored seed of an MFA device can't be read")]
    UnreadableSeed,
    /// The state could not be read or changed.
    #[error("the state could not be changed: {0}")]
    State(#[from] StateError),
    /// There is no key to seal sessions with.
    #[error("no key to seal sessions with")]
    NoSessionKey,
}

impl StsError {
    /// The error's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::AccessDenied(_) => ErrorCode::AccessDenied,
            Self::Validation(_) => ErrorCode::ValidationError,
            Self::InvalidParameterValue(_) => ErrorCode::InvalidParameterValue,
            Self::MalformedPolicyDocument(_) => ErrorCode::MalformedPolicyDocument,
            Self::PackedPolicyTooLarge(_) => ErrorCode::PackedPolicyTooLarge,
            Self::InvalidAuthorizationMessage(_) => ErrorCode::InvalidAuthorizationMessageException,
            Self::Token(error) => match error {
                TokenError::Expired { .. } => ErrorCode::ExpiredTokenException,
                TokenError::Communication => ErrorCode::IDPCommunicationError,
                TokenError::RejectedClaim => ErrorCode::IDPRejectedClaim,
                TokenError::NotAJwt
                | TokenError::NoProvider(_)
                | TokenError::NoVerificationKey
                | TokenError::BadSignature
                | TokenError::MissingClaim(_)
                | TokenError::IncorrectAudience
                | TokenError::NotYetValid => ErrorCode::InvalidIdentityToken,
            },
            Self::ExpiredTradeInToken => ErrorCode::ExpiredTradeInTokenException,
            Self::OutboundFederationDisabled => ErrorCode::OutboundWebIdentityFederationDisabledException,
            Self::SessionDurationEscalation => ErrorCode::SessionDurationEscalationException,
            Self::TokenTooLarge => ErrorCode::JWTPayloadSizeExceededException,
            Self::InvalidIdentityToken(_) => ErrorCode::InvalidIdentityToken,
            Self::Assertion(error) => match error {
                SamlError::Expired => ErrorCode::ExpiredTokenException,
                SamlError::InvalidAttribute(_) => ErrorCode::IDPRejectedClaim,
                SamlError::Malformed
                | SamlError::Encrypted
                | SamlError::NotSuccessful
                | SamlError::SignatureInvalid
                | SamlError::WrongIssuer
                | SamlError::WrongAudience
                | SamlError::NotConfirmed
                | SamlError::NotYetValid
                | SamlError::MetadataExpired
                | SamlError::NoRoleSessionName
                | SamlError::InvalidRoleSessionName => ErrorCode::InvalidIdentityToken,
            },
            Self::NotImplemented(_) => ErrorCode::NotImplemented,
            // The cause goes to the log under the request id, never to the caller.
            Self::Unevaluable(_) | Self::NoSessionKey | Self::UnreadableSeed | Self::State(_) => {
                ErrorCode::InternalFailure
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_and_assertions_are_refused_by_their_own_codes() {
        let tokens = [
            TokenError::NotAJwt,
            TokenError::NoProvider(String::new()),
            TokenError::IncorrectAudience,
            TokenError::Expired { now: 1, expiration: 0 },
            TokenError::RejectedClaim,
            TokenError::Communication,
        ];
        for error in tokens {
            let code = StsError::from(error.clone()).code();
            assert_eq!((code.code(), code.status()), (error.code(), error.http_status()));
        }
        let assertions = [
            SamlError::Malformed,
            SamlError::SignatureInvalid,
            SamlError::Expired,
            SamlError::InvalidAttribute(String::new()),
        ];
        for error in assertions {
            let code = StsError::from(error.clone()).code();
            assert_eq!((code.code(), code.status()), (error.code(), error.http_status()));
        }
    }
}
