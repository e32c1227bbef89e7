//! Prints what the embedded engine costs: `cargo run --profile fast --example figures [KEYS]`.

#![expect(clippy::print_stdout, reason = "it is a program that prints")]

use std::error::Error;
use std::time::{Duration, Instant};

use rolecall_store::{Embedded, Op, Store, Transaction};

fn put(n: usize) -> Op {
    Op::Put { key: format!("accounts/123456789012/roles/{n:08}").into(), value: vec![b'v'; 500].into() }
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

async fn first_open() -> Result<Duration, Box<dyn Error>> {
    let mut times = Vec::new();
    for _ in 0..21 {
        // A disk that was just synced a hundred times answers later than one at rest.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let dir = tempfile::tempdir_in(".")?;
        let started = Instant::now();
        let store = Embedded::open(&dir.path().join("store.redb"))?;
        store.load(b"").await?;
        times.push(started.elapsed());
    }
    Ok(median(times))
}

async fn one_by_one(store: &Embedded) -> Result<Duration, Box<dyn Error>> {
    let mut times = Vec::new();
    for n in 0..200 {
        let started = Instant::now();
        store.transact(Transaction { compares: vec![], ops: vec![put(n)] }).await?;
        times.push(started.elapsed());
    }
    Ok(median(times))
}

async fn by_many(
    store: std::sync::Arc<Embedded>,
    writers: usize,
    each: usize,
) -> Result<f64, Box<dyn Error>> {
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let store = store.clone();
        tasks.spawn(async move {
            for n in 0..each {
                store.transact(Transaction { compares: vec![], ops: vec![put(writer * each + n)] }).await?;
            }
            Ok::<(), rolecall_store::StoreError>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok((writers * each) as f64 / started.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keys: usize = std::env::args().nth(1).and_then(|keys| keys.parse().ok()).unwrap_or(100_000);
    println!("open and load, empty directory      {:?} (median of 21)", first_open().await?);
    let dir = tempfile::tempdir_in(".")?;
    let path = dir.path().join("store.redb");
    let store = std::sync::Arc::new(Embedded::open(&path)?);
    println!("a write, one writer                 {:?} (median of 200)", one_by_one(&store).await?);
    println!("writes a second, 64 writers         {:.0}", by_many(store.clone(), 64, 50).await?);
    for first in (0..keys).step_by(Transaction::MAX_OPS) {
        let ops = (first..keys.min(first + Transaction::MAX_OPS)).map(put).collect();
        store.transact(Transaction { compares: vec![], ops }).await?;
    }
    println!("resident with {keys} keys stored    {} KiB", resident_kib());
    let killed = dir.path().join("killed.redb");
    // A copy of an open store is what a kill leaves.
    std::fs::copy(&path, &killed)?;
    let started = Instant::now();
    store.close();
    println!("close                               {:?}", started.elapsed());
    println!("file                                {} KiB", std::fs::metadata(&path)?.len() / 1_024);
    for (how, path) in [("closed", &path), ("killed", &killed)] {
        let started = Instant::now();
        let store = Embedded::open(path)?;
        let opened = started.elapsed();
        let (loaded, _) = store.load(b"").await?;
        println!(
            "open, {how}, then load {} keys   {opened:?}, {:?}",
            loaded.len(),
            started.elapsed() - opened
        );
    }
    println!("resident at the end                 {} KiB", resident_kib());
    Ok(())
}
