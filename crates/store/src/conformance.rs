//! What every engine must do, as checks to run on a fresh store. Each panics where an engine errs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a check that fails is told by a panic")]

use bytes::Bytes;

use crate::contract::{
    Batch, Compare, Event, EventKind, Op, Outcome, Revision, Store, StoreError, Transaction, WatchError,
};

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
    a_key_can_be_required_to_be_there(store).await;
    a_prefix_can_be_required_to_be_unchanged(store).await;
    a_prefix_can_be_removed(store).await;
    keys_are_found_one_by_one_and_page_by_page(store).await;
    a_scan_gives_everything_in_order(store).await;
    what_is_no_transaction_is_refused(store).await;
    the_largest_transaction_is_taken(store).await;
    values_are_bytes(store).await;
    who_has_the_latest_revision_has_everything(store).await;
    revisions_and_versions_count(store).await;
    watches_see_every_change_once_and_in_order(store).await;
    watchers_keep_up(store, 64).await;
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

async fn a_key_can_be_required_to_be_there(store: &dyn Store) {
    let there = || vec![Compare::Exists { key: Bytes::from_static(b"conformance/h/1") }];
    assert!(conflicts(store, there(), vec![put("conformance/h/2", "x")]).await);
    commit(store, vec![], vec![put("conformance/h/1", "x")]).await;
    commit(store, there(), vec![put("conformance/h/2", "x")]).await;
    commit(store, there(), vec![delete("conformance/h/1")]).await;
    assert!(conflicts(store, there(), vec![put("conformance/h/3", "x")]).await);
}

async fn a_prefix_can_be_required_to_be_unchanged(store: &dyn Store) {
    let prefix = Bytes::from_static(b"conformance/i/");
    let since = |revision| vec![Compare::PrefixUnchangedSince { prefix: prefix.clone(), revision }];
    commit(store, since(Revision(0)), vec![put("conformance/i/1", "x")]).await;
    let second = commit(store, vec![], vec![put("conformance/i/2", "x")]).await;
    assert!(conflicts(store, since(Revision(second.0 - 1)), vec![put("conformance/i/3", "x")]).await);
    commit(store, vec![], vec![put("conformance/ia", "beside it")]).await;
    commit(store, since(second), vec![put("conformance/i/3", "x")]).await;
    assert!(conflicts(store, since(second), vec![put("conformance/i/3", "y")]).await);
}

async fn a_prefix_can_be_removed(store: &dyn Store) {
    let remove = || vec![Op::DeletePrefix { prefix: Bytes::from_static(b"conformance/j/") }];
    commit(
        store,
        vec![],
        vec![put("conformance/j/1", "x"), put("conformance/j/2", "x"), put("conformance/ja", "x")],
    )
    .await;
    let (_, before) = store.load(b"conformance/j").await.unwrap();
    let mut watch = store.watch(b"conformance/j", before);
    let removed = commit(store, vec![], remove()).await;
    let batch = next(&mut watch).await;
    let keys =
        |key: &'static str| Event { kind: EventKind::Delete { key: Bytes::from_static(key.as_bytes()) } };
    assert_eq!(
        (batch.revision, batch.events),
        (removed, vec![keys("conformance/j/1"), keys("conformance/j/2")])
    );
    assert_eq!(values(store, "conformance/j").await, [("conformance/ja".into(), "x".into())]);
    commit(store, vec![], remove()).await;
}

async fn keys_are_found_one_by_one_and_page_by_page(store: &dyn Store) {
    let names: Vec<String> = (0..5).map(|n| format!("conformance/k/{n}")).collect();
    commit(store, vec![], names.iter().map(|name| put(name, "x")).collect()).await;
    assert_eq!(store.get(b"conformance/k/3").await.unwrap().unwrap().key, "conformance/k/3");
    assert_eq!(store.get(b"conformance/k/").await.unwrap(), None);
    let (mut after, mut found) = (Vec::new(), Vec::new());
    loop {
        let (page, _) = store.range(b"conformance/k/", &after, 2).await.unwrap();
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        after = last.key.to_vec();
        found.extend(page.iter().map(|kv| String::from_utf8(kv.key.to_vec()).unwrap()));
    }
    assert_eq!(found, names);
}

/// Everything is of one revision, though others write while the pages are taken.
async fn a_scan_gives_everything_in_order(store: &dyn Store) {
    const ROUNDS: usize = 41;
    let name = |n: usize| format!("conformance/scan/{n:05}");
    for round in 0..ROUNDS {
        commit(store, vec![], (0..120).map(|n| put(&name(round * 120 + n), "v")).collect()).await;
    }
    let (loaded, loaded_at) = store.load(b"conformance/scan/").await.unwrap();
    let (sender, mut pages) = tokio::sync::mpsc::channel(1);
    let taken = async move {
        let (mut all, mut count) = (Vec::new(), 0);
        while let Some(page) = pages.recv().await {
            // No more pages wait than were asked for: these writes come before the last is read.
            let last = ROUNDS * 120 - 1;
            commit(store, vec![], vec![put(&name(last), "changed"), delete(&name(last - 1 - count))]).await;
            count += 1;
            all.extend(page);
        }
        (all, count)
    };
    let (revision, (all, count)) = tokio::join!(store.scan(b"conformance/scan/", sender), taken);
    assert_eq!((all.len(), revision.unwrap()), (ROUNDS * 120, loaded_at));
    assert!(all == loaded && count > 3);
    let (sender, pages) = tokio::sync::mpsc::channel(1);
    drop(pages);
    assert!(matches!(store.scan(b"conformance/scan/", sender).await, Err(StoreError::Closed)));
    commit(store, vec![], vec![Op::DeletePrefix { prefix: Bytes::from_static(b"conformance/scan/") }]).await;
}

