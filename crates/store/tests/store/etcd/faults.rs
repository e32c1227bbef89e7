//! Lost requests, lost answers, lost connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rolecall_store::{Compare, Etcd, Op, Outcome, Revision, Store, StoreError, Transaction};

use super::{commit, line, put, server, until};

/// Each attempt to count up shows as one more version, so that a write that landed twice shows.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_lands_once() {
    if !server::is_there() {
        return;
    }
    let member = server::single("http", &[]);
    let (address, cut) = line::to(member.address).await;
    let store = Arc::new(Etcd::connect(&server::settings(&[address], "n1")).await.unwrap());
    for round in 0..6 {
        let key = format!("lost/{round}");
        commit(&store, "before", "x").await;
        // In turn: the answer is lost, the request is lost, the connection is.
        let lost = [&cut.answers, &cut.requests, &cut.all];
        let lost = lost.get(round % 3).unwrap();
        lost.store(true, Ordering::SeqCst);
        let writing = tokio::spawn({
            let (store, key) = (store.clone(), key.clone());
            async move { store.transact(put(&key, "x")).await }
        });
        tokio::time::sleep(Duration::from_millis(400)).await;
        // What is still on the way is swallowed with the connection.
        cut.all.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(60)).await;
        lost.store(false, Ordering::SeqCst);
        cut.all.store(false, Ordering::SeqCst);
        let Outcome::Committed(revision) = writing.await.unwrap().unwrap() else { unreachable!() };
        let kv = store.get(key.as_bytes()).await.unwrap().unwrap();
        assert_eq!((kv.version, kv.mod_revision), (1, revision), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stays_unknown_is_told_so() {
    if !server::is_there() {
        return;
    }
    let member = server::single("http", &[]);
    let (address, cut) = line::to(member.address).await;
    let mut settings = server::settings(&[address], "n1");
    settings.deadline = Duration::from_secs(2);
    let store = Etcd::connect(&settings).await.unwrap();
    commit(&store, "a", "1").await;
    cut.answers.store(true, Ordering::SeqCst);
    let started = Instant::now();
    assert!(matches!(store.transact(put("a", "2")).await, Err(StoreError::Unknown(_))));
    assert!(matches!(store.latest().await, Err(StoreError::Engine(_))));
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    cut.all.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(60)).await;
    cut.answers.store(false, Ordering::SeqCst);
    cut.all.store(false, Ordering::SeqCst);
    // It did land, once; and the store goes on.
    assert_eq!(store.get(b"a").await.unwrap().unwrap().version, 2);
    commit(&store, "a", "3").await;
    assert_eq!(store.get(b"a").await.unwrap().unwrap().version, 3);
}

/// A condition that fails must not be mistaken for a lost attempt's own success, nor the reverse.
#[tokio::test(flavor = "multi_thread")]
async fn a_conditional_write_whose_answer_is_lost_is_no_conflict() {
    if !server::is_there() {
        return;
    }
    let member = server::single("http", &[]);
    let (address, cut) = line::to(member.address).await;
    let store = Arc::new(Etcd::connect(&server::settings(&[address], "n1")).await.unwrap());
    let create = || Transaction {
        compares: vec![Compare::ModRevision { key: "c".into(), equals: Revision(0) }],
        ops: vec![Op::Put { key: "c".into(), value: "mine".into() }],
    };
    commit(&store, "before", "x").await;
    cut.answers.store(true, Ordering::SeqCst);
    let writing = tokio::spawn({
        let store = store.clone();
        async move { store.transact(create()).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    cut.all.store(true, Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(60)).await;
    cut.answers.store(false, Ordering::SeqCst);
    cut.all.store(false, Ordering::SeqCst);
    // Retried blindly it would now meet its own write, and call that a conflict.
    assert!(matches!(writing.await.unwrap(), Ok(Outcome::Committed(_))));
    assert!(matches!(store.transact(create()).await, Ok(Outcome::Conflict { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_where_it_broke_off() {
    if !server::is_there() {
        return;
    }
    let mut member = server::single("http", &[]);
    let (address, cut) = line::to(member.address).await;
    let watching = Etcd::connect(&server::settings(&[address], "n1")).await.unwrap();
    let writing = Etcd::connect(&server::settings(&[member.address], "n2")).await.unwrap();
    let mut watch = watching.watch(b"", Revision(0));
    let mut written = 0;
    for round in 0..4 {
        let mut last = Revision(0);
        for n in 0..25 {
            last = commit(&writing, &format!("w/{n}"), "x").await;
            written += 1;
            match (round, n) {
                (1, 5) => cut.all.store(true, Ordering::SeqCst),
                (1, 20) => cut.all.store(false, Ordering::SeqCst),
                (2, 10) => {
                    member.kill();
                    member.start();
                    member.await_health();
                }
                _ => {}
            }
        }
        written -= until(&mut watch, last).await;
        assert_eq!(written, 0, "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_hangs_is_noticed() {
    if !server::is_there() {
        return;
    }
    let member = server::single("http", &[]);
    let mut settings = server::settings(&[member.address], "n1");
    settings.deadline = Duration::from_secs(2);
    let store = Etcd::connect(&settings).await.unwrap();
    let revision = commit(&store, "a", "1").await;
    assert_eq!(store.latest().await.unwrap(), revision);
    member.signal("-STOP");
    let started = Instant::now();
    assert!(store.latest().await.is_err());
    assert!(started.elapsed() < Duration::from_secs(4));
    member.signal("-CONT");
    member.await_health();
    assert_eq!(store.latest().await.unwrap(), revision);
}
