//! One account in a snapshot: its collections, and the indexes that follow from them.

use std::ops::Bound;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet};
use rolecall_store::Revision;

use super::collection::{Collection, Entry};
use super::compiled::AwsPolicies;
use super::indexes::{Holder, HolderKind};
use crate::entities::{
    AccessReport, AccountRecord, CredentialReport, Group, Instance, InstanceProfile, KeyPair, ManagedPolicy,
    MfaDevice, Note, OidcProvider, Role, SamlProvider, ServerCertificate, User,
};
use crate::ids::{AccountId, UniqueId};
use crate::last_used::LastUse;
use crate::policy_ref::PolicyRef;

/// An account with all that belongs to it.
#[derive(Clone)]
pub struct Account {
    /// The account's own record.
    pub record: Arc<AccountRecord>,
    /// The revision of the record.
    pub record_revision: Revision,
    /// IAM users.
    pub users: Collection<User>,
    /// IAM groups.
    pub groups: Collection<Group>,
    /// IAM roles.
    pub roles: Collection<Role>,
    /// Customer managed policies.
    pub policies: Collection<ManagedPolicy>,
    /// Instance profiles.
    pub instance_profiles: Collection<InstanceProfile>,
    /// Virtual MFA devices.
    pub mfa_devices: Collection<MfaDevice>,
    /// Server certificates.
    pub server_certificates: Collection<ServerCertificate>,
    /// OpenID Connect providers, by their URLs without the scheme.
    pub oidc_providers: Collection<OidcProvider>,
    /// SAML providers.
    pub saml_providers: Collection<SamlProvider>,
    /// EC2 instances.
    pub instances: Collection<Instance>,
    /// EC2 key pairs.
    pub key_pairs: Collection<KeyPair>,
    /// Reports of what was last accessed.
    pub access_reports: Collection<AccessReport>,
    /// What is remembered for a while.
    pub notes: Collection<Note>,
    /// The last credential report.
    pub credential_reports: Collection<CredentialReport>,
    pub(super) last_used: OrdMap<Box<str>, Arc<LastUse>>,
    pub(super) indexes: Indexes,
    pub(super) aws_policies: Arc<AwsPolicies>,
}

/// What follows from the entities: who is attached to, bounded by, or a member of what.
#[derive(Clone, Default)]
pub(super) struct Indexes {
    pub(super) attached: OrdMap<PolicyRef, OrdSet<Holder>>,
    pub(super) bounded: OrdMap<PolicyRef, OrdSet<Holder>>,
    pub(super) members: OrdMap<UniqueId, OrdSet<UniqueId>>,
    pub(super) profiles: OrdMap<UniqueId, OrdSet<UniqueId>>,
    pub(super) mfa: OrdMap<UniqueId, OrdSet<UniqueId>>,
}

impl Account {
    pub(super) fn new(record: AccountRecord, revision: Revision, aws_policies: Arc<AwsPolicies>) -> Self {
        Self {
            record: Arc::new(record),
            record_revision: revision,
            users: Collection::default(),
            groups: Collection::default(),
            roles: Collection::default(),
            policies: Collection::default(),
            instance_profiles: Collection::default(),
            mfa_devices: Collection::default(),
            server_certificates: Collection::default(),
            oidc_providers: Collection::default(),
            saml_providers: Collection::default(),
            instances: Collection::default(),
            key_pairs: Collection::default(),
            access_reports: Collection::default(),
            notes: Collection::default(),
            credential_reports: Collection::default(),
            last_used: OrdMap::new(),
            indexes: Indexes::default(),
            aws_policies,
        }
    }

    /// The account's id.
    pub fn id(&self) -> AccountId {
        self.record.id
    }

    /// The users, groups and roles that `policy` is attached to: groups, then roles, then users,
    /// each in the order of their ids.
    pub fn attached_to(&self, policy: &PolicyRef) -> impl Iterator<Item = &Holder> {
        self.indexes.attached.get(policy).into_iter().flatten()
    }

