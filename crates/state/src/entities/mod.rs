//! What the store holds, one type for each kind of entity; each is one versioned JSON value.

mod access_report;
mod account;
mod attached;
mod credential_report;
mod credentials;
mod delegation;
mod federation;
mod group;
mod instance;
mod instance_profile;
mod managed_policy;
mod mfa;
mod note;
mod organization;
mod outbound;
mod packed;
mod role;
mod server_certificate;
mod user;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

pub use access_report::{AccessReport, AccessReportSubject};
pub use account::{AccountRecord, RootUser};
pub use attached::AttachedPolicies;
pub use credential_report::CredentialReport;
pub use credentials::{
    AccessKey, AccessKeyStatus, CredentialStatus, LoginProfile, PasswordPolicy, ServiceSpecificCredential,
    SigningCertificate, UserSshKey,
};
pub use delegation::{Approver, ApproverKind, DelegationParameter, DelegationRequest, DelegationState};
pub use federation::{OidcProvider, SamlProvider};
pub use group::Group;
pub use instance::{
    ClientToken, Disk, Instance, InstanceMetadataOptions, InstanceState, KeyPair, ProfileAssociation,
    StateReason,
};
pub use instance_profile::InstanceProfile;
pub use managed_policy::{ManagedPolicy, PolicyVersion};
pub use mfa::{MfaAssignment, MfaDevice};
pub use note::Note;
pub use organization::{
    AccountCreation, Attachments, Enabling, FeatureSet, Handshake, HandshakeAction, HandshakeState,
    JoinedMethod, MemberAccount, OrgId, OrgIdKind, OrganizationPolicy, OrganizationRecord,
    OrganizationResourcePolicy, OrganizationRoot, OrganizationalUnit, PolicyType, RootAccess,
    full_access_document,
};
pub use outbound::{ISSUERS, OutboundFederation, TokenKey};
pub use packed::Packed;
pub use role::{Role, RoleLastUsed, RoleSource};
pub use server_certificate::ServerCertificate;
pub use user::User;

/// The form of a stored entity; a value of a later form is refused, never misread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format;

impl Format {
    const CURRENT: u32 = 1;
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(Self::CURRENT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let version = u32::deserialize(deserializer)?;
        if version == Self::CURRENT {
            Ok(Self)
        } else {
            Err(serde::de::Error::custom(format!("entity format {version} is not known to this version")))
        }
    }
}

/// A name as a map key: entities are unique ignoring case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Debug)]
#[serde(transparent)]
pub struct NameKey(SmolStr);

impl NameKey {
    /// The key under which `name` is found.
    pub fn of(name: &str) -> Self {
        match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            true => Self(name.to_ascii_lowercase().into()),
            false => Self(name.into()),
        }
    }

    /// The key's text, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A tag: a key and a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tag {
    /// At most 128 characters; unique on its entity ignoring case.
    pub key: String,
    /// At most 256 characters.
    pub value: String,
}

/// An entity's tags, in the order in which they were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// The tags in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Tag> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets a tag; one whose key is the same but for case is replaced, in its place.
    pub fn set(&mut self, tag: Tag) {
        match self.0.iter_mut().find(|t| t.key.eq_ignore_ascii_case(&tag.key)) {
            Some(found) => *found = tag,
            None => self.0.push(tag),
        }
    }

    /// Sets a tag; one with the same key, letter for letter, is replaced, in its place.
    pub fn set_exactly(&mut self, tag: Tag) {
        match self.0.iter_mut().find(|t| t.key == tag.key) {
            Some(found) => *found = tag,
            None => self.0.push(tag),
        }
    }

    /// Removes the tag with this key, letter for letter, if it is there.
    pub fn remove_exactly(&mut self, key: &str) {
        self.0.retain(|t| t.key != key);
    }

    /// Removes the tag with this key, ignoring case, if it is there.
    pub fn remove(&mut self, key: &str) {
        self.0.retain(|t| !t.key.eq_ignore_ascii_case(key));
    }
}

impl FromIterator<Tag> for Tags {
    fn from_iter<I: IntoIterator<Item = Tag>>(tags: I) -> Self {
        let mut all = Self::default();
        tags.into_iter().for_each(|tag| all.set(tag));
        all
    }
}

/// The inline policies of a user, group or role: by name, each document as it was sent.
pub type InlinePolicies = BTreeMap<String, Arc<str>>;
