//! The embedded engine: a `redb` file, one writer thread, and group commit.
//!
//! Transactions are decided one after the other on the newest state of the file. Those that arrive
//! while a commit is being made durable form the next group and share one sync. Nobody hears of a
//! transaction before it is durable.
//!
//! A file that exists is checked whole before anything is written to it. When a write fails (a full
//! disk), the file is opened anew, which tells whether the group landed; the store takes writes
//! again as soon as that succeeds. After a failed sync only a restart helps, since the system may
//! show what never came to the disk.

mod backend;
mod blank;
mod file;
mod history;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::{mpsc, oneshot};

use crate::contract::{
    BoxFuture, KeyValue, Loaded, Outcome, Revision, Store, StoreError, Transaction, Watch,
};
use file::StoreFile;
use history::History;
use writer::{Request, Writer};

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

/// Opens the file; asked again after a failure.
type Opener = Box<dyn Fn() -> Result<StoreFile, OpenError> + Send>;

/// The embedded engine.
pub struct Embedded {
    shared: Arc<Shared>,
    requests: Mutex<Option<std::sync::mpsc::Sender<Request>>>,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
}

/// What the writer and those who read and watch share.
struct Shared {
    file: RwLock<Slot>,
    history: Mutex<History>,
}

/// Where the file is.
enum Slot {
    Open(StoreFile),
    /// A write failed: it is to be opened anew.
    Failed(String),
    /// A sync failed: only a restart tells what is on the disk.
    Lost(String),
    Closed,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn set(&self, slot: Slot) {
        // Whoever reads holds the file only as long as a read takes.
        *self.file.write().unwrap_or_else(PoisonError::into_inner) = slot;
    }

    /// Runs `f` on the file while it is open.
    fn with_file<T>(&self, f: impl FnOnce(&StoreFile) -> T) -> Result<T, StoreError> {
        match &*self.file.read().unwrap_or_else(PoisonError::into_inner) {
            Slot::Open(file) => Ok(f(file)),
            Slot::Failed(cause) | Slot::Lost(cause) => Err(StoreError::Engine(cause.clone())),
            Slot::Closed => Err(StoreError::Closed),
        }
    }

    fn must_reopen(&self) -> Result<bool, StoreError> {
        match &*self.file.read().unwrap_or_else(PoisonError::into_inner) {
            Slot::Open(_) => Ok(false),
            Slot::Failed(_) => Ok(true),
            Slot::Lost(cause) => Err(StoreError::Engine(cause.clone())),
            Slot::Closed => Err(StoreError::Closed),
        }
    }

    fn give_up(&self, cause: &redb::Error) {
        let lost = self.with_file(StoreFile::sync_failed).unwrap_or(true);
        let cause = cause.to_string();
        self.set(if lost { Slot::Lost(cause) } else { Slot::Failed(cause) });
    }

    fn read<T>(&self, f: impl FnOnce(&StoreFile) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        self.with_file(f)?.map_err(|cause| StoreError::Engine(cause.to_string()))
    }
}

impl Embedded {
    /// Opens the store in `path`, a file; makes it when it is absent.
    ///
    /// # Errors
    /// [`OpenError`]; the file is untouched then.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let owned = path.to_owned();
        Self::start(path, Box::new(move || file::open(&owned)))
    }

    fn start(path: &Path, opener: Opener) -> Result<Self, OpenError> {
        let file = opener()?;
        let damaged = |cause: redb::Error| OpenError::Damaged { path: path.into(), cause: cause.to_string() };
        let revision = file.revision().map_err(damaged)?;
        let history = Mutex::new(History::new(revision));
        let shared = Arc::new(Shared { file: RwLock::new(Slot::Open(file)), history });
        let (sender, receiver) = std::sync::mpsc::channel();
        let writer = Writer::new(shared.clone(), opener);
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
        self.shared.set(Slot::Closed);
        lock(&self.shared.history).close();
    }

    /// Reads the file on a thread that may wait for the disk.
    fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&StoreFile) -> Result<T, redb::Error> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, StoreError>> {
        let shared = self.shared.clone();
        let reading = tokio::task::spawn_blocking(move || shared.read(f));
        Box::pin(async move { reading.await.unwrap_or(Err(StoreError::Closed)) })
    }

    fn send(
        &self,
        transaction: Transaction,
    ) -> Result<oneshot::Receiver<Result<Outcome, StoreError>>, StoreError> {
        transaction.check()?;
        let (answer, answered) = oneshot::channel();
        let requests = lock(&self.requests);
        let sender = requests.as_ref().ok_or(StoreError::Closed)?;
        sender.send(Request { transaction, answer }).map_err(|_| StoreError::Closed)?;
        Ok(answered)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.close();
    }
}

impl Store for Embedded {
    fn transact(&self, transaction: Transaction) -> BoxFuture<'_, Result<Outcome, StoreError>> {
        let sent = self.send(transaction);
        Box::pin(async move {
            // An answer that never comes is a writer that died: what it did then is not known.
            sent?.await.unwrap_or_else(|_| Err(StoreError::Unknown("the writer stopped".into())))
        })
    }

    fn load(&self, prefix: &[u8]) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        self.range(prefix, b"", usize::MAX)
    }

    fn scan(
        &self,
        prefix: &[u8],
        pages: mpsc::Sender<Vec<KeyValue>>,
    ) -> BoxFuture<'_, Result<Revision, StoreError>> {
        let (shared, prefix) = (self.shared.clone(), prefix.to_vec());
        let reading = tokio::task::spawn_blocking(move || {
            // Whoever takes the pages may be slow: the file is not held meanwhile.
            let picture = shared.read(StoreFile::picture)?;
            let scanned = picture.scan(&prefix, |page| pages.blocking_send(page).is_ok());
            scanned.map_err(|cause| StoreError::Engine(cause.to_string()))?.ok_or(StoreError::Closed)
        });
        Box::pin(async move { reading.await.unwrap_or(Err(StoreError::Closed)) })
    }

    fn range(&self, prefix: &[u8], after: &[u8], limit: usize) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let (prefix, after) = (prefix.to_vec(), after.to_vec());
        self.read(move |file| file.range(&prefix, &after, limit))
    }

    fn get(&self, key: &[u8]) -> BoxFuture<'_, Result<Option<KeyValue>, StoreError>> {
        let key = key.to_vec();
        self.read(move |file| file.get(&key))
    }

    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        let latest = self.shared.with_file(|_| lock(&self.shared.history).revision());
        Box::pin(std::future::ready(latest))
    }

    fn watch(&self, prefix: &[u8], after: Revision) -> Watch {
        Watch::new(lock(&self.shared.history).watch(prefix, after))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async { Self::close(self) })
    }
}

#[cfg(test)]
mod tests;
