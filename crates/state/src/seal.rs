//! Sealing secrets under the master key, so that the store holds none in the clear.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::entropy::Entropy;

/// A secret in memory: never shown, wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes hold of a secret.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The secret itself, for the one who must use it.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text, if it is UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret as it is stored: the id of the master key, nonce and AES-256-GCM ciphertext in base64.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(pub(crate) Arc<str>);

impl Sealed {
    /// The id of the key that it was sealed under. Stores of the first version do not say.
    pub fn key_id(&self) -> Option<KeyId> {
        self.0.split_once('.').and_then(|(id, _)| id.parse().ok())
    }

    fn ciphertext(&self) -> &str {
        self.0.split_once('.').map_or(&self.0, |(_, ciphertext)| ciphertext)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

/// A sealed secret that this master key does not open.
#[derive(Debug, thiserror::Error)]
#[error(
    "a stored secret does not open under this master key: the key is another one, or the value was changed"
)]
pub struct Unsealable;

/// The text is no master key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a master key is 64 hexadecimal digits; of several, with white space between them, the first is to be used"
)]
pub struct NotAKey;

/// The name of a master key: it follows from the key, and tells nothing of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; 8]);

impl KeyId {
    fn of(key: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let tag = hmac::sign(&key, b"rolecall master key id");
        Self(tag.as_ref().first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        unhex(text).map(Self).ok_or(NotAKey)
    }
}

impl TryFrom<String> for KeyId {
    type Error = NotAKey;

    fn try_from(text: String) -> Result<Self, NotAKey> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

struct OneKey {
    id: KeyId,
    key: LessSafeKey,
}

/// The key under which secrets are stored, beside others that may open what was stored earlier.
///
/// Clones share what is known: what one of them learns, all know.
#[derive(Clone)]
pub struct MasterKey {
    known: Arc<ArcSwap<Vec<Arc<OneKey>>>>,
    in_use: Option<KeyId>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl MasterKey {
    /// The length of a master key in bytes.
    pub const LEN: usize = 32;

    /// A key from its bytes, which are wiped.
    pub fn new(mut bytes: [u8; Self::LEN]) -> Option<Self> {
        let key = OneKey::new(&bytes);
        bytes.zeroize();
        Some(Self::of(vec![Arc::new(key?)]))
    }

    /// The keys that a text names: 64 hexadecimal digits each, with white space between them. Where the
    /// store does not say which one is in use, it is the first.
    ///
    /// # Errors
    /// When there is none, or anything else.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let mut keys: Vec<Arc<OneKey>> = Vec::new();
        for word in text.split_whitespace() {
            let bytes = Zeroizing::new(unhex::<{ Self::LEN }>(word).ok_or(NotAKey)?);
            let key = OneKey::new(&bytes).ok_or(NotAKey)?;
            if keys.iter().all(|known| known.id != key.id) {
                keys.push(Arc::new(key));
            }
        }
        if keys.is_empty() { Err(NotAKey) } else { Ok(Self::of(keys)) }
    }

    fn of(keys: Vec<Arc<OneKey>>) -> Self {
        Self { known: Arc::new(ArcSwap::from_pointee(keys)), in_use: None }
    }

    /// The key that seals: the one in use, or else the first.
    fn sealing(&self) -> Option<Arc<OneKey>> {
        let known = self.known.load();
        match self.in_use {
            Some(id) => known.iter().find(|key| key.id == id).cloned(),
            None => known.first().cloned(),
        }
    }

    /// The id of the key that seals.
    pub fn id(&self) -> Option<KeyId> {
        self.sealing().map(|key| key.id)
    }

    /// The ids of all keys that are known here.
    pub fn known(&self) -> Vec<KeyId> {
        self.known.load().iter().map(|key| key.id).collect()
    }

    /// The same keys, of which this one seals; none when it is not known here.
    pub fn using(&self, id: KeyId) -> Option<Self> {
        let is_known = self.known.load().iter().any(|key| key.id == id);
        is_known.then(|| Self { known: self.known.clone(), in_use: Some(id) })
    }

    /// Knows the keys of `other` too from now on.
    pub fn learn(&self, other: &Self) {
        self.known.rcu(|known| {
            let mut keys = Vec::clone(known);
            for key in other.known.load().iter() {
                if keys.iter().all(|known| known.id != key.id) {
                    keys.push(key.clone());
                }
            }
            keys
        });
    }

