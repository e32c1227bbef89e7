//! What every engine must do, as checks to run on a fresh store. Each panics where an engine errs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a check that fails is told by a panic")]

use bytes::Bytes;

use crate::contract::{Batch, Compare, EventKind, Op, Outcome, Revision, Store, Transaction, WatchError};

fn put(key: &str, value: &str) -> Op {
    Op::Put { key: Bytes::copy_from_slice(key.as_bytes()), value: Bytes::copy_from_slice(value.as_bytes()) }
}

fn delete(key: &str) -> Op {
    Op::Delete { key: Bytes::copy_from_slice(key.as_bytes()) }
}

fn unchanged(key: &str, revision: Revision) -> Compare {
    Compare::ModRevision { key: Bytes::copy_from_slice(key.as_bytes()), equals: revision }
}

async fn commit(store: &dyn Store, compares: Vec<Compare>, ops: Vec<Op>) -> Revision {
    match store.transact(Transaction { compares, ops }).await.unwrap() {
        Outcome::Committed(revision) => revision,
        Outcome::Conflict { .. } => panic!("a transaction that had to land did not"),
    }
}

async fn conflicts(store: &dyn Store, compares: Vec<Compare>, ops: Vec<Op>) -> bool {
    matches!(store.transact(Transaction { compares, ops }).await.unwrap(), Outcome::Conflict { .. })
}

async fn values(store: &dyn Store, prefix: &str) -> Vec<(String, String)> {
    let (loaded, _) = store.load(prefix.as_bytes()).await.unwrap();
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    loaded.iter().map(|kv| (text(&kv.key), text(&kv.value))).collect()
}

/// Runs every check. The store must be empty under `conformance/`.
pub async fn run(store: &dyn Store) {
    writes_are_read_back(store).await;
    compares_guard_writes(store).await;
    a_transaction_lands_whole_or_not_at_all(store).await;
    a_prefix_can_be_required_to_be_empty(store).await;
    revisions_and_versions_count(store).await;
    watches_see_every_change_once_and_in_order(store).await;
    racing_writers_lose_no_update(store).await;
}

async fn writes_are_read_back(store: &dyn Store) {
    commit(store, vec![], vec![put("conformance/a/2", "two"), put("conformance/a/1", "one")]).await;
    let expected = [("conformance/a/1".into(), "one".into()), ("conformance/a/2".into(), "two".into())];
    assert_eq!(values(store, "conformance/a/").await, expected);
    commit(store, vec![], vec![delete("conformance/a/1"), delete("conformance/a/absent")]).await;
    assert_eq!(values(store, "conformance/a/").await.len(), 1);
}

async fn compares_guard_writes(store: &dyn Store) {
    let made =
        commit(store, vec![unchanged("conformance/b", Revision(0))], vec![put("conformance/b", "1")]).await;
    assert!(
        conflicts(store, vec![unchanged("conformance/b", Revision(0))], vec![put("conformance/b", "2")])
            .await
    );
    let next = commit(store, vec![unchanged("conformance/b", made)], vec![put("conformance/b", "2")]).await;
    assert!(next > made);
    assert!(conflicts(store, vec![unchanged("conformance/b", made)], vec![delete("conformance/b")]).await);
    assert_eq!(values(store, "conformance/b").await, [("conformance/b".into(), "2".into())]);
}

async fn a_transaction_lands_whole_or_not_at_all(store: &dyn Store) {
    let ops = vec![put("conformance/c/1", "x"), put("conformance/c/2", "x")];
    assert!(conflicts(store, vec![unchanged("conformance/c/1", Revision(u64::MAX >> 1))], ops).await);
    assert!(values(store, "conformance/c/").await.is_empty());
}

async fn a_prefix_can_be_required_to_be_empty(store: &dyn Store) {
    let empty = || vec![Compare::PrefixEmpty { prefix: Bytes::from_static(b"conformance/d/") }];
    commit(store, empty(), vec![put("conformance/d/1", "x"), put("conformance/da", "beside it")]).await;
    assert!(conflicts(store, empty(), vec![put("conformance/d/2", "x")]).await);
    commit(store, vec![], vec![delete("conformance/d/1")]).await;
    commit(store, empty(), vec![put("conformance/d/2", "x")]).await;
}

async fn revisions_and_versions_count(store: &dyn Store) {
    let first = commit(store, vec![], vec![put("conformance/e", "1")]).await;
    let second = commit(store, vec![], vec![put("conformance/e", "2")]).await;
    let (loaded, at) = store.load(b"conformance/e").await.unwrap();
    let kv = loaded.first().unwrap();
    assert_eq!((kv.create_revision, kv.mod_revision, kv.version), (first, second, 2));
    assert!(at >= second);
    commit(store, vec![], vec![delete("conformance/e")]).await;
    let again = commit(store, vec![], vec![put("conformance/e", "3")]).await;
    let (loaded, _) = store.load(b"conformance/e").await.unwrap();
    assert_eq!(loaded.first().map(|kv| (kv.create_revision, kv.version)), Some((again, 1)));
}

async fn next(watch: &mut crate::Watch) -> Batch {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(10), watch.next()).await;
    waited.unwrap().unwrap().unwrap()
}

async fn watches_see_every_change_once_and_in_order(store: &dyn Store) {
    let (_, before) = store.load(b"conformance/f/").await.unwrap();
    let mut early = store.watch(b"conformance/f/", before);
    let first = commit(store, vec![], vec![put("conformance/f/1", "a"), put("conformance/f/2", "b")]).await;
    commit(store, vec![], vec![put("conformance/other", "not watched")]).await;
    let second = commit(store, vec![], vec![delete("conformance/f/1")]).await;
    let mut late = store.watch(b"conformance/f/", before);
    for watch in [&mut early, &mut late] {
        let batch = next(watch).await;
        assert_eq!((batch.revision, batch.events.len()), (first, 2));
        let batch = next(watch).await;
        assert_eq!(batch.revision, second);
        let deleted = batch.events.first().map(|event| &event.kind);
        assert!(matches!(deleted, Some(EventKind::Delete { key }) if *key == "conformance/f/1"));
    }
}

/// Many writers count one key up; every count must show.
async fn racing_writers_lose_no_update(store: &dyn Store) {
    const WRITERS: usize = 4;
    const EACH: usize = 10;
    commit(store, vec![], vec![put("conformance/g", "0")]).await;
    let writer = async || {
        for _ in 0..EACH {
            loop {
                let (loaded, _) = store.load(b"conformance/g").await.unwrap();
                let kv = loaded.first().unwrap();
                let count: usize = std::str::from_utf8(&kv.value).unwrap().parse().unwrap();
                let ops = vec![put("conformance/g", &(count + 1).to_string())];
                if !conflicts(store, vec![unchanged("conformance/g", kv.mod_revision)], ops).await {
                    break;
                }
            }
        }
    };
    tokio::join!(writer(), writer(), writer(), writer());
    assert_eq!(
        values(store, "conformance/g").await,
        [("conformance/g".into(), (WRITERS * EACH).to_string())]
    );
}

/// A watch from before what is kept says so. For engines that can forget on request.
pub async fn an_old_watch_is_told(store: &dyn Store, forgotten: Revision) {
    let mut watch = store.watch(b"conformance/", forgotten);
    assert!(matches!(watch.next().await, Some(Err(WatchError::Compacted(_)))));
}
