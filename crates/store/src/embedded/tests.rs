use super::*;
use crate::conformance;
use crate::contract::{Compare, EventKind, Op};
use bytes::Bytes;

fn put(key: &str, value: &str) -> Transaction {
    let op = Op::Put {
        key: Bytes::copy_from_slice(key.as_bytes()),
        value: Bytes::copy_from_slice(value.as_bytes()),
    };
    Transaction { compares: vec![], ops: vec![op] }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_engine_conforms() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(&dir.path().join("store.redb")).unwrap();
    conformance::run(&store).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let store = Embedded::open(&path).unwrap();
    for n in 0..10 {
        store.transact(put(&format!("k{n}"), "v")).await.unwrap();
    }
    let before = store.load(b"").await.unwrap();
    store.close();
    assert!(matches!(store.transact(put("late", "v")).await, Err(StoreError::Closed)));
    let store = Embedded::open(&path).unwrap();
    assert_eq!(store.load(b"").await.unwrap(), before);
}

#[tokio::test]
async fn a_second_opener_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let _store = Embedded::open(&path).unwrap();
    assert!(matches!(Embedded::open(&path), Err(OpenError::InUse(_))));
}

#[test]
fn what_is_no_store_is_refused_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    std::fs::write(&path, "a diary").unwrap();
    assert!(matches!(Embedded::open(&path), Err(OpenError::Damaged { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a diary");
}

#[tokio::test]
async fn a_watch_from_before_what_is_kept_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let store = Embedded::open(&path).unwrap();
    store.transact(put("a", "1")).await.unwrap();
    store.close();
    // After reopening the changes before are no longer known.
    let store = Embedded::open(&path).unwrap();
    conformance::an_old_watch_is_told(&store, Revision(0)).await;
}

#[tokio::test]
async fn a_later_form_is_refused_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    Embedded::open(&path).unwrap().close();
    let facts: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("facts");
    let database = redb::Database::open(&path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(facts).unwrap().insert("format", 99).unwrap();
    write.commit().unwrap();
    drop(database);
    let before = std::fs::read(&path).unwrap();
    let error = Embedded::open(&path).err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 99, known: 1, .. }));
    assert!(error.to_string().contains("store.redb"));
    assert!(std::fs::read(&path).unwrap() == before);
}

#[tokio::test]
async fn another_programs_file_is_refused_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let theirs: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("theirs");
    let database = redb::Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    write.open_table(theirs).unwrap().insert("x", 1).unwrap();
    write.commit().unwrap();
    drop(database);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Embedded::open(&path), Err(OpenError::Damaged { .. })));
    assert!(std::fs::read(&path).unwrap() == before);
}

#[test]
#[cfg(unix)]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let _store = Embedded::open(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let error = Embedded::open(Path::new("/nowhere/at/all/store.redb")).err().unwrap();
    assert!(matches!(&error, OpenError::Unopenable { .. }));
    assert!(error.to_string().contains("/nowhere/at/all/store.redb"));
}

#[tokio::test]
async fn a_watch_starts_where_the_load_ended() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(&dir.path().join("store.redb")).unwrap();
    for n in 0..50 {
        let writing = store.transact(put("k", &n.to_string()));
        let (loaded, revision) = store.load(b"").await.unwrap();
        let mut watch = store.watch(b"", revision);
        writing.await.unwrap();
        let last = store.latest().await.unwrap();
        let mut seen = loaded.first().map(|kv| kv.value.clone());
        let mut at = revision;
        while at < last {
            let batch = watch.next().await.unwrap().unwrap();
            assert_eq!(batch.revision.0, at.0 + 1);
            at = batch.revision;
            if let Some(EventKind::Put(kv)) = batch.events.first().map(|event| &event.kind) {
                seen = Some(kv.value.clone());
            }
        }
        assert_eq!(seen.unwrap(), n.to_string());
    }
}

mod faults;

mod against_a_model {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        Put(u8, u8),
        Delete(u8),
        PutIfAbsent(u8, u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..8u8, any::<u8>()).prop_map(|(k, v)| Step::Put(k, v)),
            (0..8u8).prop_map(Step::Delete),
            (0..8u8, any::<u8>()).prop_map(|(k, v)| Step::PutIfAbsent(k, v)),
        ]
    }

    fn transaction(step: &Step) -> Transaction {
        let key = |k: u8| Bytes::from(format!("k{k}"));
        match step {
            Step::Put(k, v) => {
                Transaction { compares: vec![], ops: vec![Op::Put { key: key(*k), value: vec![*v].into() }] }
            }
            Step::Delete(k) => Transaction { compares: vec![], ops: vec![Op::Delete { key: key(*k) }] },
            Step::PutIfAbsent(k, v) => Transaction {
                compares: vec![Compare::ModRevision { key: key(*k), equals: Revision(0) }],
                ops: vec![Op::Put { key: key(*k), value: vec![*v].into() }],
            },
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_store_is_a_map(steps in proptest::collection::vec(step(), 1..40)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("store.redb");
                let store = Embedded::open(&path).unwrap();
                let mut model = BTreeMap::new();
                for step in &steps {
                    let outcome = store.transact(transaction(step)).await.unwrap();
                    match step {
                        Step::Put(k, v) => drop(model.insert(*k, *v)),
                        Step::Delete(k) => drop(model.remove(k)),
                        Step::PutIfAbsent(k, v) => {
                            let free = !model.contains_key(k);
                            assert_eq!(matches!(outcome, Outcome::Committed(_)), free);
                            if free { model.insert(*k, *v); }
                        }
                    }
                }
                store.close();
                let store = Embedded::open(&path).unwrap();
                let (loaded, _) = store.load(b"").await.unwrap();
                let loaded: Vec<_> = loaded.iter().map(|kv| (kv.key.clone(), kv.value[0])).collect();
                let expected: Vec<_> = model.iter().map(|(k, v)| (Bytes::from(format!("k{k}")), *v)).collect();
                assert_eq!(loaded, expected);
            });
        }
    }
}
