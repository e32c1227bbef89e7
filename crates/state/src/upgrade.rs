//! The version of what is stored, and the steps from each version to the next. A store is brought to
//! the present version before anything is read from it.
//!
//! A step goes over every value. It is written down before the first of its changes and after the last, so
//! that one that was broken off goes on at the next start, and no earlier version of the program takes
//! a store for its own that is half-way. Several nodes may do the same step at once.

use std::collections::BTreeSet;

use rolecall_store::{Compare, KeyValue, Op, Outcome, Revision, Store, StoreError, Transaction};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::entities::Format;
use crate::keys;
use crate::seal::{KeyId, MasterKey};
use crate::sealing::{Sealing, SealingError, each_sealed, encoded, parsed, put_back};

/// The version that this program writes and reads.
pub const SCHEMA_VERSION: u32 = 2;
/// Under which key a store says its version.
pub const SCHEMA_KEY: &[u8] = keys::SCHEMA.as_bytes();
/// What a store has that does not say.
const UNSTAMPED: u32 = 1;
/// The most values that one transaction changes.
const BATCH_VALUES: usize = 50;
/// How many values are looked at together.
const PAGE: usize = 500;
/// How often a step goes over everything while others write, at most.
const PASSES: usize = 100;

/// The version of what is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Schema {
    /// The stored form.
    pub(crate) v: Format,
    /// The version.
    pub(crate) version: u32,
    /// The version that a step is on the way to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upgrading: Option<u32>,
}

/// Why a store was not brought to the present version.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was written by a later version.
    #[error(
        "the store has version {found}, which only a later version of this program can read (this one reads up to {known}); nothing was changed"
    )]
    Newer {
        /// Its version.
        found: u32,
        /// The version that is known here.
        known: u32,
    },
    /// A value can't be brought to the next version.
    #[error("the step to version {to} of the store: {cause}")]
    Step {
        /// Where the step leads.
        to: u32,
        /// What is wrong.
        cause: SealingError,
    },
    /// What the store says of its version can't be read.
    #[error("the store does not say its version: {0}")]
    Damaged(String),
    /// Others write all the time.
    #[error("others wrote to the store all the time; stop nodes of earlier versions, and start again")]
    Disturbed,
}

/// What a step makes of a value.
type Change = fn(&MasterKey, &str, &mut Value) -> Result<bool, SealingError>;

