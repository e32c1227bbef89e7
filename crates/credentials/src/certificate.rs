//! X.509 certificates that users upload: signing certificates, and server certificates with their
//! chain and private key.

use std::fmt;

use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::Certificate as Parsed;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::BasicConstraints;

use crate::private_key::{PrivateKey, PrivateKeyError};
use crate::{Random, base32, fingerprint, pem};

/// Why a certificate is refused. [`CertificateError::code`] is AWS's error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It is not one PEM certificate.
    #[error("Unable to parse certificate. Please ensure the certificate is in PEM format.")]
    Unparsable,
    /// Its validity has not begun, or is over.
    // FIDELITY: AWS refuses a certificate from the future as one whose chain is invalid; that one
    // past its end is refused the same way is assumed.
    #[error("{}", chain_message(-1))]
    NotValidNow,
    /// The chain does not lead up from the certificate: the certificate at this place in it is to blame.
    #[error("{}", chain_message(*.0))]
    Chain(i32),
    /// The private key can't be read.
    #[error(transparent)]
    PrivateKey(PrivateKeyError),
    /// The private key is another certificate's.
    // FIDELITY: AWS's own words are not on the public record.
    #[error("The private key does not match the public key in the certificate.")]
    KeyPairMismatch,
    /// A signing certificate that is an authority's.
    #[error("The certificate is invalid.")]
    Invalid,
}

fn chain_message(index: i32) -> String {
    format!(
        "Unable to validate certificate chain. The certificate chain must start with the immediate signing \
         certificate, followed by any intermediaries in order. The index within the chain of the invalid \
         certificate is: {index}"
    )
}

impl CertificateError {
    /// AWS's code for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unparsable | Self::NotValidNow | Self::Chain(_) | Self::PrivateKey(_) => {
                "MalformedCertificate"
            }
            Self::KeyPairMismatch => "KeyPairMismatch",
            Self::Invalid => "InvalidCertificate",
        }
    }
}

/// A certificate that has been read.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    parsed: Box<Parsed>,
}

impl Certificate {
    /// Reads the one PEM certificate of `text`.
    ///
    /// # Errors
    /// [`CertificateError::Unparsable`].
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        let block = pem::single(text).ok_or(CertificateError::Unparsable)?;
        Self::from_block(&block)
    }

    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// [`CertificateError::Unparsable`].
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let parsed = Parsed::from_der(der).map_err(|_| CertificateError::Unparsable)?;
        Ok(Self { der: der.to_vec(), parsed: Box::new(parsed) })
    }

    /// Reads every PEM certificate of `text`, which may be none.
    ///
    /// # Errors
    /// [`CertificateError::Unparsable`] where it holds anything else.
    pub fn chain_from_pem(text: &str) -> Result<Vec<Self>, CertificateError> {
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        pem::blocks(text).ok_or(CertificateError::Unparsable)?.iter().map(Self::from_block).collect()
    }

    fn from_block(block: &pem::Block) -> Result<Self, CertificateError> {
        match block.label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => Self::from_der(&block.der),
            _ => Err(CertificateError::Unparsable),
        }
    }

    /// Its bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// It as PEM.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der).to_string()
    }

    /// When it begins to be valid, in seconds since 1970.
    pub fn not_before(&self) -> i64 {
        seconds(self.parsed.tbs_certificate().validity().not_before)
    }

    /// When it ends to be valid, in seconds since 1970.
    pub fn not_after(&self) -> i64 {
        seconds(self.parsed.tbs_certificate().validity().not_after)
    }

    /// Whether it is valid at `now` (both ends included).
    pub fn is_valid_at(&self, now: i64) -> bool {
        (self.not_before()..=self.not_after()).contains(&now)
    }

    /// Whom it is about, as `CN=…,O=…`.
    pub fn subject(&self) -> String {
        self.parsed.tbs_certificate().subject().to_string()
    }

    /// Who vouches for it, as `CN=…,O=…`.
    pub fn issuer(&self) -> String {
        self.parsed.tbs_certificate().issuer().to_string()
    }

    /// Whether it may vouch for others.
    pub fn is_authority(&self) -> bool {
        let constraints = self.parsed.tbs_certificate().get_extension::<BasicConstraints>();
        constraints.ok().flatten().is_some_and(|(_, constraints)| constraints.ca)
    }

    /// The SHA-1 of its bytes in 40 hexadecimal digits.
    pub fn thumbprint(&self) -> String {
        fingerprint::thumbprint(&self.der)
    }

    /// Its public key: a SubjectPublicKeyInfo in DER.
    pub fn public_key_der(&self) -> Vec<u8> {
        self.parsed.tbs_certificate().subject_public_key_info().to_der().unwrap_or_default()
    }

    /// Whether `signer` issued and signed it.
    pub fn is_signed_by(&self, signer: &Self) -> bool {
        let named = self.parsed.tbs_certificate().issuer() == signer.parsed.tbs_certificate().subject();
        named && self.signature_verifies(signer).is_some()
    }

    fn signature_verifies(&self, signer: &Self) -> Option<()> {
        let key_info = signer.parsed.tbs_certificate().subject_public_key_info();
        let curve = key_info.algorithm.parameters.as_ref().and_then(|parameters| parameters.decode_as().ok());
        let algorithm = verification_algorithm(self.parsed.signature_algorithm().oid, curve)?;
        let key = UnparsedPublicKey::new(algorithm, key_info.subject_public_key.as_bytes()?);
        key.verify(signed_part(&self.der)?, self.parsed.signature().as_bytes()?).ok()
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Certificate({})", self.subject())
    }
}

