//! The latest changes that are durable, and those who watch.

use std::collections::VecDeque;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::contract::{Batch, Event, EventKind, Revision, WatchError};

/// How many of the latest changes are kept for watches that start in the past, at most.
const KEPT_BATCHES: usize = 4_096;
/// How many bytes of them.
const KEPT_BYTES: usize = 4 << 20;

type Received = Result<Batch, WatchError>;

struct Watcher {
    prefix: Bytes,
    /// It knows everything up to this revision already.
    after: Revision,
    sender: mpsc::UnboundedSender<Received>,
}

/// What has become durable of late, and who wants to hear of more.
pub(super) struct History {
    revision: Revision,
    latest: VecDeque<Batch>,
    kept_bytes: usize,
    watchers: Vec<Watcher>,
}

impl History {
    /// A history that begins after `revision`.
    pub(super) fn new(revision: Revision) -> Self {
        Self { revision, latest: VecDeque::new(), kept_bytes: 0, watchers: Vec::new() }
    }

    /// The newest durable revision.
    pub(super) fn revision(&self) -> Revision {
        self.revision
    }

    /// Takes in what has become durable, and tells those who watch.
    pub(super) fn publish(&mut self, batches: Vec<Batch>) {
        for batch in batches {
            self.revision = batch.revision;
            self.watchers.retain(|watcher| watcher.tell(&batch));
            self.kept_bytes += size(&batch);
            self.latest.push_back(batch);
            while self.latest.len() > KEPT_BATCHES || self.kept_bytes > KEPT_BYTES {
                self.kept_bytes -= self.latest.pop_front().as_ref().map_or(0, size);
            }
        }
    }

    /// The changes under `prefix` after a revision.
    pub(super) fn watch(&mut self, prefix: &[u8], after: Revision) -> mpsc::UnboundedReceiver<Received> {
        let (sender, receiver) = mpsc::unbounded_channel();
        // The first change that is still known; what lies between `after` and it is forgotten.
        let oldest = self.latest.front().map_or(Revision(self.revision.0 + 1), |batch| batch.revision);
        if after.0.saturating_add(1) < oldest.0 {
            let _ = sender.send(Err(WatchError::Compacted(oldest)));
            return receiver;
        }
        let watcher = Watcher { prefix: Bytes::copy_from_slice(prefix), after, sender };
        if self.latest.iter().all(|batch| watcher.tell(batch)) {
            self.watchers.push(watcher);
        }
        receiver
    }

    /// Ends every watch.
    pub(super) fn close(&mut self) {
        self.watchers.clear();
    }
}

impl Watcher {
    /// Tells of a batch; false when nobody listens any more.
    fn tell(&self, batch: &Batch) -> bool {
        if batch.revision <= self.after {
            return !self.sender.is_closed();
        }
        let events = batch.events.iter().filter(|event| key_of(event).starts_with(&self.prefix)).cloned();
        self.sender.send(Ok(Batch { revision: batch.revision, events: events.collect() })).is_ok()
    }
}

fn key_of(event: &Event) -> &Bytes {
    match &event.kind {
        EventKind::Put(kv) => &kv.key,
        EventKind::Delete { key } => key,
    }
}

fn size(batch: &Batch) -> usize {
    let of = |event: &Event| match &event.kind {
        EventKind::Put(kv) => kv.key.len() + kv.value.len(),
        EventKind::Delete { key } => key.len(),
    };
    batch.events.iter().map(of).sum()
}
