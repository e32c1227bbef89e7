//! IAM roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{AttachedPolicies, Format, InlinePolicies, NameKey, Tags};
use crate::ids::UniqueId;
use crate::policy_ref::PolicyRef;
use crate::time::Timestamp;

/// An IAM role.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    /// The stored form.
    pub v: Format,
    /// `AROA…`
    pub id: UniqueId,
    /// 1 to 64 of `[\w+=,.@-]`; unique ignoring case.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// When it was made.
    pub created: Timestamp,
    /// Absent is told apart from empty: `CreateRole` without one answers without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// 3,600 to 43,200 seconds.
    pub max_session_seconds: u32,
    /// The trust policy, as it was sent.
    pub trust_policy: Arc<str>,
    /// The unique ids that the trust policy's principals had when it was saved, by ARN: the policy
    /// stays bound to those even when an entity of the same name is made again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trust_bindings: BTreeMap<String, UniqueId>,
    /// The role's tags.
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
    /// For a service-linked role, the service that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_service: Option<String>,
    /// For a role that was made of a template, which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<RoleSource>,
}

/// The template that a role was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleSource {
    /// Its ARN.
    pub template: String,
    /// Its minor version.
    pub minor: i32,
}

/// When and where a role's credentials were last used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleLastUsed {
    /// When.
    pub at: Timestamp,
    /// In which region.
    pub region: String,
}

impl Role {
    /// The key under which the role is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }
}
