//! A proposed change: what it was decided on, and what it writes. It lands whole, on exactly the
//! state that it was decided on, or not at all.

mod delegation;
mod organization;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rolecall_store::{Compare, Op, Revision, Transaction};
use serde::Serialize;

use crate::arrival::Arrival;
use crate::entities::{AccountRecord, NameKey, Note};
use crate::entropy::Entropy;
use crate::ids::{AccountId, UniqueId};
use crate::keys;
use crate::last_used::{LastUse, access};
use crate::seal::MasterKey;
use crate::snapshot::{Account, Collection, Entity, Entry, Snapshot};
use crate::time::Timestamp;

pub use organization::InOrganization;

/// How many notes whose time is over are forgotten with each new one: more than one, so that they come to an end.
const FORGOTTEN: usize = 32;

/// A value that could not be made ready for the store.
#[derive(Debug, thiserror::Error)]
#[error("an entity can't be written as JSON: {0}")]
pub struct Unwritable(String);

/// A transaction over one account, on one snapshot.
pub struct Txn {
    snapshot: Arc<Snapshot>,
    account_id: AccountId,
    compares: BTreeMap<String, Compare>,
    writes: BTreeMap<String, Option<Vec<u8>>>,
    swept: Vec<String>,
    seals: AtomicBool,
    failure: Option<Unwritable>,
}

impl Txn {
    /// A transaction over `account` on `snapshot`.
    pub fn new(snapshot: Arc<Snapshot>, account_id: AccountId) -> Self {
        Self {
            snapshot,
            account_id,
            compares: BTreeMap::new(),
            writes: BTreeMap::new(),
            swept: Vec::new(),
            seals: AtomicBool::new(false),
            failure: None,
        }
    }

    /// The snapshot that the transaction is decided on. What is only looked at here is not
    /// compared when the transaction lands: use [`Txn::read`] for what the decision hangs on.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The account that the transaction is about.
    pub fn account_id(&self) -> AccountId {
        self.account_id
    }

    /// The account's entities, to look at.
    pub fn account(&self) -> Option<&Arc<Account>> {
        self.snapshot.account(self.account_id)
    }

    /// The master key, to seal what must be stored sealed.
    ///
    /// The transaction then lands only while that key is in use: nothing is sealed under a former one.
    pub fn master(&self) -> &MasterKey {
        self.seals.store(true, Ordering::Relaxed);
        &self.snapshot.master
    }

    /// Reads an entity by name and makes the transaction depend on it: on its present form, or
    /// on its absence.
    pub fn read<T: Entity>(
        &mut self,
        collection: impl Fn(&Account) -> &Collection<T>,
        name: &str,
    ) -> Option<Arc<Entry<T>>> {
        let found = self.account().and_then(|account| collection(account).get(name)).cloned();
        let revision = found.as_ref().map_or(Revision::default(), |entry| entry.revision);
        let key = keys::entity(self.account_id, T::COLLECTION, &NameKey::of(name));
        self.depend(key, revision);
        found
    }

    /// Makes the transaction depend on an entity that was found by other means.
    pub fn depend_on<T: Entity>(&mut self, entry: &Entry<T>) {
        let key = keys::entity(self.account_id, T::COLLECTION, &entry.key());
        self.depend(key, entry.revision);
    }

    /// Writes an entity under its name.
    pub fn put<T: Entity>(&mut self, entity: &T) {
        let key = keys::entity(self.account_id, T::COLLECTION, &entity.key());
        self.write(key, entity);
    }

    /// Deletes an entity.
    pub fn delete<T: Entity>(&mut self, entity: &T) {
        let key = keys::entity(self.account_id, T::COLLECTION, &entity.key());
        self.writes.insert(key, None);
    }

    /// Reads the account's own record and makes the transaction depend on it.
    pub fn read_record(&mut self) -> Option<Arc<AccountRecord>> {
        let account = self.account()?.clone();
        self.depend(keys::account(self.account_id), account.record_revision);
        Some(account.record.clone())
    }

    /// Writes the account's own record.
    pub fn put_record(&mut self, record: &AccountRecord) {
        self.write(keys::account(record.id), record);
    }

    /// Writes the record of a new account, which must not exist.
    pub fn create_record(&mut self, record: &AccountRecord) {
        self.depend(keys::account(record.id), Revision::default());
        // What somebody else brings in does not become a part of it.
        self.depend(keys::arriving(record.id), Revision::default());
        self.write(keys::account(record.id), record);
    }

    /// Lets an account be there that was brought in, with the record that [`Self::create_record`] writes.
    pub fn land(&mut self, arrival: &Arrival) {
        self.depend(keys::arriving(arrival.account), arrival.mark);
        self.writes.insert(keys::arriving(arrival.account), None);
    }

