//! IAM users.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{AccessKey, AttachedPolicies, Format, InlinePolicies, LoginProfile, NameKey, Tags};
use crate::ids::UniqueId;
use crate::policy_ref::PolicyRef;
use crate::time::Timestamp;

/// An IAM user with all that belongs to it alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct User {
    /// The stored form.
    pub v: Format,
    /// `AIDA…`
    pub id: UniqueId,
    /// 1 to 64 of `[\w+=,.@-]`; unique ignoring case.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// When it was made.
    pub created: Timestamp,
    /// The user's tags.
    #[serde(default)]
    pub tags: Tags,
    /// The permissions boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<PolicyRef>,
    /// Inline policies.
    #[serde(default)]
    pub inline: InlinePolicies,
    /// Attached managed policies.
    #[serde(default)]
    pub attached: AttachedPolicies,
    /// The groups that the user is in, by their unique ids.
    #[serde(default)]
    pub groups: BTreeSet<UniqueId>,
    /// Access keys, oldest first.
    #[serde(default)]
    pub access_keys: Vec<AccessKey>,
    /// The console password, where one was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_profile: Option<LoginProfile>,
}

impl User {
    /// The key under which the user is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }
}
