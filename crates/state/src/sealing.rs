//! Which master key the store is sealed under, and the way from one key to another.
//!
//! The store says which key is in use. A rotation writes down the new one first; from that revision on,
//! nobody lands anything that was sealed under another. Then every sealed value is read at one revision,
//! sealed anew and put back, until a reading finds none left. At every moment each value says which key
//! opens it, so that whoever knows both keys reads all of the store.

use rolecall_store::{Compare, KeyValue, Op, Outcome, Revision, Store, StoreError, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::entities::Format;
use crate::entropy::Entropy;
use crate::keys;
use crate::seal::{KeyId, MasterKey, Sealed};
use crate::time::Timestamp;

/// The most bytes that are sealed anew in one transaction.
const BATCH_BYTES: usize = 500_000;
/// The most values.
const BATCH_VALUES: usize = 50;
/// Pages of the store that are read before they are seen to.
const PAGES_AHEAD: usize = 1;
/// How often everything is read, at most: others may be in the way.
const PASSES: usize = 100;

/// Which master key the store is sealed under.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sealing {
    /// The stored form.
    pub v: Format,
    /// The key that seals.
    pub key: KeyId,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Keys under which there may still be values: the rotation is not done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former: Vec<KeyId>,
}

/// Why the master key was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum SealingError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A value can't be read.
    #[error("the stored value at {key} can't be read: {cause}")]
    Value {
        /// Its key.
        key: String,
        /// What is wrong.
        cause: String,
    },
    /// A value does not open.
    #[error(
        "a secret at {0} does not open under any master key that is known here; nothing is lost: give that key too, and run it again"
    )]
    Unopened(String),
    /// A value is sealed that is not known to be.
    #[error(
        "the value at {0} holds something sealed that this version does not know; the former key is still needed"
    )]
    Unknown(String),
    /// The new key is not known here.
    #[error("the master key {0} is not known here")]
    NoKey(KeyId),
    /// The store has no account yet.
    #[error("the store is not in use yet: there is nothing to seal anew")]
    Unused,
    /// Others change the same values all the time.
    #[error("others changed the store all the time; both keys are still needed: run it again")]
    Contended,
}

/// What a rotation has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// How many stored values were written anew.
    pub values: u64,
}

/// How many stored values are sealed under which key.
pub type Census = std::collections::BTreeMap<KeyId, u64>;

/// What the store says of its master key; none before its first account.
///
/// # Errors
/// When it can't be read.
pub async fn sealing(store: &dyn Store) -> Result<Option<(Revision, Sealing)>, SealingError> {
    let Some(found) = store.get(keys::SEALING.as_bytes()).await? else { return Ok(None) };
    let sealing = serde_json::from_slice(&found.value)
        .map_err(|cause| SealingError::Value { key: keys::SEALING.into(), cause: cause.to_string() })?;
    Ok(Some((found.mod_revision, sealing)))
}

/// Counts the sealed values of each key.
///
/// # Errors
/// When the store can't be read.
pub async fn census(store: &dyn Store) -> Result<Census, SealingError> {
    let (sender, mut pages) = mpsc::channel::<Vec<KeyValue>>(PAGES_AHEAD);
    let counted = async move {
        let mut census = Census::new();
        while let Some(page) = pages.recv().await {
            for kv in page {
                for_each_string(&parsed(&kv).unwrap_or_default(), &mut |text| {
                    if let Some(id) = looks_sealed(text) {
                        *census.entry(id).or_default() += 1;
                    }
                });
            }
        }
        census
    };
    let (scanned, census) = tokio::join!(store.scan(b"", sender), counted);
    scanned?;
    Ok(census)
}

