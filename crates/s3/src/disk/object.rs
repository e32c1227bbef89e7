//! The file of an object: its bytes from the first, then a record in JSON, then the record's length in
//! four bytes (little-endian) and a mark. One file, so that bytes and record cannot part.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};

use crate::checksum::{Algorithm, Checksum, Hasher, Sums};
use crate::fault::Fault;

const MARK: &[u8; 4] = b"RCO1";
const TAIL_BYTES: u64 = 8;
const MAX_RECORD_BYTES: u64 = 1 << 20;
const READ_BYTES: usize = 128 << 10;

/// What is known of an object beside its bytes and tags.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObjectRecord {
    /// Its key, in full.
    pub(crate) key: String,
    /// Tells this object from another one of the same key; its tags name it.
    pub(crate) id: String,
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    pub(crate) headers: Headers,
    pub(crate) checksum: Option<Checksum>,
    /// Sizes of the parts, if it was uploaded in parts.
    pub(crate) parts: Vec<u64>,
    /// The tags that it was made with; later ones are kept beside it.
    pub(crate) tags: Vec<(String, String)>,
}

/// The headers that an object keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) website_redirect_location: Option<String>,
    pub(crate) storage_class: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// A file that is being written.
pub(crate) struct NewObject {
    path: PathBuf,
    file: tokio::fs::File,
    hasher: Hasher,
    kept: bool,
}

impl NewObject {
    pub(crate) async fn create(path: PathBuf, algorithm: Algorithm) -> Result<Self, Fault> {
        let file = tokio::fs::File::create_new(&path).await?;
        Ok(Self { path, file, hasher: Hasher::new(algorithm), kept: false })
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.hasher.update(bytes);
        Ok(self.file.write_all(bytes).await?)
    }

    /// Writes a whole stream.
    pub(crate) async fn write_all<S, E>(&mut self, mut bytes: S) -> Result<(), E>
    where
        S: Stream<Item = Result<Bytes, E>> + Unpin,
        E: From<Fault>,
    {
        while let Some(piece) = bytes.next().await {
            self.write(&piece?).await?;
        }
        Ok(())
    }

    /// What was written so far.
    pub(crate) fn sums(&mut self) -> Sums {
        let algorithm = Algorithm::Crc64Nvme;
        std::mem::replace(&mut self.hasher, Hasher::new(algorithm)).finish()
    }

    /// Writes the record and makes all durable. The file stays where it is until it is moved.
    pub(crate) async fn seal(&mut self, record: &impl Serialize) -> Result<(), Fault> {
        let mut tail = serde_json::to_vec(record).map_err(|error| Fault::internal(&error))?;
        let length = u32::try_from(tail.len()).map_err(|error| Fault::internal(&error))?;
        tail.extend_from_slice(&length.to_le_bytes());
        tail.extend_from_slice(MARK);
        self.file.write_all(&tail).await?;
        self.file.flush().await?;
        Ok(self.file.sync_all().await?)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Says that the file was moved to its place.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for NewObject {
    fn drop(&mut self) {
        if !self.kept {
            // What is left over after a crash is removed at the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// An object opened for reading: what is read stays the same even if the key gets a new object.
pub(crate) struct OpenObject<R = ObjectRecord> {
    file: std::fs::File,
    pub(crate) record: R,
}

impl<R: DeserializeOwned> OpenObject<R> {
    /// Opens a file and reads its record; `None` if there is no such file.
    pub(crate) fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = match std::fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let record = read_record(&mut file)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
        Ok(Some(Self { file, record }))
    }
}

impl<R> OpenObject<R> {
    /// The bytes from `first` on, `length` of them.
    pub(crate) fn bytes(
        self,
        first: u64,
        length: u64,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static {
        struct Reading {
            file: tokio::fs::File,
            first: Option<u64>,
            left: u64,
        }
        let reading =
            Reading { file: tokio::fs::File::from_std(self.file), first: Some(first), left: length };
        futures::stream::try_unfold(reading, |mut reading| async move {
            if reading.left == 0 {
                return Ok(None);
            }
            if let Some(first) = reading.first.take() {
                reading.file.seek(SeekFrom::Start(first)).await?;
            }
            let want = usize::try_from(reading.left).unwrap_or(READ_BYTES).min(READ_BYTES);
            let mut buffer = BytesMut::with_capacity(want);
            let got = (&mut reading.file).take(reading.left.min(want as u64)).read_buf(&mut buffer).await?;
            if got == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            reading.left -= got as u64;
            Ok(Some((buffer.freeze(), reading)))
        })
    }
}

fn read_record<R: DeserializeOwned>(file: &mut std::fs::File) -> io::Result<R> {
    let damaged = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let length = file.metadata()?.len();
    let tail_at = length.checked_sub(TAIL_BYTES).ok_or_else(|| damaged("the file is too short"))?;
    file.seek(SeekFrom::Start(tail_at))?;
    let mut tail = [0_u8; 8];
    file.read_exact(&mut tail)?;
    let [a, b, c, d, mark @ ..] = tail;
    if mark != *MARK {
        return Err(damaged("the file does not end as an object's file does"));
    }
    let record_bytes = u64::from(u32::from_le_bytes([a, b, c, d]));
    let record_at = tail_at.checked_sub(record_bytes).filter(|_| record_bytes <= MAX_RECORD_BYTES);
    file.seek(SeekFrom::Start(record_at.ok_or_else(|| damaged("the record's length is wrong"))?))?;
    let mut record = Vec::new();
    file.take(record_bytes).read_to_end(&mut record)?;
    serde_json::from_slice(&record).map_err(|error| damaged(&error.to_string()))
}
