//! Organizations: the tree of accounts, the policies that stand over it, and what is asked of its members.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_getting-started_concepts.html>

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Format, Tags};
use crate::entropy::Entropy;
use crate::ids::AccountId;
use crate::time::Timestamp;

/// What an id of AWS Organizations stands for, told by its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrgIdKind {
    /// `o-` and 10 characters.
    Organization,
    /// `r-` and 4.
    Root,
    /// `p-` and 8.
    Policy,
    /// `rp-` and 8.
    ResourcePolicy,
    /// `car-` and 32.
    AccountCreation,
    /// `h-` and 32.
    Handshake,
}

impl OrgIdKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::Organization => "o-",
            Self::Root => "r-",
            Self::Policy => "p-",
            Self::ResourcePolicy => "rp-",
            Self::AccountCreation => "car-",
            Self::Handshake => "h-",
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Organization => 10,
            Self::Root => 4,
            Self::Policy | Self::ResourcePolicy => 8,
            Self::AccountCreation | Self::Handshake => 32,
        }
    }
}

/// The id of an organization, or of something in it. An account goes by its twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrgId(Box<str>);

impl OrgId {
    /// A new id.
    pub fn generate(kind: OrgIdKind, entropy: &dyn Entropy) -> Self {
        let mut text = String::from(kind.prefix());
        push_random(&mut text, kind.length(), entropy);
        Self(text.into())
    }

    /// A new id for an organizational unit under this root.
    pub fn unit_under(root: &Self, entropy: &dyn Entropy) -> Self {
        let mut text = format!("ou-{}-", root.as_str().trim_start_matches("r-"));
        push_random(&mut text, 8, entropy);
        Self(text.into())
    }

    /// The id of an account among roots and units.
    pub fn of_account(account: AccountId) -> Self {
        Self(account.to_string().into())
    }

    /// An id as stored, or as someone presents it.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account, if it is one's.
    pub fn account(&self) -> Option<AccountId> {
        self.0.parse().ok()
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for OrgId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Appends lower-case letters and digits.
fn push_random(text: &mut String, length: usize, entropy: &dyn Entropy) {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz012345";
    let bytes = entropy.bytes::<32>();
    let characters = bytes.iter().take(length).filter_map(|b| ALPHABET.get(usize::from(b & 31)));
    text.extend(characters.map(|&c| char::from(c)));
}

/// What an organization is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeatureSet {
    /// Everything, policies above all.
    #[serde(rename = "ALL")]
    All,
    /// Bills alone.
    #[serde(rename = "CONSOLIDATED_BILLING")]
    ConsolidatedBilling,
}

impl FeatureSet {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::ConsolidatedBilling => "CONSOLIDATED_BILLING",
        }
    }
}

macro_rules! policy_types {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal in $segment:literal,)*) => {
        /// A type of policy that an organization has.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum PolicyType {
            $($(#[doc = $doc])* #[serde(rename = $name)] $variant,)*
        }

        impl PolicyType {
            /// All, in AWS's order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The name in ARNs.
            pub fn segment(self) -> &'static str {
                match self { $(Self::$variant => $segment,)* }
            }
        }
    };
}

policy_types! {
    /// What principals of member accounts may do at most.
    ServiceControl = "SERVICE_CONTROL_POLICY" in "service_control_policy",
    /// What may be done to resources of member accounts at most.
    ResourceControl = "RESOURCE_CONTROL_POLICY" in "resource_control_policy",
    /// How tags are written.
    Tag = "TAG_POLICY" in "tag_policy",
    /// What is backed up.
    Backup = "BACKUP_POLICY" in "backup_policy",
    /// Which AI services may keep what they see.
    AiServicesOptOut = "AISERVICES_OPT_OUT_POLICY" in "aiservices_opt_out_policy",
    /// Who may talk to accounts by chat.
    Chatbot = "CHATBOT_POLICY" in "chatbot_policy",
    /// EC2's settings.
    DeclarativeEc2 = "DECLARATIVE_POLICY_EC2" in "declarative_policy_ec2",
    /// Security Hub's settings.
    SecurityHub = "SECURITYHUB_POLICY" in "securityhub_policy",
    /// Inspector's settings.
    Inspector = "INSPECTOR_POLICY" in "inspector_policy",
    /// When upgrades are rolled out.
    UpgradeRollout = "UPGRADE_ROLLOUT_POLICY" in "upgrade_rollout_policy",
    /// Bedrock's settings.
    Bedrock = "BEDROCK_POLICY" in "bedrock_policy",
    /// S3's settings.
    S3 = "S3_POLICY" in "s3_policy",
    /// The network security director's settings.
    NetworkSecurityDirector = "NETWORK_SECURITY_DIRECTOR_POLICY" in "network_security_director_policy",
    /// GuardDuty's settings.
    GuardDuty = "GUARDDUTY_POLICY" in "guardduty_policy",
    /// The settings of Security Hub's posture management.
    SecurityHubCspm = "SECURITYHUB_CSPM_POLICY" in "securityhub_cspm_policy",
}

