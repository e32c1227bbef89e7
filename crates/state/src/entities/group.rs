//! IAM groups.

use serde::{Deserialize, Serialize};

use super::{AttachedPolicies, Format, InlinePolicies, NameKey};
use crate::ids::UniqueId;
use crate::time::Timestamp;

/// An IAM group; who is in it stands with the users.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// The stored form.
    pub v: Format,
    /// `AGPA…`
    pub id: UniqueId,
    /// 1 to 128 of `[\w+=,.@-]`; unique ignoring case.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// When it was made.
    pub created: Timestamp,
    /// Inline policies.
    #[serde(default)]
    pub inline: InlinePolicies,
    /// Attached managed policies.
    #[serde(default)]
    pub attached: AttachedPolicies,
}

impl Group {
    /// The key under which the group is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }
}
