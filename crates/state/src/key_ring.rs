//! The keys that seal session tokens. They rotate; a token names the key that sealed it, and a key
//! stays until the last session that it sealed has ended.

use std::fmt;
use std::time::Duration;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};

use crate::entities::Format;
use crate::entropy::Entropy;
use crate::seal::{MasterKey, Sealed, Secret, Unsealable};
use crate::time::Timestamp;

/// How long a key seals new sessions where nothing else is set, in seconds.
pub const ACTIVE_SECONDS: i64 = 86_400;
/// How long before a new key seals it is made, in seconds, where nodes need no longer to know it.
const SETTLING_SECONDS: i64 = 60;
/// How long a key stays after the sessions that it sealed, in seconds: clocks differ.
const SPARE_SECONDS: i64 = 7_200;
/// The most keys of a ring: with so many, the newest goes on until the oldest has gone.
const MAX_KEYS: usize = 2_500;
/// The longest that a session may last, in seconds (`GetSessionToken`'s 36 hours).
pub const LONGEST_SESSION_SECONDS: i64 = 129_600;

/// How fast the ring goes round.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    active_seconds: i64,
    settling_seconds: i64,
}

impl Pace {
    /// A key seals for `active_seconds`. Nodes may answer from a picture of `behind_seconds` ago, so that a key
    /// seals only when it is older than that: by then whoever does not know it does not answer.
    pub fn new(active_seconds: i64, behind_seconds: i64) -> Self {
        // Times are whole seconds, of which one is lost.
        let known = behind_seconds.saturating_add(1);
        Self { active_seconds, settling_seconds: (active_seconds / 4).min(SETTLING_SECONDS).max(known) }
    }

    /// How often to look whether it is time.
    pub fn look(self) -> Duration {
        Duration::from_secs(u64::try_from(self.active_seconds / 8).unwrap_or(0).max(1))
    }
}

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
    /// It opens sessions already and seals none yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settling: bool,
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
    settling: bool,
}

impl RingKey {
    fn new(stored: &StoredKey, secret: &Secret) -> Result<Self, Unsealable> {
        let StoredKey { number, created, settling, .. } = *stored;
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        let sealing = hmac::sign(&root, b"rolecall session sealing");
        let sealing = UnboundKey::new(&AES_256_GCM, sealing.as_ref()).map_err(|_| Unsealable)?;
        let deriving = hmac::sign(&root, b"rolecall session secrets");
        let deriving = hmac::Key::new(hmac::HMAC_SHA256, deriving.as_ref());
        Ok(Self { number, created, sealing: LessSafeKey::new(sealing), deriving, settling })
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
            RingKey::new(k, &secret)
        };
        Ok(Self { keys: stored.keys.iter().map(open).collect::<Result<_, _>>()? })
    }

    /// The key that seals new sessions: the newest that every node knows.
    pub fn newest(&self) -> Option<&RingKey> {
        self.keys.iter().rev().find(|key| !key.settling)
    }

    /// The key that a token names.
    pub fn key(&self, number: u32) -> Option<&RingKey> {
        self.keys.iter().find(|k| k.number == number)
    }

    /// Whether the ring has something to change at this pace.
    pub fn is_due(&self, now: Timestamp, pace: Pace) -> bool {
        let Some(last) = self.keys.last() else { return true };
        let age = now.seconds_since(last.created);
        match last.settling {
            true => age >= pace.settling_seconds,
            false => age >= pace.active_seconds && self.keys.len() < MAX_KEYS,
        }
    }
}

impl StoredKeyRing {
    /// The ring as it is next: with one more key, which settles first, or with that key sealing; and without those whose
    /// sessions have all ended.
    pub fn rotated(&self, master: &MasterKey, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let mut keys = self.kept(now);
        match keys.last_mut() {
            Some(last) if last.settling => last.settling = false,
            last => {
                let (number, settling) = last.map_or((1, false), |key| (key.number.wrapping_add(1), true));
                let secret = Secret::new(entropy.bytes::<32>().to_vec());
                let key = master.seal(secret.expose(), &purpose(number), entropy);
                keys.push(StoredKey { number, created: now, key, settling });
            }
        }
        Self { v: Format, keys }
    }

    /// The keys that may have sealed a session that lasts: each seals until the next one does.
    fn kept(&self, now: Timestamp) -> Vec<StoredKey> {
        let lasts = |next: &StoredKey| {
            next.settling || now.seconds_since(next.created) < LONGEST_SESSION_SECONDS + SPARE_SECONDS
        };
        let nexts = self.keys.iter().skip(1).map(Some).chain([None]);
        let kept = self.keys.iter().zip(nexts).filter(|(_, next)| next.is_none_or(lasts));
        kept.map(|(key, _)| key.clone()).collect()
    }
}

fn purpose(number: u32) -> String {
    format!("session-key/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    fn ring(stored: &StoredKeyRing, master: &MasterKey) -> KeyRing {
        KeyRing::open(stored, master).unwrap()
    }

    #[test]
    fn a_key_settles_before_it_seals() {
        let master = MasterKey::new([1; 32]).unwrap();
        let first = StoredKeyRing::default().rotated(&master, Timestamp(0), &SystemEntropy);
        let pace = Pace::new(1_000, 0);
        assert!(!ring(&first, &master).is_due(Timestamp(999), pace));
        assert!(ring(&first, &master).is_due(Timestamp(1_000), pace));
        let second = first.rotated(&master, Timestamp(1_000), &SystemEntropy);
        let settling = ring(&second, &master);
        assert_eq!(settling.newest().map(|k| k.number), Some(1));
        assert!(settling.key(2).is_some() && !settling.is_due(Timestamp(1_059), pace));
        assert!(settling.is_due(Timestamp(1_060), pace));
        // Not before whoever answers knows it.
        let slow = Pace::new(1_000, 300);
        assert!(!settling.is_due(Timestamp(1_300), slow) && settling.is_due(Timestamp(1_301), slow));
        let settled = ring(&second.rotated(&master, Timestamp(1_060), &SystemEntropy), &master);
        assert_eq!(settled.newest().map(|k| k.number), Some(2));
        assert!(settled.key(1).is_some());
    }

    #[test]
    fn a_key_outlives_the_sessions_that_it_sealed() {
        let master = MasterKey::new([1; 32]).unwrap();
        let mut stored = StoredKeyRing::default();
        for at in [0, ACTIVE_SECONDS, ACTIVE_SECONDS + 60] {
            stored = stored.rotated(&master, Timestamp(at), &SystemEntropy);
        }
        let last_session_ends = ACTIVE_SECONDS + 60 + LONGEST_SESSION_SECONDS;
        let third = stored.rotated(&master, Timestamp(last_session_ends), &SystemEntropy);
        assert!(ring(&third, &master).key(1).is_some());
        let much_later = Timestamp(last_session_ends + SPARE_SECONDS);
        let third = stored.rotated(&master, much_later, &SystemEntropy);
        assert!(ring(&third, &master).key(1).is_none());
        assert!(ring(&third, &master).key(2).is_some());
    }
}