    /// Adds a session key to the ring, and drops those whose sessions have all ended.
    pub fn rotate_key_ring(&mut self, now: Timestamp, entropy: &dyn Entropy) {
        let (revision, stored) = self.snapshot.stored_key_ring.clone().unwrap_or_default();
        let rotated = stored.rotated(self.master(), now, entropy);
        self.depend(keys::KEY_RING.to_owned(), revision);
        self.write(keys::KEY_RING.to_owned(), &rotated);
    }

    /// Claims an account alias, which must be free.
    pub fn claim_alias(&mut self, alias: &str) {
        let key = keys::alias(alias);
        self.depend(key.clone(), Revision::default());
        self.write(key, &self.account_id.clone());
    }

    /// Gives an account alias up.
    pub fn release_alias(&mut self, alias: &str) {
        self.writes.insert(keys::alias(alias), None);
    }

    /// Writes when an access key, a role or a password was last used, or when a principal last accessed something.
    pub fn put_last_use(&mut self, subject: &str, last: &LastUse) {
        self.write(keys::last_use(self.account_id, subject), last);
    }

    /// Forgets when an access key, a user or a role that goes was last used, and for what.
    pub fn forget_last_use(&mut self, subject: &str) {
        let Some(account) = self.account().cloned() else { return };
        let prefix = access(subject, "");
        let accesses = account.accesses(&prefix).map(|(what, _)| access(subject, what));
        let itself = account.last_use(subject).is_some().then(|| subject.to_owned());
        for known in itself.into_iter().chain(accesses) {
            self.writes.insert(keys::last_use(self.account_id, &known), None);
        }
    }

    /// Keeps a note that must not be there yet, and forgets some whose time is over.
    pub fn note(&mut self, note: &Note, now: Timestamp) {
        let over = |note: &&Arc<Entry<Note>>| now >= note.until;
        let account = self.account().cloned();
        for old in account.iter().flat_map(|account| account.notes.iter()).filter(over).take(FORGOTTEN) {
            self.delete(&*old.value);
        }
        let key = keys::entity(self.account_id, Note::COLLECTION, &note.key());
        self.depend(key.clone(), Revision::default());
        self.write(key, note);
    }

    /// Marks that `source` refers to `target` as `role`: `target` can't be deleted meanwhile.
    pub fn refer(&mut self, target: &UniqueId, role: &str, source: &UniqueId) {
        let key = keys::reference(self.account_id, target, role, source);
        self.writes.insert(key, Some(b"{}".to_vec()));
    }

    /// Takes a mark away.
    pub fn unrefer(&mut self, target: &UniqueId, role: &str, source: &UniqueId) {
        self.writes.insert(keys::reference(self.account_id, target, role, source), None);
    }

    /// Lets the transaction land only if nothing refers to `target` by then. The handler has
    /// looked at the indexes already; this closes the race with those who attach meanwhile.
    pub fn require_unreferenced(&mut self, target: &UniqueId) {
        let prefix = keys::references(self.account_id, target);
        self.compares.insert(prefix.clone(), Compare::PrefixEmpty { prefix: prefix.into() });
    }

    /// Whether nothing would be written.
    pub fn is_read_only(&self) -> bool {
        self.writes.is_empty() && self.swept.is_empty()
    }

    fn depend(&mut self, key: String, revision: Revision) {
        let compare = Compare::ModRevision { key: key.clone().into(), equals: revision };
        self.compares.insert(key, compare);
    }

    fn write<T: Serialize>(&mut self, key: String, value: &T) {
        match serde_json::to_vec(value) {
            Ok(bytes) => {
                self.writes.insert(key, Some(bytes));
            }
            Err(cause) => self.failure = Some(Unwritable(cause.to_string())),
        }
    }

    /// What it would put, to be written by other means.
    pub(crate) fn into_puts(self) -> Result<impl Iterator<Item = (String, Vec<u8>)>, Unwritable> {
        match self.failure {
            Some(failure) => Err(failure),
            None => Ok(self.writes.into_iter().filter_map(|(key, value)| Some((key, value?)))),
        }
    }

    /// The store's transaction.
    ///
    /// # Errors
    /// When an entity could not be written as JSON.
    pub(crate) fn into_transaction(mut self) -> Result<Transaction, Unwritable> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        if self.seals.load(Ordering::Relaxed) {
            let revision = self.snapshot.sealing.as_ref().map(|(revision, _)| *revision);
            self.depend(keys::SEALING.to_owned(), revision.unwrap_or_default());
        }
        // Puts go before deletes, so that a renamed entity is never absent from a snapshot.
        let (puts, deletes): (Vec<_>, Vec<_>) =
            self.writes.into_iter().partition(|(_, value)| value.is_some());
        let ops = puts.into_iter().chain(deletes).map(|(key, value)| match value {
            Some(value) => Op::Put { key: key.into(), value: value.into() },
            None => Op::Delete { key: key.into() },
        });
        let swept = self.swept.into_iter().map(|prefix| Op::DeletePrefix { prefix: prefix.into() });
        let ops = ops.chain(swept).collect();
        Ok(Transaction { compares: self.compares.into_values().collect(), ops })
    }
}
