//! What an operator does to a whole store: by itself where nothing serves it, else by asking the server
//! through the socket in its data directory.

mod frames;
mod rotation;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rolecall_server::{Clock as _, SystemClock};
use rolecall_state::sealing::{SealingError, sealing};
use rolecall_state::{KeyId, MasterKey, State, StateError, SystemEntropy};
use rolecall_store::{OpenError, Store, StoreError};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub(crate) use frames::{CONTROL, Frame, listen_at, read_frame, read_task, write_frame};

use super::Failure;
use super::backup;
use super::serve::{KeyError, KeySource, ServeError, bare_store, files, open_place, root};
use crate::settings::Settings;

/// What is to be done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// Send everything, sealed, at one revision.
    Backup,
    /// Tell which master keys are in use.
    MasterKeyStatus,
    /// Seal everything under another master key.
    RotateMasterKey {
        /// Which; where there is only one other, that one.
        to: Option<KeyId>,
    },
    /// Give the root user a new access key.
    RotateRoot,
}

impl Task {
    /// As the audit trail calls it.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Backup => "BackupStore",
            Self::MasterKeyStatus => "DescribeMasterKey",
            Self::RotateMasterKey { .. } => "RotateMasterKey",
            Self::RotateRoot => "RotateRootCredentials",
        }
    }
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// The store can't be opened.
    #[error(transparent)]
    Open(#[from] Box<ServeError>),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The state can't be read or written.
    #[error(transparent)]
    State(#[from] StateError),
    /// The secrets could not be sealed anew.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// The master key can't be read or kept.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A file of the data directory is no good.
    #[error(transparent)]
    Files(#[from] files::FileError),
    /// The answer can't be written.
    #[error("the answer can't be written: {0}")]
    Out(#[from] io::Error),
    /// There is nothing in the store.
    #[error("the store is empty: there is nothing to back up")]
    Empty,
    /// What was asked for can't be done as things are.
    #[error("{0}")]
    Refused(String),
    /// The server said so.
    #[error("{0}")]
    Server(String),
    /// Another process has the store, and it is no server that listens.
    #[error("{0}, and no server answers at its socket: {1}")]
    Busy(String, io::Error),
}

/// Where a task is done.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) settings: Settings,
    pub(crate) data: PathBuf,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) state: State,
    pub(crate) source: KeySource,
}

impl Place {
    /// The keys that are known here, of which the one in use seals.
    pub(crate) fn master(&self) -> MasterKey {
        let in_use = self.state.snapshot().sealing().map(|sealing| sealing.key);
        in_use.and_then(|id| self.state.master().using(id)).unwrap_or_else(|| self.state.master().clone())
    }
}

/// Where the bytes of an answer go.
pub(crate) type Out = mpsc::Sender<Vec<u8>>;

/// Does it here; gives what is to be said about it.
pub(crate) async fn perform(task: &Task, place: &Place, out: &Out) -> Result<String, TaskError> {
    let (now, entropy) = (SystemClock.now(), &SystemEntropy);
    match task {
        Task::Backup => backup::send(&*place.store, &place.master(), out).await,
        Task::MasterKeyStatus => rotation::status(place).await,
        Task::RotateMasterKey { to } => rotation::rotate(place, *to, now, entropy).await,
        Task::RotateRoot => root::rotate(place, now, entropy).await,
    }
}

/// Does a task wherever that can be done, and hands the bytes of the answer to `take`.
pub(crate) fn run(
    settings: &Settings,
    task: &Task,
    take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<String, Failure> {
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|cause| Failure::Environment(format!("no runtime: {cause}")))?;
    let done = runtime.block_on(async {
        let opened = match task {
            // A store is backed up as it is, before this version makes anything else of it.
            Task::Backup => bare_store(settings, false).await.map(Opened::Bare),
            _ => open_place(settings).await.map(|place| Opened::Place(Box::new(place))),
        };
        match opened {
            Ok(opened) => here(&opened, task, take).await,
            Err(ServeError::Open(in_use @ OpenError::InUse(_))) => {
                there(settings, &in_use.to_string(), task, take).await
            }
            Err(other) => Err(Box::new(other).into()),
        }
    });
    done.map_err(|cause| Failure::Environment(cause.to_string()))
}

/// A store that nobody serves.
enum Opened {
    Bare((Arc<dyn Store>, MasterKey)),
    Place(Box<Place>),
}

impl Opened {
    async fn perform(&self, task: &Task, out: &Out) -> Result<String, TaskError> {
        match self {
            Self::Place(place) => perform(task, place, out).await,
            Self::Bare((store, master)) => {
                let in_use = sealing(&**store).await?.map(|(_, sealing)| sealing.key);
                let master = match in_use {
                    Some(id) => master.using(id).ok_or(SealingError::NoKey(id))?,
                    None => master.clone(),
                };
                backup::send(&**store, &master, out).await
            }
        }
    }

    async fn close(&self) {
        match self {
            Self::Place(place) => place.store.close().await,
            Self::Bare((store, _)) => store.close().await,
        }
    }
}

async fn here(
    opened: &Opened,
    task: &Task,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<String, TaskError> {
    let (out, mut written) = mpsc::channel(2);
    let performing = async { (opened.perform(task, &out).await, drop(out)).0 };
    let taking = async {
        while let Some(bytes) = written.recv().await {
            take(&bytes)?;
        }
        Ok::<_, io::Error>(())
    };
    let done = tokio::try_join!(performing, async { taking.await.map_err(TaskError::Out) });
    opened.close().await;
    done.map(|(said, ())| said)
}

async fn there(
    settings: &Settings,
    in_use: &str,
    task: &Task,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<String, TaskError> {
    let data = PathBuf::from(settings.text("data"));
    let mut stream =
        frames::connect(&data).await.map_err(|cause| TaskError::Busy(in_use.to_owned(), cause))?;
    let gone = |cause: io::Error| TaskError::Server(cause.to_string());
    frames::write_task(&mut stream, task).await.map_err(gone)?;
    loop {
        match read_frame(&mut stream).await.map_err(gone)? {
            Frame::Data(bytes) => take(&bytes)?,
            Frame::Done(said) => return Ok(said),
            Frame::Failed(cause) => return Err(TaskError::Server(cause)),
        }
    }
}
