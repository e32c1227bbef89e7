//! The `redb` file: how it is opened, and what stands where in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use bytes::{Buf, BufMut, Bytes};
use redb::backends::FileBackend;
use redb::{
    Database, DatabaseError, ReadOnlyTable, ReadableDatabase, ReadableTable, StorageBackend, StorageError,
    Table, TableDefinition,
};

use super::backend::Guarded;
use super::{OpenError, blank};
use crate::contract::{Batch, KeyValue, Loaded, Revision};

/// Key → create revision, modification revision, version, value.
pub(super) const VALUES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("values");
/// The store's own facts.
pub(super) const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");
pub(super) const FORMAT: &str = "format";
pub(super) const REVISION: &str = "revision";
/// The form of the file that this version writes.
pub(super) const KNOWN_FORMAT: u64 = 1;
/// The system's page cache does the rest; requests are answered from the snapshot above anyway.
const CACHE_BYTES: usize = 1 << 20;

/// How many keys are handed over at once.
const PAGE: usize = 1_000;

/// The table of values in a transaction.
pub(super) type Values<'txn> = Table<'txn, &'static [u8], &'static [u8]>;

/// What a group of transactions has come to, in the file's transaction.
pub(super) trait Group {
    /// Decides all of them on `values`, of which the newest change is `head`'s, and writes those
    /// that hold; returns the batches in order.
    fn decide(&mut self, values: &mut Values<'_>, head: Revision) -> Result<Vec<Batch>, redb::Error>;
}

/// The open file.
pub(super) struct StoreFile {
    database: Database,
    guard: Guarded,
}

/// Opens or makes the file at `path`.
pub(super) fn open(path: &Path) -> Result<StoreFile, OpenError> {
    let unopenable = |cause: io::Error| OpenError::Unopenable { path: path.into(), cause: cause.to_string() };
    let file = private_file(path).map_err(unopenable)?;
    // `redb` takes the same lock; this one keeps two first starts from making one file.
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.into())),
        Err(TryLockError::Error(cause)) => return Err(unopenable(cause)),
    }
    let backend = FileBackend::new(file).map_err(|error| open_error(path, error))?;
    open_storage(Box::new(backend), path)
}

/// Opens the file, and makes it, for its owner alone, when it is absent.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens what `storage`, which is at `path`, holds.
pub(super) fn open_storage(storage: Box<dyn StorageBackend>, path: &Path) -> Result<StoreFile, OpenError> {
    let unopenable = |cause: String| OpenError::Unopenable { path: path.into(), cause };
    let made = blank::make_if_unfinished(&*storage, path).map_err(unopenable)?;
    // INVARIANT: nothing is written to a file before it has proven whole and ours.
    let guard = Guarded::new(storage).map_err(|cause| unopenable(cause.to_string()))?;
    let database = Database::builder()
        .set_cache_size(CACHE_BYTES)
        .set_check_integrity_on_open(!made)
        .create_with_backend(guard.clone())
        .map_err(|error| open_error(path, error))?;
    let file = StoreFile { database, guard };
    match file.fact(FORMAT) {
        Ok(Some(KNOWN_FORMAT)) => {}
        Ok(Some(found)) => return Err(OpenError::Newer { path: path.into(), found, known: KNOWN_FORMAT }),
        Ok(None) => {
            return Err(OpenError::Damaged { path: path.into(), cause: "it is another program's".into() });
        }
        Err(cause) => return Err(OpenError::Damaged { path: path.into(), cause: cause.to_string() }),
    }
    file.guard.release().map_err(|cause| unopenable(cause.to_string()))?;
    Ok(file)
}

fn open_error(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path),
        DatabaseError::Storage(StorageError::Io(cause))
            if !matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
        {
            OpenError::Unopenable { path, cause: cause.to_string() }
        }
        other => OpenError::Damaged { path, cause: other.to_string() },
    }
}

