//! The etcd engine on real etcd: the same conformance suite as the embedded engine's, and the
//! faults that only a network has.

mod cluster;
mod faults;
mod line;
mod secured;
mod server;

use rolecall_store::{ConnectError, Etcd, Op, Outcome, Revision, Store, Transaction, Watch, conformance};

fn put(key: &str, value: &str) -> Transaction {
    let op = Op::Put { key: key.to_owned().into(), value: value.to_owned().into() };
    Transaction { compares: vec![], ops: vec![op] }
}

async fn commit(store: &Etcd, key: &str, value: &str) -> Revision {
    match store.transact(put(key, value)).await.unwrap() {
        Outcome::Committed(revision) => revision,
        Outcome::Conflict { .. } => unreachable!("there is no condition"),
    }
}

async fn until(watch: &mut Watch, revision: Revision) -> usize {
    let mut events = 0;
    loop {
        let batch = tokio::time::timeout(std::time::Duration::from_secs(20), watch.next()).await;
        let batch = batch.unwrap().unwrap().unwrap();
        events += batch.events.len();
        if batch.revision >= revision {
            return events;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_etcd_engine_conforms() {
    if !server::is_there() {
        return;
    }
    let member = server::single("http", &[]);
    let store = Etcd::connect(&server::settings(&[member.address], "n1")).await.unwrap();
    conformance::run(&store).await;
    // Beside it another store under another prefix, which it knows nothing of.
    let mut settings = server::settings(&[member.address], "n1");
    settings.prefix = "/test2".into();
    let other = Etcd::connect(&settings).await.unwrap();
    assert!(other.load(b"").await.unwrap().0.is_empty());
    conformance::run(&other).await;
    store.close().await;
    assert!(store.transact(put("late", "x")).await.is_err());
    assert!(store.watch(b"", Revision(0)).next().await.is_none());
}

#[tokio::test]
async fn many_keys_are_loaded_at_one_revision() {
    if !server::is_there() {
        return;
    }
    let member = server::single("http", &[]);
    let store = Etcd::connect(&server::settings(&[member.address], "n1")).await.unwrap();
    for first in 0..40 {
        let op = |n| Op::Put { key: format!("k/{first:02}/{n:02}").into(), value: "v".into() };
        store.transact(Transaction { compares: vec![], ops: (0..100).map(op).collect() }).await.unwrap();
    }
    let (loaded, revision) = store.load(b"k/").await.unwrap();
    assert_eq!(loaded.len(), 4_000);
    assert!(loaded.is_sorted_by(|one, next| one.key < next.key));
    assert!(loaded.iter().all(|kv| kv.mod_revision <= revision));
}

#[tokio::test]
async fn a_compacted_history_asks_for_a_new_load() {
    if !server::is_there() {
        return;
    }
    let member = server::single("http", &[]);
    let store = Etcd::connect(&server::settings(&[member.address], "n1")).await.unwrap();
    let early = commit(&store, "a", "1").await;
    for n in 0..10 {
        commit(&store, "a", &n.to_string()).await;
    }
    let (loaded, revision) = store.load(b"").await.unwrap();
    let answer = member.post("/v3/kv/compaction", &format!("{{\"revision\":\"{}\"}}", revision.0)).unwrap();
    assert!(answer.contains("200 OK"), "{answer}");
    conformance::an_old_watch_is_told(&store, early).await;
    assert_eq!(store.load(b"").await.unwrap().0, loaded);
    let mut watch = store.watch(b"", revision);
    let last = commit(&store, "b", "1").await;
    assert_eq!(until(&mut watch, last).await, 1);
}

#[tokio::test]
async fn a_later_form_is_refused() {
    if !server::is_there() {
        return;
    }
    let member = server::single("http", &[]);
    let settings = server::settings(&[member.address], "n1");
    Etcd::connect(&settings).await.unwrap().close().await;
    // "/test/store/format" = "2"
    let later = r#"{"key":"L3Rlc3Qvc3RvcmUvZm9ybWF0","value":"Mg=="}"#;
    assert!(member.post("/v3/kv/put", later).unwrap().contains("200 OK"));
    let error = Etcd::connect(&settings).await.err().unwrap();
    assert!(matches!(&error, ConnectError::Newer { found, known: 1, .. } if found == "2"), "{error}");
    assert!(error.to_string().contains("/test/store/format"));
}

#[tokio::test]
async fn no_etcd_is_told_in_time() {
    let mut settings = server::settings(&["127.0.0.1:1".parse().unwrap()], "n1");
    settings.deadline = std::time::Duration::from_secs(1);
    let error = Etcd::connect(&settings).await.err().unwrap();
    assert!(matches!(error, ConnectError::Unusable(_)), "{error}");
}
