//! Buckets and objects in a directory.
//!
//! ```text
//! ROOT/buckets/NAME/bucket.json        the bucket's facts
//!                  /objects/FILE       an object: its bytes, then its record (see `object`)
//!                  /tags/FILE          an object's tags, if it has any
//!                  /uploads/ID/        a multipart upload
//!                  /new/               what is being written
//! ```
//!
//! Everything appears by one rename after an fsync, so a crash leaves the old or the new.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::fault::Fault;
use crate::names::BucketName;

mod bucket;
mod object;
mod uploads;

pub(crate) use bucket::{Bucket, Condition, Summary};
pub(crate) use object::{Headers, NewObject, ObjectRecord, OpenObject};
pub(crate) use uploads::{PartRecord, Upload};

/// What a bucket is, beside its objects.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BucketFacts {
    /// The layout's version.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// The account that owns it.
    pub owner: String,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: i64,
    /// Its region.
    pub region: String,
    /// The bucket policy as it was put.
    pub policy: Option<Arc<str>>,
    /// What is blocked of public access; `None` once the configuration is deleted.
    pub public_access_block: Option<PublicAccessBlock>,
    /// `BucketOwnerEnforced` and the like; `None` once deleted.
    pub object_ownership: Option<String>,
    /// The bucket's tags.
    pub tags: Vec<(String, String)>,
}

/// The four settings that keep a bucket from the public.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicAccessBlock {
    /// `BlockPublicAcls`.
    pub block_public_acls: bool,
    /// `IgnorePublicAcls`.
    pub ignore_public_acls: bool,
    /// `BlockPublicPolicy`.
    pub block_public_policy: bool,
    /// `RestrictPublicBuckets`.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// What a new bucket has.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

/// Why the store can't be opened. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file system refused.
    #[error("{path}: {cause}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        cause: io::Error,
    },
    /// A bucket's facts can't be read.
    #[error("{path} is damaged: {cause}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        cause: String,
    },
}

/// The version of the layout that is written.
pub(crate) const LAYOUT: u32 = 1;

pub(crate) struct Disk {
    root: PathBuf,
    buckets: ArcSwap<BTreeMap<BucketName, Arc<Bucket>>>,
    /// Held while the set of buckets changes.
    changing: Mutex<u64>,
}

impl Disk {
    pub(crate) fn open(root: &Path) -> Result<Self, OpenError> {
        let root = root.join("buckets");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |cause| OpenError::Io { path, cause }
        };
        std::fs::create_dir_all(&root).map_err(failed(&root))?;
        let mut buckets = BTreeMap::new();
        let mut leftovers = Vec::new();
        for entry in std::fs::read_dir(&root).map_err(failed(&root))? {
            let path = entry.map_err(failed(&root))?.path();
            let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if file_name.starts_with('.') {
                leftovers.push(path);
                continue;
            }
            let name = BucketName::parse(file_name).ok_or_else(|| damaged(&path, "no name of a bucket"))?;
            let bucket =
                Bucket::open(name.clone(), path.clone(), read_facts(&path, &name)?).map_err(failed(&path))?;
            buckets.insert(name, Arc::new(bucket));
        }
        // Only once all is readable: half-made and half-removed buckets go.
        for path in leftovers {
            std::fs::remove_dir_all(&path).map_err(failed(&path))?;
        }
        Ok(Self { root, buckets: ArcSwap::from_pointee(buckets), changing: Mutex::new(0) })
    }

    pub(crate) fn bucket(&self, name: &BucketName) -> Option<Arc<Bucket>> {
        self.buckets.load().get(name).cloned()
    }

    pub(crate) fn existing(&self, name: &BucketName) -> Result<Arc<Bucket>, Fault> {
        self.bucket(name).ok_or_else(|| Fault::no_such_bucket(name.as_str()))
    }

    pub(crate) fn owned_by(&self, account: &str) -> Vec<Arc<BucketFacts>> {
        let all = self.buckets.load();
        all.values().map(|bucket| bucket.facts()).filter(|facts| facts.owner == account).collect()
    }

    /// Makes a bucket, or returns the one that has the name.
    pub(crate) async fn create(
        &self,
        name: &BucketName,
        facts: BucketFacts,
    ) -> Result<Result<(), Arc<Bucket>>, Fault> {
        let mut serial = self.changing.lock().await;
        if let Some(existing) = self.bucket(name) {
            return Ok(Err(existing));
        }
        *serial += 1;
        let new = self.root.join(format!(".new-{serial}"));
        let path = self.root.join(name.as_str());
        let root = self.root.clone();
        let bucket_name = name.clone();
        let bucket = blocking(move || {
            std::fs::create_dir(&new)?;
            write_facts(&new, &facts)?;
            std::fs::rename(&new, &path)?;
            sync_directory(&root)?;
            Bucket::open(bucket_name, path, facts)
        })
        .await?;
        let mut all = BTreeMap::clone(&self.buckets.load());
        all.insert(name.clone(), Arc::new(bucket));
        self.buckets.store(Arc::new(all));
        Ok(Ok(()))
    }

    pub(crate) async fn delete(&self, name: &BucketName) -> Result<(), Fault> {
        let mut serial = self.changing.lock().await;
        let bucket = self.existing(name)?;
        *serial += 1;
        let gone = self.root.join(format!(".gone-{serial}"));
        bucket.move_away(gone.clone(), self.root.clone()).await?;
        let mut all = BTreeMap::clone(&self.buckets.load());
        all.remove(name);
        self.buckets.store(Arc::new(all));
        blocking(move || std::fs::remove_dir_all(gone)).await
    }
}

fn damaged(path: &Path, cause: &str) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), cause: cause.to_owned() }
}

fn read_facts(directory: &Path, name: &BucketName) -> Result<BucketFacts, OpenError> {
    let path = directory.join("bucket.json");
    let text = std::fs::read(&path).map_err(|cause| OpenError::Io { path: path.clone(), cause })?;
    let facts: BucketFacts =
        serde_json::from_slice(&text).map_err(|error| damaged(&path, &error.to_string()))?;
    if facts.version != LAYOUT {
        return Err(damaged(&path, &format!("version {} is not known here", facts.version)));
    }
    if facts.name != name.as_str() {
        return Err(damaged(&path, "it names another bucket"));
    }
    Ok(facts)
}

pub(crate) fn write_facts(directory: &Path, facts: &BucketFacts) -> io::Result<()> {
    replace(&directory.join("bucket.json"), &serde_json::to_vec_pretty(facts)?)
}

/// Replaces a small file by rename.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let new = path.with_extension("new~");
    let mut file = std::fs::File::create(&new)?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    sync_directory(directory)
}

pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    std::fs::File::open(directory)?.sync_all()
}

/// Runs file work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Fault::from),
        Err(error) => Err(Fault::internal(&error)),
    }
}