impl StoreFile {
    fn fact(&self, name: &str) -> Result<Option<u64>, redb::Error> {
        match self.database.begin_read()?.open_table(FACTS) {
            Ok(table) => Ok(table.get(name)?.map(|value| value.value())),
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The revision of the newest change.
    pub(super) fn revision(&self) -> Result<Revision, redb::Error> {
        Ok(Revision(self.fact(REVISION)?.unwrap_or(0)))
    }

    /// Whether a sync has failed, so that reading does not tell what is on the disk.
    pub(super) fn sync_failed(&self) -> bool {
        self.guard.sync_failed()
    }

    /// Lands a group in one transaction; returns the batches once they are on the disk.
    pub(super) fn land(&self, group: &mut impl Group) -> Result<Vec<Batch>, LandError> {
        let (write, batches) = self.decide(group).map_err(|cause| LandError { cause, maybe: Vec::new() })?;
        if batches.is_empty() {
            return Ok(batches);
        }
        match write.commit() {
            Ok(()) => Ok(batches),
            Err(cause) => Err(LandError { cause: cause.into(), maybe: batches }),
        }
    }

    fn decide(&self, group: &mut impl Group) -> Result<(redb::WriteTransaction, Vec<Batch>), redb::Error> {
        let write = self.database.begin_write()?;
        let batches = {
            let mut facts = write.open_table(FACTS)?;
            let head = Revision(facts.get(REVISION)?.map_or(0, |value| value.value()));
            let batches = group.decide(&mut write.open_table(VALUES)?, head)?;
            if let Some(last) = batches.last() {
                facts.insert(REVISION, last.revision.0)?;
            }
            batches
        };
        Ok((write, batches))
    }

    /// The first `limit` keys under a prefix that come after `after`.
    pub(super) fn range(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Loaded, redb::Error> {
        let read = self.database.begin_read()?;
        let revision = read.open_table(FACTS)?.get(REVISION)?.map_or(0, |value| value.value());
        let values = read.open_table(VALUES)?;
        let (mut found, from) = (Vec::new(), prefix.max(after));
        for entry in values.range(from..)? {
            let (key, value) = entry?;
            if !key.value().starts_with(prefix) || found.len() >= limit {
                break;
            }
            if key.value() > after || after.is_empty() {
                found.push(decode(key.value(), value.value())?);
            }
        }
        Ok((found, Revision(revision)))
    }

    /// What is in the file now, to be read while it changes.
    pub(super) fn picture(&self) -> Result<Picture, redb::Error> {
        let read = self.database.begin_read()?;
        let revision = read.open_table(FACTS)?.get(REVISION)?.map_or(0, |value| value.value());
        Ok(Picture { values: read.open_table(VALUES)?, revision: Revision(revision) })
    }

    /// One key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<KeyValue>, redb::Error> {
        let values = self.database.begin_read()?.open_table(VALUES)?;
        get(&values, key)
    }
}

/// The values at one revision.
pub(super) struct Picture {
    values: ReadOnlyTable<&'static [u8], &'static [u8]>,
    revision: Revision,
}

impl Picture {
    /// Gives everything under a prefix to `take`, page by page, as long as it takes them; the revision
    /// of it all.
    pub(super) fn scan(
        &self,
        prefix: &[u8],
        mut take: impl FnMut(Vec<KeyValue>) -> bool,
    ) -> Result<Option<Revision>, redb::Error> {
        let mut page = Vec::with_capacity(PAGE);
        for entry in ReadableTable::range(&self.values, prefix..)? {
            let (key, value) = entry?;
            if !key.value().starts_with(prefix) {
                break;
            }
            page.push(decode(key.value(), value.value())?);
            if page.len() == PAGE && !take(std::mem::replace(&mut page, Vec::with_capacity(PAGE))) {
                return Ok(None);
            }
        }
        Ok(take(page).then_some(self.revision))
    }
}

/// A group that did not land, or of which that is not known.
pub(super) struct LandError {
    pub(super) cause: redb::Error,
    /// What may be on the disk; empty when nothing is.
    pub(super) maybe: Vec<Batch>,
}

/// One key in a table.
pub(super) fn get(
    values: &impl ReadableTable<&'static [u8], &'static [u8]>,
    key: &[u8],
) -> Result<Option<KeyValue>, redb::Error> {
    values.get(key)?.map(|stored| decode(key, stored.value())).transpose()
}

/// The keys under a prefix in a table.
pub(super) fn under(values: &Values<'_>, prefix: &[u8]) -> Result<Vec<KeyValue>, redb::Error> {
    let mut found = Vec::new();
    for entry in values.range(prefix..)? {
        let (key, value) = entry?;
        if !key.value().starts_with(prefix) {
            break;
        }
        found.push(decode(key.value(), value.value())?);
    }
    Ok(found)
}

/// Writes one key into a table.
pub(super) fn put(values: &mut Values<'_>, kv: &KeyValue) -> Result<(), redb::Error> {
    let mut stored = Vec::with_capacity(24 + kv.value.len());
    stored.put_u64(kv.create_revision.0);
    stored.put_u64(kv.mod_revision.0);
    stored.put_u64(kv.version);
    stored.put_slice(&kv.value);
    values.insert(&*kv.key, &*stored)?;
    Ok(())
}

fn decode(key: &[u8], mut stored: &[u8]) -> Result<KeyValue, redb::Error> {
    if stored.len() < 24 {
        return Err(redb::Error::Corrupted("a value is too short".into()));
    }
    let (create, modified, version) = (stored.get_u64(), stored.get_u64(), stored.get_u64());
    Ok(KeyValue {
        key: Bytes::copy_from_slice(key),
        value: Bytes::copy_from_slice(stored),
        create_revision: Revision(create),
        mod_revision: Revision(modified),
        version,
    })
}
