//! What is remembered for a while: which sessions were signed out, which codes were handed out.

use serde::{Deserialize, Serialize};

use super::{Format, NameKey};
use crate::ids::{AccessKeyId, UniqueId};
use crate::time::Timestamp;

/// Something to remember until a moment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Note {
    /// The stored form.
    pub v: Format,
    /// What it is about.
    pub id: UniqueId,
    /// When.
    pub made: Timestamp,
    /// From then on it may be forgotten.
    pub until: Timestamp,
    /// What is to be remembered, sealed, where there is more than the note itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<String>,
}

impl Note {
    /// A note that says no more than that it is there.
    pub fn new(id: UniqueId, made: Timestamp, until: Timestamp) -> Self {
        Self { v: Format, id, made, until, sealed: None }
    }

    /// The id of the note that a session of the console was signed out.
    pub fn signed_out(session: &AccessKeyId) -> UniqueId {
        UniqueId::from_stored(&format!("signed-out-{session}"))
    }

    /// The key under which the note is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(self.id.as_str())
    }
}
