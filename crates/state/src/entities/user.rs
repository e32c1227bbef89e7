//! IAM users.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    AccessKey, AttachedPolicies, Format, InlinePolicies, LoginProfile, NameKey, ServiceSpecificCredential,
    SigningCertificate, Tags, UserSshKey,
};
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
    /// Public keys for SSH, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ssh_keys: Vec<UserSshKey>,
    /// Signing certificates, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signing_certificates: Vec<SigningCertificate>,
    /// Credentials for single services, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_credentials: Vec<ServiceSpecificCredential>,
}

impl User {
    /// The key under which the user is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }
}
