//! Keeping the indexes of an account in step with its entities.

use imbl::{OrdMap, OrdSet};

use super::account::{Account, Indexes};
use super::apply::Texts;
use crate::entities::{
    AccessReport, AttachedPolicies, CredentialReport, Group, Instance, InstanceProfile, KeyPair,
    ManagedPolicy, MfaDevice, Note, OidcProvider, Role, SamlProvider, ServerCertificate, User,
};
use crate::ids::UniqueId;
use crate::policy_ref::PolicyRef;

/// What kind of entity holds a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HolderKind {
    /// A group.
    Group,
    /// A role.
    Role,
    /// A user.
    User,
}

/// A user, group or role that a policy is attached to or that it bounds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Holder {
    /// Of which kind it is.
    pub kind: HolderKind,
    /// Its unique id.
    pub id: UniqueId,
}

/// An entity whose coming and going the indexes follow.
pub(super) trait Indexed {
    /// Adds (`present`) or removes what follows from the entity.
    fn index(&self, account: &mut Account, present: bool);

    /// Has the entity's documents in common with others that have the same.
    fn share(&mut self, _texts: &Texts) {}
}

impl Indexed for User {
    fn index(&self, account: &mut Account, present: bool) {
        let holder = Holder { kind: HolderKind::User, id: self.id.clone() };
        account.indexes.hold(&holder, &self.attached, self.boundary.as_ref(), present);
        for group in &self.groups {
            toggle(&mut account.indexes.members, group, &self.id, present);
        }
    }

    fn share(&mut self, texts: &Texts) {
        self.inline.values_mut().for_each(|document| texts.share(document));
    }
}

impl Indexed for Role {
    fn index(&self, account: &mut Account, present: bool) {
        let holder = Holder { kind: HolderKind::Role, id: self.id.clone() };
        account.indexes.hold(&holder, &self.attached, self.boundary.as_ref(), present);
    }

    fn share(&mut self, texts: &Texts) {
        texts.share(&mut self.trust_policy);
        self.inline.values_mut().for_each(|document| texts.share(document));
    }
}

impl Indexed for Group {
    fn index(&self, account: &mut Account, present: bool) {
        let holder = Holder { kind: HolderKind::Group, id: self.id.clone() };
        account.indexes.hold(&holder, &self.attached, None, present);
    }
}

impl Indexed for ManagedPolicy {
    // Nothing follows from a policy by itself; those who hold it are indexed.
    fn index(&self, _: &mut Account, _: bool) {}

    fn share(&mut self, texts: &Texts) {
        self.versions.iter_mut().for_each(|version| texts.share(&mut version.document));
    }
}

impl Indexed for InstanceProfile {
    fn index(&self, account: &mut Account, present: bool) {
        if let Some(role) = &self.role {
            toggle(&mut account.indexes.profiles, role, &self.id, present);
        }
    }
}

impl Indexed for MfaDevice {
    fn index(&self, account: &mut Account, present: bool) {
        if let Some(assigned) = &self.assigned {
            toggle(&mut account.indexes.mfa, &assigned.user, &self.id, present);
        }
    }
}

// What these are for is found by their names alone.
impl Indexed for Instance {
    fn index(&self, _account: &mut Account, _present: bool) {}
}

impl Indexed for KeyPair {
    fn index(&self, _account: &mut Account, _present: bool) {}
}

impl Indexed for AccessReport {
    fn index(&self, _: &mut Account, _: bool) {}
}

impl Indexed for Note {
    fn index(&self, _: &mut Account, _: bool) {}
}

impl Indexed for CredentialReport {
    fn index(&self, _: &mut Account, _: bool) {}
}

impl Indexed for ServerCertificate {
    fn index(&self, _: &mut Account, _: bool) {}
}

impl Indexed for OidcProvider {
    fn index(&self, _: &mut Account, _: bool) {}
}

impl Indexed for SamlProvider {
    fn index(&self, _: &mut Account, _: bool) {}
}

impl Indexes {
    fn hold(
        &mut self,
        holder: &Holder,
        attached: &AttachedPolicies,
        boundary: Option<&PolicyRef>,
        present: bool,
    ) {
        for policy in attached {
            toggle(&mut self.attached, policy, holder, present);
        }
        if let Some(policy) = boundary {
            toggle(&mut self.bounded, policy, holder, present);
        }
    }
}

fn toggle<K: Ord + Clone, V: Ord + Clone>(
    index: &mut OrdMap<K, OrdSet<V>>,
    key: &K,
    value: &V,
    present: bool,
) {
    if present {
        index.entry(key.clone()).or_default().insert(value.clone());
    } else if let Some(set) = index.get_mut(key) {
        set.remove(value);
        if set.is_empty() {
            index.remove(key);
        }
    }
}
