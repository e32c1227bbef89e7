//! Storage that fails, tears and lies.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use super::*;

/// A disk in memory: what was written, and what of it a loss of power would leave.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<DiskState>);

#[derive(Debug, Default)]
struct DiskState {
    cached: Mutex<Vec<u8>>,
    durable: Mutex<Vec<u8>>,
    /// Writes since the last sync.
    unsynced: Mutex<Vec<(u64, Vec<u8>)>>,
    /// Bytes that still fit; writes beyond fail. `u64::MAX` is no limit.
    room: AtomicU64,
    /// Syncs that still succeed.
    syncs: AtomicU64,
}

impl Disk {
    fn of(bytes: Vec<u8>) -> Self {
        let disk = Self::default();
        *lock(&disk.0.cached) = bytes.clone();
        *lock(&disk.0.durable) = bytes;
        disk.0.room.store(u64::MAX, Ordering::SeqCst);
        disk.0.syncs.store(u64::MAX, Ordering::SeqCst);
        disk
    }

    fn new() -> Self {
        Self::of(Vec::new())
    }

    fn open(&self) -> Result<Embedded, OpenError> {
        let disk = self.clone();
        Embedded::start(
            Path::new("memory"),
            Box::new(move || file::open_storage(Box::new(disk.clone()), Path::new("memory"))),
        )
    }

    /// What a loss of power leaves: everything that was synced, and of what was not, whatever
    /// `kept` picks, in parts of a sector.
    fn after_power_loss(&self, mut kept: impl FnMut() -> bool) -> Self {
        const SECTOR: usize = 512;
        let mut image = lock(&self.0.durable).clone();
        image.resize(lock(&self.0.cached).len(), 0);
        for (offset, data) in &*lock(&self.0.unsynced) {
            for (sector, data) in data.chunks(SECTOR).enumerate() {
                let at = *offset as usize + sector * SECTOR;
                if kept() && at + data.len() <= image.len() {
                    image[at..at + data.len()].copy_from_slice(data);
                }
            }
        }
        Self::of(image)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(lock(&self.0.cached).len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let cached = lock(&self.0.cached);
        let from =
            cached.get(offset as usize..offset as usize + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(from);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        lock(&self.0.cached).resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.0.syncs.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
        {
            return Err(io::Error::other("the disk does not answer"));
        }
        lock(&self.0.unsynced).clear();
        lock(&self.0.durable).clone_from(&lock(&self.0.cached));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let taken =
            |room: u64| if room == u64::MAX { Some(room) } else { room.checked_sub(data.len() as u64) };
        if self.0.room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, taken).is_err() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut cached = lock(&self.0.cached);
        let end = offset as usize + data.len();
        if cached.len() < end {
            cached.resize(end, 0);
        }
        cached[offset as usize..end].copy_from_slice(data);
        lock(&self.0.unsynced).push((offset, data.to_vec()));
        Ok(())
    }
}

async fn texts(store: &Embedded) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    store.load(b"").await.unwrap().0.iter().map(|kv| (text(&kv.key), text(&kv.value))).collect()
}

/// A sequence that looks random and is the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_takes_them_again_when_there_is_room() {
    let disk = Disk::new();
    let store = disk.open().unwrap();
    let mut watch = store.watch(b"", Revision(0));
    let mut acknowledged = 0;
    for round in 0..30_u64 {
        disk.0.room.store(round * 3_000, Ordering::SeqCst);
        match store.transact(put(&format!("{acknowledged:04}"), &"v".repeat(2_000))).await {
            Ok(Outcome::Committed(_)) => acknowledged += 1,
            Ok(outcome) => panic!("{outcome:?}"),
            // It says that nothing was written, or that it can't tell as long as the disk is full.
            Err(StoreError::Engine(_)) => {}
            Err(StoreError::Unknown(_)) => {
                disk.0.room.store(u64::MAX, Ordering::SeqCst);
                store.transact(Transaction { compares: vec![], ops: vec![] }).await.unwrap();
                acknowledged = store.load(b"0").await.unwrap().0.len();
            }
            Err(error) => panic!("{error}"),
        }
        disk.0.room.store(u64::MAX, Ordering::SeqCst);
        store.transact(put("other", &round.to_string())).await.unwrap();
    }
    assert!((1..30).contains(&acknowledged), "both must have happened: {acknowledged}");
    let (loaded, last) = store.load(b"").await.unwrap();
    assert_eq!(loaded.len(), acknowledged + 1);
    // The watch has seen every revision once.
    for revision in 1..=last.0 {
        assert_eq!(watch.next().await.unwrap().unwrap().revision, Revision(revision));
    }
    store.close();
    assert_eq!(disk.open().unwrap().load(b"").await.unwrap().0, loaded);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_claimed() {
    let disk = Disk::new();
    let store = disk.open().unwrap();
    store.transact(put("a", "1")).await.unwrap();
    disk.0.syncs.store(0, Ordering::SeqCst);
    assert!(matches!(store.transact(put("b", "1")).await, Err(StoreError::Unknown(_))));
    disk.0.syncs.store(u64::MAX, Ordering::SeqCst);
    assert!(matches!(store.transact(put("c", "1")).await, Err(StoreError::Engine(_))));
    assert!(matches!(store.latest().await, Err(StoreError::Engine(_))));
    store.close();
    let store = disk.after_power_loss(|| false).open().unwrap();
    assert_eq!(texts(&store).await, [("a".into(), "1".into())]);
}

