//! The embedded engine: a `redb` file, one writer thread, and group commit.
//!
//! Transactions are decided one after the other on the head of the history, which the writer keeps
//! in memory: all keys with their values. Those that arrive while a commit is being made durable
//! form the next group and share one sync. Nobody hears of a transaction before it is durable.

mod file;
mod history;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::contract::{BoxFuture, Loaded, Outcome, Revision, Store, StoreError, Transaction, Watch};
use history::History;
use writer::{Request, Writer};

/// etcd's default limit on a request, in bytes.
const MAX_BYTES: usize = 1_572_864;
/// The limit on the writes of a transaction; etcd's default of 128 must be raised to it
/// (`--max-txn-ops`).
const MAX_OPS: usize = 1_024;

/// Why a store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// It was written by a later version.
    #[error("{path} has the form {found}, which only a later version can read (this one reads {known})")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its form.
        found: u64,
        /// The form that is known here.
        known: u64,
    },
    /// It is damaged, or no store at all.
    #[error("{path} is damaged or no store: {cause}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        cause: String,
    },
    /// The system does not let it be opened.
    #[error("{path} can't be opened: {cause}")]
    Unopenable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: String,
    },
}

/// The embedded engine.
pub struct Embedded {
    shared: Arc<Shared>,
    requests: Mutex<Option<std::sync::mpsc::Sender<Request>>>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// What the writer has made durable, for those who load and watch.
struct Shared {
    history: Mutex<History>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Embedded {
    /// Opens the store in `path`, a file; makes it when it is absent.
    ///
    /// # Errors
    /// [`OpenError`]; the file is untouched then.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let (file, head) = file::open(path)?;
        let shared = Arc::new(Shared { history: Mutex::new(History::new(head.clone())) });
        let (sender, receiver) = std::sync::mpsc::channel();
        let writer = Writer::new(file, head, shared.clone());
        let spawned = std::thread::Builder::new().name("store".into()).spawn(move || writer.run(&receiver));
        let unopenable =
            |cause: std::io::Error| OpenError::Unopenable { path: path.into(), cause: cause.to_string() };
        let handle = spawned.map_err(unopenable)?;
        Ok(Self { shared, requests: Mutex::new(Some(sender)), writer: Mutex::new(Some(handle)) })
    }

    /// Makes durable what was asked for, and closes the file.
    pub fn close(&self) {
        lock(&self.requests).take();
        if let Some(writer) = lock(&self.writer).take() {
            // A panic of the writer was answered to every waiting transaction already.
            let _ = writer.join();
        }
        lock(&self.shared.history).close();
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

fn check_size(transaction: &Transaction) -> Result<(), StoreError> {
    let size = |op: &crate::Op| match op {
        crate::Op::Put { key, value } => key.len() + value.len(),
        crate::Op::Delete { key } => key.len(),
    };
    let (ops, bytes) = (transaction.ops.len(), transaction.ops.iter().map(size).sum());
    if ops > MAX_OPS || bytes > MAX_BYTES { Err(StoreError::TooLarge { ops, bytes }) } else { Ok(()) }
}

impl Store for Embedded {
    fn transact(&self, transaction: Transaction) -> BoxFuture<'_, Result<Outcome, StoreError>> {
        let (answer, answered) = oneshot::channel();
        let sent = check_size(&transaction).and_then(|()| {
            let requests = lock(&self.requests);
            let sender = requests.as_ref().ok_or(StoreError::Closed)?;
            sender.send(Request { transaction, answer }).map_err(|_| StoreError::Closed)
        });
        Box::pin(async move {
            sent?;
            answered.await.unwrap_or(Err(StoreError::Closed))
        })
    }

    fn load(&self, prefix: &[u8]) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let loaded = lock(&self.shared.history).load(prefix);
        Box::pin(std::future::ready(Ok(loaded)))
    }

    fn watch(&self, prefix: &[u8], after: Revision) -> Watch {
        Watch::new(lock(&self.shared.history).watch(prefix, after))
    }
}

#[cfg(test)]
mod tests;
