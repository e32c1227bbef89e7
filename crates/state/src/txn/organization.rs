//! Writing to organizations, and to accounts other than the transaction's own.

use std::sync::Arc;

use rolecall_store::Revision;

use super::Txn;
use crate::entities::{
    AccountCreation, AccountRecord, Handshake, MemberAccount, OrgId, OrganizationPolicy, OrganizationRecord,
    OrganizationalUnit,
};
use crate::ids::AccountId;
use crate::keys;
use crate::snapshot::{Entity, Organization};

/// What stands in an organization beside its record.
pub trait InOrganization: serde::Serialize {
    /// The collection's name in store keys.
    const COLLECTION: &'static str;

    /// Its id in the organization.
    fn org_id(&self) -> OrgId;
}

macro_rules! in_organization {
    ($($entity:ident in $collection:literal by $id:expr,)*) => {$(
        impl InOrganization for $entity {
            const COLLECTION: &'static str = $collection;

            fn org_id(&self) -> OrgId {
                let id: fn(&$entity) -> OrgId = $id;
                id(self)
            }
        }
    )*};
}

in_organization! {
    OrganizationalUnit in "units" by |unit| unit.id.clone(),
    MemberAccount in "accounts" by |member| OrgId::of_account(member.id),
    OrganizationPolicy in "policies" by |policy| policy.id.clone(),
    AccountCreation in "creations" by |creation| creation.id.clone(),
    Handshake in "handshakes" by |handshake| handshake.id.clone(),
}

impl Txn {
    /// Makes the transaction depend on an organization as it is in the snapshot, and counts the
    /// change: all changes of an organization come one after the other.
    pub fn change_organization(&mut self, organization: &Organization) {
        self.depend(keys::organization(&organization.record.id), organization.revision);
        self.put_organization(&organization.record);
    }

    /// Writes an organization's record.
    pub fn put_organization(&mut self, record: &OrganizationRecord) {
        let counted = OrganizationRecord { changes: record.changes + 1, ..record.clone() };
        self.write(keys::organization(&record.id), &counted);
    }

    /// Writes the record of a new organization.
    pub fn create_organization(&mut self, record: &OrganizationRecord) {
        self.depend(keys::organization(&record.id), Revision::default());
        self.write(keys::organization(&record.id), record);
    }

    /// Deletes an organization and everything in it.
    pub fn delete_organization(&mut self, organization: &OrgId) {
        self.writes.insert(keys::organization(organization), None);
        self.swept.push(keys::organization_contents(organization));
    }

    /// Writes something in an organization.
    pub fn put_in_organization<T: InOrganization>(&mut self, organization: &OrgId, entity: &T) {
        self.write(keys::in_organization(organization, T::COLLECTION, &entity.org_id()), entity);
    }

    /// Deletes something in an organization.
    pub fn delete_in_organization<T: InOrganization>(&mut self, organization: &OrgId, entity: &T) {
        self.writes.insert(keys::in_organization(organization, T::COLLECTION, &entity.org_id()), None);
    }

    /// Makes an account a member of an organization; it must be of none.
    pub fn join_organization(&mut self, account: AccountId, organization: &OrgId) {
        let key = keys::membership(account);
        self.depend(key.clone(), Revision::default());
        self.write(key, organization);
    }

    /// Ends an account's membership.
    pub fn leave_organization(&mut self, account: AccountId) {
        self.writes.insert(keys::membership(account), None);
    }

    /// Claims the address of an account's owner, which must be free.
    pub fn claim_email(&mut self, email: &str, account: AccountId) {
        let key = keys::email(email);
        self.depend(key.clone(), Revision::default());
        self.write(key, &account);
    }

    /// Reads another account's record and makes the transaction depend on it.
    pub fn read_record_of(&mut self, account: AccountId) -> Option<Arc<AccountRecord>> {
        let found = self.snapshot.account(account)?.clone();
        self.depend(keys::account(account), found.record_revision);
        Some(found.record.clone())
    }

    /// Writes a new entity into another account, where none of its name may be.
    pub fn create_in<T: Entity>(&mut self, account: AccountId, entity: &T) {
        let key = keys::entity(account, T::COLLECTION, &entity.key());
        self.depend(key.clone(), Revision::default());
        self.write(key, entity);
    }
}