impl PolicyType {
    /// The type of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// Whether it decides on requests, rather than setting something.
    pub fn is_authorization(self) -> bool {
        matches!(self, Self::ServiceControl | Self::ResourceControl)
    }

    /// The id of the policy of AWS's that is attached everywhere when the type is enabled.
    pub fn full_access(self) -> Option<&'static str> {
        match self {
            Self::ServiceControl => Some("p-FullAWSAccess"),
            Self::ResourceControl => Some("p-RCPFullAWSAccess"),
            _ => None,
        }
    }
}

/// What AWS's own policy of full access says, as AWS has written it.
pub fn full_access_document(kind: PolicyType) -> &'static str {
    match kind {
        PolicyType::ResourceControl => {
            r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": "*",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"#
        }
        _ => {
            r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"#
        }
    }
}

/// Whether a policy type is enabled, and how often it was: what was attached before it was enabled
/// again counts no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enabling {
    /// Whether it is now.
    pub enabled: bool,
    /// How often it was enabled.
    pub times: u32,
}

/// The policies of one type that are attached to one root, unit or account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Attached {
    times: u32,
    policies: BTreeSet<OrgId>,
}

/// The policies that are attached to a root, a unit or an account.
///
/// Enabling a type attaches AWS's policy of full access everywhere. That is not written down in every
/// account: where nothing was changed since, it is what stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attachments(BTreeMap<PolicyType, Attached>);

impl Attachments {
    /// The ids of the attached policies of a type; none while it is not enabled.
    pub fn of(&self, kind: PolicyType, enabling: Enabling) -> BTreeSet<OrgId> {
        if !enabling.enabled {
            return BTreeSet::new();
        }
        match self.0.get(&kind) {
            Some(attached) if attached.times == enabling.times => attached.policies.clone(),
            _ => kind.full_access().into_iter().map(OrgId::from_stored).collect(),
        }
    }

    /// Replaces the attached policies of a type.
    pub fn set(&mut self, kind: PolicyType, enabling: Enabling, policies: BTreeSet<OrgId>) {
        self.0.insert(kind, Attached { times: enabling.times, policies });
    }
}

/// The root of an organization's tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationRoot {
    /// `r-…`
    pub id: OrgId,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
    /// The policy types that were ever enabled.
    #[serde(default)]
    pub policy_types: BTreeMap<PolicyType, Enabling>,
    /// The policies attached to it.
    #[serde(default)]
    pub attachments: Attachments,
}

/// The policy by which an organization lets its members do what only its management account may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationResourcePolicy {
    /// `rp-…`
    pub id: OrgId,
    /// The document, as it was sent.
    pub content: Arc<str>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// An organization. Every change of anything in it is written with this record, whose revision they
/// all depend on: changes of one organization come one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrganizationRecord {
    /// The stored form.
    pub v: Format,
    /// `o-…`
    pub id: OrgId,
    /// The account that manages it.
    pub management: AccountId,
    /// What it is for.
    pub features: FeatureSet,
    /// When it was made.
    pub created: Timestamp,
    /// How often anything in it was changed.
    pub changes: u64,
    /// The root.
    pub root: OrganizationRoot,
    /// The services that may see it, and since when.
    #[serde(default)]
    pub trusted_services: BTreeMap<String, Timestamp>,
    /// The resource policy, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_policy: Option<OrganizationResourcePolicy>,
    /// What the root users of its members are managed by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub root_access: BTreeSet<RootAccess>,
}

/// A way of managing the root users of member accounts from their organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RootAccess {
    /// Their credentials can be looked at and removed.
    #[serde(rename = "RootCredentialsManagement")]
    CredentialsManagement,
    /// What only they may do can be done in their stead.
    #[serde(rename = "RootSessions")]
    Sessions,
}

impl RootAccess {
    /// AWS's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CredentialsManagement => "RootCredentialsManagement",
            Self::Sessions => "RootSessions",
        }
    }
}

impl OrganizationRecord {
    /// Whether a policy type is enabled.
    pub fn enabling(&self, kind: PolicyType) -> Enabling {
        self.root.policy_types.get(&kind).copied().unwrap_or_default()
    }
}

/// An organizational unit.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrganizationalUnit {
    /// The stored form.
    pub v: Format,
    /// `ou-…`
    pub id: OrgId,
    /// Unique under its parent.
    pub name: String,
    /// A root or a unit.
    pub parent: OrgId,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
    /// The policies attached to it.
    #[serde(default)]
    pub attachments: Attachments,
}

