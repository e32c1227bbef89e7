//! The entities of one kind in one account: by name, and by unique id.

use std::sync::Arc;

use imbl::OrdMap;
use rolecall_store::Revision;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::entities::NameKey;
use crate::ids::UniqueId;

/// A kind of entity that the store holds.
pub trait Entity: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The collection's name in store keys.
    const COLLECTION: &'static str;

    /// What is computed from the entity when it is first needed.
    type Derived: Default + Send + Sync;

    /// The key under which the entity is found.
    fn key(&self) -> NameKey;

    /// The entity's unique id.
    fn id(&self) -> &UniqueId;
}

/// An entity as it stands in a snapshot.
pub struct Entry<T: Entity> {
    /// The store's revision of the value: what a transaction compares.
    pub revision: Revision,
    /// The entity.
    pub value: Arc<T>,
    /// What was computed from it.
    pub derived: T::Derived,
}

impl<T: Entity> Entry<T> {
    /// An entity that is only supposed to be: no store holds it.
    pub fn unstored(value: T) -> Arc<Self> {
        Self::new(Revision::default(), Arc::new(value))
    }

    fn new(revision: Revision, value: Arc<T>) -> Arc<Self> {
        Arc::new(Self { revision, value, derived: T::Derived::default() })
    }
}

impl<T: Entity> std::ops::Deref for Entry<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The entities of one kind in one account.
pub struct Collection<T: Entity> {
    by_key: OrdMap<NameKey, Arc<Entry<T>>>,
    by_id: OrdMap<UniqueId, Arc<Entry<T>>>,
}

impl<T: Entity> Clone for Collection<T> {
    fn clone(&self) -> Self {
        Self { by_key: self.by_key.clone(), by_id: self.by_id.clone() }
    }
}

impl<T: Entity> Default for Collection<T> {
    fn default() -> Self {
        Self { by_key: OrdMap::new(), by_id: OrdMap::new() }
    }
}

impl<T: Entity> Collection<T> {
    /// The entity of this name, ignoring case.
    pub fn get(&self, name: &str) -> Option<&Arc<Entry<T>>> {
        self.by_key.get(&NameKey::of(name))
    }

    /// The entity under this key.
    pub fn by_key(&self, key: &NameKey) -> Option<&Arc<Entry<T>>> {
        self.by_key.get(key)
    }

    /// The entity with this unique id.
    pub fn by_id(&self, id: &UniqueId) -> Option<&Arc<Entry<T>>> {
        self.by_id.get(id)
    }

    /// The entity with this unique id, given as text.
    pub fn by_id_str(&self, id: &str) -> Option<&Arc<Entry<T>>> {
        self.by_id.get(id)
    }

    /// All, in the order of their names in lower case.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<Entry<T>>> {
        self.by_key.values()
    }

    /// Those whose key comes after `marker`, in order; all when there is none.
    pub fn after<'a>(&'a self, marker: Option<&NameKey>) -> Box<dyn Iterator<Item = &'a Arc<Entry<T>>> + 'a> {
        match marker {
            None => Box::new(self.by_key.values()),
            Some(marker) => {
                let from = (std::ops::Bound::Excluded(marker.clone()), std::ops::Bound::Unbounded);
                Box::new(self.by_key.range(from).map(|(_, entry)| entry))
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    pub(super) fn put(&mut self, revision: Revision, value: Arc<T>) -> Option<Arc<Entry<T>>> {
        let entry = Entry::new(revision, value);
        let old = self.by_key.insert(entry.key(), entry.clone());
        if let Some(old) = &old {
            self.forget_id(old);
        }
        self.by_id.insert(entry.id().clone(), entry);
        old
    }

    pub(super) fn delete(&mut self, key: &NameKey) -> Option<Arc<Entry<T>>> {
        let old = self.by_key.remove(key)?;
        self.forget_id(&old);
        Some(old)
    }

    /// Forgets what was computed from an entity, because something that it refers to has changed.
    pub(super) fn refresh(&mut self, id: &UniqueId) {
        let Some(entry) = self.by_id.get_mut(id) else { return };
        *entry = Entry::new(entry.revision, entry.value.clone());
        self.by_key.insert(entry.key(), entry.clone());
    }

    // Of two entities that followed each other under one name, only the later keeps its id. A
    // rename arrives as a put under the new key and a delete of the old one, in either order: the id
    // is then that of the new entry.
    fn forget_id(&mut self, old: &Entry<T>) {
        if self.by_id.get(old.id()).is_some_and(|known| known.key() == old.key()) {
            self.by_id.remove(old.id());
        }
    }
}
