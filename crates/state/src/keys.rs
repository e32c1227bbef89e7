//! Where each entity stands in the store. Keys are readable: an operator can list them.

use crate::entities::{NameKey, OrgId};
use rolecall_sigv4::hex;

use crate::ids::{AccountId, UniqueId};

/// The prefix of all account records.
pub(crate) const ACCOUNTS: &str = "accounts/";
/// The prefix of everything that belongs to an account.
pub(crate) const ENTITIES: &str = "entities/";
/// The key of the session key ring.
pub(crate) const KEY_RING: &str = "sessions/key-ring";
/// The key that tells the version of what is stored.
pub(crate) const SCHEMA: &str = "schema";
/// The key that tells which master key everything is sealed under.
pub(crate) const SEALING: &str = "sealing/master-key";
/// The prefix of the account aliases, which are unique over all accounts.
pub(crate) const ALIASES: &str = "aliases/";

/// The prefix of the marks that say that an account is being brought in.
pub(crate) const ARRIVING: &str = "arriving/";

/// The mark that says that an account is being brought in.
pub(crate) fn arriving(account: AccountId) -> String {
    format!("{ARRIVING}{account}")
}

/// The prefix of everything that belongs to an account.
pub(crate) fn entities_of(account: AccountId) -> String {
    format!("{ENTITIES}{account}/")
}

/// The prefix of all organizations.
pub(crate) const ORGANIZATIONS: &str = "organizations/";
/// The prefix of the marks that say to which organization an account belongs: at most one.
pub(crate) const MEMBERSHIPS: &str = "memberships/";

/// The key of an organization's record. It comes before everything that is in the organization.
pub(crate) fn organization(id: &OrgId) -> String {
    format!("{ORGANIZATIONS}{id}")
}

/// The prefix of everything in an organization.
pub(crate) fn organization_contents(id: &OrgId) -> String {
    format!("{ORGANIZATIONS}{id}/")
}

/// The key of something in an organization: `collection` is `units`, `accounts`, ….
pub(crate) fn in_organization(organization: &OrgId, collection: &str, id: &OrgId) -> String {
    format!("{ORGANIZATIONS}{organization}/{collection}/{id}")
}

/// The key that says to which organization an account belongs.
pub(crate) fn membership(account: AccountId) -> String {
    format!("{MEMBERSHIPS}{account}")
}

/// The prefix of the marks that say which account has an address.
pub(crate) const EMAILS: &str = "account-emails/";

/// The key that claims the address of an account's owner.
pub(crate) fn email(email: &str) -> String {
    format!("{EMAILS}{}", email.to_ascii_lowercase())
}

/// The prefix of the requests for temporary delegation, which stand between accounts.
pub(crate) const DELEGATIONS: &str = "delegations/";
/// The prefix of the marks that say which workflows of which accounts have a delegation request.
pub(crate) const DELEGATION_WORKFLOWS: &str = "delegation-workflows/";

/// The key of a delegation request.
pub(crate) fn delegation(id: &str) -> String {
    format!("{DELEGATIONS}{id}")
}

/// The key that claims a workflow of an account for a delegation request.
pub(crate) fn delegation_workflow(requestor: AccountId, workflow: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, workflow.as_bytes());
    format!("{DELEGATION_WORKFLOWS}{requestor}/{}", hex(hash.as_ref()))
}

/// The key of an account's record.
pub(crate) fn account(account: AccountId) -> String {
    format!("{ACCOUNTS}{account}")
}

/// The key that claims an account alias.
pub(crate) fn alias(alias: &str) -> String {
    format!("{ALIASES}{alias}")
}

/// The key of an entity: `collection` is `users`, `roles`, ….
pub(crate) fn entity(account: AccountId, collection: &str, name: &NameKey) -> String {
    format!("{ENTITIES}{account}/{collection}/{}", name.as_str())
}

/// The collection of the last uses of access keys and roles.
pub(crate) const LAST_USED: &str = "last-used";

/// The key of the last use of an access key or a role.
pub(crate) fn last_use(account: AccountId, subject: &str) -> String {
    format!("{ENTITIES}{account}/{LAST_USED}/{subject}")
}

/// The prefix of the marks that say who refers to `target`: it can't be deleted while any stands.
pub(crate) fn references(account: AccountId, target: &UniqueId) -> String {
    format!("{ENTITIES}{account}/references/{target}/")
}

/// The mark that says `source` refers to `target`, as `role` (such as `attached` or `boundary`).
pub(crate) fn reference(account: AccountId, target: &UniqueId, role: &str, source: &UniqueId) -> String {
    format!("{}{role}/{source}", references(account, target))
}

#[cfg(test)]
#[test]
fn accounts_come_before_what_belongs_to_them() {
    for later in [ENTITIES, ORGANIZATIONS, MEMBERSHIPS] {
        assert!(ACCOUNTS < later);
    }
}
