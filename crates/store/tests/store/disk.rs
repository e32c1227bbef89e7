//! Real file systems that are full or read-only, in a mount namespace of the child's own.

use std::path::Path;
use std::process::Command;

use rolecall_store::{Embedded, Op, OpenError, Outcome, Store, StoreError, Transaction};

use crate::process;

fn put(key: String, bytes: usize) -> Transaction {
    Transaction { compares: vec![], ops: vec![Op::Put { key: key.into(), value: vec![b'v'; bytes].into() }] }
}

/// Runs `test` where `mount` has prepared `dir`, if the system has namespaces for us.
fn in_namespace(dir: &Path, mount: &str, test: &str) {
    let possible = Command::new("unshare").args(["--user", "--map-root-user", "--mount", "true"]).status();
    if !possible.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED {test}: user and mount namespaces are not to be had here");
        return;
    }
    let dir = dir.to_str().unwrap();
    let script = format!("set -e; dir='{dir}'; {mount}; exec \"$@\"");
    let wrapper = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", &script, "sh"];
    let output = process::child(&wrapper, test, dir).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn a_full_disk_is_an_error_and_not_the_end() {
    let dir = tempfile::tempdir().unwrap();
    in_namespace(dir.path(), "mount -t tmpfs -o size=8m none \"$dir\"", "disk::child_fills_its_disk");
}

#[tokio::test]
#[ignore = "run by the test above, on a file system of eight megabytes"]
async fn child_fills_its_disk() {
    let Some(dir) = process::input() else { return };
    let path = Path::new(&dir).join("store.redb");
    let ballast = Path::new(&dir).join("ballast");
    let store = Embedded::open(&path).unwrap();
    std::fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let mut landed = 0;
    let refused = loop {
        match store.transact(put(format!("{landed:04}"), 60_000)).await {
            Ok(outcome) => assert!(matches!(outcome, Outcome::Committed(_))),
            Err(error) => break error,
        }
        landed += 1;
        assert!(landed < 1_000, "the disk never filled");
    };
    assert!(matches!(refused, StoreError::Engine(_) | StoreError::Unknown(_)), "{refused}");
    assert!(landed > 10);
    std::fs::remove_file(&ballast).unwrap();
    store.transact(put("after".into(), 10)).await.unwrap();
    let (loaded, _) = store.load(b"0").await.unwrap();
    // One of which that was not known may have landed.
    assert!((landed..=landed + 1).contains(&loaded.len()), "{landed} {}", loaded.len());
    store.close();
    let store = Embedded::open(&path).unwrap();
    assert_eq!(store.load(b"0").await.unwrap().0, loaded);
}

#[test]
fn a_read_only_disk_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    Embedded::open(&dir.path().join("store.redb")).unwrap().close();
    let mount = "mount --bind \"$dir\" \"$dir\"; mount -o remount,bind,ro \"$dir\"";
    in_namespace(dir.path(), mount, "disk::child_finds_its_disk_read_only");
}

#[test]
#[ignore = "run by the test above, on a read-only file system"]
fn child_finds_its_disk_read_only() {
    let Some(dir) = process::input() else { return };
    for name in ["store.redb", "new.redb"] {
        let error = Embedded::open(&Path::new(&dir).join(name)).err().unwrap();
        assert!(matches!(&error, OpenError::Unopenable { .. }), "{error:?}");
        assert!(error.to_string().contains(name) && error.to_string().contains("Read-only"), "{error}");
    }
}