/// Keys and their values.
type Writes = Vec<(&'static str, Vec<u8>)>;

/// A step from the version before `to`.
struct Step {
    to: u32,
    about: &'static str,
    /// Changes a value in place; says whether it did. It does nothing to what it has changed already.
    change: Change,
    /// What is written besides, when the last value is done.
    finish: fn(&MasterKey, &BTreeSet<KeyId>) -> Result<Writes, SealingError>,
}

const STEPS: &[Step] = &[Step {
    to: 2,
    about: "sealed values name their master key",
    change: name_master_key,
    finish: say_which_key_seals,
}];

/// Brings a store to the present version; stamps one that is empty.
///
/// # Errors
/// When it was written by a later version, or can't be written. A step that was broken off goes on at
/// the next call.
pub(crate) async fn upgrade(store: &dyn Store, master: &MasterKey) -> Result<(), UpgradeError> {
    for _ in 0..PASSES {
        let (revision, schema) = schema(store).await?;
        let newest = schema.upgrading.unwrap_or(schema.version).max(schema.version);
        if newest > SCHEMA_VERSION {
            return Err(UpgradeError::Newer { found: newest, known: SCHEMA_VERSION });
        }
        if schema.version == SCHEMA_VERSION {
            return Ok(());
        }
        let (some, _) = store.range(b"", b"", 1).await?;
        if some.is_empty() {
            stamp_empty(store, master).await?;
            continue;
        }
        let Some(step) = STEPS.iter().find(|step| step.to == schema.version + 1) else {
            return Err(UpgradeError::Damaged(format!("there is no way from version {}", schema.version)));
        };
        take(store, master, step, revision, schema).await?;
    }
    Err(UpgradeError::Disturbed)
}

/// What the store says of its version.
async fn schema(store: &dyn Store) -> Result<(Revision, Schema), UpgradeError> {
    let Some(found) = store.get(keys::SCHEMA.as_bytes()).await? else {
        return Ok((Revision(0), Schema { v: Format, version: UNSTAMPED, upgrading: None }));
    };
    let schema = read_schema(&found.value)?;
    Ok((found.mod_revision, schema))
}

/// Reads the version, even of a form that only later versions know.
pub(crate) fn read_schema(value: &[u8]) -> Result<Schema, UpgradeError> {
    #[derive(Deserialize)]
    struct Any {
        version: u32,
        #[serde(default)]
        upgrading: Option<u32>,
    }
    let any: Any = serde_json::from_slice(value).map_err(|cause| UpgradeError::Damaged(cause.to_string()))?;
    Ok(Schema { v: Format, version: any.version, upgrading: any.upgrading })
}

/// What stands in a backup or a store under the version's key is of a version that is known here.
///
/// # Errors
/// [`UpgradeError::Newer`], or [`UpgradeError::Damaged`].
pub fn check_version(value: &[u8]) -> Result<(), UpgradeError> {
    let schema = read_schema(value)?;
    match schema.upgrading.unwrap_or(schema.version).max(schema.version) {
        found if found > SCHEMA_VERSION => Err(UpgradeError::Newer { found, known: SCHEMA_VERSION }),
        _ => Ok(()),
    }
}

async fn stamp_empty(store: &dyn Store, master: &MasterKey) -> Result<(), UpgradeError> {
    let none = BTreeSet::new();
    let mut writes = STEPS.iter().try_fold(Vec::new(), |mut all, step| {
        all.extend((step.finish)(master, &none).map_err(|cause| UpgradeError::Step { to: step.to, cause })?);
        Ok::<_, UpgradeError>(all)
    })?;
    let schema = Schema { v: Format, version: SCHEMA_VERSION, upgrading: None };
    writes.push((keys::SCHEMA, stored(&schema)?));
    let empty = Compare::PrefixEmpty { prefix: bytes::Bytes::new() };
    // Whoever else has begun meanwhile has stamped it too.
    store.transact(Transaction { compares: vec![empty], ops: puts(writes) }).await?;
    Ok(())
}

/// Takes one step. Comes back without having finished it when somebody else has.
async fn take(
    store: &dyn Store,
    master: &MasterKey,
    step: &Step,
    revision: Revision,
    schema: Schema,
) -> Result<(), UpgradeError> {
    let key = || bytes::Bytes::from_static(keys::SCHEMA.as_bytes());
    let at = |revision| Compare::ModRevision { key: key(), equals: revision };
    let mut marked = revision;
    if schema.upgrading.is_none() {
        tracing::info!(to = step.to, "the store is brought to its next version: {}", step.about);
        let mark = Schema { upgrading: Some(step.to), ..schema };
        let ops = vec![Op::Put { key: key(), value: stored(&mark)?.into() }];
        match store.transact(Transaction { compares: vec![at(revision)], ops }).await? {
            Outcome::Committed(revision) => marked = revision,
            Outcome::Conflict { .. } => return Ok(()),
        }
    }
    for _ in 0..PASSES {
        let Some(passed) = pass(store, master, step).await? else { continue };
        let wrong = |cause| UpgradeError::Step { to: step.to, cause };
        let mut writes = (step.finish)(master, &passed.sealed_under).map_err(wrong)?;
        writes.push((keys::SCHEMA, stored(&Schema { v: Format, version: step.to, upgrading: None })?));
        // Nobody has written a value of the earlier version since it was looked at.
        let still = Compare::PrefixUnchangedSince { prefix: bytes::Bytes::new(), revision: passed.since };
        let transaction = Transaction { compares: vec![at(marked), still], ops: puts(writes) };
        if let Outcome::Committed(_) = store.transact(transaction).await? {
            return Ok(());
        }
        if self::schema(store).await?.0 != marked {
            return Ok(());
        }
    }
    Err(UpgradeError::Disturbed)
}

/// What was seen when there was nothing left to change.
struct Passed {
    since: Revision,
    sealed_under: BTreeSet<KeyId>,
}

/// Goes over everything once; none when anything had to be changed.
async fn pass(store: &dyn Store, master: &MasterKey, step: &Step) -> Result<Option<Passed>, UpgradeError> {
    let mut passed = Passed { since: Revision(0), sealed_under: BTreeSet::new() };
    let (mut after, mut first, mut is_clean) = (Vec::new(), true, true);
    loop {
        let (page, revision) = store.range(b"", &after, PAGE).await?;
        if std::mem::take(&mut first) {
            passed.since = revision;
        }
        let Some(last) = page.last() else { break };
        after = last.key.to_vec();
        let mut batch: Vec<(KeyValue, Vec<u8>)> = Vec::new();
        for kv in page {
            if let Some(value) = changed(&kv, master, step, &mut passed)? {
                batch.push((kv, value));
            }
        }
        is_clean &= batch.is_empty();
        land(store, &batch).await?;
    }
    Ok(is_clean.then_some(passed))
}

/// Puts changed values back. Those that others changed meanwhile are seen to by the next pass.
async fn land(store: &dyn Store, mut batch: &[(KeyValue, Vec<u8>)]) -> Result<(), UpgradeError> {
    while !batch.is_empty() {
        let mut bytes = 0;
        let fits = |(kv, value): &&(KeyValue, Vec<u8>)| {
            bytes += kv.key.len() + value.len();
            bytes < Transaction::MAX_BYTES / 2
        };
        let count = batch.iter().take(BATCH_VALUES).take_while(fits).count().max(1);
        let (some, rest) = batch.split_at(count.min(batch.len()));
        store.transact(put_back(some)).await?;
        batch = rest;
    }
    Ok(())
}

fn changed(
    kv: &KeyValue,
    master: &MasterKey,
    step: &Step,
    passed: &mut Passed,
) -> Result<Option<Vec<u8>>, UpgradeError> {
    let key = String::from_utf8_lossy(&kv.key).into_owned();
    let wrong = |cause| UpgradeError::Step { to: step.to, cause };
    // What is no JSON is told when it is read.
    let Some(mut value) = parsed(kv) else { return Ok(None) };
    if (step.change)(master, &key, &mut value).map_err(wrong)? {
        return encoded(&key, &value).map(Some).map_err(wrong);
    }
    each_sealed(&key, &mut value, &mut |sealed, _| {
        passed.sealed_under.extend(sealed.key_id());
        Ok::<_, UpgradeError>(None)
    })?;
    Ok(None)
}

fn stored(schema: &Schema) -> Result<Vec<u8>, UpgradeError> {
    serde_json::to_vec(schema).map_err(|cause| UpgradeError::Damaged(cause.to_string()))
}

fn puts(writes: Writes) -> Vec<Op> {
    let put = |(key, value): (&'static str, Vec<u8>)| Op::Put {
        key: bytes::Bytes::from_static(key.as_bytes()),
        value: value.into(),
    };
    writes.into_iter().map(put).collect()
}

/// Version 2: `BASE64` becomes `KEY.BASE64`.
fn name_master_key(master: &MasterKey, key: &str, value: &mut Value) -> Result<bool, SealingError> {
    let mut changed = false;
    each_sealed(key, value, &mut |sealed, purpose| {
        if sealed.key_id().is_some() {
            return Ok(None);
        }
        changed = true;
        let named = master.name_key(sealed, purpose);
        named.map(Some).ok_or_else(|| SealingError::Unopened(key.to_owned()))
    })?;
    Ok(changed)
}

/// Version 2: the store says which key it is sealed under.
fn say_which_key_seals(master: &MasterKey, sealed_under: &BTreeSet<KeyId>) -> Result<Writes, SealingError> {
    // One that holds sealed values already is sealed under their key, and not under the first that is known.
    let key = sealed_under.first().copied().or_else(|| master.id());
    let Some(key) = key else { return Ok(Vec::new()) };
    let sealing =
        Sealing { v: Format, key, since: None, former: sealed_under.iter().skip(1).copied().collect() };
    Ok(vec![(keys::SEALING, encoded(keys::SEALING, &sealing)?)])
}

#[cfg(test)]
mod tests;