    /// Seals `secret`. `bound_to` says what the secret is for: it opens for nothing else, so a
    /// stored value moved to another place is of no use there.
    pub fn seal(&self, secret: &[u8], bound_to: &str, entropy: &dyn Entropy) -> Sealed {
        // INVARIANT: the key in use is known; without it, the value that is made opens for nobody.
        let Some(key) = self.sealing() else { return Sealed("".into()) };
        let nonce = entropy.bytes::<NONCE_LEN>();
        let mut body = secret.to_vec();
        // Sealing fails only beyond 64 GiB; an empty value then opens for nobody.
        let sealed = key.key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound_to.as_bytes()),
            &mut body,
        );
        if sealed.is_err() {
            body.zeroize();
            body.clear();
        }
        let mut all = nonce.to_vec();
        all.extend_from_slice(&body);
        Sealed(format!("{}.{}", key.id, STANDARD.encode(all)).into())
    }

    /// Opens what [`MasterKey::seal`] sealed for the same purpose.
    ///
    /// # Errors
    /// When the key, the purpose or the value is another one.
    pub fn open(&self, sealed: &Sealed, bound_to: &str) -> Result<Secret, Unsealable> {
        let known = self.known.load();
        let wanted = sealed.key_id();
        let mut keys = known.iter().filter(|key| wanted.is_none_or(|id| id == key.id));
        keys.find_map(|key| key.open(sealed, bound_to)).ok_or(Unsealable)
    }

    /// The same value with the id of the key that opens it; none where none does.
    pub(crate) fn name_key(&self, sealed: &Sealed, bound_to: &str) -> Option<Sealed> {
        let known = self.known.load();
        let key = known.iter().find(|key| key.open(sealed, bound_to).is_some())?;
        Some(Sealed(format!("{}.{}", key.id, sealed.ciphertext()).into()))
    }
}

impl OneKey {
    fn new(bytes: &[u8; MasterKey::LEN]) -> Option<Self> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).ok()?;
        Some(Self { id: KeyId::of(bytes), key: LessSafeKey::new(key) })
    }

    fn open(&self, sealed: &Sealed, bound_to: &str) -> Option<Secret> {
        let mut all = STANDARD.decode(sealed.ciphertext().as_bytes()).ok()?;
        if all.len() < NONCE_LEN {
            return None;
        }
        let mut body = Zeroizing::new(all.split_off(NONCE_LEN));
        let nonce = Nonce::try_assume_unique_for_key(&all).ok()?;
        let open = self.key.open_in_place(nonce, Aad::from(bound_to.as_bytes()), &mut body).ok()?.len();
        body.truncate(open);
        Some(Secret(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn a_sealed_secret_opens_only_for_its_purpose_and_key() {
        let key = MasterKey::new([7; 32]).unwrap();
        let sealed = key.seal(b"secret", "access-key/AKIA1", &SystemEntropy);
        assert_eq!(key.open(&sealed, "access-key/AKIA1").unwrap().expose(), b"secret");
        assert!(key.open(&sealed, "access-key/AKIA2").is_err());
        assert!(MasterKey::new([8; 32]).unwrap().open(&sealed, "access-key/AKIA1").is_err());
        assert!(!format!("{sealed:?}").contains("secret"));
    }

    #[test]
    fn of_several_keys_each_opens_its_own() {
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let before = MasterKey::parse(&old).unwrap();
        let sealed = before.seal(b"secret", "x", &SystemEntropy);
        let both = MasterKey::parse(&format!("{new}\n{old}\n")).unwrap();
        assert_eq!(both.open(&sealed, "x").unwrap().expose(), b"secret");
        assert_ne!(both.id(), before.id());
        let again = both.seal(b"secret", "x", &SystemEntropy);
        assert!(before.open(&again, "x").is_err());
        let as_before = both.using(before.id().unwrap()).unwrap();
        assert_eq!(as_before.seal(b"", "x", &SystemEntropy).key_id(), before.id());
        for no_key in ["", " ", "11", &"x".repeat(64), &format!("{old} 22"), &"+1".repeat(32)] {
            assert_eq!(MasterKey::parse(no_key).err(), Some(NotAKey), "{no_key}");
        }
    }

    #[test]
    fn what_one_learns_all_know() {
        let first = MasterKey::parse(&"11".repeat(32)).unwrap();
        let clone = first.clone();
        let second = MasterKey::parse(&"22".repeat(32)).unwrap();
        assert!(clone.using(second.id().unwrap()).is_none());
        first.learn(&second);
        assert_eq!(clone.using(second.id().unwrap()).unwrap().id(), second.id());
        assert_eq!(clone.id(), first.id());
    }
}
