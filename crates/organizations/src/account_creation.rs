//! What a new account is made of.

use rolecall_state::entities::{AccountRecord, Format, Role};
use rolecall_state::snapshot::Account;
use rolecall_state::{AccountId, Entropy, IdKind, PolicyRef, Snapshot, Timestamp, UniqueId, arn};

/// The role by which organizations see to their accounts.
const SERVICE_LINKED_ROLE: &str = "AWSServiceRoleForOrganizations";
const SERVICE: &str = "organizations.amazonaws.com";

/// A new account, before anything is in it.
pub struct NewAccount {
    /// Its id, which no account has.
    pub id: AccountId,
    /// Its record. The root user has no credentials.
    pub record: AccountRecord,
}

/// A new account of this name.
pub fn new_account(
    snapshot: &Snapshot,
    name: &str,
    email: Option<String>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> NewAccount {
    let id = free_id(snapshot, entropy);
    let record = AccountRecord { email, ..AccountRecord::new(id, name.to_owned(), now) };
    NewAccount { id, record }
}

/// Twelve digits that no account has, without leading zeroes.
fn free_id(snapshot: &Snapshot, entropy: &dyn Entropy) -> AccountId {
    const LEAST: u64 = 100_000_000_000;
    const SPAN: u64 = 900_000_000_000;
    loop {
        let random = u64::from_le_bytes(entropy.bytes());
        let id = AccountId::from_number(LEAST + random % SPAN);
        if let Some(id) = id.filter(|id| snapshot.account(*id).is_none()) {
            return id;
        }
    }
}

/// The address of an account's owner; one that reaches no one where none was given.
pub fn email_of(record: &AccountRecord) -> String {
    record.email.clone().unwrap_or_else(|| format!("{}@rolecall.invalid", record.id))
}

/// Whether an account has this address already.
pub fn is_email_taken(snapshot: &Snapshot, email: &str) -> bool {
    snapshot.accounts().any(|account| email_of(&account.record).eq_ignore_ascii_case(email))
}

/// The role by which the management account gets into a new account.
pub(crate) fn access_role(
    name: &str,
    management: AccountId,
    partition: rolecall_state::Partition,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Role {
    let root = arn::root(partition, management);
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{root}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    Role {
        attached: [PolicyRef::Aws("AdministratorAccess".into())].into(),
        ..bare_role(name, "/", trust, now, entropy)
    }
}

/// The role by which organizations see to their accounts: AWS makes one in each.
pub(crate) fn service_linked_role(now: Timestamp, entropy: &dyn Entropy) -> Role {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{SERVICE}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let path = format!("/aws-service-role/{SERVICE}/");
    Role {
        attached: [PolicyRef::Aws("aws-service-role/AWSOrganizationsServiceTrustPolicy".into())].into(),
        linked_service: Some(SERVICE.to_owned()),
        source: None,
        ..bare_role(SERVICE_LINKED_ROLE, &path, trust, now, entropy)
    }
}

/// Whether an account has that role.
pub(crate) fn has_service_linked_role(account: &Account) -> bool {
    account.roles.get(SERVICE_LINKED_ROLE).is_some()
}

fn bare_role(name: &str, path: &str, trust_policy: String, now: Timestamp, entropy: &dyn Entropy) -> Role {
    Role {
        v: Format,
        id: UniqueId::generate(IdKind::Role, entropy),
        name: name.to_owned(),
        path: path.to_owned(),
        created: now,
        description: None,
        max_session_seconds: 3_600,
        trust_policy: trust_policy.into(),
        trust_bindings: Default::default(),
        tags: Default::default(),
        boundary: None,
        inline: Default::default(),
        attached: Default::default(),
        linked_service: None,
        source: None,
    }
}
