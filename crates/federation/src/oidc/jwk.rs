//! JSON Web Keys (RFC 7517): the public keys of an issuer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;

/// How many keys a set may have: AWS's limit of 100 RSA and 100 EC keys.
const MAXIMUM_KEYS: usize = 200;

/// The signature algorithms that AWS takes, but ES512. Neither `none` nor any with a shared secret is
/// among them, so no token can choose one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Es256,
    Es384,
}

impl Algorithm {
    /// The algorithm by its name in a header (RFC 7518, section 3.1).
    pub(super) fn parse(name: &str) -> Option<Self> {
        match name {
            "RS256" => Some(Self::Rs256),
            "RS384" => Some(Self::Rs384),
            "RS512" => Some(Self::Rs512),
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
        }
    }
}

/// An issuer's public keys for signatures; keys of other kinds and uses are left out.
#[derive(Clone, Debug, Default)]
pub struct JwkSet(Vec<Jwk>);

#[derive(Clone, Debug)]
struct Jwk {
    id: Option<String>,
    algorithm: Option<String>,
    key: Key,
}

#[derive(Clone, Debug)]
enum Key {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
}

/// Not a set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwkSetError {
    /// Not JSON of the form `{"keys": […]}`.
    #[error("the key set is not a JSON Web Key Set")]
    Malformed,
    /// More keys than are taken.
    #[error("the key set has more than {MAXIMUM_KEYS} keys")]
    TooManyKeys,
}

impl JwkSet {
    /// Reads `{"keys": […]}`. A key that can't be used is left out, as RFC 7517 asks.
    ///
    /// # Errors
    /// [`JwkSetError`].
    pub fn from_json(json: &[u8]) -> Result<Self, JwkSetError> {
        let set: RawSet = serde_json::from_slice(json).map_err(|_| JwkSetError::Malformed)?;
        if set.keys.len() > MAXIMUM_KEYS {
            return Err(JwkSetError::TooManyKeys);
        }
        let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok());
        Ok(Self(keys.filter_map(Jwk::from_raw).collect()))
    }

    /// How many usable keys it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it has no usable key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether some key may verify `algorithm` under the key id of a token.
    pub(super) fn has_key(&self, key_id: Option<&str>, algorithm: Algorithm) -> bool {
        self.candidates(key_id, algorithm).next().is_some()
    }

    /// Whether a key verifies the signature; `None` where none may be asked.
    pub(super) fn verify(
        &self,
        key_id: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let mut candidates = self.candidates(key_id, algorithm).peekable();
        candidates.peek()?;
        Some(candidates.any(|key| key.verifies(algorithm, message, signature)))
    }

    /// The keys for a token: those with its key id, or, for a token without one, the only one that fits.
    // FIDELITY: whether AWS takes a token without a key id is not documented.
    fn candidates(&self, key_id: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Jwk> {
        let fitting = move |key: &&Jwk| key.fits(algorithm);
        let only_one = self.0.iter().filter(fitting).count() == 1;
        self.0.iter().filter(fitting).filter(move |key| match key_id {
            Some(id) => key.id.as_deref() == Some(id),
            None => only_one,
        })
    }
}

impl Jwk {
    fn from_raw(raw: RawKey) -> Option<Self> {
        let for_signatures = raw.usage.as_deref().is_none_or(|usage| usage == "sig");
        let may_verify = raw.operations.as_ref().is_none_or(|all| all.iter().any(|one| one == "verify"));
        if !for_signatures || !may_verify {
            return None;
        }
        let key = match (raw.kind.as_str(), raw.curve.as_deref()) {
            ("RSA", _) => Key::Rsa { modulus: number(&raw.n?)?, exponent: number(&raw.e?)? },
            ("EC", Some("P-256")) => Key::P256(point(&raw.x?, &raw.y?, 32)?),
            ("EC", Some("P-384")) => Key::P384(point(&raw.x?, &raw.y?, 48)?),
            _ => return None,
        };
        Some(Self { id: raw.id, algorithm: raw.algorithm, key })
    }

    /// Whether the key is of the algorithm's kind: a token's header can't make an RSA key anything else.
    fn fits(&self, algorithm: Algorithm) -> bool {
        let kind = match (&self.key, algorithm) {
            (Key::Rsa { .. }, Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Rs512) => true,
            (Key::P256(_), Algorithm::Es256) | (Key::P384(_), Algorithm::Es384) => true,
            (Key::Rsa { .. } | Key::P256(_) | Key::P384(_), _) => false,
        };
        kind && self.algorithm.as_deref().is_none_or(|name| name == algorithm.name())
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verified = match &self.key {
            Key::Rsa { modulus: n, exponent: e } => {
                let parameters = match algorithm {
                    Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Rs256 | Algorithm::Es256 | Algorithm::Es384 => &RSA_PKCS1_2048_8192_SHA256,
                };
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature)
            }
            Key::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Key::P384(point) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(message, signature)
            }
        };
        self.fits(algorithm) && verified.is_ok()
    }
}

#[derive(Deserialize)]
struct RawSet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct RawKey {
    #[serde(rename = "kty")]
    kind: String,
    #[serde(rename = "kid")]
    id: Option<String>,
    #[serde(rename = "alg")]
    algorithm: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    #[serde(rename = "key_ops")]
    operations: Option<Vec<String>>,
    #[serde(rename = "crv")]
    curve: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// A big-endian number without leading zeros.
fn number(text: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    let trimmed: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    (!trimmed.is_empty()).then_some(trimmed)
}

/// A point in the uncompressed form.
fn point(x: &str, y: &str, length: usize) -> Option<Vec<u8>> {
    let coordinate = |text: &str| {
        let bytes = number(text)?;
        let mut padded = vec![0; length.checked_sub(bytes.len())?];
        padded.extend(bytes);
        Some(padded)
    };
    Some([vec![4], coordinate(x)?, coordinate(y)?].concat())
}
