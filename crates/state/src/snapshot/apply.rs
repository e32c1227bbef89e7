//! Moving a snapshot forward by what the store has committed.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rolecall_store::Revision;
use serde::de::DeserializeOwned;

use super::account::Account;
use super::collection::Entity;
use super::indexes::Indexed;
use super::{KeyOwner, LongTermKey, Snapshot};
use crate::entities::{
    AccessKey, AccessReport, AccountRecord, CredentialReport, Group, Instance, InstanceProfile, KeyPair,
    ManagedPolicy, MfaDevice, NameKey, Note, OidcProvider, Role, SamlProvider, ServerCertificate, User,
};
use crate::ids::AccountId;
use crate::key_ring::{KeyRing, StoredKeyRing};
use crate::keys;
use crate::policy_ref::PolicyRef;
use crate::seal::KeyId;
use crate::sealing::Sealing;
use crate::upgrade::{UpgradeError, check_version};

/// A stored value that can't be taken in.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The value is not what its key promises, or was written by a later version.
    #[error("the stored value at {key} can't be read: {cause}")]
    Value {
        /// The key.
        key: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Everything is sealed under a key that is not known here.
    #[error("the store is sealed under the master key {0}, which is not known here")]
    MasterKey(KeyId),
    /// It was written by a later version.
    #[error(transparent)]
    Version(#[from] UpgradeError),
    /// The key is none that this version writes.
    #[error("the store holds a key that this version does not know: {0}")]
    UnknownKey(String),
}

impl ApplyError {
    pub(super) fn value(key: &str, cause: impl std::fmt::Display) -> Self {
        Self::Value { key: key.to_owned(), cause: cause.to_string() }
    }
}

/// A key's new value, or its end.
pub(super) struct Change<'a> {
    pub(super) key: &'a str,
    pub(super) value: Option<&'a Bytes>,
    pub(super) revision: Revision,
    pub(super) texts: &'a Texts,
}

/// Documents that were read lately: many roles and accounts have the same, which is kept once. Only
/// while everything is loaded; what comes later is one entity's.
#[derive(Default)]
pub(crate) struct Texts(Mutex<HashSet<Arc<str>>>);

impl Texts {
    /// Puts the text that was read before in the place of an equal one.
    pub(super) fn share(&self, text: &mut Arc<str>) {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match texts.get(text) {
            Some(known) => *text = known.clone(),
            None => drop(texts.insert(text.clone())),
        }
    }
}

pub(super) fn decode<T: DeserializeOwned>(key: &str, value: &Bytes) -> Result<T, ApplyError> {
    serde_json::from_slice(value).map_err(|cause| ApplyError::value(key, cause))
}

impl Snapshot {
    /// Takes in a key's new value, or its end.
    pub(crate) fn apply_raw(
        &mut self,
        key: &[u8],
        value: Option<&Bytes>,
        revision: Revision,
        texts: &Texts,
    ) -> Result<(), ApplyError> {
        let text = std::str::from_utf8(key);
        let key = text.map_err(|_| ApplyError::UnknownKey(String::from_utf8_lossy(key).into_owned()))?;
        self.apply(&Change { key, value, revision, texts })
    }

    fn apply(&mut self, change: &Change<'_>) -> Result<(), ApplyError> {
        let key = change.key;
        if let Some(rest) = key.strip_prefix(keys::ENTITIES) {
            self.apply_entity(change, rest)
        } else if let Some(id) = key.strip_prefix(keys::ACCOUNTS) {
            let id = id.parse().map_err(|cause| ApplyError::value(key, cause))?;
            self.apply_account(change, id)
        } else if let Some(alias) = key.strip_prefix(keys::ALIASES) {
            self.apply_alias(change, alias)
        } else if let Some(rest) = key.strip_prefix(keys::ORGANIZATIONS) {
            self.apply_organization(change, rest)
        } else if let Some(account) = key.strip_prefix(keys::MEMBERSHIPS) {
            self.apply_membership(change, account)
        } else if let Some(id) = key.strip_prefix(keys::DELEGATIONS) {
            self.apply_delegation(change, id)
        } else if key.starts_with(keys::EMAILS) || key.starts_with(keys::DELEGATION_WORKFLOWS) {
            // A claim: whoever makes an account or a request looks at those there are, and this closes the race.
            Ok(())
        } else if key.starts_with(keys::ARRIVING) {
            // Until the record is there, so is nothing else.
            Ok(())
        } else if key == keys::KEY_RING {
            self.apply_key_ring(change)
        } else if key == keys::SEALING {
            self.apply_sealing(change)
        } else if key == keys::SCHEMA {
            Ok(change.value.map_or(Ok(()), |value| check_version(value))?)
        } else {
            Err(ApplyError::UnknownKey(key.to_owned()))
        }
    }

