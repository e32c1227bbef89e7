//! `kill -9` at any moment loses no acknowledged write.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use rolecall_store::{Embedded, Op, Outcome, Store, Transaction};

use crate::process;

const KILLS: u64 = 20;
const WRITERS: u64 = 8;

fn put(key: String, value: String) -> Transaction {
    Transaction { compares: vec![], ops: vec![Op::Put { key: key.into(), value: value.into() }] }
}

#[tokio::test]
async fn a_killed_writer_loses_no_acknowledged_write() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.redb");
    let mut acknowledged = std::collections::BTreeMap::new();
    let mut last_revision = 0;
    for kill in 0..KILLS {
        let input = format!("{}\n{kill}\n", path.display());
        let mut child = process::child(&[], "crash::child_writes_until_it_is_killed", &input);
        let lines = BufReader::new(child.stdout.take().unwrap());
        // From in the middle of the first open to deep in the writing.
        std::thread::sleep(Duration::from_millis(2 + kill * kill));
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.lines().map(Result::unwrap) {
            // Only whole lines are acknowledgements.
            if let Some((key, value)) =
                line.strip_prefix("landed ").and_then(|it| it.strip_suffix(" end")?.split_once(' '))
            {
                acknowledged.insert(key.to_owned(), value.to_owned());
            }
        }
        let store = Embedded::open(&path).unwrap();
        let (loaded, revision) = store.load(b"").await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let found: std::collections::BTreeMap<_, _> =
            loaded.iter().map(|kv| (text(&kv.key), text(&kv.value))).collect();
        for (key, value) in &acknowledged {
            let kept =
                found.get(key).unwrap_or_else(|| panic!("kill {kill}: {key} was acknowledged and is lost"));
            // A later write of the key may have landed without word of it.
            assert!(kept.len() >= value.len(), "kill {kill}: {key} went back");
        }
        assert!(revision.0 >= last_revision, "kill {kill}: the revision went back");
        last_revision = revision.0;
    }
    assert!(acknowledged.len() > 100, "too little was written to prove anything: {}", acknowledged.len());
    println!("{} acknowledged writes over {KILLS} kills, all there", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the test above, in a process that it kills"]
async fn child_writes_until_it_is_killed() {
    let Some(input) = process::input() else { return };
    let (path, run) = input.trim().split_once('\n').unwrap();
    let store = Embedded::open(Path::new(path)).unwrap();
    let writer = async |writer: u64| {
        for n in 0_u64.. {
            // A key is written twice, longer the second time.
            let key = format!("{run}/{writer}/{}", n / 2);
            let value = "v".repeat(10 + usize::try_from(n % 2).unwrap() * 300);
            let Ok(Outcome::Committed(_)) = store.transact(put(key.clone(), value.clone())).await else {
                panic!("the write failed")
            };
            println!("landed {key} {value} end");
        }
    };
    tokio::join!(writer(0), writer(1), writer(2), writer(3), writer(4), writer(5), writer(6), writer(7));
    unreachable!("{WRITERS} writers never end");
}
