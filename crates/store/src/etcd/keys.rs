//! Where things stand in etcd: what the store holds under `PREFIX/data/`, and what the engine
//! needs for itself under `PREFIX/store/`.

use bytes::Bytes;

use super::wire::Stored;
use crate::contract::{KeyValue, Revision};

/// The keys under one prefix of etcd.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// Everything of ours.
    pub(super) fn all(&self) -> Vec<u8> {
        format!("{}/", self.prefix).into_bytes()
    }

    /// What the store calls `key`, or what it calls the keys that start so.
    pub(super) fn data(&self, key: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), b"/data/", key].concat()
    }

    /// What the store calls the key that etcd calls `key`; none when it is the engine's own.
    pub(super) fn name(&self, key: &Bytes) -> Option<Bytes> {
        let name = key.strip_prefix(self.prefix.as_bytes())?.strip_prefix(b"/data/")?;
        Some(key.slice_ref(name))
    }

    /// Written by every transaction: its revision is the newest one's.
    pub(super) fn head(&self) -> Vec<u8> {
        format!("{}/store/head", self.prefix).into_bytes()
    }

    /// The form of what is stored.
    pub(super) fn format(&self) -> Vec<u8> {
        format!("{}/store/format", self.prefix).into_bytes()
    }

    /// The slots of every node.
    pub(super) fn slots(&self) -> Vec<u8> {
        format!("{}/store/slots/", self.prefix).into_bytes()
    }

    /// The slots of one node.
    pub(super) fn slots_of(&self, node: &str) -> Vec<u8> {
        format!("{}/store/slots/{node}/", self.prefix).into_bytes()
    }

    /// One slot.
    pub(super) fn slot(&self, node: &str, number: usize) -> Vec<u8> {
        format!("{}/store/slots/{node}/{number}", self.prefix).into_bytes()
    }

    /// As the store has it.
    pub(super) fn key_value(&self, stored: Stored) -> Option<KeyValue> {
        Some(KeyValue {
            key: self.name(&stored.key)?,
            value: stored.value,
            create_revision: revision(stored.create_revision),
            mod_revision: revision(stored.mod_revision),
            version: u64::try_from(stored.version).unwrap_or(0),
        })
    }
}

/// etcd's revisions are signed, and never negative.
pub(super) fn revision(revision: i64) -> Revision {
    Revision(u64::try_from(revision).unwrap_or(0))
}

/// A revision as etcd wants it; what is beyond its range matches nothing.
pub(super) fn signed(revision: Revision) -> i64 {
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

/// The first key that does not start with `prefix`, as the end of a range; a zero byte stands for
/// no end.
pub(super) fn end_of(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_after_its_prefix() {
        assert_eq!(end_of(b"ab"), b"ac");
        assert_eq!(end_of(b"a\xff\xff"), b"b");
        assert_eq!(end_of(b"\xff"), b"\0");
        assert_eq!(end_of(b""), b"\0");
    }

    #[test]
    fn names_lose_the_prefix() {
        let keys = Keys::new("/x");
        assert_eq!(keys.name(&keys.data(b"a/b").into()).unwrap(), "a/b");
        assert_eq!(keys.name(&keys.head().into()), None);
        assert_eq!(keys.name(&Bytes::from_static(b"/xy/data/a")), None);
    }
}
