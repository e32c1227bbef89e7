//! The writer: decides transactions one after the other, and makes them durable in groups.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;

use super::file::{self, Group, LandError, Values};
use super::{Opener, Shared, Slot, lock};
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

/// The one who writes the file.
pub(super) struct Writer {
    shared: Arc<Shared>,
    opener: Opener,
    /// What may have landed before the file had to be given up.
    maybe: Vec<Batch>,
}

impl Writer {
    /// A writer that opens the file anew with `opener` after it has failed.
    pub(super) fn new(shared: Arc<Shared>, opener: Opener) -> Self {
        Self { shared, opener, maybe: Vec::new() }
    }

    /// Works until every sender is gone.
    pub(super) fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let requests = std::iter::once(first).chain(requests.try_iter().take(MAX_GROUP - 1));
            let (transactions, answers) =
                requests.map(|request| (request.transaction, request.answer)).unzip();
            self.work(Decisions::of(transactions), answers);
        }
    }

    fn work(&mut self, mut group: Decisions, answers: Vec<oneshot::Sender<Result<Outcome, StoreError>>>) {
        let landed = match self.reopened() {
            Ok(()) => self.land(&mut group),
            Err(cause) => Err(cause),
        };
        for (answer, outcome) in answers.into_iter().zip(group.outcomes) {
            // Who has gone away meanwhile needs no answer.
            let _ = answer.send(match (&landed, outcome) {
                (Ok(()), Some(outcome)) => Ok(outcome),
                (Ok(()), None) => Err(StoreError::Closed),
                // It was refused on account of others that may not have landed.
                (Err(cause), Some(Outcome::Conflict { .. })) => Err(StoreError::Engine(cause.to_string())),
                (Err(cause), _) => Err(cause.clone()),
            });
        }
    }

    /// Opens the file again, if it had to be given up, and finds out what had landed.
    fn reopened(&mut self) -> Result<(), StoreError> {
        if !self.shared.must_reopen()? {
            return Ok(());
        }
        let file = (self.opener)().map_err(|error| StoreError::Engine(error.to_string()))?;
        let revision = file.revision().map_err(|cause| StoreError::Engine(cause.to_string()))?;
        let maybe = std::mem::take(&mut self.maybe);
        if maybe.last().is_some_and(|last| last.revision == revision) {
            lock(&self.shared.history).publish(maybe);
        }
        self.shared.set(Slot::Open(file));
        tracing::warn!("the store is open again");
        Ok(())
    }

    fn land(&mut self, group: &mut Decisions) -> Result<(), StoreError> {
        let landed = self.shared.with_file(|file| file.land(group))?;
        match landed {
            Ok(batches) => {
                lock(&self.shared.history).publish(batches);
                Ok(())
            }
            Err(LandError { cause, maybe }) => self.give_up(&cause, maybe),
        }
    }

    /// After a failed write the file must be opened anew, which tells whether the group is in it.
    fn give_up(&mut self, cause: &redb::Error, maybe: Vec<Batch>) -> Result<(), StoreError> {
        tracing::error!(%cause, "the store could not be written");
        let last = maybe.last().map(|batch| batch.revision);
        self.maybe = maybe;
        self.shared.give_up(cause);
        match self.reopened() {
            Ok(()) if last == Some(lock(&self.shared.history).revision()) => Ok(()),
            Ok(()) => Err(StoreError::Engine(format!("{cause}; nothing was written"))),
            Err(_) => Err(unknown(cause, last)),
        }
    }
}

fn unknown(cause: &redb::Error, maybe: Option<Revision>) -> StoreError {
    match maybe {
        Some(_) => StoreError::Unknown(cause.to_string()),
        None => StoreError::Engine(format!("{cause}; nothing was written")),
    }
}

/// A group, and what is decided on each of its transactions.
struct Decisions {
    transactions: Vec<Transaction>,
    outcomes: Vec<Option<Outcome>>,
}

impl Decisions {
    fn of(transactions: Vec<Transaction>) -> Self {
        let outcomes = transactions.iter().map(|_| None).collect();
        Self { transactions, outcomes }
    }
}

impl Group for Decisions {
    fn decide(&mut self, values: &mut Values<'_>, mut head: Revision) -> Result<Vec<Batch>, redb::Error> {
        let mut batches = Vec::new();
        for (transaction, outcome) in self.transactions.drain(..).zip(&mut self.outcomes) {
            if !all_hold(values, &transaction.compares)? {
                *outcome = Some(Outcome::Conflict { revision: head });
                continue;
            }
            let batch = apply(values, transaction.ops, Revision(head.0 + 1))?;
            // What changes nothing makes no revision.
            if !batch.events.is_empty() {
                head = batch.revision;
                batches.push(batch);
            }
            *outcome = Some(Outcome::Committed(head));
        }
        Ok(batches)
    }
}

fn all_hold(values: &Values<'_>, compares: &[Compare]) -> Result<bool, redb::Error> {
    for compare in compares {
        if !holds(values, compare)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds(values: &Values<'_>, compare: &Compare) -> Result<bool, redb::Error> {
    Ok(match compare {
        Compare::ModRevision { key, equals } => {
            file::get(values, key)?.map_or(Revision(0), |kv| kv.mod_revision) == *equals
        }
        Compare::Exists { key } => file::get(values, key)?.is_some(),
        Compare::PrefixEmpty { prefix } => file::under(values, prefix)?.is_empty(),
        Compare::PrefixUnchangedSince { prefix, revision } => {
            file::under(values, prefix)?.iter().all(|kv| kv.mod_revision <= *revision)
        }
    })
}

fn apply(values: &mut Values<'_>, ops: Vec<Op>, revision: Revision) -> Result<Batch, redb::Error> {
    let mut events = Vec::with_capacity(ops.len());
    for op in ops {
        match op {
            Op::Put { key, value } => {
                let old = file::get(values, &key)?;
                let create_revision = old.as_ref().map_or(revision, |kv| kv.create_revision);
                let version = old.map_or(1, |kv| kv.version + 1);
                let kv = KeyValue { key, value, create_revision, mod_revision: revision, version };
                file::put(values, &kv)?;
                events.push(EventKind::Put(kv));
            }
            Op::Delete { key } => {
                if values.remove(&*key)?.is_some() {
                    events.push(EventKind::Delete { key });
                }
            }
            Op::DeletePrefix { prefix } => {
                for kv in file::under(values, &prefix)? {
                    values.remove(&*kv.key)?;
                    events.push(EventKind::Delete { key: kv.key });
                }
            }
        }
    }
    Ok(Batch { revision, events: events.into_iter().map(|kind| Event { kind }).collect() })
}
