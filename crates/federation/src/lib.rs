//! Proofs of identity from elsewhere: OpenID Connect tokens ([`oidc`]) and SAML assertions ([`saml`]); and
//! of the possession of a key ([`dpop`]).
//!
//! What has not been verified has no way to its contents but the issuer's name: reading the rest
//! takes an [`oidc::VerifiedToken`] or a [`saml::VerifiedAssertion`], which only verification makes.

pub mod dpop;
#[cfg(feature = "http")]
pub mod http;
pub mod oidc;
pub mod saml;
mod session_tags;
pub mod thumbprint;

pub use session_tags::{SessionTags, SessionTagsError};
