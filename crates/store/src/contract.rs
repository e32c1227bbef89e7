//! What every engine does.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use tokio::sync::mpsc;

/// A point in the store's history. Every transaction that writes makes the next one; 0 is before
/// the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// A key with its value and its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Bytes,
    /// The value.
    pub value: Bytes,
    /// When the key was made.
    pub create_revision: Revision,
    /// When the value was last written.
    pub mod_revision: Revision,
    /// How often it was written since it was made.
    pub version: u64,
}

/// What must hold for a transaction to land.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The key was last written at this revision; revision 0 says that it is absent.
    ModRevision {
        /// The key.
        key: Bytes,
        /// The revision.
        equals: Revision,
    },
    /// No key starts so.
    PrefixEmpty {
        /// The prefix.
        prefix: Bytes,
    },
}

/// A write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// Sets a key.
    Put {
        /// The key.
        key: Bytes,
        /// Its value.
        value: Bytes,
    },
    /// Removes a key; nothing happens when it is absent.
    Delete {
        /// The key.
        key: Bytes,
    },
}

impl Op {
    /// The key that is written.
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }
}

/// Writes that land together, on a condition. No key is written twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// All must hold.
    pub compares: Vec<Compare>,
    /// All land, in this order, at one revision.
    pub ops: Vec<Op>,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It landed and is durable.
    Committed(Revision),
    /// A compare did not hold; nothing was written.
    Conflict {
        /// The revision that it was compared at.
        revision: Revision,
    },
}

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The change.
    pub kind: EventKind,
}

/// How a key changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// It was set.
    Put(KeyValue),
    /// It was removed.
    Delete {
        /// The key.
        key: Bytes,
    },
}

/// All changes of one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The transaction's revision.
    pub revision: Revision,
    /// In the order of its writes.
    pub events: Vec<Event>,
}

/// Everything under a prefix, at one revision.
pub type Loaded = (Vec<KeyValue>, Revision);

/// Why the store can't answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The engine can't write or read.
    #[error("the store failed: {0}")]
    Engine(String),
    /// The transaction is larger than the limits, which are etcd's.
    #[error("a transaction of {ops} writes and {bytes} bytes is larger than the store takes")]
    TooLarge {
        /// How many writes.
        ops: usize,
        /// How many bytes of keys and values.
        bytes: usize,
    },
    /// Whether the transaction landed is not known.
    #[error("whether the write landed is not known: {0}")]
    Unknown(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// Why a watch ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WatchError {
    /// The history before this revision is no longer kept: load again.
    #[error("the history before revision {} is no longer kept", .0.0)]
    Compacted(Revision),
    /// The watcher fell too far behind, or the connection was lost: load again.
    #[error("the watch was lost: {0}")]
    Lost(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

/// A stream of changes, strictly in the order of their revisions.
pub struct Watch {
    receiver: mpsc::UnboundedReceiver<Result<Batch, WatchError>>,
}

impl Watch {
    /// A watch that yields what is sent.
    pub fn new(receiver: mpsc::UnboundedReceiver<Result<Batch, WatchError>>) -> Self {
        Self { receiver }
    }

    /// The next change; none when the store was closed.
    pub async fn next(&mut self) -> Option<Result<Batch, WatchError>> {
        self.receiver.recv().await
    }
}

/// A future on the heap, as traits that are used as objects need them.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store.
pub trait Store: Send + Sync + 'static {
    /// Lands a transaction; returns once it is durable.
    ///
    /// # Errors
    /// When the engine fails; nothing was written then, but for [`StoreError::Unknown`].
    fn transact(&self, transaction: Transaction) -> BoxFuture<'_, Result<Outcome, StoreError>>;

    /// Everything under a prefix, in the order of the keys, at one revision.
    ///
    /// # Errors
    /// When the engine fails.
    fn load(&self, prefix: &[u8]) -> BoxFuture<'_, Result<Loaded, StoreError>>;

    /// The changes under a prefix after a revision.
    fn watch(&self, prefix: &[u8], after: Revision) -> Watch;
}
