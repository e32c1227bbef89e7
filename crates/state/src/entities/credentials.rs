//! Long-term credentials of users.

use serde::{Deserialize, Serialize};

use crate::ids::{AccessKeyId, UniqueId};
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

/// Whether a credential may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CredentialStatus {
    /// It may.
    Active,
    /// It may not.
    Inactive,
}

/// A public key for SSH access to code repositories.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserSshKey {
    /// `APKA…`
    pub id: UniqueId,
    /// The key as a line of `authorized_keys`, without a comment.
    pub body: String,
    /// The MD5 fingerprint that IAM shows.
    pub fingerprint: String,
    /// Whether it may be used.
    pub status: CredentialStatus,
    /// When it was uploaded.
    pub uploaded: Timestamp,
}

/// An X.509 certificate that signs requests of services of old.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SigningCertificate {
    /// 32 letters and digits.
    pub id: String,
    /// The certificate, as PEM.
    pub body: String,
    /// Whether it may be used.
    pub status: CredentialStatus,
    /// When it was uploaded.
    pub uploaded: Timestamp,
}

/// A user name and password, or an API key, for one service.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServiceSpecificCredential {
    /// `ACCA…`
    pub id: String,
    /// Such as `codecommit.amazonaws.com`.
    pub service: String,
    /// The user name, or the public part of the API key.
    pub name: String,
    /// Whether it may be used.
    pub status: CredentialStatus,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// The password or API key, sealed.
    pub secret: Sealed,
}

/// What an account asks of its users' passwords.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPolicy {
    /// 6 to 128 characters.
    pub minimum_length: u32,
    /// At least one symbol.
    pub require_symbols: bool,
    /// At least one digit.
    pub require_numbers: bool,
    /// At least one upper-case letter.
    pub require_uppercase: bool,
    /// At least one lower-case letter.
    pub require_lowercase: bool,
    /// Whether users may change their own passwords without further permission.
    pub users_may_change: bool,
    /// After how many days a password expires; never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_days: Option<u32>,
    /// How many earlier passwords may not come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reuse_prevention: Option<u32>,
    /// Whether only an administrator can renew an expired password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_expiry: Option<bool>,
}
