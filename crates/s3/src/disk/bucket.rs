//! One bucket: its facts, its objects, and an index of its keys that is made when first needed.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Serialize};
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{
    BucketFacts, NewObject, ObjectRecord, OpenObject, blocking, replace, sync_directory, write_facts,
};
use crate::fault::Fault;
use crate::names::{BucketName, file_name};

/// What a list says of an object.
#[derive(Clone, Debug)]
pub(crate) struct Summary {
    pub(crate) size: u64,
    pub(crate) etag: String,
    pub(crate) modified_ms: i64,
    pub(crate) storage_class: Option<String>,
}

pub(crate) type Index = BTreeMap<String, Summary>;

pub(crate) struct Bucket {
    pub(crate) name: BucketName,
    directory: PathBuf,
    facts: ArcSwap<BucketFacts>,
    state: RwLock<State>,
}

struct State {
    /// Made at the first list or write. INVARIANT: then it names exactly the files in `objects`.
    index: Option<Index>,
    /// The bucket was deleted while someone still held it.
    gone: bool,
}

/// What must hold of the present object for a write to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    None,
    /// `If-None-Match: *`.
    Absent,
    /// `If-Match`, an entity tag without quotes or `*`.
    Matches(String),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TagFile {
    object_id: String,
    tags: Vec<(String, String)>,
}

impl Bucket {
    pub(super) fn open(name: BucketName, directory: PathBuf, facts: BucketFacts) -> io::Result<Self> {
        let new = directory.join("new");
        if new.exists() {
            std::fs::remove_dir_all(&new)?;
        }
        for part in ["new", "objects", "tags", "uploads"] {
            std::fs::create_dir_all(directory.join(part))?;
        }
        let state = RwLock::new(State { index: None, gone: false });
        Ok(Self { name, directory, facts: ArcSwap::from_pointee(facts), state })
    }

    pub(crate) fn facts(&self) -> Arc<BucketFacts> {
        self.facts.load_full()
    }

    pub(super) fn uploads_directory(&self) -> PathBuf {
        self.directory.join("uploads")
    }

    /// A path for a file that is being written; `id` is random.
    pub(crate) fn new_path(&self, id: &str) -> PathBuf {
        self.directory.join("new").join(id)
    }

    fn object_path(&self, key: &str) -> PathBuf {
        self.directory.join("objects").join(file_name(key))
    }

    fn tag_path(&self, key: &str) -> PathBuf {
        self.directory.join("tags").join(file_name(key))
    }

    /// Changes the facts, durably.
    pub(crate) async fn change_facts(&self, change: impl FnOnce(&mut BucketFacts)) -> Result<(), Fault> {
        let _state = self.writing().await?;
        let mut facts = BucketFacts::clone(&self.facts.load());
        change(&mut facts);
        let directory = self.directory.clone();
        let facts = blocking(move || write_facts(&directory, &facts).map(|()| facts)).await?;
        self.facts.store(Arc::new(facts));
        Ok(())
    }

    /// Opens an object; `None` if there is no such key.
    pub(crate) async fn object(&self, key: &str) -> Result<Option<OpenObject>, Fault> {
        let path = self.object_path(key);
        let found: Option<OpenObject> = blocking(move || OpenObject::open(&path)).await?;
        match found {
            Some(object) if object.record.key != key => {
                Err(Fault::internal(&"an object's file holds another key"))
            }
            found => Ok(found),
        }
    }

    /// Puts a sealed file in place of the object of its key.
    pub(crate) async fn commit(
        &self,
        new: NewObject,
        record: &ObjectRecord,
        condition: &Condition,
    ) -> Result<(), Fault> {
        let mut state = self.writing_with_index().await?;
        let index = state.index.get_or_insert_default();
        check(condition, index.get(&record.key), &record.key)?;
        let (from, to) = (new.path().to_owned(), self.object_path(&record.key));
        let objects = self.directory.join("objects");
        blocking(move || std::fs::rename(from, to).and_then(|()| sync_directory(&objects))).await?;
        new.keep();
        index.insert(record.key.clone(), Summary::of(record));
        Ok(())
    }

    /// Removes an object; removing what is not there is no error.
    pub(crate) async fn remove(&self, key: &str, condition: &Condition) -> Result<(), Fault> {
        let mut state = self.writing_with_index().await?;
        let index = state.index.get_or_insert_default();
        check(condition, index.get(key), key)?;
        if index.remove(key).is_none() {
            return Ok(());
        }
        let (object, tags, objects) =
            (self.object_path(key), self.tag_path(key), self.directory.join("objects"));
        blocking(move || {
            std::fs::remove_file(object)?;
            match std::fs::remove_file(tags) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            sync_directory(&objects)
        })
        .await
    }