    fn apply_account(&mut self, change: &Change<'_>, id: AccountId) -> Result<(), ApplyError> {
        let Some(value) = change.value else {
            if let Some(old) = self.accounts.remove(&id) {
                self.forget_keys(&old.record.root.access_keys);
            }
            return Ok(());
        };
        let record: AccountRecord = decode(change.key, value)?;
        let keys = record.root.access_keys.clone();
        if let Some(account) = self.accounts.get_mut(&id) {
            let account = Arc::make_mut(account);
            let old = std::mem::replace(&mut account.record, Arc::new(record));
            account.record_revision = change.revision;
            self.forget_keys(&old.root.access_keys);
        } else {
            self.accounts
                .insert(id, Arc::new(Account::new(record, change.revision, self.aws_policies.clone())));
            self.take_in_what_arrived(id, change.texts)?;
        }
        self.remember_keys(&keys, &KeyOwner::Root(id));
        Ok(())
    }

    /// Keeps what belongs to an account that is not there yet.
    fn keep_what_arrives(&mut self, id: AccountId, change: &Change<'_>) {
        let mut kept = self.arriving.remove(&id).unwrap_or_default();
        match change.value {
            Some(value) => drop(kept.insert(change.key.to_owned(), (change.revision, value.clone()))),
            None => drop(kept.remove(change.key)),
        }
        if !kept.is_empty() {
            self.arriving.insert(id, kept);
        }
    }

    fn take_in_what_arrived(&mut self, id: AccountId, texts: &Texts) -> Result<(), ApplyError> {
        for (key, (revision, value)) in self.arriving.remove(&id).unwrap_or_default() {
            self.apply(&Change { key: &key, value: Some(&value), revision, texts })?;
        }
        Ok(())
    }

    fn apply_alias(&mut self, change: &Change<'_>, alias: &str) -> Result<(), ApplyError> {
        match change.value {
            Some(value) => {
                self.aliases.insert(alias.to_owned(), decode(change.key, value)?);
            }
            None => {
                self.aliases.remove(alias);
            }
        }
        Ok(())
    }

    fn apply_key_ring(&mut self, change: &Change<'_>) -> Result<(), ApplyError> {
        let Some(value) = change.value else {
            self.key_ring = Arc::default();
            self.stored_key_ring = None;
            return Ok(());
        };
        let stored: StoredKeyRing = decode(change.key, value)?;
        let ring =
            KeyRing::open(&stored, &self.master).map_err(|cause| ApplyError::value(change.key, cause))?;
        self.key_ring = Arc::new(ring);
        self.stored_key_ring = Some((change.revision, Arc::new(stored)));
        Ok(())
    }

    fn apply_sealing(&mut self, change: &Change<'_>) -> Result<(), ApplyError> {
        let Some(value) = change.value else { return Ok(()) };
        let sealing: Sealing = decode(change.key, value)?;
        self.master = self.master.using(sealing.key).ok_or(ApplyError::MasterKey(sealing.key))?;
        self.sealing = Some((change.revision, Arc::new(sealing)));
        Ok(())
    }

