//! The writer: decides transactions one after the other, and makes them durable in groups.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::file::StoreFile;
use super::history::Head;
use super::{Shared, lock};
use crate::contract::{
    Batch, Compare, Event, EventKind, KeyValue, Op, Outcome, Revision, StoreError, Transaction,
};

/// A group has at most this many transactions, so that the first does not wait for too many.
const MAX_GROUP: usize = 512;

/// A transaction, and who waits for its outcome.
pub(super) struct Request {
    pub(super) transaction: Transaction,
    pub(super) answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

pub(super) struct Writer {
    file: StoreFile,
    head: Head,
    shared: Arc<Shared>,
}

type Waiting = (oneshot::Sender<Result<Outcome, StoreError>>, Outcome);

impl Writer {
    pub(super) fn new(file: StoreFile, head: Head, shared: Arc<Shared>) -> Self {
        Self { file, head, shared }
    }

    /// Works until every sender is gone, or the file fails.
    pub(super) fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let group = std::iter::once(first).chain(requests.try_iter().take(MAX_GROUP - 1));
            let (batches, waiting) = self.decide(group);
            if let Err(cause) = self.land(batches, waiting) {
                tracing::error!(%cause, "the store can't be written; it takes no more writes");
                let failed = StoreError::Engine(cause);
                requests.iter().for_each(|request| drop(request.answer.send(Err(failed.clone()))));
                return;
            }
        }
    }

    fn decide(&mut self, group: impl Iterator<Item = Request>) -> (Vec<Batch>, Vec<Waiting>) {
        let (mut batches, mut waiting) = (Vec::new(), Vec::new());
        for Request { transaction, answer } in group {
            if !transaction.compares.iter().all(|compare| self.holds(compare)) {
                // Nothing is written for it; its revision may not be durable yet, and whoever tries
                // again waits for that.
                let _ = answer.send(Ok(Outcome::Conflict { revision: self.head.revision }));
                continue;
            }
            let batch = self.batch(transaction.ops);
            // As in etcd, what changes nothing makes no revision.
            if batch.events.is_empty() {
                waiting.push((answer, Outcome::Committed(self.head.revision)));
                continue;
            }
            self.head.apply(&batch);
            waiting.push((answer, Outcome::Committed(batch.revision)));
            batches.push(batch);
        }
        (batches, waiting)
    }

    fn land(&self, batches: Vec<Batch>, waiting: Vec<Waiting>) -> Result<(), String> {
        if !batches.is_empty() {
            if let Err(cause) = self.file.write(&batches) {
                // Whether the group is on the disk is not known now; the next open will tell.
                let cause = cause.to_string();
                waiting
                    .into_iter()
                    .for_each(|(answer, _)| drop(answer.send(Err(StoreError::Unknown(cause.clone())))));
                return Err(cause);
            }
            lock(&self.shared.history).publish(batches);
        }
        waiting.into_iter().for_each(|(answer, outcome)| drop(answer.send(Ok(outcome))));
        Ok(())
    }

    fn holds(&self, compare: &Compare) -> bool {
        match compare {
            Compare::ModRevision { key, equals } => self.mod_revision(key) == *equals,
            Compare::PrefixEmpty { prefix } => self.head.under(prefix).next().is_none(),
        }
    }

    fn mod_revision(&self, key: &Bytes) -> Revision {
        self.head.values.get(key).map_or(Revision(0), |kv| kv.mod_revision)
    }

    fn batch(&self, ops: Vec<Op>) -> Batch {
        let revision = Revision(self.head.revision.0 + 1);
        let event = |op| match op {
            Op::Delete { key } => self.head.values.contains_key(&key).then_some(EventKind::Delete { key }),
            Op::Put { key, value } => {
                let old = self.head.values.get(&key);
                let create_revision = old.map_or(revision, |kv| kv.create_revision);
                let version = old.map_or(1, |kv| kv.version + 1);
                Some(EventKind::Put(KeyValue {
                    key,
                    value,
                    create_revision,
                    mod_revision: revision,
                    version,
                }))
            }
        };
        Batch { revision, events: ops.into_iter().filter_map(event).map(|kind| Event { kind }).collect() }
    }
}