/// How an account came into its organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinedMethod {
    /// By an invitation, or as the one that made it.
    #[serde(rename = "INVITED")]
    Invited,
    /// It was made in it.
    #[serde(rename = "CREATED")]
    Created,
}

impl JoinedMethod {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "INVITED",
            Self::Created => "CREATED",
        }
    }
}

/// An account as a member of its organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberAccount {
    /// The stored form.
    pub v: Format,
    /// The account.
    pub id: AccountId,
    /// The root or unit that it is in.
    pub parent: OrgId,
    /// When it joined.
    pub joined: Timestamp,
    /// How it joined.
    pub method: JoinedMethod,
    /// Its tags in the organization.
    #[serde(default)]
    pub tags: Tags,
    /// The policies attached to it.
    #[serde(default)]
    pub attachments: Attachments,
    /// The services that it administers for the organization, and since when.
    #[serde(default)]
    pub delegated: BTreeMap<String, Timestamp>,
}

/// A policy of an organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct OrganizationPolicy {
    /// The stored form.
    pub v: Format,
    /// `p-…`
    pub id: OrgId,
    /// Of which type it is.
    pub kind: PolicyType,
    /// Unique among those of its type.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The document, as it was sent.
    pub content: Arc<str>,
    /// When it was last changed.
    pub changed: Timestamp,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

/// What became of a request to make an account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountCreation {
    /// The stored form.
    pub v: Format,
    /// `car-…`
    pub id: OrgId,
    /// The account's name.
    pub name: String,
    /// When it was asked for, and done or refused.
    pub at: Timestamp,
    /// The account, or AWS's word for why there is none.
    pub outcome: Result<AccountId, String>,
}

/// Where a handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HandshakeState {
    /// It waits for an answer.
    Open,
    /// It was taken back.
    Canceled,
    /// It was accepted.
    Accepted,
    /// It was declined.
    Declined,
}

/// An invitation to an account, or the asking for its consent to all features.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Handshake {
    /// The stored form.
    pub v: Format,
    /// `h-…`
    pub id: OrgId,
    /// What it is about.
    pub action: HandshakeAction,
    /// Where it is.
    pub state: HandshakeState,
    /// When it was sent.
    pub requested: Timestamp,
    /// When nobody may answer any more.
    pub expires: Timestamp,
}

/// What a handshake is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HandshakeAction {
    /// An account is to join.
    #[serde(rename = "INVITE")]
    Invite {
        /// Which.
        account: AccountId,
        /// The address that it was invited by, when it was not by its id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        email: Option<String>,
        /// What was written with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        notes: Option<String>,
        /// The tags that it gets when it joins.
        #[serde(default)]
        tags: Tags,
    },
    /// The organization is to have all features.
    #[serde(rename = "ENABLE_ALL_FEATURES")]
    EnableAllFeatures,
    /// An invited account is to consent to that.
    #[serde(rename = "APPROVE_ALL_FEATURES")]
    ApproveAllFeatures {
        /// Which.
        account: AccountId,
        /// The handshake of the organization that asks for it.
        parent: OrgId,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn ids_have_awss_form() {
        let root = OrgId::generate(OrgIdKind::Root, &SystemEntropy);
        assert_eq!(root.as_str().len(), 6);
        let unit = OrgId::unit_under(&root, &SystemEntropy);
        assert!(unit.as_str().starts_with(&format!("ou-{}-", &root.as_str()[2..])));
        assert_eq!(unit.as_str().len(), 3 + 4 + 1 + 8);
        let handshake = OrgId::generate(OrgIdKind::Handshake, &SystemEntropy);
        assert!(handshake.as_str()[2..].bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        assert_eq!(handshake.as_str().len(), 34);
    }

    #[test]
    fn enabling_again_forgets_what_was_attached() {
        let mut attachments = Attachments::default();
        let first = Enabling { enabled: true, times: 1 };
        let kind = PolicyType::ServiceControl;
        let full: BTreeSet<_> = [OrgId::from_stored("p-FullAWSAccess")].into();
        assert_eq!(attachments.of(kind, first), full);
        let own: BTreeSet<_> = [OrgId::from_stored("p-examplexx")].into();
        attachments.set(kind, first, own.clone());
        assert_eq!(attachments.of(kind, first), own);
        assert!(attachments.of(kind, Enabling { enabled: false, times: 1 }).is_empty());
        assert_eq!(attachments.of(kind, Enabling { enabled: true, times: 2 }), full);
        assert!(attachments.of(PolicyType::Tag, first).is_empty());
    }
}