/// A server certificate that has been checked: the parts as they are stored and shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerCertificate {
    /// The certificate itself.
    pub certificate: Certificate,
    /// The authorities above it, the nearest first.
    pub chain: Vec<Certificate>,
}

impl ServerCertificate {
    /// Checks what UploadServerCertificate is given.
    ///
    /// # Errors
    /// Every [`CertificateError`] but [`CertificateError::Invalid`].
    pub fn check(body: &str, chain: Option<&str>, key: &str, now: i64) -> Result<Self, CertificateError> {
        let certificate = Certificate::from_pem(body)?;
        let key = PrivateKey::from_pem(key).map_err(CertificateError::PrivateKey)?;
        if !key.matches(&certificate.public_key_der()) {
            return Err(CertificateError::KeyPairMismatch);
        }
        let chain = chain.map_or(Ok(Vec::new()), Certificate::chain_from_pem);
        let chain = chain.map_err(|_| CertificateError::Chain(-1))?;
        if !certificate.is_valid_at(now) {
            return Err(CertificateError::NotValidNow);
        }
        check_chain(&certificate, &chain)?;
        Ok(Self { certificate, chain })
    }
}

/// Checks what UploadSigningCertificate is given.
///
/// # Errors
/// [`CertificateError::Unparsable`], or [`CertificateError::Invalid`] for one past its validity.
// FIDELITY: which certificates AWS calls invalid rather than malformed is not documented.
pub fn check_signing_certificate(body: &str, now: i64) -> Result<Certificate, CertificateError> {
    let certificate = Certificate::from_pem(body)?;
    if certificate.not_after() < now { Err(CertificateError::Invalid) } else { Ok(certificate) }
}

/// A new id for a signing certificate: 32 letters.
pub fn signing_certificate_id(random: Random<'_>) -> String {
    base32::random_letters(32, random)
}

/// Each certificate must be signed by the next; the index is that of the last one that still holds.
fn check_chain(leaf: &Certificate, chain: &[Certificate]) -> Result<(), CertificateError> {
    let mut below = leaf;
    for (index, above) in chain.iter().enumerate() {
        if !below.is_signed_by(above) {
            return Err(CertificateError::Chain(i32::try_from(index).unwrap_or(i32::MAX) - 1));
        }
        below = above;
    }
    Ok(())
}

/// The bytes under the signature, exactly as they came: encoding them anew could change them.
fn signed_part(der: &[u8]) -> Option<&[u8]> {
    let mut reader = SliceReader::new(der).ok()?;
    let parts = reader.sequence(|reader| {
        let signed = reader.tlv_bytes()?;
        while !reader.is_finished() {
            reader.tlv_bytes()?;
        }
        Ok::<_, x509_cert::der::Error>(signed)
    });
    parts.ok()
}

fn verification_algorithm(
    signature: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
) -> Option<&'static dyn VerificationAlgorithm> {
    const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
    let on_p384 = curve == Some(P384);
    let algorithm: &'static dyn VerificationAlgorithm = match signature.to_string().as_str() {
        "1.2.840.113549.1.1.5" => &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        "1.2.840.113549.1.1.11" => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        "1.2.840.113549.1.1.12" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "1.2.840.113549.1.1.13" => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        "1.2.840.10045.4.3.2" if on_p384 => &signature::ECDSA_P384_SHA256_ASN1,
        "1.2.840.10045.4.3.2" => &signature::ECDSA_P256_SHA256_ASN1,
        "1.2.840.10045.4.3.3" if on_p384 => &signature::ECDSA_P384_SHA384_ASN1,
        "1.2.840.10045.4.3.3" => &signature::ECDSA_P256_SHA384_ASN1,
        "1.3.101.112" => &signature::ED25519,
        _ => return None,
    };
    Some(algorithm)
}

fn seconds(time: x509_cert::time::Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
