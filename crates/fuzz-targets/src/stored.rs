//! What the store holds, from whoever may write there: it is taken in or refused, and nothing of it is evaluated but
//! what can be.
//!
//! Each line is a key, a tab, and a value.

use std::sync::Arc;

use bytes::Bytes;
use rolecall_state::snapshot::{Account, Collection, Entity};
use rolecall_state::{MasterKey, State};
use rolecall_store::{BoxFuture, KeyValue, Loaded, Outcome, Revision, Store, StoreError, Transaction, Watch};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;

use crate::Run;

/// See the module.
pub(crate) fn start() -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    Box::new(move |input| {
        let pairs = input.split(|byte| *byte == b'\n').filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b'\t')?;
            Some((line.get(..at)?.to_vec(), line.get(at + 1..)?.to_vec()))
        });
        let Some(state) = open(&runtime, pairs.collect()) else { return };
        let snapshot = state.snapshot();
        for account in snapshot.accounts() {
            evaluate(account);
            let again = rewritten(account);
            assert!(open(&runtime, again).is_some(), "what is written from it can't be read");
        }
    })
}

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn open(runtime: &Runtime, pairs: Pairs) -> Option<State> {
    let master = MasterKey::new([7; 32]).expect("a key");
    runtime.block_on(State::open(Arc::new(Held(pairs)), master)).ok()
}

/// Compiles every policy; one that can't be evaluated is an error, not a panic.
fn evaluate(account: &Account) {
    for user in account.users.iter() {
        let _ = account.user_policies(user);
        let _ = account.user_boundary(user);
    }
    for role in account.roles.iter() {
        let _ = account.role_policies(role);
        let _ = account.role_boundary(role);
        let _ = account.trust_policy(role);
    }
    for group in account.groups.iter() {
        let _ = account.group_policies(&group.value);
    }
    for policy in account.attached_policies() {
        let _ = account.managed_policy(policy);
    }
}

/// The account as this version writes it.
fn rewritten(account: &Account) -> Pairs {
    let id = account.id();
    let record = serde_json::to_vec(&*account.record).expect("JSON");
    let mut pairs = vec![(format!("accounts/{id}").into_bytes(), record)];
    let prefix = format!("entities/{id}");
    collect(&mut pairs, &prefix, &account.users);
    collect(&mut pairs, &prefix, &account.groups);
    collect(&mut pairs, &prefix, &account.roles);
    collect(&mut pairs, &prefix, &account.policies);
    pairs
}

fn collect<T: Entity>(pairs: &mut Pairs, prefix: &str, collection: &Collection<T>) {
    for entry in collection.iter() {
        let key = format!("{prefix}/{}/{}", T::COLLECTION, entry.key().as_str());
        pairs.push((key.into_bytes(), serde_json::to_vec(&*entry.value).expect("JSON")));
    }
}

/// A store that holds these pairs and takes no more.
struct Held(Pairs);

impl Store for Held {
    fn transact(&self, _: Transaction) -> BoxFuture<'_, Result<Outcome, StoreError>> {
        Box::pin(async { Err(StoreError::Closed) })
    }

    fn load(&self, _: &[u8]) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let all = self.0.iter().map(|(key, value)| KeyValue {
            key: Bytes::copy_from_slice(key),
            value: Bytes::copy_from_slice(value),
            create_revision: Revision(1),
            mod_revision: Revision(1),
            version: 1,
        });
        let loaded = (all.collect(), Revision(1));
        Box::pin(async { Ok(loaded) })
    }

    fn scan(
        &self,
        prefix: &[u8],
        pages: mpsc::Sender<Vec<KeyValue>>,
    ) -> BoxFuture<'_, Result<Revision, StoreError>> {
        let loading = self.load(prefix);
        Box::pin(async move {
            let (all, revision) = loading.await?;
            pages.send(all).await.map_err(|_| StoreError::Closed)?;
            Ok(revision)
        })
    }

    fn range(&self, prefix: &[u8], _: &[u8], _: usize) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        self.load(prefix)
    }

    fn get(&self, _: &[u8]) -> BoxFuture<'_, Result<Option<KeyValue>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        Box::pin(async { Ok(Revision(1)) })
    }

    fn watch(&self, _: &[u8], _: Revision) -> Watch {
        // The sender is gone: the watch has ended before it began.
        Watch::new(mpsc::unbounded_channel().1)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
