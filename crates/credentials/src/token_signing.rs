//! Keys that sign JSON Web Tokens, and the signing (RFC 7515, RFC 7518).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use zeroize::Zeroizing;

use crate::Random;
use crate::key_pair::{self, GenerationFailed};

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

impl Algorithm {
    /// All that there are.
    pub const ALL: [Self; 2] = [Self::Rs256, Self::Es384];

    /// The name in tokens and key sets.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es384 => "ES384",
        }
    }

    /// The algorithm of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// A new private key as PKCS #8 (DER). RSA takes about a tenth of a second to one second of computing.
///
/// # Errors
/// [`GenerationFailed`] where the random bytes are unusable.
pub fn generate(algorithm: Algorithm, random: Random<'_>) -> Result<Zeroizing<Vec<u8>>, GenerationFailed> {
    match algorithm {
        Algorithm::Rs256 => key_pair::signing_key(random),
        Algorithm::Es384 => {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new());
            made.map(|der| Zeroizing::new(der.as_ref().to_vec())).map_err(|_| GenerationFailed)
        }
    }
}

/// A private key, ready to sign.
pub struct Signer(Key);

enum Key {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Signer(…)")
    }
}

impl Signer {
    /// The key in this PKCS #8 (DER), if it is one of this algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Option<Self> {
        Some(Self(match algorithm {
            Algorithm::Rs256 => Key::Rsa(RsaKeyPair::from_pkcs8(der).ok()?),
            Algorithm::Es384 => {
                let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
                Key::Ecdsa(EcdsaKeyPair::from_pkcs8(algorithm, der, &SystemRandom::new()).ok()?)
            }
        }))
    }

    fn algorithm(&self) -> Algorithm {
        match self.0 {
            Key::Rsa(_) => Algorithm::Rs256,
            Key::Ecdsa(_) => Algorithm::Es384,
        }
    }

    /// The members of the public key in a JSON Web Key, but for its id and use.
    pub fn public_key(&self) -> Vec<(&'static str, String)> {
        let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut members = vec![("alg", self.algorithm().name().to_owned())];
        match &self.0 {
            Key::Rsa(key) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
                members.push(("kty", "RSA".to_owned()));
                members.extend([("n", encoded(&public.n)), ("e", encoded(&public.e))]);
            }
            Key::Ecdsa(key) => {
                // An uncompressed point: one byte, then both coordinates.
                let (x, y) = key
                    .public_key()
                    .as_ref()
                    .get(1..)
                    .unwrap_or_default()
                    .split_at_checked(48)
                    .unwrap_or_default();
                members.extend([("kty", "EC".to_owned()), ("crv", "P-384".to_owned())]);
                members.extend([("x", encoded(x)), ("y", encoded(y))]);
            }
        }
        members
    }

    /// A token with these claims (JSON), in the compact form; `key_id` must need no escaping. None where the
    /// system has no randomness.
    pub fn sign(&self, key_id: &str, claims: &[u8]) -> Option<String> {
        let name = self.algorithm().name();
        let header = format!(r#"{{"alg":"{name}","kid":"{key_id}","typ":"JWT"}}"#);
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = match &self.0 {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let random = SystemRandom::new();
                key.sign(&RSA_PKCS1_SHA256, &random, token.as_bytes(), &mut signature).ok()?;
                signature
            }
            Key::Ecdsa(key) => key.sign(&SystemRandom::new(), token.as_bytes()).ok()?.as_ref().to_vec(),
        };
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Some(token)
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{
        ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    };

    use super::*;

    fn random(bytes: &mut [u8]) {
        ring::rand::SecureRandom::fill(&SystemRandom::new(), bytes).unwrap();
    }

    fn decoded(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn what_is_signed_verifies_by_the_public_key_and_no_other_text_does() {
        for algorithm in Algorithm::ALL {
            let der = generate(algorithm, &random).unwrap();
            let signer = Signer::from_pkcs8(algorithm, &der).unwrap();
            let token = signer.sign("one", br#"{"sub":"x"}"#).unwrap();
            let (signed, signature) = token.rsplit_once('.').unwrap();
            let public = signer.public_key();
            let member = |name: &str| decoded(&public.iter().find(|(known, _)| *known == name).unwrap().1);
            let verify = |text: &str| match algorithm {
                Algorithm::Rs256 => RsaPublicKeyComponents { n: member("n"), e: member("e") }
                    .verify(&RSA_PKCS1_2048_8192_SHA256, text.as_bytes(), &decoded(signature))
                    .is_ok(),
                Algorithm::Es384 => {
                    let point = [vec![4], member("x"), member("y")].concat();
                    UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point)
                        .verify(text.as_bytes(), &decoded(signature))
                        .is_ok()
                }
            };
            assert!(verify(signed) && !verify(&format!("{signed}x")));
            let header = String::from_utf8(decoded(token.split('.').next().unwrap())).unwrap();
            assert_eq!(header, format!(r#"{{"alg":"{}","kid":"one","typ":"JWT"}}"#, algorithm.name()));
        }
    }

    #[test]
    fn a_key_of_the_other_kind_is_none() {
        let der = generate(Algorithm::Es384, &random).unwrap();
        assert!(Signer::from_pkcs8(Algorithm::Rs256, &der).is_none());
    }
}