    fn apply_entity(&mut self, change: &Change<'_>, rest: &str) -> Result<(), ApplyError> {
        let unknown = || ApplyError::UnknownKey(change.key.to_owned());
        let (id, rest) = rest.split_once('/').ok_or_else(unknown)?;
        let (collection, name) = rest.split_once('/').ok_or_else(unknown)?;
        let id: AccountId = id.parse().map_err(|cause| ApplyError::value(change.key, cause))?;
        if collection == "references" {
            return Ok(());
        }
        let Some(account) = self.accounts.get_mut(&id) else {
            self.keep_what_arrives(id, change);
            return Ok(());
        };
        let account = Arc::make_mut(account);
        if collection == keys::LAST_USED {
            return account.apply_last_use(change, name);
        }
        let key = NameKey::of(name);
        match collection {
            User::COLLECTION => {
                let (old, new) = account.change(change, &key, |a| &mut a.users)?;
                self.move_keys(id, old.as_deref(), new.as_deref());
            }
            Group::COLLECTION => {
                let (old, new) = account.change(change, &key, |a| &mut a.groups)?;
                [old, new].iter().flatten().for_each(|group| account.refresh_group(&group.id));
            }
            Role::COLLECTION => {
                account.change(change, &key, |a| &mut a.roles)?;
            }
            InstanceProfile::COLLECTION => {
                account.change(change, &key, |a| &mut a.instance_profiles)?;
            }
            ManagedPolicy::COLLECTION => {
                account.change(change, &key, |a| &mut a.policies)?;
                account.refresh_holders(&PolicyRef::Customer(key));
            }
            MfaDevice::COLLECTION => {
                account.change(change, &key, |a| &mut a.mfa_devices)?;
            }
            ServerCertificate::COLLECTION => {
                account.change(change, &key, |a| &mut a.server_certificates)?;
            }
            OidcProvider::COLLECTION => {
                account.change(change, &key, |a| &mut a.oidc_providers)?;
            }
            SamlProvider::COLLECTION => {
                account.change(change, &key, |a| &mut a.saml_providers)?;
            }
            Instance::COLLECTION => {
                account.change(change, &key, |a| &mut a.instances)?;
            }
            KeyPair::COLLECTION => {
                account.change(change, &key, |a| &mut a.key_pairs)?;
            }
            AccessReport::COLLECTION => {
                account.change(change, &key, |a| &mut a.access_reports)?;
            }
            Note::COLLECTION => {
                account.change(change, &key, |a| &mut a.notes)?;
            }
            CredentialReport::COLLECTION => {
                account.change(change, &key, |a| &mut a.credential_reports)?;
            }
            _ => return Err(unknown()),
        }
        Ok(())
    }

    fn move_keys(&mut self, account: AccountId, old: Option<&User>, new: Option<&User>) {
        if let Some(old) = old {
            // A rename arrives as two changes; the keys that the new entry claimed stay.
            let owner = KeyOwner::User(account, old.id.clone());
            let renamed = new.is_none()
                && self.accounts.get(&account).is_some_and(|account| account.users.by_id(&old.id).is_some());
            if !renamed {
                let mine = |key: &&AccessKey| self.access_keys.get(&key.id).is_some_and(|k| k.owner == owner);
                let gone: Vec<AccessKey> = old.access_keys.iter().filter(mine).cloned().collect();
                self.forget_keys(&gone);
            }
        }
        if let Some(new) = new {
            self.remember_keys(&new.access_keys, &KeyOwner::User(account, new.id.clone()));
        }
    }

    fn forget_keys(&mut self, keys: &[AccessKey]) {
        for key in keys {
            self.access_keys.remove(&key.id);
        }
    }

    fn remember_keys(&mut self, keys: &[AccessKey], owner: &KeyOwner) {
        for key in keys {
            let entry = LongTermKey { owner: owner.clone(), key: key.clone(), secret: Default::default() };
            self.access_keys.insert(key.id.clone(), Arc::new(entry));
        }
    }
}

/// An entity before and after a change.
type BeforeAfter<T> = (Option<Arc<T>>, Option<Arc<T>>);

impl Account {
    fn apply_last_use(&mut self, change: &Change<'_>, subject: &str) -> Result<(), ApplyError> {
        match change.value {
            Some(value) => {
                self.last_used.insert(subject.into(), Arc::new(decode(change.key, value)?));
            }
            None => {
                self.last_used.remove(subject);
            }
        }
        Ok(())
    }

    fn change<T: Entity + Indexed>(
        &mut self,
        change: &Change<'_>,
        key: &NameKey,
        collection: impl Fn(&mut Self) -> &mut super::Collection<T>,
    ) -> Result<BeforeAfter<T>, ApplyError> {
        let mut new: Option<T> = change.value.map(|value| decode(change.key, value)).transpose()?;
        if let Some(new) = &mut new {
            new.share(change.texts);
        }
        let new = new.map(Arc::new);
        let old = match &new {
            Some(new) => collection(self).put(change.revision, new.clone()),
            None => collection(self).delete(key),
        };
        if let Some(old) = &old {
            let renamed = new.is_none() && collection(self).by_id(old.value.id()).is_some();
            if !renamed {
                old.value.index(self, false);
            }
        }
        if let Some(new) = &new {
            new.index(self, true);
        }
        Ok((old.map(|entry| entry.value.clone()), new))
    }
}