async fn what_is_no_transaction_is_refused(store: &dyn Store) {
    let refused =
        async |ops: Vec<Op>| store.transact(Transaction { compares: vec![], ops }).await.unwrap_err();
    let prefix = Op::DeletePrefix { prefix: Bytes::from_static(b"conformance/l") };
    let twice = [
        vec![put("conformance/l", "1"), put("conformance/l", "2")],
        vec![delete("conformance/l"), put("conformance/l", "2")],
        vec![put("conformance/l/1", "2"), prefix],
        vec![put("", "x")],
    ];
    for ops in twice {
        assert!(matches!(refused(ops).await, StoreError::Invalid(_)));
    }
    let many = (0..=Transaction::MAX_OPS).map(|n| put(&format!("conformance/l/{n}"), "x")).collect();
    assert!(matches!(refused(many).await, StoreError::TooLarge { .. }));
    let large = "x".repeat(Transaction::MAX_BYTES);
    assert!(matches!(refused(vec![put("conformance/l", &large)]).await, StoreError::TooLarge { .. }));
    assert!(values(store, "conformance/l").await.is_empty());
}

async fn the_largest_transaction_is_taken(store: &dyn Store) {
    let names: Vec<String> = (0..Transaction::MAX_OPS).map(|n| format!("conformance/m/{n:03}")).collect();
    let value = "x".repeat(Transaction::MAX_BYTES / Transaction::MAX_OPS - 160);
    let compares = names.iter().map(|name| unchanged(name, Revision(0))).collect();
    commit(store, compares, names.iter().map(|name| put(name, &value)).collect()).await;
    assert_eq!(values(store, "conformance/m/").await.len(), Transaction::MAX_OPS);
    commit(store, vec![], vec![Op::DeletePrefix { prefix: Bytes::from_static(b"conformance/m/") }]).await;
}

async fn values_are_bytes(store: &dyn Store) {
    let all = [&b""[..], b"\0", b"\xff\xfe\0\x80", &[0xff; 4_096]];
    for (n, bytes) in (0_u8..).zip(all) {
        let key = Bytes::from([b"conformance/n/\xff\0".as_slice(), &[n]].concat());
        let value = Bytes::copy_from_slice(bytes);
        commit(store, vec![], vec![Op::Put { key: key.clone(), value: value.clone() }]).await;
        assert_eq!(store.get(&key).await.unwrap().unwrap().value, value);
    }
    assert_eq!(store.load(b"conformance/n/\xff").await.unwrap().0.len(), all.len());
}

async fn who_has_the_latest_revision_has_everything(store: &dyn Store) {
    let written = commit(store, vec![], vec![put("conformance/o", "1")]).await;
    let latest = store.latest().await.unwrap();
    assert!(latest >= written);
    let mut watch = store.watch(b"conformance/absent/", Revision(written.0 - 1));
    // Even who watches something else comes to know how far the store is.
    while next_batch(&mut watch).await.revision < latest {}
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

async fn next_batch(watch: &mut crate::Watch) -> Batch {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(10), watch.next()).await;
    waited.unwrap().unwrap().unwrap()
}

/// The next batch that is not empty.
async fn next(watch: &mut crate::Watch) -> Batch {
    loop {
        let batch = next_batch(watch).await;
        if !batch.events.is_empty() {
            return batch;
        }
    }
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

/// Watches of many prefixes beside a stream of writes: each sees its own, in order, once.
pub async fn watchers_keep_up(store: &dyn Store, writes: usize) {
    let (_, before) = store.load(b"conformance/p/").await.unwrap();
    let mut watches: Vec<_> =
        (0..8).map(|n| store.watch(format!("conformance/p/{n}/").as_bytes(), before)).collect();
    for write in 0..writes {
        commit(store, vec![], vec![put(&format!("conformance/p/{}/x", write % 8), &write.to_string())]).await;
    }
    for (n, watch) in watches.iter_mut().enumerate() {
        for expected in (n..writes).step_by(8) {
            let batch = next(watch).await;
            let value = batch.events.iter().map(|event| match &event.kind {
                EventKind::Put(kv) => String::from_utf8(kv.value.to_vec()).unwrap(),
                EventKind::Delete { .. } => panic!("nothing was removed"),
            });
            assert_eq!(value.collect::<Vec<_>>(), [expected.to_string()]);
        }
    }
}

/// A watch from before what is kept says so. For engines that can forget on request.
pub async fn an_old_watch_is_told(store: &dyn Store, forgotten: Revision) {
    let mut watch = store.watch(b"conformance/", forgotten);
    assert!(matches!(watch.next().await, Some(Err(WatchError::Compacted(_)))));
}