    /// The tags of an object; `None` if there is no such key.
    pub(crate) async fn tags(&self, key: &str) -> Result<Option<Vec<(String, String)>>, Fault> {
        let Some(object) = self.object(key).await? else { return Ok(None) };
        let path = self.tag_path(key);
        let read = blocking(move || match std::fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        });
        let Some(bytes) = read.await? else { return Ok(Some(object.record.tags)) };
        let file: TagFile = serde_json::from_slice(&bytes).map_err(|error| Fault::internal(&error))?;
        // Tags that were written for an earlier object of the key are not this one's.
        Ok(Some(if file.object_id == object.record.id { file.tags } else { object.record.tags }))
    }

    /// Replaces the tags of an object.
    pub(crate) async fn set_tags(&self, key: &str, tags: &[(String, String)]) -> Result<(), Fault> {
        let _state = self.writing().await?;
        let object = self.object(key).await?.ok_or_else(|| Fault::no_such_key(key))?;
        let file = TagFile { object_id: object.record.id, tags: tags.to_vec() };
        let path = self.tag_path(key);
        blocking(move || replace(&path, &serde_json::to_vec(&file)?)).await
    }

    /// The index, to be read.
    pub(crate) async fn index(&self) -> Result<RwLockReadGuard<'_, Index>, Fault> {
        if self.state.read().await.index.is_none() {
            drop(self.writing_with_index().await?);
        }
        let state = self.state.read().await;
        if state.gone {
            return Err(Fault::no_such_bucket(self.name.as_str()));
        }
        RwLockReadGuard::try_map(state, |state| state.index.as_ref())
            .map_err(|_| Fault::internal(&"the index was dropped"))
    }

    /// Moves the whole bucket out of the way if it is empty.
    pub(super) async fn move_away(&self, to: PathBuf, parent: PathBuf) -> Result<(), Fault> {
        let mut state = self.writing_with_index().await?;
        if state.index.as_ref().is_some_and(|index| !index.is_empty()) {
            let message = "The bucket you tried to delete is not empty";
            return Err(Fault::new("BucketNotEmpty", http::StatusCode::CONFLICT, message)
                .with("BucketName", self.name.as_str()));
        }
        let from = self.directory.clone();
        blocking(move || std::fs::rename(from, to).and_then(|()| sync_directory(&parent))).await?;
        state.gone = true;
        Ok(())
    }

    async fn writing(&self) -> Result<RwLockWriteGuard<'_, State>, Fault> {
        let state = self.state.write().await;
        if state.gone { Err(Fault::no_such_bucket(self.name.as_str())) } else { Ok(state) }
    }

    async fn writing_with_index(&self) -> Result<RwLockWriteGuard<'_, State>, Fault> {
        let mut state = self.writing().await?;
        if state.index.is_none() {
            let objects = self.directory.join("objects");
            state.index = Some(blocking(move || read_index(objects)).await?);
        }
        Ok(state)
    }
}

impl Summary {
    fn of(record: &ObjectRecord) -> Self {
        Self {
            size: record.size,
            etag: record.etag.clone(),
            modified_ms: record.modified_ms,
            storage_class: record.headers.storage_class.clone(),
        }
    }
}

fn read_index(objects: PathBuf) -> io::Result<Index> {
    let mut index = Index::new();
    for entry in std::fs::read_dir(objects)? {
        if let Some(object) = OpenObject::<ObjectRecord>::open(&entry?.path())? {
            index.insert(object.record.key.clone(), Summary::of(&object.record));
        }
    }
    Ok(index)
}

fn check(condition: &Condition, present: Option<&Summary>, key: &str) -> Result<(), Fault> {
    match (condition, present) {
        (Condition::None, _) | (Condition::Absent, None) => Ok(()),
        (Condition::Absent, Some(_)) => Err(Fault::precondition_failed("If-None-Match")),
        (Condition::Matches(_), None) => Err(Fault::no_such_key(key)),
        (Condition::Matches(etag), Some(summary)) if etag == "*" || *etag == summary.etag => Ok(()),
        (Condition::Matches(_), Some(_)) => Err(Fault::precondition_failed("If-Match")),
    }
}
