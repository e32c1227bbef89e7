//! An account as an issuer of tokens for others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::seal::Sealed;
use crate::time::Timestamp;

/// What an account signs tokens for others with. It stays when it is turned off: tokens that are out can still be
/// verified.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OutboundFederation {
    /// Part of the issuer's address; tells nothing of the account.
    pub id: String,
    /// Whether tokens are signed.
    pub enabled: bool,
    /// The keys, the oldest first; of each algorithm the last whose time has come signs.
    pub keys: Vec<TokenKey>,
}

/// A key that signs tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenKey {
    /// Its id in tokens and key sets.
    pub id: String,
    /// `RS256` or `ES384`.
    pub algorithm: String,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it signs: verifiers get to see it before. At once where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signs_from: Option<Timestamp>,
    /// The private key as PKCS #8 (DER), sealed under the master key.
    pub private: Sealed,
    /// The public key's members in a JSON Web Key.
    pub public: BTreeMap<String, String>,
}

impl OutboundFederation {
    /// The keys of an algorithm, the oldest first.
    pub fn keys_of(&self, algorithm: &str) -> impl DoubleEndedIterator<Item = &TokenKey> {
        self.keys.iter().filter(move |key| key.algorithm == algorithm)
    }

    /// The key that signs by this algorithm now.
    pub fn signing_key(&self, algorithm: &str, now: Timestamp) -> Option<&TokenKey> {
        let ready = self.keys_of(algorithm).rfind(|key| key.signs_from() <= now);
        ready.or_else(|| self.keys_of(algorithm).next())
    }

    /// The issuer's address, for a server that others find under `base`.
    pub fn issuer(&self, base: &str) -> String {
        format!("{base}{ISSUERS}{}", self.id)
    }
}

/// Where issuers are found on a server. No bucket can have this name.
pub const ISSUERS: &str = "/.oidc/";

impl TokenKey {
    /// From when on it signs.
    pub fn signs_from(&self) -> Timestamp {
        self.signs_from.unwrap_or(self.created)
    }

    /// What its private key is sealed for.
    pub fn purpose(id: &str) -> String {
        format!("token-key/{id}")
    }
}
