//! SSH public keys: read in the forms that users have them, written as SSH or PEM.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs1;
use x509_cert::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Encode};
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::{fingerprint, pem};

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// Why a public key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SshKeyError {
    /// The form is known, the key in it is not usable.
    #[error("The public key is malformed or otherwise invalid.")]
    InvalidPublicKey,
    /// Not a form that is known.
    #[error("The public key encoding format is unsupported or unrecognized.")]
    UnrecognizedPublicKeyEncoding,
}

impl SshKeyError {
    /// AWS's code for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidPublicKey => "InvalidPublicKey",
            Self::UnrecognizedPublicKeyEncoding => "UnrecognizedPublicKeyEncoding",
        }
    }
}

/// A public key for SSH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshPublicKey(Key);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    /// Modulus and exponent: big-endian, without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    Ed25519([u8; 32]),
}

impl SshPublicKey {
    /// Reads what UploadSSHPublicKey takes: an RSA key of 2,048 bits or more, as `ssh-rsa …` or PEM.
    ///
    /// # Errors
    /// [`SshKeyError`].
    pub fn for_user(body: &str) -> Result<Self, SshKeyError> {
        let key = Self::parse(body)?;
        match &key.0 {
            Key::Rsa { modulus, .. } if bits(modulus) >= 2048 => Ok(key),
            Key::Rsa { .. } => Err(SshKeyError::InvalidPublicKey),
            Key::Ed25519(_) => Err(SshKeyError::UnrecognizedPublicKeyEncoding),
        }
    }

    /// Reads what EC2's ImportKeyPair takes: RSA (1,024 bits or more) or Ed25519, as an OpenSSH line,
    /// RFC 4716, PEM, or Base64 of DER.
    ///
    /// # Errors
    /// [`SshKeyError`].
    pub fn parse(body: &str) -> Result<Self, SshKeyError> {
        let body = body.trim();
        let key = if body.starts_with("-----BEGIN ") {
            from_pem(body)?
        } else if body.starts_with("---- BEGIN SSH2 PUBLIC KEY ----") {
            from_wire(&rfc4716(body).ok_or(SshKeyError::InvalidPublicKey)?, None)
        } else if let Some((name, rest)) = body.split_once([' ', '\t']) {
            from_line(name, rest)?
        } else {
            from_base64_der(body)?
        };
        key.filter(Key::is_usable).map(Self).ok_or(SshKeyError::InvalidPublicKey)
    }

    /// A key from an Ed25519 point.
    pub fn ed25519(point: [u8; 32]) -> Self {
        Self(Key::Ed25519(point))
    }

    /// A key from a modulus and an exponent, both big-endian.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        Self(Key::Rsa { modulus: trimmed(modulus), exponent: trimmed(exponent) })
    }

    /// `ssh-rsa` or `ssh-ed25519`.
    pub fn algorithm(&self) -> &'static str {
        match self.0 {
            Key::Rsa { .. } => "ssh-rsa",
            Key::Ed25519(_) => "ssh-ed25519",
        }
    }

    /// The key as SSH sends it (RFC 4253, section 6.6; RFC 8709).
    pub fn wire(&self) -> Vec<u8> {
        let mut wire = Vec::new();
        put_string(&mut wire, self.algorithm().as_bytes());
        match &self.0 {
            Key::Rsa { modulus, exponent } => {
                put_integer(&mut wire, exponent);
                put_integer(&mut wire, modulus);
            }
            Key::Ed25519(point) => put_string(&mut wire, point),
        }
        wire
    }

    /// The key as a line of `authorized_keys`, without a comment.
    pub fn to_ssh(&self) -> String {
        format!("{} {}", self.algorithm(), STANDARD.encode(self.wire()))
    }

    /// The key as PEM (a SubjectPublicKeyInfo).
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.to_der()).to_string()
    }

    /// The key as a SubjectPublicKeyInfo in DER.
    pub fn to_der(&self) -> Vec<u8> {
        match &self.0 {
            Key::Rsa { modulus, exponent } => rsa_der(modulus, exponent).unwrap_or_default(),
            Key::Ed25519(point) => key_info(ED25519, None, point).unwrap_or_default(),
        }
    }

    /// The fingerprint that IAM shows: the MD5 of the key as SSH sends it.
    pub fn md5_fingerprint(&self) -> String {
        fingerprint::md5(&self.wire())
    }
}

impl Key {
    fn is_usable(&self) -> bool {
        match self {
            Self::Rsa { modulus, exponent } => {
                let odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
                let exponent_fits = exponent.len() <= 8 && exponent.as_slice() != [1];
                (1024..=16_384).contains(&bits(modulus)) && odd(modulus) && odd(exponent) && exponent_fits
            }
            Self::Ed25519(_) => true,
        }
    }
}

