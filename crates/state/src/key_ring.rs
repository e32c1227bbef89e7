//! The keys that seal session tokens. They rotate; a token names the key that sealed it, and a key
//! stays until the last session that it sealed has ended.

use std::fmt;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::entities::Format;
use crate::entropy::Entropy;
use crate::seal::{MasterKey, Sealed, Secret, Unsealable};
use crate::time::Timestamp;

/// How long a key seals new sessions, in seconds.
pub const ACTIVE_SECONDS: i64 = 86_400;
/// The longest that a session may last, in seconds (`GetSessionToken`'s 36 hours).
pub const LONGEST_SESSION_SECONDS: i64 = 129_600;

/// The key ring as stored.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct StoredKeyRing {
    /// The stored form.
    pub v: Format,
    /// Oldest first.
    pub keys: Vec<StoredKey>,
}

/// One key as stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredKey {
    /// Its number, which tokens carry.
    pub number: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The key, sealed under the master key.
    pub key: Sealed,
}

/// A key ready for use: two keys in truth, one for each of its uses.
pub struct RingKey {
    /// Its number, which tokens carry.
    pub number: u32,
    /// When it was made.
    pub created: Timestamp,
    /// Seals and opens tokens.
    pub sealing: LessSafeKey,
    /// Derives the secrets that go with tokens.
    pub deriving: hmac::Key,
}

impl RingKey {
    fn new(number: u32, created: Timestamp, secret: &Secret) -> Result<Self, Unsealable> {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        let sealing = hmac::sign(&root, b"rolecall session sealing");
        let sealing = UnboundKey::new(&AES_256_GCM, sealing.as_ref()).map_err(|_| Unsealable)?;
        let deriving = hmac::sign(&root, b"rolecall session secrets");
        let deriving = hmac::Key::new(hmac::HMAC_SHA256, deriving.as_ref());
        Ok(Self { number, created, sealing: LessSafeKey::new(sealing), deriving })
    }
}

impl fmt::Debug for RingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RingKey({})", self.number)
    }
}

/// The opened key ring, oldest key first.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: Vec<RingKey>,
}

impl KeyRing {
    /// Opens a stored ring.
    ///
    /// # Errors
    /// When the master key is another one.
    pub fn open(stored: &StoredKeyRing, master: &MasterKey) -> Result<Self, Unsealable> {
        let open = |k: &StoredKey| {
            let secret = master.open(&k.key, &purpose(k.number))?;
            RingKey::new(k.number, k.created, &secret)
        };
        Ok(Self { keys: stored.keys.iter().map(open).collect::<Result<_, _>>()? })
    }

    /// The key that seals new sessions.
    pub fn newest(&self) -> Option<&RingKey> {
        self.keys.last()
    }

    /// The key that a token names.
    pub fn key(&self, number: u32) -> Option<&RingKey> {
        self.keys.iter().find(|k| k.number == number)
    }

    /// Whether it is time for a new key.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.newest().is_none_or(|k| now.seconds_since(k.created) >= ACTIVE_SECONDS)
    }
}

impl StoredKeyRing {
    /// The ring with one more key, and without those whose sessions have all ended.
    pub fn rotated(&self, master: &MasterKey, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let number = self.keys.last().map_or(1, |k| k.number.wrapping_add(1));
        let keep =
            |k: &&StoredKey| now.seconds_since(k.created) < 2 * ACTIVE_SECONDS + LONGEST_SESSION_SECONDS;
        let mut keys: Vec<StoredKey> = self.keys.iter().filter(keep).cloned().collect();
        let secret = Secret::new(entropy.bytes::<32>().to_vec());
        let key = master.seal(secret.expose(), &purpose(number), entropy);
        keys.push(StoredKey { number, created: now, key });
        Self { v: Format, keys }
    }
}

fn purpose(number: u32) -> String {
    format!("session-key/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_key_outlives_the_sessions_that_it_sealed() {
        let master = MasterKey::new([1; 32]).unwrap();
        let first = StoredKeyRing::default().rotated(&master, Timestamp(0), &SystemEntropy);
        let second = first.rotated(&master, Timestamp(ACTIVE_SECONDS), &SystemEntropy);
        let ring = KeyRing::open(&second, &master).unwrap();
        assert_eq!(ring.newest().map(|k| k.number), Some(2));
        assert!(ring.key(1).is_some());
        let much_later = Timestamp(2 * ACTIVE_SECONDS + LONGEST_SESSION_SECONDS);
        let third = second.rotated(&master, much_later, &SystemEntropy);
        assert!(KeyRing::open(&third, &master).unwrap().key(1).is_none());
    }
}
