//! Long-term credentials of users.

use serde::{Deserialize, Serialize};

use crate::ids::AccessKeyId;
use crate::seal::Sealed;
use crate::time::Timestamp;

/// An access key; its secret is sealed under the master key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessKey {
    /// `AKIA…`
    pub id: AccessKeyId,
    /// Whether it may be used.
    pub status: AccessKeyStatus,
    /// When it was made.
    pub created: Timestamp,
    /// The secret access key, sealed.
    pub secret: Sealed,
}

/// Whether an access key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessKeyStatus {
    /// It may.
    Active,
    /// It may not.
    Inactive,
    /// It may not, and is shown as expired.
    Expired,
}

/// A console password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoginProfile {
    /// The password's Argon2id hash in PHC form.
    pub password_hash: String,
    /// When the profile was made.
    pub created: Timestamp,
    /// When the password was last set.
    pub password_changed: Timestamp,
    /// Whether the user must set a new one at the next sign-in.
    pub reset_required: bool,
    /// Hashes of earlier passwords, newest first, as the password policy asks to remember.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<String>,
}
