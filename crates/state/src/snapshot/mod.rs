//! The immutable picture of everything that requests are authenticated and authorized on.
//!
//! It is a fold over the store's changes: loaded once, then moved forward by each committed batch
//! and swapped atomically. Cloning shares all but the path to what changed.

mod account;
mod apply;
mod collection;
mod compiled;
mod delegation;
mod indexes;
mod organization;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use imbl::{HashMap, OrdMap};
use rolecall_sigv4::SecretKey;
use rolecall_store::Revision;

pub use account::Account;
pub use apply::ApplyError;
pub(crate) use apply::Texts;
pub use collection::{Collection, Entity, Entry};
pub use compiled::{DefaultVersion, PrincipalPolicies, Unevaluable};
pub use delegation::StoredDelegation;
pub use indexes::{Holder, HolderKind};
pub use organization::{Governance, Member, Organization, StoredPolicy, Unit};

use crate::entities::AccessKey;
use crate::ids::{AccessKeyId, AccountId, UniqueId};
use crate::key_ring::{KeyRing, StoredKeyRing};
use crate::seal::{MasterKey, Sealed, Secret};
use crate::sealing::Sealing;
use crate::state::StateError;
use crate::txn::Txn;

/// Whose a long-term access key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOwner {
    /// The account's root user.
    Root(AccountId),
    /// A user of the account.
    User(AccountId, UniqueId),
}

/// A long-term access key, ready to check signatures with.
#[derive(Debug)]
pub struct LongTermKey {
    /// Whose it is.
    pub owner: KeyOwner,
    /// The key as stored.
    pub key: AccessKey,
    pub(crate) secret: OnceLock<SecretKey>,
}

/// Everything, at one revision of the store.
#[derive(Clone)]
pub struct Snapshot {
    /// The store's revision.
    pub revision: Revision,
    pub(crate) master: MasterKey,
    pub(crate) sealing: Option<(Revision, Arc<Sealing>)>,
    pub(crate) accounts: OrdMap<AccountId, Arc<Account>>,
    /// What belongs to accounts that are not there yet, as it is stored, by its keys.
    arriving: OrdMap<AccountId, OrdMap<String, (Revision, Bytes)>>,
    pub(crate) access_keys: HashMap<AccessKeyId, Arc<LongTermKey>>,
    pub(crate) aliases: OrdMap<String, AccountId>,
    pub(crate) key_ring: Arc<KeyRing>,
    pub(crate) stored_key_ring: Option<(Revision, Arc<StoredKeyRing>)>,
    pub(crate) aws_policies: Arc<compiled::AwsPolicies>,
    pub(crate) organizations: organization::Organizations,
    pub(crate) delegations: OrdMap<Box<str>, Arc<StoredDelegation>>,
}

impl Snapshot {
    pub(crate) fn empty(master: MasterKey) -> Self {
        Self {
            revision: Revision::default(),
            master,
            sealing: None,
            accounts: OrdMap::new(),
            arriving: OrdMap::new(),
            access_keys: HashMap::new(),
            aliases: OrdMap::new(),
            key_ring: Arc::default(),
            stored_key_ring: None,
            aws_policies: Arc::default(),
            organizations: organization::Organizations::default(),
            delegations: OrdMap::new(),
        }
    }

    /// A snapshot that no store holds, of what `fill` writes: to decide on what is only supposed.
    ///
    /// # Errors
    /// When something of it can't be taken in.
    pub fn unstored(
        account: AccountId,
        master: MasterKey,
        fill: impl FnOnce(&mut Txn),
    ) -> Result<Self, StateError> {
        let mut snapshot = Self::empty(master);
        let mut txn = Txn::new(Arc::new(snapshot.clone()), account);
        fill(&mut txn);
        let texts = Texts::default();
        // INVARIANT: they come in the order of their keys, accounts before what belongs to them.
        for (key, value) in txn.into_puts()? {
            snapshot.apply_raw(key.as_bytes(), Some(&value.into()), Revision::default(), &texts)?;
        }
        Ok(snapshot)
    }

    /// An account.
    pub fn account(&self, id: AccountId) -> Option<&Arc<Account>> {
        self.accounts.get(&id)
    }

    /// All accounts, in the order of their ids.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// The account with this alias.
    pub fn account_by_alias(&self, alias: &str) -> Option<AccountId> {
        self.aliases.get(alias).copied()
    }

    /// The long-term key with this id.
    pub fn access_key(&self, id: &str) -> Option<&Arc<LongTermKey>> {
        self.access_keys.get(id)
    }

    /// The secret of a long-term key, opened when it is first used; none when the master key does
    /// not open it.
    pub fn secret_of<'k>(&self, key: &'k LongTermKey) -> Option<&'k SecretKey> {
        if let Some(secret) = key.secret.get() {
            return Some(secret);
        }
        let purpose = crate::access_keys::purpose(&key.key.id);
        let secret = self.master.open(&key.key.secret, &purpose).ok()?;
        let secret = SecretKey::new(secret.expose_str()?);
        Some(key.secret.get_or_init(|| secret))
    }

    /// The secret of a long-term key as text, for a comparison.
    pub fn open_secret(&self, key: &LongTermKey) -> Option<Secret> {
        self.open_sealed(&key.key.secret, &crate::access_keys::purpose(&key.key.id))
    }

    /// What was sealed under the master key for this purpose; none when it can't be opened.
    pub fn open_sealed(&self, sealed: &Sealed, purpose: &str) -> Option<Secret> {
        self.master.open(sealed, purpose).ok()
    }

    /// Which master key the store is sealed under.
    pub fn sealing(&self) -> Option<&Sealing> {
        self.sealing.as_ref().map(|(_, sealing)| &**sealing)
    }

    /// The keys that seal sessions.
    pub fn key_ring(&self) -> &KeyRing {
        &self.key_ring
    }
}