/// Puts `to` in use, and seals every value under it that is sealed under another key. Begun again after
/// it was broken off, it goes on.
///
/// # Errors
/// Nothing is lost then: who knows both keys reads everything.
pub async fn rotate(
    store: &dyn Store,
    master: &MasterKey,
    to: KeyId,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Rotated, SealingError> {
    let master = master.using(to).ok_or(SealingError::NoKey(to))?;
    begin(store, to, now).await?;
    let mut rotated = Rotated::default();
    for _ in 0..PASSES {
        match pass(store, &master, to, entropy).await? {
            0 => {
                finish(store, to).await?;
                return Ok(rotated);
            }
            values => rotated.values += values,
        }
    }
    Err(SealingError::Contended)
}

async fn begin(store: &dyn Store, to: KeyId, now: Timestamp) -> Result<(), SealingError> {
    for _ in 0..PASSES {
        let (revision, mut sealing) = sealing(store).await?.ok_or(SealingError::Unused)?;
        if sealing.key == to {
            return Ok(());
        }
        sealing.former.push(sealing.key);
        sealing.former.retain(|id| *id != to);
        let next = Sealing { key: to, since: Some(now), ..sealing };
        if write(store, revision, &next).await? {
            return Ok(());
        }
    }
    Err(SealingError::Contended)
}

async fn finish(store: &dyn Store, to: KeyId) -> Result<(), SealingError> {
    for _ in 0..PASSES {
        let (revision, sealing) = sealing(store).await?.ok_or(SealingError::Unused)?;
        // Somebody else has begun another rotation, which will see to the rest.
        if sealing.key != to || sealing.former.is_empty() {
            return Ok(());
        }
        if write(store, revision, &Sealing { former: Vec::new(), ..sealing }).await? {
            return Ok(());
        }
    }
    Err(SealingError::Contended)
}

async fn write(store: &dyn Store, revision: Revision, sealing: &Sealing) -> Result<bool, SealingError> {
    let key = bytes::Bytes::from_static(keys::SEALING.as_bytes());
    let value = encoded(keys::SEALING, sealing)?;
    let compares = vec![Compare::ModRevision { key: key.clone(), equals: revision }];
    let transaction = Transaction { compares, ops: vec![Op::Put { key, value: value.into() }] };
    Ok(matches!(store.transact(transaction).await?, Outcome::Committed(_)))
}

/// Reads everything at one revision, and seals anew what is sealed under another key. Gives how many
/// values there were, including those that somebody else changed meanwhile.
async fn pass(
    store: &dyn Store,
    master: &MasterKey,
    to: KeyId,
    entropy: &dyn Entropy,
) -> Result<u64, SealingError> {
    let (sender, mut pages) = mpsc::channel::<Vec<KeyValue>>(PAGES_AHEAD);
    // It owns the pages: when it stops early, whoever reads is told and stops too.
    let sealing = async move {
        let (mut found, mut batch, mut bytes) = (0, Vec::new(), 0);
        while let Some(page) = pages.recv().await {
            for kv in page {
                let Some(value) = resealed(&kv, master, to, entropy)? else { continue };
                found += 1;
                bytes += kv.key.len() + value.len();
                batch.push((kv, value));
                if batch.len() >= BATCH_VALUES || bytes >= BATCH_BYTES {
                    land(store, std::mem::take(&mut batch)).await?;
                    bytes = 0;
                }
            }
        }
        land(store, batch).await?;
        Ok::<_, SealingError>(found)
    };
    let (scanned, found) = tokio::join!(store.scan(b"", sender), sealing);
    let found = found?;
    scanned?;
    Ok(found)
}

/// The value with every secret in it sealed under the key `to`; none when they are already.
fn resealed(
    kv: &KeyValue,
    master: &MasterKey,
    to: KeyId,
    entropy: &dyn Entropy,
) -> Result<Option<Vec<u8>>, SealingError> {
    let key = String::from_utf8_lossy(&kv.key).into_owned();
    let Some(mut value) = parsed(kv) else { return Ok(None) };
    let mut changed = false;
    each_sealed(&key, &mut value, &mut |sealed, purpose| {
        if sealed.key_id() == Some(to) {
            return Ok::<_, SealingError>(None);
        }
        let secret = master.open(sealed, purpose).map_err(|_| SealingError::Unopened(key.clone()))?;
        changed = true;
        Ok(Some(master.seal(secret.expose(), purpose, entropy)))
    })?;
    // What is sealed in a place that is not known would be lost with the former key.
    let mut foreign = false;
    for_each_string(&value, &mut |text| foreign |= looks_sealed(text).is_some_and(|id| id != to));
    if foreign && key != keys::SEALING {
        return Err(SealingError::Unknown(key));
    }
    if changed { encoded(&key, &value).map(Some) } else { Ok(None) }
}

/// Puts values back that were not changed meanwhile; those that were are seen to by the next pass.
async fn land(store: &dyn Store, batch: Vec<(KeyValue, Vec<u8>)>) -> Result<(), SealingError> {
    if batch.is_empty() {
        return Ok(());
    }
    if let Outcome::Conflict { .. } = store.transact(put_back(&batch)).await? {
        for one in batch {
            store.transact(put_back(&[one])).await?;
        }
    }
    Ok(())
}

/// The transaction that puts values in place of what was read.
pub(crate) fn put_back(batch: &[(KeyValue, Vec<u8>)]) -> Transaction {
    let compare =
        |(kv, _): &(KeyValue, Vec<u8>)| Compare::ModRevision { key: kv.key.clone(), equals: kv.mod_revision };
    let put =
        |(kv, value): &(KeyValue, Vec<u8>)| Op::Put { key: kv.key.clone(), value: value.clone().into() };
    Transaction { compares: batch.iter().map(compare).collect(), ops: batch.iter().map(put).collect() }
}

pub(crate) fn parsed(kv: &KeyValue) -> Option<Value> {
    serde_json::from_slice(&kv.value).ok()
}

pub(crate) fn encoded(key: &str, value: &impl Serialize) -> Result<Vec<u8>, SealingError> {
    serde_json::to_vec(value)
        .map_err(|cause| SealingError::Value { key: key.to_owned(), cause: cause.to_string() })
}

/// Where sealed values stand: in which values, under which list (none: in the value itself), under which
/// name, and for what they are sealed, which ends in the member `id` names.
struct Place {
    collection: &'static str,
    list: &'static [&'static str],
    member: &'static str,
    purpose: &'static str,
    id: &'static str,
}

