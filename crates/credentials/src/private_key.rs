//! Private keys that users upload beside certificates: read, checked, and matched to a public key.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair,
};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::PrivateKeyInfoRef;
use rsa::traits::PublicKeyParts;
use x509_cert::der::asn1::{ContextSpecific, ObjectIdentifier, OctetStringRef};
use x509_cert::der::{Decode, Reader, SliceReader, TagNumber};
use x509_cert::spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use crate::pem;

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Why a private key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrivateKeyError {
    /// It is encrypted: IAM takes only keys that are not.
    #[error("Unable to parse key; the body is encrypted.")]
    Encrypted,
    /// It is no private key of a supported kind.
    // FIDELITY: AWS also takes keys on the curve P-521.
    #[error("Invalid Private Key.")]
    Invalid,
}

/// A private key whose own numbers agree with each other.
pub struct PrivateKey(Kind);

enum Kind {
    Rsa(Box<rsa::PrivateKey>),
    Ec { curve: ObjectIdentifier, scalar: Zeroizing<Vec<u8>> },
    Ed25519(Box<Ed25519KeyPair>),
}

impl PrivateKey {
    /// Reads one PEM block: PKCS#1, SEC 1 or PKCS#8, not encrypted.
    ///
    /// # Errors
    /// [`PrivateKeyError`].
    pub fn from_pem(text: &str) -> Result<Self, PrivateKeyError> {
        // OpenSSL writes the parameters of a curve as a block of their own before the key.
        let mut blocks = pem::blocks(text).ok_or(PrivateKeyError::Invalid)?;
        blocks.retain(|block| block.label != "EC PARAMETERS");
        let [block] = blocks.as_slice() else { return Err(PrivateKeyError::Invalid) };
        if block.has_headers || block.label == "ENCRYPTED PRIVATE KEY" {
            return Err(PrivateKeyError::Encrypted);
        }
        let kind = match block.label.as_str() {
            "RSA PRIVATE KEY" => rsa(&block.der),
            "EC PRIVATE KEY" => sec1(&block.der, None),
            "PRIVATE KEY" => pkcs8(&block.der),
            _ => None,
        };
        kind.map(Self).ok_or(PrivateKeyError::Invalid)
    }

    /// Whether the public key in `spki_der` (a SubjectPublicKeyInfo) is this key's other half.
    pub fn matches(&self, spki_der: &[u8]) -> bool {
        let Ok(spki) = SubjectPublicKeyInfoRef::from_der(spki_der) else { return false };
        match &self.0 {
            Kind::Rsa(key) => rsa::PublicKey::try_from(spki)
                .is_ok_and(|public| public.n() == key.n() && public.e() == key.e()),
            Kind::Ec { curve, scalar } => ec_matches(*curve, scalar, &spki),
            Kind::Ed25519(key) => {
                spki.algorithm.oid == ED25519
                    && spki.subject_public_key.as_bytes() == Some(key.public_key().as_ref())
            }
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PrivateKey(…)")
    }
}

fn rsa(der: &[u8]) -> Option<Kind> {
    let key = rsa::PrivateKey::from_pkcs1_der(der).ok()?;
    key.validate().ok()?;
    Some(Kind::Rsa(Box::new(key)))
}

fn pkcs8(der: &[u8]) -> Option<Kind> {
    let key = PrivateKeyInfoRef::try_from(der).ok()?;
    let inner = key.private_key.as_bytes();
    match key.algorithm.oid {
        RSA_ENCRYPTION => rsa(inner),
        EC_PUBLIC_KEY => sec1(inner, Some(key.algorithm.parameters_oid().ok()?)),
        ED25519 => {
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok().map(|key| Kind::Ed25519(Box::new(key)))
        }
        _ => None,
    }
}

/// ECPrivateKey (RFC 5915); PKCS#8 names the curve outside of it.
fn sec1(der: &[u8], outer_curve: Option<ObjectIdentifier>) -> Option<Kind> {
    let mut reader = SliceReader::new(der).ok()?;
    let (scalar, named) = reader
        .sequence(|reader| {
            u8::decode(reader)?;
            let scalar = Zeroizing::new(<&OctetStringRef>::decode(reader)?.as_bytes().to_vec());
            let named = ContextSpecific::<ObjectIdentifier>::decode_explicit(reader, TagNumber(0))?;
            while !reader.is_finished() {
                reader.tlv_bytes()?;
            }
            Ok::<_, x509_cert::der::Error>((scalar, named.map(|field| field.value)))
        })
        .ok()?;
    let curve = outer_curve.or(named)?;
    algorithm(curve)?;
    Some(Kind::Ec { curve, scalar })
}

fn ec_matches(curve: ObjectIdentifier, scalar: &[u8], spki: &SubjectPublicKeyInfoRef<'_>) -> bool {
    let same_curve = spki.algorithm.parameters_oid().is_ok_and(|named| named == curve);
    let (Some(algorithm), Some(point)) = (algorithm(curve), spki.subject_public_key.as_bytes()) else {
        return false;
    };
    // ring computes the point from the scalar and refuses a pair that does not agree. The source of
    // randomness only blinds that computation.
    let random = SystemRandom::new();
    same_curve && EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point, &random).is_ok()
}

fn algorithm(curve: ObjectIdentifier) -> Option<&'static EcdsaSigningAlgorithm> {
    match curve {
        P256 => Some(&ECDSA_P256_SHA256_ASN1_SIGNING),
        P384 => Some(&ECDSA_P384_SHA384_ASN1_SIGNING),
        _ => None,
    }
}