#[tokio::test]
async fn no_acknowledged_write_is_torn() {
    for seed in 1..40_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let disk = Disk::new();
        let store = disk.open().unwrap();
        let acknowledged = 3 + dice.roll() % 12;
        for n in 0..acknowledged {
            store
                .transact(put(&format!("{n:03}"), &"v".repeat((dice.roll() % 6_000) as usize)))
                .await
                .unwrap();
        }
        // One more is written, but the power fails in its sync.
        disk.0.syncs.store(dice.roll() % 2, Ordering::SeqCst);
        let acknowledged = match store.transact(put("last", &"v".repeat(3_000))).await {
            Ok(_) => acknowledged + 1,
            Err(_) => acknowledged,
        };
        let torn = disk.after_power_loss(|| dice.roll().is_multiple_of(2));
        drop(store);
        let store = torn.open().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let kept = texts(&store).await;
        let (whole, last): (Vec<_>, Vec<_>) = kept.iter().partition(|(key, _)| key != "last");
        assert!(last.iter().all(|(_, value)| *value == "v".repeat(3_000)), "seed {seed}");
        assert!(kept.len() as u64 >= acknowledged && whole.len() as u64 >= acknowledged - 1, "seed {seed}");
        store.transact(put("more", "1")).await.unwrap();
    }
}

/// Power is lost while the file is being made: the next start must make it after all.
#[tokio::test]
async fn a_file_that_was_not_finished_is_finished() {
    for syncs in 0..8 {
        let disk = Disk::new();
        disk.0.syncs.store(syncs, Ordering::SeqCst);
        drop(disk.open());
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 + syncs);
        for kept in 0..3 {
            let left = disk.after_power_loss(|| kept > 0 && (kept == 2 || dice.roll().is_multiple_of(2)));
            let store = left.open().unwrap_or_else(|error| panic!("{syncs} syncs, {kept}: {error}"));
            store.transact(put("a", "1")).await.unwrap();
        }
    }
}

/// Any flipped byte is either harmless, or found before anything is written.
#[tokio::test]
async fn a_damaged_file_is_found_and_untouched() {
    let whole = Disk::new();
    let store = whole.open().unwrap();
    for n in 0..20 {
        store.transact(put(&format!("{n:03}"), &"v".repeat(400))).await.unwrap();
    }
    let expected = texts(&store).await;
    store.close();
    let bytes = lock(&whole.0.cached).clone();
    let mut dice = Dice(7);
    // The header, the pages in use, and places at random.
    let used = (0..bytes.len()).filter(|at| bytes[*at] != 0).step_by(97);
    let places = (0..512).step_by(3).chain(used).chain((0..100).map(|_| dice.roll() as usize % bytes.len()));
    let (mut found, mut harmless) = (0, 0);
    for at in places.collect::<std::collections::BTreeSet<_>>() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        let disk = Disk::of(damaged.clone());
        match disk.open() {
            Ok(store) => {
                assert_eq!(texts(&store).await, expected, "byte {at}");
                harmless += 1;
            }
            Err(error) => {
                assert!(*lock(&disk.0.cached) == damaged, "byte {at}: {error}");
                found += 1;
            }
        }
    }
    assert!(found > 30 && harmless > 30, "{found} found, {harmless} harmless");
    for len in [1, 100, 4_096, bytes.len() / 2, bytes.len() - 1] {
        let disk = Disk::of(bytes[..len].to_vec());
        assert!(disk.open().is_err(), "cut to {len}");
        assert_eq!(lock(&disk.0.cached).len(), len);
    }
}
