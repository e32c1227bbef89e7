//! `rolecall backup` and `rolecall restore`: the whole state at one revision, sealed in one file.

mod format;

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use rolecall_state::{MasterKey, SCHEMA_KEY, SystemEntropy, UpgradeError, check_version};
use rolecall_store::{KeyValue, Op, Outcome, Revision, Store, StoreError, Transaction};
use tokio::sync::mpsc;

use super::serve::{RESTORING, ServeError, bare_store};
use super::task::{self, Out, Task, TaskError};
use super::{Failure, print};
use crate::settings::Settings;

/// The most bytes of one transaction of a restore.
const BATCH_BYTES: usize = 1_000_000;
/// The most writes of one.
const BATCH_WRITES: usize = 100;

/// Why a backup was not restored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    /// The store can't be opened.
    #[error(transparent)]
    Open(#[from] Box<ServeError>),
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The file can't be written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is no good.
    #[error("{path}: {cause}; nothing was restored")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: format::FormatError,
    },
    /// There is something in the store already.
    #[error("the store is not empty; a backup is restored into an empty one")]
    InUse,
    /// It was written by a later version.
    #[error("nothing was restored: {0}")]
    Version(#[from] UpgradeError),
    /// Somebody else writes to the store.
    #[error("somebody else wrote to the store meanwhile; the restore was not finished: run it again")]
    Disturbed,
}

/// Writes a backup to a new file.
pub(crate) fn backup(settings: &Settings, path: &Path) -> Result<ExitCode, Failure> {
    let failed = |cause: std::io::Error| Failure::Environment(format!("{}: {cause}", path.display()));
    // An older backup is not written over.
    if path.exists() {
        return Err(failed(ErrorKind::AlreadyExists.into()));
    }
    let temporary = PathBuf::from(format!("{}.part", path.display()));
    let mut file = BufWriter::new(part(&temporary).map_err(failed)?);
    let written = task::run(settings, &Task::Backup, |bytes| file.write_all(bytes)).and_then(|said| {
        let file = file.into_inner().map_err(|cause| cause.into_error());
        let kept = file.and_then(|file| file.sync_all()).and_then(|()| std::fs::hard_link(&temporary, path));
        kept.map_err(failed).map(|()| said)
    });
    let _ = std::fs::remove_file(&temporary);
    print(format!("{}\n", written?))
}

/// Sends a backup, a piece after the other.
pub(crate) async fn send(store: &dyn Store, master: &MasterKey, out: &Out) -> Result<String, TaskError> {
    let entropy: &dyn rolecall_state::Entropy = &SystemEntropy;
    let mut writer = format::Writer::new(Vec::new(), master, entropy)?;
    let (sender, mut pages) = mpsc::channel::<Vec<KeyValue>>(1);
    // It owns the pages: when it stops early, whoever reads is told and stops too.
    let written = async move {
        while let Some(page) = pages.recv().await {
            page.iter().try_for_each(|one| writer.add(&one.key, &one.value))?;
            hand_over(out, writer.take()).await?;
        }
        Ok::<_, TaskError>(writer)
    };
    let (revision, writer) = tokio::join!(store.scan(b"", sender), written);
    let (writer, Revision(revision)) = (writer?, revision?);
    let (keys, rest) = writer.finish(revision)?;
    if keys == 0 {
        return Err(TaskError::Empty);
    }
    hand_over(out, rest).await?;
    Ok(format!("{keys} keys at revision {revision}"))
}

async fn hand_over(out: &Out, bytes: Vec<u8>) -> Result<(), TaskError> {
    let gone = |_| std::io::Error::other("nobody reads it");
    Ok(out.send(bytes).await.map_err(gone)?)
}

/// Restores a backup into an empty store.
pub(crate) fn restore(settings: &Settings, path: &Path) -> Result<ExitCode, Failure> {
    run(async {
        let (store, master) = bare_store(settings, true).await.map_err(Box::new)?;
        let pairs = read(path, &master)?;
        let version = pairs.iter().find(|(key, _)| key == SCHEMA_KEY);
        version.map_or(Ok(()), |(_, value)| check_version(value))?;
        let begun = store.get(RESTORING).await?.is_some();
        let (some, _) = store.range(b"", b"", 1).await?;
        if !begun && !some.is_empty() {
            return Err(RestoreError::InUse);
        }
        if begun {
            // What an earlier restore left half-done. The mark comes back with the next step.
            write(&store, vec![Op::DeletePrefix { prefix: Bytes::new() }]).await?;
        }
        let mark = Op::Put { key: Bytes::from_static(RESTORING), value: Bytes::from_static(b"1") };
        write(&store, vec![mark]).await?;
        let keys = pairs.len();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for (key, value) in pairs {
            if batch.len() >= BATCH_WRITES || bytes + key.len() + value.len() > BATCH_BYTES {
                write(&store, std::mem::take(&mut batch)).await?;
                bytes = 0;
            }
            bytes += key.len() + value.len();
            batch.push(Op::Put { key: key.into(), value: value.into() });
        }
        write(&store, batch).await?;
        write(&store, vec![Op::Delete { key: Bytes::from_static(RESTORING) }]).await?;
        store.close().await;
        Ok(format!("{keys} keys"))
    })
}

fn run(work: impl Future<Output = Result<String, RestoreError>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|cause| Failure::Environment(format!("no runtime: {cause}")))?;
    let said = runtime.block_on(work).map_err(|cause| Failure::Environment(cause.to_string()))?;
    print(format!("{said}\n"))
}

async fn write(store: &Arc<dyn Store>, ops: Vec<Op>) -> Result<(), RestoreError> {
    if ops.is_empty() {
        return Ok(());
    }
    match store.transact(Transaction { compares: Vec::new(), ops }).await? {
        Outcome::Committed(_) => Ok(()),
        Outcome::Conflict { .. } => Err(RestoreError::Disturbed),
    }
}

fn read(path: &Path, master: &MasterKey) -> Result<Vec<format::Pair>, RestoreError> {
    let file = File::open(path);
    let file = file.map_err(|cause| RestoreError::File { path: path.to_owned(), cause })?;
    format::read(BufReader::new(file), master)
        .map_err(|cause| RestoreError::Format { path: path.to_owned(), cause })
}

/// The file that a backup is written to before it is whole. One that a backup left which was cut short is replaced:
/// nobody holds its lock.
fn part(path: &Path) -> std::io::Result<File> {
    let file = match private_file(path) {
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => {
            let left = File::open(path)?;
            left.try_lock().map_err(|_| std::io::Error::other("another backup is written to it"))?;
            std::fs::remove_file(path)?;
            private_file(path)?
        }
        made => made?,
    };
    file.try_lock()?;
    Ok(file)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
