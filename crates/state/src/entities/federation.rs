//! Identity providers whose word an account takes.

use serde::{Deserialize, Serialize};

use super::{Format, NameKey, Tags};
use crate::ids::UniqueId;
use crate::time::Timestamp;

/// An OpenID Connect provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OidcProvider {
    /// The stored form.
    pub v: Format,
    /// An id of this program's own; AWS shows the ARN alone.
    pub id: UniqueId,
    /// The issuer, as it was sent.
    pub url: String,
    /// The issuer without its scheme: what ARNs and condition keys carry.
    pub name: String,
    /// The audiences that tokens may be for.
    #[serde(default)]
    pub client_ids: Vec<String>,
    /// SHA-1 thumbprints of the authorities that may vouch for the provider's server.
    #[serde(default)]
    pub thumbprints: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// The provider's tags.
    #[serde(default)]
    pub tags: Tags,
}

impl OidcProvider {
    /// The key under which the provider is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }
}

/// A SAML 2.0 provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SamlProvider {
    /// The stored form.
    pub v: Format,
    /// An id of this program's own.
    pub id: UniqueId,
    /// 1 to 128 of `[\w._-]`; unique ignoring case.
    pub name: String,
    /// The provider's metadata, as it was sent.
    pub metadata: String,
    /// Until when the metadata is valid.
    pub valid_until: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// The provider's tags.
    #[serde(default)]
    pub tags: Tags,
}

impl SamlProvider {
    /// The key under which the provider is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }
}
