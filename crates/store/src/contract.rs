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
    /// The key is there.
    Exists {
        /// The key.
        key: Bytes,
    },
    /// No key starts so.
    PrefixEmpty {
        /// The prefix.
        prefix: Bytes,
    },
    /// No key that starts so was written after this revision. As in etcd, a key that was removed
    /// does not show: whoever must know of removals compares a key that they write too.
    PrefixUnchangedSince {
        /// The prefix.
        prefix: Bytes,
        /// The revision.
        revision: Revision,
    },
}

impl Compare {
    /// The key or prefix that is looked at.
    pub fn key(&self) -> &Bytes {
        match self {
            Self::ModRevision { key, .. } | Self::Exists { key } => key,
            Self::PrefixEmpty { prefix } | Self::PrefixUnchangedSince { prefix, .. } => prefix,
        }
    }
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
    /// Removes every key that starts so; nothing happens when there is none.
    DeletePrefix {
        /// The prefix.
        prefix: Bytes,
    },
}

impl Op {
    /// The key or prefix that is written.
    pub fn key(&self) -> &Bytes {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
            Self::DeletePrefix { prefix } => prefix,
        }
    }

    fn value(&self) -> &[u8] {
        match self {
            Self::Put { value, .. } => value,
            Self::Delete { .. } | Self::DeletePrefix { .. } => b"",
        }
    }
}

/// Writes that land together, on a condition. What is put is not written a second time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// All must hold.
    pub compares: Vec<Compare>,
    /// All land, in this order, at one revision.
    pub ops: Vec<Op>,
}

impl Transaction {
    /// The most compares, and the most writes: etcd's default (`--max-txn-ops` 128), less what the
    /// etcd engine adds of its own.
    pub const MAX_OPS: usize = 120;
    /// The most bytes: etcd's default (`--max-request-bytes` 1.5 MiB), less what the wire adds.
    pub const MAX_BYTES: usize = 1_500_000;
    /// What a compare or a write takes on the wire beside its key and value, at most.
    const OVERHEAD: usize = 48;

    /// Whether every engine takes it.
    ///
    /// # Errors
    /// [`StoreError::TooLarge`] or [`StoreError::Invalid`].
    pub fn check(&self) -> Result<(), StoreError> {
        let compared = self.compares.iter().map(|compare| compare.key().len());
        let written = self.ops.iter().map(|op| op.key().len() + op.value().len());
        let bytes = compared.chain(written).map(|bytes| bytes + Self::OVERHEAD).sum();
        let ops = self.ops.len().max(self.compares.len());
        if ops > Self::MAX_OPS || bytes > Self::MAX_BYTES {
            return Err(StoreError::TooLarge { ops, bytes });
        }
        self.check_keys()
    }

    fn check_keys(&self) -> Result<(), StoreError> {
        let invalid = |what: &str, key: &Bytes| Err(StoreError::Invalid(format!("{what}: {key:?}")));
        let nameless = |op: &&Op| !matches!(op, Op::DeletePrefix { .. }) && op.key().is_empty();
        if let Some(op) = self.ops.iter().find(nameless) {
            return invalid("a key is empty", op.key());
        }
        for (index, op) in self.ops.iter().enumerate() {
            let Op::Put { key, .. } = op else { continue };
            let touches = |(other, op): (usize, &Op)| match op {
                Op::Put { key: put, .. } => other > index && put == key,
                Op::Delete { key: deleted } => deleted == key,
                Op::DeletePrefix { prefix } => key.starts_with(prefix),
            };
            if self.ops.iter().enumerate().any(touches) {
                return invalid("a key is written twice", key);
            }
        }
        Ok(())
    }
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

/// All changes of one transaction that a watch is about. It is empty when there are none, and tells
/// then that the watch has come to this revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The transaction's revision.
    pub revision: Revision,
    /// In the order of its writes.
    pub events: Vec<Event>,
}

/// Everything under a prefix, at one revision.
pub type Loaded = (Vec<KeyValue>, Revision);

/// Everything under a prefix at one revision, a page at a time: it is never held at once.
pub struct Scan {
    receiver: mpsc::Receiver<Result<Loaded, StoreError>>,
}

impl Scan {
    /// How many pages wait for whoever reads.
    pub(crate) const WAITING: usize = 2;
    /// About how much a page holds, in bytes.
    pub(crate) const PAGE_BYTES: usize = 262_144;

    pub(crate) fn new(receiver: mpsc::Receiver<Result<Loaded, StoreError>>) -> Self {
        Self { receiver }
    }

    /// The next page, in the order of the keys; none after the last. The first comes even when there is
    /// nothing, and tells the revision.
    pub async fn next(&mut self) -> Option<Result<Loaded, StoreError>> {
        self.receiver.recv().await
    }
}

/// Why the store can't answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The engine can't write or read.
    #[error("the store failed: {0}")]
    Engine(String),
    /// The transaction is larger than the limits, which are etcd's.
    #[error(
        "a transaction of {ops} compares or writes and {bytes} bytes is larger than the store takes, which is {} and {}",
        Transaction::MAX_OPS,
        Transaction::MAX_BYTES
    )]
    TooLarge {
        /// How many writes, or compares if they are more.
        ops: usize,
        /// How many bytes.
        bytes: usize,
    },
    /// No engine takes such a transaction.
    #[error("the transaction is not valid: {0}")]
    Invalid(String),
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

    /// The next batch; none when the store was closed.
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

    /// At most `limit` keys under a prefix that come after `after`, in their order. Two calls may
    /// see different revisions.
    ///
    /// # Errors
    /// When the engine fails.
    fn range(&self, prefix: &[u8], after: &[u8], limit: usize) -> BoxFuture<'_, Result<Loaded, StoreError>>;

    /// Everything under a prefix, in the order of the keys, at one revision, whatever is written meanwhile.
    fn scan(&self, prefix: &[u8]) -> Scan;

    /// One key.
    ///
    /// # Errors
    /// When the engine fails.
    fn get(&self, key: &[u8]) -> BoxFuture<'_, Result<Option<KeyValue>, StoreError>>;

    /// The revision of the newest transaction that any node was told of. Whoever has taken in this
    /// revision knows everything that was acknowledged before the call: that is how a node tells
    /// that it is not behind.
    ///
    /// # Errors
    /// When the store can't be asked: then nobody can tell.
    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>>;

    /// The changes under a prefix after a revision.
    fn watch(&self, prefix: &[u8], after: Revision) -> Watch;

    /// Finishes what was asked for, and lets go of the files or connections.
    fn close(&self) -> BoxFuture<'_, ()>;
}