    /// To how many users, groups and roles `policy` is attached.
    pub fn attachment_count(&self, policy: &PolicyRef) -> usize {
        self.indexes.attached.get(policy).map_or(0, OrdSet::len)
    }

    /// The users and roles whose permissions boundary is `policy`.
    pub fn bounded_by(&self, policy: &PolicyRef) -> impl Iterator<Item = &Holder> {
        self.indexes.bounded.get(policy).into_iter().flatten()
    }

    /// For how many users and roles `policy` is the permissions boundary.
    pub fn boundary_usage_count(&self, policy: &PolicyRef) -> usize {
        self.indexes.bounded.get(policy).map_or(0, OrdSet::len)
    }

    /// The managed policies that are attached to anything.
    pub fn attached_policies(&self) -> impl Iterator<Item = &PolicyRef> {
        self.indexes.attached.iter().filter(|(_, holders)| !holders.is_empty()).map(|(policy, _)| policy)
    }

    /// The users in a group, in the order of their names.
    pub fn members(&self, group: &UniqueId) -> Vec<&Arc<Entry<User>>> {
        let ids = self.indexes.members.get(group).into_iter().flatten();
        let mut users: Vec<_> = ids.filter_map(|id| self.users.by_id(id)).collect();
        users.sort_by_key(|user| user.key());
        users
    }

    /// The instance profiles that hold a role, in the order of their names.
    pub fn profiles_of(&self, role: &UniqueId) -> Vec<&Arc<Entry<InstanceProfile>>> {
        let ids = self.indexes.profiles.get(role).into_iter().flatten();
        let mut profiles: Vec<_> = ids.filter_map(|id| self.instance_profiles.by_id(id)).collect();
        profiles.sort_by_key(|profile| profile.key());
        profiles
    }

    /// The last use of an access key or a role, as it was last written to the store.
    pub fn last_use(&self, subject: &str) -> Option<&LastUse> {
        self.last_used.get(subject).map(|last| &**last)
    }

    /// What stands under `prefix` among the last uses, without it, in order.
    pub(crate) fn accesses<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a LastUse)> {
        let from = self.last_used.range::<_, str>((Bound::Included(prefix), Bound::Unbounded));
        from.map_while(move |(subject, last)| Some((subject.strip_prefix(prefix)?, &**last)))
    }

    /// The MFA devices of a user, in the order of their names; the root user goes by its account's id.
    pub fn mfa_devices_of(&self, user: &UniqueId) -> Vec<&Arc<Entry<MfaDevice>>> {
        let ids = self.indexes.mfa.get(user).into_iter().flatten();
        let mut devices: Vec<_> = ids.filter_map(|id| self.mfa_devices.by_id(id)).collect();
        devices.sort_by_key(|device| device.key());
        devices
    }

    /// The groups of a user, in the order of their names.
    pub fn groups_of(&self, user: &User) -> Vec<&Arc<Entry<Group>>> {
        let mut groups: Vec<_> = user.groups.iter().filter_map(|id| self.groups.by_id(id)).collect();
        groups.sort_by_key(|group| group.key());
        groups
    }

    /// Forgets what was compiled for everyone who depends on `policy`.
    pub(super) fn refresh_holders(&mut self, policy: &PolicyRef) {
        let attached = self.indexes.attached.get(policy).cloned().unwrap_or_default();
        let bounded = self.indexes.bounded.get(policy).cloned().unwrap_or_default();
        for holder in attached.iter().chain(bounded.iter()) {
            match holder.kind {
                HolderKind::User => self.users.refresh(&holder.id),
                HolderKind::Role => self.roles.refresh(&holder.id),
                HolderKind::Group => self.refresh_group(&holder.id),
            }
        }
    }

    /// Forgets what was compiled for a group and for all of its members.
    pub(super) fn refresh_group(&mut self, group: &UniqueId) {
        self.groups.refresh(group);
        let members = self.indexes.members.get(group).cloned().unwrap_or_default();
        members.iter().for_each(|user| self.users.refresh(user));
    }
}
