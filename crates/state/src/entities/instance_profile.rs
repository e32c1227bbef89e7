//! Instance profiles.

use serde::{Deserialize, Serialize};

use super::{Format, NameKey, Tags};
use crate::ids::UniqueId;
use crate::time::Timestamp;

/// An instance profile: what hands a role to an instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// The stored form.
    pub v: Format,
    /// `AIPA…`
    pub id: UniqueId,
    /// 1 to 128 of `[\w+=,.@-]`; unique ignoring case.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// When it was made.
    pub created: Timestamp,
    /// The profile's tags.
    #[serde(default)]
    pub tags: Tags,
    /// The one role it may hold, by unique id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<UniqueId>,
}

impl InstanceProfile {
    /// The key under which the profile is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }
}
