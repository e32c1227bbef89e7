//! Writing an account's entities, all in one transaction.

use rolecall_state::entities::User;
use rolecall_state::{PolicyRef, Txn, UniqueId};

use crate::Details;

impl Details {
    /// Writes everything into the transaction's account, which must have nothing of it.
    pub fn write(&self, txn: &mut Txn) {
        self.policies.iter().for_each(|policy| txn.put(policy));
        self.groups.iter().for_each(|group| {
            self.refer(txn, &group.id, group.attached.iter(), None);
            txn.put(group);
        });
        self.users.iter().for_each(|user: &User| {
            self.refer(txn, &user.id, user.attached.iter(), user.boundary.as_ref());
            user.groups.iter().for_each(|group| txn.refer(group, "member", &user.id));
            txn.put(user);
        });
        self.roles.iter().for_each(|role| {
            self.refer(txn, &role.id, role.attached.iter(), role.boundary.as_ref());
            txn.put(role);
        });
        self.instance_profiles.iter().for_each(|profile| {
            profile.role.iter().for_each(|role| txn.refer(role, "profile", &profile.id));
            txn.put(profile);
        });
    }

    /// Writes everything but the marks of what is in use, which only a store needs.
    pub fn write_unmarked(&self, txn: &mut Txn) {
        self.policies.iter().for_each(|policy| txn.put(policy));
        self.groups.iter().for_each(|group| txn.put(group));
        self.users.iter().for_each(|user| txn.put(user));
        self.roles.iter().for_each(|role| txn.put(role));
        self.instance_profiles.iter().for_each(|profile| txn.put(profile));
    }

    /// Marks that the account's own policies are in use.
    fn refer<'p>(
        &self,
        txn: &mut Txn,
        holder: &UniqueId,
        attached: impl Iterator<Item = &'p PolicyRef>,
        boundary: Option<&'p PolicyRef>,
    ) {
        let uses =
            attached.map(|policy| (policy, "attached")).chain(boundary.map(|policy| (policy, "boundary")));
        for (policy, role) in uses {
            let PolicyRef::Customer(key) = policy else { continue };
            if let Some(policy) = self.policies.iter().find(|policy| policy.key() == *key) {
                txn.refer(&policy.id, role, holder);
            }
        }
    }
}
