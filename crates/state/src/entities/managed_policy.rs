//! Customer managed policies and their versions.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Format, NameKey, Tags};
use crate::ids::UniqueId;
use crate::time::Timestamp;

/// A customer managed policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// The stored form.
    pub v: Format,
    /// `ANPA…`
    pub id: UniqueId,
    /// 1 to 128 of `[\w+=,.@-]`; unique ignoring case.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// As given, also when empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When a version was last made, deleted or set as default.
    pub updated: Timestamp,
    /// The policy's tags.
    #[serde(default)]
    pub tags: Tags,
    /// At most five, oldest first; never empty.
    pub versions: Vec<PolicyVersion>,
    /// The number of the default version; always among `versions`.
    pub default_version: u32,
    /// The number that the last version made got: numbers are never used twice.
    pub last_version: u32,
}

/// A version of a managed policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// 1 for `v1`.
    pub number: u32,
    /// The document, as it was sent.
    pub document: Arc<str>,
    /// When it was made.
    pub created: Timestamp,
}

impl ManagedPolicy {
    /// The key under which the policy is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }

    /// The version with this number.
    pub fn version(&self, number: u32) -> Option<&PolicyVersion> {
        self.versions.iter().find(|v| v.number == number)
    }

    /// The document in force.
    pub fn default_document(&self) -> Option<&Arc<str>> {
        self.version(self.default_version).map(|v| &v.document)
    }
}
