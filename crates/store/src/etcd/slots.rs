//! How it is found out whether a transaction landed when etcd's answer was lost.
//!
//! Each transaction that is under way owns a slot, a key that only it writes. It lands only if the
//! slot is as it was, and writes it. To find out what became of it, the slot is written under the
//! same condition: if that succeeds, the transaction has not landed and never will, wherever it
//! still waits; if not, the slot tells the revision that it landed at.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::keys::{Keys, signed};
use super::wire::{Compare, EQUAL, MOD, PutRequest, RangeRequest, Request, RequestOp, Revised};
use crate::contract::Revision;

/// How many transactions of a node may be under way.
const SLOTS: usize = 64;

/// The slots of this node.
pub(super) struct Slots {
    node: String,
    free: Mutex<Vec<Slot>>,
    permits: Semaphore,
    made: AtomicUsize,
    writes: AtomicU64,
}

/// A slot, as it is known to be.
pub(super) struct Slot {
    pub(super) key: Vec<u8>,
    /// When it was last written; 0 when it is absent.
    pub(super) revision: Revision,
}

impl Slots {
    pub(super) fn new(node: &str) -> Self {
        Self {
            node: node.to_owned(),
            free: Mutex::default(),
            permits: Semaphore::new(SLOTS),
            made: AtomicUsize::new(0),
            writes: AtomicU64::new(0),
        }
    }

    pub(super) fn node(&self) -> &str {
        &self.node
    }

    /// Takes a slot, when one is free.
    pub(super) async fn take(&self, keys: &Keys) -> Option<(Slot, SemaphorePermit<'_>)> {
        let permit = self.permits.acquire().await.ok()?;
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let slot = free.unwrap_or_else(|| {
            let number = self.made.fetch_add(1, Ordering::Relaxed);
            Slot { key: keys.slot(&self.node, number), revision: Revision(0) }
        });
        Some((slot, permit))
    }

    /// Gives a slot back. One of which nobody knows how it is must not come back.
    pub(super) fn give_back(&self, slot: Slot) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(slot);
    }

    /// A text that is written into a slot only once.
    pub(super) fn tag(&self, what: &str) -> Vec<u8> {
        format!("{what} {}", self.writes.fetch_add(1, Ordering::Relaxed)).into_bytes()
    }

    /// No more transactions.
    pub(super) fn close(&self) {
        self.permits.close();
    }
}

impl Slot {
    /// That nobody has written it since.
    pub(super) fn untouched(&self) -> Compare {
        let to = Some(Revised::Mod(signed(self.revision)));
        Compare { result: EQUAL, target: MOD, key: self.key.clone(), to, range_end: Vec::new() }
    }

    pub(super) fn put(&self, tag: Vec<u8>) -> RequestOp {
        RequestOp { request: Some(Request::Put(PutRequest { key: self.key.clone(), value: tag })) }
    }

    pub(super) fn read(&self) -> RequestOp {
        read(self.key.clone())
    }
}

/// Reads one key in a transaction.
pub(super) fn read(key: Vec<u8>) -> RequestOp {
    RequestOp { request: Some(Request::Range(RangeRequest { key, ..RangeRequest::default() })) }
}
