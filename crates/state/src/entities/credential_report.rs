//! The last credential report of an account, as it was made.

use serde::{Deserialize, Serialize};

use super::{Format, NameKey, Packed};
use crate::ids::UniqueId;
use crate::time::Timestamp;

/// The one key of all accounts: a new report takes the place of the last.
const KEY: &str = "latest";

/// An account's credential report.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CredentialReport {
    /// The stored form.
    pub v: Format,
    /// The same for all: an account has one.
    pub id: UniqueId,
    /// When it was made.
    pub created: Timestamp,
    /// What it says, as CSV.
    pub content: Packed,
}

impl CredentialReport {
    /// A report that was made at `created`.
    pub fn new(created: Timestamp, content: &str) -> Self {
        let content = Packed::pack(content.as_bytes());
        Self { v: Format, id: UniqueId::from_stored(KEY), created, content }
    }

    /// The name under which an account's report is found.
    pub const NAME: &'static str = KEY;

    /// The key under which the report is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(KEY)
    }
}
