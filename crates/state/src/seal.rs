//! Sealing secrets under the master key, so that the store holds none in the clear.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
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

/// A secret as it is stored: nonce and AES-256-GCM ciphertext, in base64.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(Arc<str>);

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

/// The key under which secrets are stored.
pub struct MasterKey(LessSafeKey);

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
        let key = UnboundKey::new(&AES_256_GCM, &bytes).ok().map(LessSafeKey::new);
        bytes.zeroize();
        key.map(Self)
    }

    /// Seals `secret`. `bound_to` says what the secret is for: it opens for nothing else, so a
    /// stored value moved to another place is of no use there.
    pub fn seal(&self, secret: &[u8], bound_to: &str, entropy: &dyn Entropy) -> Sealed {
        let nonce = entropy.bytes::<NONCE_LEN>();
        let mut body = secret.to_vec();
        // Sealing fails only beyond 64 GiB; an empty value then opens for nobody.
        let sealed = self.0.seal_in_place_append_tag(
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
        Sealed(STANDARD.encode(all).into())
    }

    /// Opens what [`MasterKey::seal`] sealed for the same purpose.
    ///
    /// # Errors
    /// When the key, the purpose or the value is another one.
    pub fn open(&self, sealed: &Sealed, bound_to: &str) -> Result<Secret, Unsealable> {
        let mut all = STANDARD.decode(sealed.0.as_bytes()).map_err(|_| Unsealable)?;
        if all.len() < NONCE_LEN {
            return Err(Unsealable);
        }
        let mut body = all.split_off(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(&all).map_err(|_| Unsealable)?;
        let open = self
            .0
            .open_in_place(nonce, Aad::from(bound_to.as_bytes()), &mut body)
            .map_err(|_| Unsealable)?
            .len();
        body.truncate(open);
        Ok(Secret::new(body))
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
}
