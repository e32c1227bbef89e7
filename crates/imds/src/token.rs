//! IMDSv2 session tokens: sealed, so that none are kept, and good on one instance only.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE as BASE64;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::SecureRandom;

/// The longest life of a token.
pub(crate) const LONGEST_SECONDS: u64 = 21_600;
/// Tells tokens of this form from those of a later one.
const FORM: u32 = 1;
/// Nonce, form, expiry, tag.
const SEALED_BYTES: usize = NONCE_LEN + 4 + 8 + 16;

/// Seals tokens. Servers that share one honour each other's tokens, also after a restart.
pub struct TokenKey(LessSafeKey);

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}

/// No randomness was to be had.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

impl TokenKey {
    /// From 32 secret bytes.
    ///
    /// # Errors
    /// Never in fact: a key of 32 bytes fits the cipher.
    pub fn new(secret: &[u8; 32]) -> Result<Self, NoRandomness> {
        UnboundKey::new(&AES_256_GCM, secret).map(|key| Self(LessSafeKey::new(key))).map_err(|_| NoRandomness)
    }

    /// A key of this run only.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn generate(random: &dyn SecureRandom) -> Result<Self, NoRandomness> {
        let mut secret = [0; 32];
        random.fill(&mut secret).map_err(|_| NoRandomness)?;
        Self::new(&secret)
    }

    /// A token for an instance, good for `life` from `now`.
    pub(crate) fn seal(
        &self,
        instance_id: &str,
        now: SystemTime,
        life: Duration,
        random: &dyn SecureRandom,
    ) -> Result<String, NoRandomness> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce).map_err(|_| NoRandomness)?;
        let mut sealed = Vec::with_capacity(SEALED_BYTES - NONCE_LEN);
        sealed.extend(FORM.to_be_bytes());
        sealed.extend((seconds(now) + life.as_secs()).to_be_bytes());
        let bound = Aad::from(instance_id.as_bytes());
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        self.0.seal_in_place_append_tag(nonce_used, bound, &mut sealed).map_err(|_| NoRandomness)?;
        Ok(BASE64.encode([&nonce[..], &sealed].concat()))
    }

    /// How long a token is still good for on this instance; `None` when it is not.
    pub(crate) fn remaining(&self, instance_id: &str, token: &[u8], now: SystemTime) -> Option<Duration> {
        let bytes = BASE64.decode(token).ok().filter(|bytes| bytes.len() == SEALED_BYTES)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let bound = Aad::from(instance_id.as_bytes());
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), bound, &mut sealed).ok()?;
        let (form, expiry) = opened.split_first_chunk::<4>()?;
        let expiry = u64::from_be_bytes(expiry.try_into().ok()?);
        let remaining = expiry.checked_sub(seconds(now)).filter(|&left| left > 0)?;
        (u32::from_be_bytes(*form) == FORM).then(|| Duration::from_secs(remaining))
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::rand::SystemRandom;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_good_on_its_instance_until_its_end() {
        let random = SystemRandom::new();
        let key = TokenKey::generate(&random).unwrap();
        let token = key.seal("i-1", at(1_000), Duration::from_secs(60), &random).unwrap();
        assert_eq!(token.len(), 56, "as long as AWS's");
        assert_eq!(key.remaining("i-1", token.as_bytes(), at(1_059)), Some(Duration::from_secs(1)));
        assert_eq!(key.remaining("i-1", token.as_bytes(), at(1_060)), None);
        assert_eq!(key.remaining("i-2", token.as_bytes(), at(1_000)), None);
        let other = TokenKey::generate(&random).unwrap();
        assert_eq!(other.remaining("i-1", token.as_bytes(), at(1_000)), None);
    }

    #[test]
    fn an_altered_token_is_refused() {
        let random = SystemRandom::new();
        let key = TokenKey::generate(&random).unwrap();
        let token = key.seal("i-1", at(0), Duration::from_secs(60), &random).unwrap();
        for index in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[index] = if altered[index] == b'A' { b'B' } else { b'A' };
            assert_eq!(key.remaining("i-1", &altered, at(0)), None, "byte {index}");
        }
        for nonsense in ["", "x", "====", &"A".repeat(56), &"A".repeat(100_000)] {
            assert_eq!(key.remaining("i-1", nonsense.as_bytes(), at(0)), None);
        }
    }
}
