//! Multipart uploads: a directory each, with a file for each part.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Bucket, Headers, NewObject, OpenObject, blocking, replace, sync_directory};
use crate::checksum::{Algorithm, Checksum};
use crate::fault::Fault;

/// An upload in progress.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) initiated_ms: i64,
    /// The account that began it.
    pub(crate) initiator: String,
    pub(crate) headers: Headers,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) algorithm: Option<Algorithm>,
    /// Whether the object's checksum is that of its bytes, not of its parts' checksums.
    pub(crate) full_object: bool,
}

/// A part that was uploaded.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartRecord {
    pub(crate) number: u16,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) modified_ms: i64,
    pub(crate) checksum: Checksum,
}

impl Bucket {
    /// The directory of an upload. Ids are ours, in hexadecimal; anything else names no upload.
    fn upload_directory(&self, id: &str) -> Result<PathBuf, Fault> {
        let ours =
            id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if ours { Ok(self.uploads_directory().join(id)) } else { Err(Fault::no_such_upload(id)) }
    }

    pub(crate) async fn begin_upload(&self, upload: Upload) -> Result<(), Fault> {
        let directory = self.upload_directory(&upload.id)?;
        let uploads = self.uploads_directory();
        blocking(move || {
            std::fs::create_dir(&directory)?;
            replace(&directory.join("upload.json"), &serde_json::to_vec(&upload)?)?;
            sync_directory(&uploads)
        })
        .await
    }

    /// The upload of this id, if it is of this key.
    pub(crate) async fn upload(&self, id: &str, key: &str) -> Result<Upload, Fault> {
        let path = self.upload_directory(id)?.join("upload.json");
        let read = blocking(move || match std::fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice::<Upload>(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        read.await?.filter(|upload| upload.key == key).ok_or_else(|| Fault::no_such_upload(id))
    }

    /// All uploads, by key and time.
    pub(crate) async fn uploads(&self) -> Result<Vec<Upload>, Fault> {
        let directory = self.uploads_directory();
        let mut uploads = blocking(move || {
            let mut uploads = Vec::new();
            for entry in std::fs::read_dir(directory)? {
                // A crash while an upload began leaves a directory without its file.
                if let Ok(bytes) = std::fs::read(entry?.path().join("upload.json")) {
                    uploads.push(serde_json::from_slice::<Upload>(&bytes)?);
                }
            }
            Ok(uploads)
        })
        .await?;
        uploads.sort_by(|a, b| (&a.key, a.initiated_ms, &a.id).cmp(&(&b.key, b.initiated_ms, &b.id)));
        Ok(uploads)
    }

    /// Puts a sealed part in place.
    pub(crate) async fn commit_part(&self, id: &str, new: NewObject, number: u16) -> Result<(), Fault> {
        let directory = self.upload_directory(id)?;
        let (from, to) = (new.path().to_owned(), directory.join(format!("{number}.part")));
        let moved = blocking(move || match std::fs::rename(from, to) {
            // The upload ended while the part was on its way.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            result => result.and_then(|()| sync_directory(&directory)).map(|()| true),
        });
        if !moved.await? {
            return Err(Fault::no_such_upload(id));
        }
        new.keep();
        Ok(())
    }

    pub(crate) async fn part(&self, id: &str, number: u16) -> Result<Option<OpenObject<PartRecord>>, Fault> {
        let path = self.upload_directory(id)?.join(format!("{number}.part"));
        blocking(move || OpenObject::open(&path)).await
    }

    /// All parts, by number.
    pub(crate) async fn parts(&self, id: &str) -> Result<Vec<PartRecord>, Fault> {
        let directory = self.upload_directory(id)?;
        let mut parts = blocking(move || {
            let mut parts = Vec::new();
            for entry in std::fs::read_dir(directory)? {
                let path = entry?.path();
                if path.extension().is_some_and(|extension| extension == "part") {
                    parts.extend(OpenObject::<PartRecord>::open(&path)?.map(|part| part.record));
                }
            }
            Ok(parts)
        })
        .await?;
        parts.sort_by_key(|part| part.number);
        Ok(parts)
    }

    pub(crate) async fn end_upload(&self, id: &str) -> Result<(), Fault> {
        let directory = self.upload_directory(id)?;
        blocking(move || std::fs::remove_dir_all(directory)).await
    }
}
