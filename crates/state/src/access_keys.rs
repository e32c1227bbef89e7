//! Making access keys and recovering their secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::entities::{AccessKey, AccessKeyStatus};
use crate::entropy::Entropy;
use crate::ids::{AccessKeyId, AccountId};
use crate::seal::{MasterKey, Secret};
use crate::time::Timestamp;

/// What a stored secret access key is sealed for.
pub(crate) fn purpose(id: &AccessKeyId) -> String {
    format!("access-key/{id}")
}

/// A new secret access key: 40 characters of base64.
pub fn random_secret(entropy: &dyn Entropy) -> String {
    STANDARD.encode(entropy.bytes::<30>())
}

/// A new active key for `account`, and its secret: 40 characters of base64, shown once.
pub fn create(
    account: AccountId,
    master: &MasterKey,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> (AccessKey, Secret) {
    let secret = random_secret(entropy);
    import(AccessKeyId::long_term(account, entropy), &secret, master, now, entropy)
}

/// A key whose id and secret are given, as for the root user's at first start.
pub fn import(
    id: AccessKeyId,
    secret: &str,
    master: &MasterKey,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> (AccessKey, Secret) {
    let sealed = master.seal(secret.as_bytes(), &purpose(&id), entropy);
    let key = AccessKey { id, status: AccessKeyStatus::Active, created: now, secret: sealed };
    (key, Secret::new(secret.as_bytes().to_vec()))
}