const fn place(
    collection: &'static str,
    list: &'static [&'static str],
    member: &'static str,
    purpose: &'static str,
    id: &'static str,
) -> Place {
    Place { collection, list, member, purpose, id }
}

/// INVARIANT: every `Sealed` of an entity is here. A rotation refuses to end where one is not.
const PLACES: &[Place] = &[
    place("accounts", &["root", "access_keys"], "secret", "access-key", "id"),
    place("accounts", &["outbound", "keys"], "private", "token-key", "id"),
    place("users", &["access_keys"], "secret", "access-key", "id"),
    place("users", &["service_credentials"], "secret", "service-specific-credential", "id"),
    place("mfa-devices", &[], "seed", "mfa-device", "id"),
    place("server-certificates", &[], "private_key", "server-certificate", "id"),
    place("instances", &[], "user_data", "user-data", "id"),
    place("sessions", &["keys"], "key", "session-key", "number"),
];

/// The kind of thing that a key is of: `users`, `accounts`, ….
fn collection(key: &str) -> &str {
    let mut parts = key.split('/');
    match parts.next() {
        Some("entities") => parts.nth(1).unwrap_or_default(),
        first => first.unwrap_or_default(),
    }
}

/// Shows every sealed value in a stored one, with what it is sealed for; what comes back takes its place.
pub(crate) fn each_sealed<E>(
    key: &str,
    value: &mut Value,
    change: &mut impl FnMut(&Sealed, &str) -> Result<Option<Sealed>, E>,
) -> Result<(), E> {
    let collection = collection(key);
    for place in PLACES.iter().filter(|place| place.collection == collection) {
        let inner = place.list.iter().try_fold(&mut *value, |value, name| value.get_mut(name));
        let holders: Vec<&mut Value> = match inner {
            Some(Value::Array(items)) => items.iter_mut().collect(),
            Some(object) if place.list.is_empty() => vec![object],
            _ => Vec::new(),
        };
        for holder in holders {
            let id = match holder.get(place.id) {
                Some(Value::String(id)) => id.clone(),
                Some(Value::Number(number)) => number.to_string(),
                _ => continue,
            };
            let Some(member) = holder.get_mut(place.member) else { continue };
            let Ok(sealed) = Sealed::deserialize(&*member) else { continue };
            if let Some(Ok(changed)) =
                change(&sealed, &format!("{}/{id}", place.purpose))?.map(serde_json::to_value)
            {
                *member = changed;
            }
        }
    }
    Ok(())
}

/// The id of the key, if a text is the form of a sealed value.
fn looks_sealed(text: &str) -> Option<KeyId> {
    use base64::Engine as _;
    let (id, rest) = text.split_once('.')?;
    let id = id.parse().ok()?;
    base64::engine::general_purpose::STANDARD.decode(rest).ok().filter(|bytes| bytes.len() >= 28).map(|_| id)
}

fn for_each_string(value: &Value, f: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => f(text),
        Value::Array(items) => items.iter().for_each(|item| for_each_string(item, f)),
        Value::Object(members) => members.values().for_each(|member| for_each_string(member, f)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
