//! What is durable: every key as it stands, the latest changes, and those who watch.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::contract::{Batch, Event, EventKind, KeyValue, Loaded, Revision, WatchError};

/// How many of the latest changes are kept for watches that start in the past.
const KEPT_BATCHES: usize = 4_096;

/// Every key as it stands at a revision.
#[derive(Clone, Default)]
pub(super) struct Head {
    pub(super) revision: Revision,
    pub(super) values: BTreeMap<Bytes, KeyValue>,
}

impl Head {
    /// The keys that start so, in order.
    pub(super) fn under<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = &'a KeyValue> {
        let from =
            self.values.range::<[u8], _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
        from.take_while(move |(key, _)| key.starts_with(prefix)).map(|(_, kv)| kv)
    }

    /// Moves on by a batch.
    pub(super) fn apply(&mut self, batch: &Batch) {
        for event in &batch.events {
            match &event.kind {
                EventKind::Put(kv) => drop(self.values.insert(kv.key.clone(), kv.clone())),
                EventKind::Delete { key } => drop(self.values.remove(key)),
            }
        }
        self.revision = batch.revision;
    }
}

type Sender = mpsc::UnboundedSender<Result<Batch, WatchError>>;

/// What is durable, and who wants to hear of more.
pub(super) struct History {
    head: Head,
    latest: VecDeque<Arc<Batch>>,
    watchers: Vec<(Bytes, Sender)>,
}

impl History {
    pub(super) fn new(head: Head) -> Self {
        Self { head, latest: VecDeque::new(), watchers: Vec::new() }
    }

    pub(super) fn load(&self, prefix: &[u8]) -> Loaded {
        (self.head.under(prefix).cloned().collect(), self.head.revision)
    }

    /// Takes in what has become durable, and tells those who watch.
    pub(super) fn publish(&mut self, batches: Vec<Batch>) {
        for batch in batches {
            self.head.apply(&batch);
            self.watchers.retain(|(prefix, watcher)| match matching(&batch, prefix) {
                Some(batch) => watcher.send(Ok(batch)).is_ok(),
                None => !watcher.is_closed(),
            });
            self.latest.push_back(Arc::new(batch));
            if self.latest.len() > KEPT_BATCHES {
                self.latest.pop_front();
            }
        }
    }

    pub(super) fn watch(
        &mut self,
        prefix: &[u8],
        after: Revision,
    ) -> mpsc::UnboundedReceiver<Result<Batch, WatchError>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        // The first change that is still known; what lies between `after` and it is forgotten.
        let oldest = self.latest.front().map_or(Revision(self.head.revision.0 + 1), |batch| batch.revision);
        if after.0 + 1 < oldest.0 {
            let _ = sender.send(Err(WatchError::Compacted(oldest)));
            return receiver;
        }
        for batch in self.latest.iter().filter(|batch| batch.revision > after) {
            if let Some(batch) = matching(batch, prefix) {
                let _ = sender.send(Ok(batch));
            }
        }
        self.watchers.push((Bytes::copy_from_slice(prefix), sender));
        receiver
    }

    /// Ends every watch.
    pub(super) fn close(&mut self) {
        self.watchers.clear();
    }
}

/// The part of a batch that is under a prefix; none when nothing is.
fn matching(batch: &Batch, prefix: &[u8]) -> Option<Batch> {
    let under = |event: &&Event| match &event.kind {
        EventKind::Put(kv) => kv.key.starts_with(prefix),
        EventKind::Delete { key } => key.starts_with(prefix),
    };
    let events: Vec<Event> = batch.events.iter().filter(under).cloned().collect();
    (!events.is_empty()).then_some(Batch { revision: batch.revision, events })
}
