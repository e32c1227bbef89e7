//! Server certificates.

use serde::{Deserialize, Serialize};

use super::{Format, NameKey, Tags};
use crate::ids::UniqueId;
use crate::seal::Sealed;
use crate::time::Timestamp;

/// A TLS certificate that services present, with its chain and private key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServerCertificate {
    /// The stored form.
    pub v: Format,
    /// `ASCA…`
    pub id: UniqueId,
    /// 1 to 128 of `[\w+=,.@-]`; unique ignoring case.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// When it was uploaded.
    pub uploaded: Timestamp,
    /// When it ends to be valid.
    pub expires: Timestamp,
    /// The certificate, as it was sent.
    pub body: String,
    /// The certificates above it, as they were sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<String>,
    /// The private key, sealed; no operation shows it.
    pub private_key: Sealed,
    /// The certificate's tags.
    #[serde(default)]
    pub tags: Tags,
}

impl ServerCertificate {
    /// The key under which the certificate is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }

    /// What its private key is sealed for.
    pub fn purpose(id: &UniqueId) -> String {
        format!("server-certificate/{id}")
    }
}
