//! The `redb` file: what stands where in it.

use std::io;
use std::path::Path;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use redb::{
    Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase, ReadableTable, StorageError, TableDefinition,
};

use super::OpenError;
use super::history::Head;
use crate::contract::{Batch, EventKind, KeyValue, Revision};

/// Key → create revision, modification revision, version, value.
const VALUES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("values");
/// The store's own facts.
const FACTS: TableDefinition<'_, &str, u64> = TableDefinition::new("facts");
const FORMAT: &str = "format";
const REVISION: &str = "revision";
/// The form of the file that this version writes.
const KNOWN_FORMAT: u64 = 1;
/// Everything is in memory already: the file's own cache may be small.
const CACHE_BYTES: usize = 1 << 20;

/// The open file.
pub(super) struct StoreFile(Database);

/// Opens or makes the file, and reads everything in it.
pub(super) fn open(path: &Path) -> Result<(StoreFile, Head), OpenError> {
    // Whoever lets the engine open a file that is no store would have it overwritten.
    refuse_foreign(path)?;
    refuse_newer(path)?;
    make_private(path)?;
    let database = Database::builder()
        .set_cache_size(CACHE_BYTES)
        .create(path)
        .map_err(|error| open_error(path, error))?;
    let file = StoreFile(database);
    let damaged = |cause: redb::Error| OpenError::Damaged { path: path.into(), cause: cause.to_string() };
    let format = format_of(&file.0).map_err(damaged)?;
    match format {
        None => file.initialize().map_err(damaged)?,
        Some(KNOWN_FORMAT) => {}
        Some(found) => return Err(OpenError::Newer { path: path.into(), found, known: KNOWN_FORMAT }),
    }
    let head = file.read_all().map_err(damaged)?;
    Ok((file, head))
}

/// A file that is there and not empty must begin as `redb` files do.
fn refuse_foreign(path: &Path) -> Result<(), OpenError> {
    const MAGIC: &[u8] = b"redb";
    let mut start = [0; 4];
    let read = match std::fs::File::open(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(cause) => Err(cause),
        Ok(mut file) => io::Read::read(&mut file, &mut start),
    };
    match read {
        Err(cause) => Err(OpenError::Unopenable { path: path.into(), cause: cause.to_string() }),
        Ok(0) => Ok(()),
        Ok(_) if start == MAGIC => Ok(()),
        Ok(_) => {
            Err(OpenError::Damaged { path: path.into(), cause: "it does not begin as a store does".into() })
        }
    }
}

/// Opening a file for writing changes it; a later version's must stay as it is. A file that was
/// not closed can't be looked at so, and was left by a version that could write it.
fn refuse_newer(path: &Path) -> Result<(), OpenError> {
    let Ok(database) = ReadOnlyDatabase::open(path) else { return Ok(()) };
    match format_of(&database) {
        Ok(Some(found)) if found != KNOWN_FORMAT => {
            Err(OpenError::Newer { path: path.into(), found, known: KNOWN_FORMAT })
        }
        _ => Ok(()),
    }
}

fn format_of(database: &impl ReadableDatabase) -> Result<Option<u64>, redb::Error> {
    fact(database, FORMAT)
}

fn fact(database: &impl ReadableDatabase, name: &str) -> Result<Option<u64>, redb::Error> {
    match database.begin_read()?.open_table(FACTS) {
        Ok(table) => Ok(table.get(name)?.map(|value| value.value())),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes the file, for its owner alone, when it is absent.
fn make_private(path: &Path) -> Result<(), OpenError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(cause) => Err(OpenError::Unopenable { path: path.into(), cause: cause.to_string() }),
    }
}

fn open_error(path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(path),
        DatabaseError::Storage(StorageError::Io(cause)) if cause.kind() != io::ErrorKind::InvalidData => {
            OpenError::Unopenable { path, cause: cause.to_string() }
        }
        other => OpenError::Damaged { path, cause: other.to_string() },
    }
}

impl StoreFile {
    fn initialize(&self) -> Result<(), redb::Error> {
        let write = self.0.begin_write()?;
        {
            let mut facts = write.open_table(FACTS)?;
            facts.insert(FORMAT, KNOWN_FORMAT)?;
            facts.insert(REVISION, 0)?;
            write.open_table(VALUES)?;
        }
        write.commit()?;
        Ok(())
    }

    fn read_all(&self) -> Result<Head, redb::Error> {
        let mut head = Head { revision: Revision(fact(&self.0, REVISION)?.unwrap_or(0)), ..Head::default() };
        let read = self.0.begin_read()?;
        for entry in read.open_table(VALUES)?.iter()? {
            let (key, value) = entry?;
            let kv = decode(key.value(), value.value());
            let kv = kv.ok_or_else(|| redb::Error::Corrupted("a value is too short".into()))?;
            head.values.insert(kv.key.clone(), kv);
        }
        Ok(head)
    }

    /// Writes batches in one transaction, and returns once they are on the disk.
    pub(super) fn write(&self, batches: &[Batch]) -> Result<(), redb::Error> {
        let write = self.0.begin_write()?;
        {
            let mut values = write.open_table(VALUES)?;
            for event in batches.iter().flat_map(|batch| &batch.events) {
                match &event.kind {
                    EventKind::Put(kv) => drop(values.insert(&*kv.key, &*encode(kv))?),
                    EventKind::Delete { key } => drop(values.remove(&**key)?),
                }
            }
            if let Some(last) = batches.last() {
                write.open_table(FACTS)?.insert(REVISION, last.revision.0)?;
            }
        }
        write.commit()?;
        Ok(())
    }
}

fn encode(kv: &KeyValue) -> Bytes {
    let mut out = BytesMut::with_capacity(24 + kv.value.len());
    out.put_u64(kv.create_revision.0);
    out.put_u64(kv.mod_revision.0);
    out.put_u64(kv.version);
    out.put_slice(&kv.value);
    out.freeze()
}

fn decode(key: &[u8], mut stored: &[u8]) -> Option<KeyValue> {
    if stored.len() < 24 {
        return None;
    }
    let (create, modified, version) = (stored.get_u64(), stored.get_u64(), stored.get_u64());
    Some(KeyValue {
        key: Bytes::copy_from_slice(key),
        value: Bytes::copy_from_slice(stored),
        create_revision: Revision(create),
        mod_revision: Revision(modified),
        version,
    })
}