/// The rest of a line after the algorithm's name: the key in Base64, and perhaps a comment.
fn from_line(name: &str, rest: &str) -> Result<Option<Key>, SshKeyError> {
    if !matches!(name, "ssh-rsa" | "ssh-ed25519") {
        return Err(SshKeyError::UnrecognizedPublicKeyEncoding);
    }
    let encoded = rest.split_ascii_whitespace().next().unwrap_or_default();
    Ok(STANDARD.decode(encoded).ok().and_then(|wire| from_wire(&wire, Some(name))))
}

fn from_pem(body: &str) -> Result<Option<Key>, SshKeyError> {
    let block = pem::single(body).ok_or(SshKeyError::InvalidPublicKey)?;
    match block.label.as_str() {
        "PUBLIC KEY" => Ok(from_key_info(&block.der)),
        "RSA PUBLIC KEY" => Ok(from_pkcs1(&block.der)),
        _ => Err(SshKeyError::UnrecognizedPublicKeyEncoding),
    }
}

fn from_base64_der(body: &str) -> Result<Option<Key>, SshKeyError> {
    let compact: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(compact).ok().filter(|der| der.first() == Some(&0x30));
    let der = der.ok_or(SshKeyError::UnrecognizedPublicKeyEncoding)?;
    Ok(from_key_info(&der).or_else(|| from_pkcs1(&der)))
}

fn from_key_info(der: &[u8]) -> Option<Key> {
    let info = SubjectPublicKeyInfoRef::from_der(der).ok()?;
    let key = info.subject_public_key.as_bytes()?;
    match info.algorithm.oid {
        RSA_ENCRYPTION => from_pkcs1(key),
        ED25519 => Some(Key::Ed25519(key.try_into().ok()?)),
        _ => None,
    }
}

fn from_pkcs1(der: &[u8]) -> Option<Key> {
    let key = pkcs1::RsaPublicKeyRef::from_der(der).ok()?;
    let (modulus, exponent) = (key.modulus.as_bytes(), key.public_exponent.as_bytes());
    Some(Key::Rsa { modulus: trimmed(modulus), exponent: trimmed(exponent) })
}

/// Reads the wire form, which must be whole and, where `expected` is given, of that algorithm.
fn from_wire(wire: &[u8], expected: Option<&str>) -> Option<Key> {
    let (name, rest) = take_string(wire)?;
    if expected.is_some_and(|expected| expected.as_bytes() != name) {
        return None;
    }
    let (first, rest) = take_string(rest)?;
    match name {
        b"ssh-rsa" => {
            let (modulus, rest) = take_string(rest)?;
            let positive = |number: &[u8]| number.first().is_some_and(|byte| byte & 0x80 == 0);
            let whole = rest.is_empty() && positive(first) && positive(modulus);
            whole.then(|| Key::Rsa { modulus: trimmed(modulus), exponent: trimmed(first) })
        }
        b"ssh-ed25519" if rest.is_empty() => Some(Key::Ed25519(first.try_into().ok()?)),
        _ => None,
    }
}

/// The bytes in an RFC 4716 file: headers, which may go on over lines, then Base64.
fn rfc4716(body: &str) -> Option<Vec<u8>> {
    let inner = body.strip_prefix("---- BEGIN SSH2 PUBLIC KEY ----")?.trim_end();
    let inner = inner.strip_suffix("---- END SSH2 PUBLIC KEY ----")?;
    let mut encoded = String::new();
    let mut in_header = false;
    for line in inner.lines().map(str::trim) {
        if in_header || line.contains(':') {
            in_header = line.ends_with('\\');
        } else {
            encoded.push_str(line);
        }
    }
    STANDARD.decode(encoded).ok()
}

fn rsa_der(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    let key = pkcs1::RsaPublicKeyRef {
        modulus: UintRef::new(modulus).ok()?,
        public_exponent: UintRef::new(exponent).ok()?,
    };
    key_info(RSA_ENCRYPTION, Some(AnyRef::NULL), &key.to_der().ok()?)
}

fn key_info(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>, key: &[u8]) -> Option<Vec<u8>> {
    let algorithm = AlgorithmIdentifierRef { oid, parameters };
    let info = SubjectPublicKeyInfoRef { algorithm, subject_public_key: BitStringRef::from_bytes(key).ok()? };
    info.to_der().ok()
}

/// Appends a string: its length in four bytes, then its bytes.
pub(crate) fn put_string(wire: &mut Vec<u8>, bytes: &[u8]) {
    wire.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    wire.extend_from_slice(bytes);
}

/// Appends a positive integer: a zero byte keeps its top bit from being read as a sign.
pub(crate) fn put_integer(wire: &mut Vec<u8>, number: &[u8]) {
    let mut bytes = trimmed(number);
    if bytes.first().is_some_and(|byte| byte & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    put_string(wire, &bytes);
}

fn take_string(wire: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = wire.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

fn trimmed(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |byte| number.len() * 8 - byte.leading_zeros() as usize)
}

#[cfg(test)]
mod tests;
