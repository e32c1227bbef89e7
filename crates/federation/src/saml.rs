//! SAML 2.0 for AssumeRoleWithSAML: a provider's [`Metadata`], and its signed responses.
//!
//! [`verify`] takes the Base64 of a `samlp:Response` and gives a [`VerifiedAssertion`], which holds
//! nothing but what stood in the signed element.

mod assertion;
mod attributes;
mod canonical;
mod keys;
mod metadata;
mod signature;
mod time;
mod xml;

pub use assertion::{Expected, VerifiedAssertion, verify};
pub use attributes::RoleAndProvider;
pub use metadata::{Metadata, MetadataError};

use crate::SessionTagsError;

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";

/// Why a response is refused. [`SamlError::code`] is AWS's error code, the `Display` its message.
// FIDELITY: AWS's own words are known for the missing audience, the role session name, the signature, the issuer
// and the five minutes; the others are ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamlError {
    /// Not Base64, not well-formed, too large, or not a response with exactly one assertion.
    #[error("Your request included an invalid SAML response")]
    Malformed,
    /// The assertion is encrypted, for a key that the provider does not have.
    #[error("The SAML assertion is encrypted, which is not supported")]
    Encrypted,
    /// The provider says that it did not authenticate the user.
    #[error("The SAML response does not report success")]
    NotSuccessful,
    /// No signature, one of a kind that is not taken, or one that does not hold.
    #[error("Response signature invalid")]
    SignatureInvalid,
    /// Another issuer than the metadata's.
    #[error("Issuer not present in specified provider")]
    WrongIssuer,
    /// Meant for someone else.
    #[error("Response does not contain the required audience.")]
    WrongAudience,
    /// No bearer confirmation for this recipient that is valid now.
    #[error("The SAML assertion has no valid subject confirmation for this recipient")]
    NotConfirmed,
    /// Over, or older than five minutes.
    #[error("Token must be redeemed within 5 minutes of issuance")]
    Expired,
    /// Not to be used yet.
    #[error("The SAML assertion is not valid yet")]
    NotYetValid,
    /// The metadata, or every certificate in it, has expired.
    #[error("The SAML provider's metadata has expired")]
    MetadataExpired,
    /// No session name.
    #[error("RoleSessionName is required in AuthnResponse")]
    NoRoleSessionName,
    /// A session name with other characters.
    #[error("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{{2,64}}")]
    InvalidRoleSessionName,
    /// An attribute of AWS's that is malformed.
    #[error("The attribute {0} in the SAML assertion is invalid")]
    InvalidAttribute(String),
}

impl SamlError {
    /// AWS's code for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Expired => "ExpiredTokenException",
            Self::InvalidAttribute(_) => "IDPRejectedClaim",
            Self::Malformed
            | Self::Encrypted
            | Self::NotSuccessful
            | Self::SignatureInvalid
            | Self::WrongIssuer
            | Self::WrongAudience
            | Self::NotConfirmed
            | Self::NotYetValid
            | Self::MetadataExpired
            | Self::NoRoleSessionName
            | Self::InvalidRoleSessionName => "InvalidIdentityToken",
        }
    }

    /// The status of AWS's answer: 403 for a rejected claim, else 400.
    pub fn http_status(&self) -> u16 {
        if matches!(self, Self::InvalidAttribute(_)) { 403 } else { 400 }
    }
}

impl From<SessionTagsError> for SamlError {
    fn from(error: SessionTagsError) -> Self {
        match error {
            SessionTagsError::NotOneValue(key) => Self::InvalidAttribute(format!("PrincipalTag:{key}")),
            SessionTagsError::Malformed => Self::InvalidAttribute("TransitiveTagKeys".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests;
