//! Three members, of which some fail.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rolecall_store::{Compare, Etcd, Op, Outcome, Store, StoreError, Transaction};

use super::{commit, server, until};

/// Writers on three nodes count a key up while the leader is killed, and then another member is
/// paused: the count is what was acknowledged, give or take what was told as unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_acknowledged_write_is_lost_when_members_fail() {
    if !server::is_there() {
        return;
    }
    let mut members = server::cluster(3);
    let mut addresses: Vec<_> = members.iter().map(|member| member.address).collect();
    let mut nodes = Vec::new();
    for n in 0..3 {
        nodes.push(Arc::new(Etcd::connect(&server::settings(&addresses, &format!("n{n}"))).await.unwrap()));
        addresses.rotate_left(1);
    }
    commit(nodes.first().unwrap(), "count", "0").await;
    let until = Instant::now() + Duration::from_secs(10);
    let writers: Vec<_> = nodes.iter().cloned().map(|node| tokio::spawn(count_up(node, until))).collect();

    tokio::time::sleep(Duration::from_secs(1)).await;
    let leader = members.iter().position(server::Member::is_leader).expect("there is a leader");
    members.get_mut(leader).unwrap().kill();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let killed = members.get_mut(leader).unwrap();
    killed.start();
    killed.await_health();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let paused = (leader + 1) % 3;
    members.get(paused).unwrap().signal("-STOP");
    tokio::time::sleep(Duration::from_secs(2)).await;
    members.get(paused).unwrap().signal("-CONT");

    let (mut acknowledged, mut unknown, mut longest) = (0, 0, Duration::ZERO);
    for writer in writers {
        let done = writer.await.unwrap();
        acknowledged += done.acknowledged;
        unknown += done.unknown;
        longest = longest.max(done.longest);
    }
    let counted = nodes.first().unwrap().get(b"count").await.unwrap().unwrap();
    let counted: usize = std::str::from_utf8(&counted.value).unwrap().parse().unwrap();
    println!("{acknowledged} acknowledged, {unknown} unknown, {counted} counted, longest wait {longest:?}");
    assert!((acknowledged..=acknowledged + unknown).contains(&counted));
    assert!(acknowledged > 50, "too few to prove anything");
}

#[derive(Default)]
struct Done {
    acknowledged: usize,
    unknown: usize,
    longest: Duration,
}

async fn count_up(node: Arc<Etcd>, until: Instant) -> Done {
    let mut done = Done::default();
    while Instant::now() < until {
        let started = Instant::now();
        let Ok(Some(kv)) = node.get(b"count").await else { continue };
        let count: usize = std::str::from_utf8(&kv.value).unwrap().parse().unwrap();
        let transaction = Transaction {
            compares: vec![Compare::ModRevision { key: "count".into(), equals: kv.mod_revision }],
            ops: vec![Op::Put { key: "count".into(), value: (count + 1).to_string().into() }],
        };
        match node.transact(transaction).await {
            Ok(Outcome::Committed(_)) => done.acknowledged += 1,
            Err(StoreError::Unknown(_)) => done.unknown += 1,
            Ok(Outcome::Conflict { .. }) | Err(_) => {}
        }
        done.longest = done.longest.max(started.elapsed());
    }
    done
}

/// How soon another node hears of a write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_node_follows_soon() {
    const WRITES: usize = 300;
    if !server::is_there() {
        return;
    }
    let members = server::cluster(3);
    let addresses: Vec<_> = members.iter().map(|member| member.address).collect();
    let writer = Etcd::connect(&server::settings(addresses.get(..1).unwrap(), "n1")).await.unwrap();
    let reader = Etcd::connect(&server::settings(addresses.get(2..).unwrap(), "n2")).await.unwrap();
    let start = commit(&writer, "k", "0").await;
    let mut watch = reader.watch(b"", start);
    let (mut writes, mut follows) = (Vec::new(), Vec::new());
    for n in 0..WRITES {
        let started = Instant::now();
        let revision = commit(&writer, "k", &n.to_string()).await;
        let written = Instant::now();
        until(&mut watch, revision).await;
        writes.push(written - started);
        follows.push(written.elapsed());
    }
    for (what, mut times) in [("a write", writes), ("until another node has it", follows)] {
        times.sort();
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap();
        println!("{what}: p50 {:?}, p99 {:?} ({WRITES} writes, three members)", at(50), at(99));
        assert!(at(50) < Duration::from_millis(200), "{what}");
    }
}
