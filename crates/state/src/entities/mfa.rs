//! Virtual MFA devices.

use serde::{Deserialize, Serialize};

use super::{Format, NameKey, Tags};
use crate::ids::UniqueId;
use crate::seal::Sealed;
use crate::time::Timestamp;

/// A virtual MFA device: a seed that a user's app shares with the account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MfaDevice {
    /// The stored form.
    pub v: Format,
    /// An id of this program's own; AWS shows the ARN alone.
    pub id: UniqueId,
    /// 1 to 226 of `[\w+=,.@-]`; unique ignoring case.
    pub name: String,
    /// `/` or `/…/`.
    pub path: String,
    /// When it was made.
    pub created: Timestamp,
    /// The device's tags.
    #[serde(default)]
    pub tags: Tags,
    /// The seed in Base32, sealed.
    pub seed: Sealed,
    /// Whose it is, once it was enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<MfaAssignment>,
}

/// Whose device it is, and what is known of its clock.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MfaAssignment {
    /// The user's unique id; for the root user, the account's id.
    pub user: UniqueId,
    /// When it was enabled.
    pub enabled: Timestamp,
    /// How many steps its clock was ahead when last seen.
    pub drift_steps: i64,
    /// The step of the code used last: no code up to it counts again.
    pub last_step: i64,
}

impl MfaDevice {
    /// The key under which the device is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }

    /// What its seed is sealed for.
    pub fn purpose(id: &UniqueId) -> String {
        format!("mfa-device/{id}")
    }
}
