//! EC2 key pairs: made here, or imported; with the fingerprints that EC2 shows for each.

use std::convert::Infallible;
use std::fmt;

use ring::signature::{Ed25519KeyPair, KeyPair};
use rsa::pkcs1::{self, EncodeRsaPrivateKey};
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use x509_cert::der::Decode;
use zeroize::Zeroizing;

use crate::ssh::{SshKeyError, SshPublicKey, put_string};
use crate::{Random, fingerprint, pem, random_bytes};

mod putty;

const RSA_BITS: usize = 2048;

/// The kinds of keys that EC2 has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// RSA, made with 2,048 bits.
    Rsa,
    /// Ed25519.
    Ed25519,
}

impl KeyType {
    /// EC2's word for it: `rsa`, `ed25519`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }

    fn of(key: &SshPublicKey) -> Self {
        if key.algorithm() == "ssh-rsa" { Self::Rsa } else { Self::Ed25519 }
    }
}

/// How a new private key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// PKCS#1 PEM for RSA, OpenSSH's own form for Ed25519.
    Pem,
    /// PuTTY's form.
    Ppk,
}

/// What is kept of a key pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicHalf {
    /// Its kind.
    pub key_type: KeyType,
    /// The fingerprint that EC2 shows.
    pub fingerprint: String,
    /// The public key as an OpenSSH line with the pair's name as comment: what instances are given.
    pub openssh: String,
}

/// A new key pair: the private half is shown once and never kept.
pub struct NewKeyPair {
    /// What is kept.
    pub public: PublicHalf,
    /// The private key as text.
    pub key_material: Zeroizing<String>,
}

impl fmt::Debug for NewKeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("NewKeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}

/// A key pair could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key pair could not be generated")]
pub struct GenerationFailed;

/// Makes a key pair called `name`. RSA takes about a tenth of a second to one second of computing:
/// callers on an async thread hand it to a blocking one.
///
/// # Errors
/// [`GenerationFailed`] where the random bytes are unusable.
pub fn create(
    key_type: KeyType,
    format: KeyFormat,
    name: &str,
    random: Random<'_>,
) -> Result<NewKeyPair, GenerationFailed> {
    match key_type {
        KeyType::Rsa => create_rsa(format, name, random),
        KeyType::Ed25519 => create_ed25519(format, name, random),
    }
    .ok_or(GenerationFailed)
}

/// A new RSA key as PKCS #8 (DER), for signing documents.
///
/// # Errors
/// [`GenerationFailed`] where the random bytes are unusable.
pub fn signing_key(random: Random<'_>) -> Result<Zeroizing<Vec<u8>>, GenerationFailed> {
    let key = rsa::PrivateKey::new(&mut Source(random), RSA_BITS).map_err(|_| GenerationFailed)?;
    let der = key.to_pkcs8_der().map_err(|_| GenerationFailed)?;
    Ok(Zeroizing::new(der.as_bytes().to_vec()))
}

/// Reads the public key that ImportKeyPair is given for a pair called `name`, decoded from Base64.
///
/// # Errors
/// [`SshKeyError`]; EC2's own answer to each is `InvalidKey.Format`, "Key is not in valid OpenSSH
/// public key format".
pub fn import(material: &str, name: &str) -> Result<PublicHalf, SshKeyError> {
    let key = SshPublicKey::parse(material)?;
    let fingerprint = match KeyType::of(&key) {
        KeyType::Rsa => fingerprint::md5(&key.to_der()),
        KeyType::Ed25519 => fingerprint::sha256(&key.wire()),
    };
    Ok(public_half(&key, fingerprint, name))
}

fn public_half(key: &SshPublicKey, fingerprint: String, name: &str) -> PublicHalf {
    PublicHalf { key_type: KeyType::of(key), fingerprint, openssh: format!("{} {name}", key.to_ssh()) }
}

fn create_rsa(format: KeyFormat, name: &str, random: Random<'_>) -> Option<NewKeyPair> {
    rsa_pair(&rsa::PrivateKey::new(&mut Source(random), RSA_BITS).ok()?, format, name)
}

fn rsa_pair(key: &rsa::PrivateKey, format: KeyFormat, name: &str) -> Option<NewKeyPair> {
    let fingerprint = fingerprint::sha1(key.to_pkcs8_der().ok()?.as_bytes());
    let der = key.to_pkcs1_der().ok()?;
    let numbers = pkcs1::RsaPrivateKeyRef::from_der(der.as_bytes()).ok()?;
    let public = SshPublicKey::rsa(numbers.modulus.as_bytes(), numbers.public_exponent.as_bytes());
    let key_material = match format {
        KeyFormat::Pem => pem::encode("RSA PRIVATE KEY", der.as_bytes()),
        KeyFormat::Ppk => putty::rsa(&public, &numbers, name),
    };
    Some(NewKeyPair { public: public_half(&public, fingerprint, name), key_material })
}

fn create_ed25519(format: KeyFormat, name: &str, random: Random<'_>) -> Option<NewKeyPair> {
    let seed = Zeroizing::new(random_bytes::<32>(random));
    let key = Ed25519KeyPair::from_seed_unchecked(seed.as_slice()).ok()?;
    let public = SshPublicKey::ed25519(key.public_key().as_ref().try_into().ok()?);
    let fingerprint = fingerprint::sha256(&public.wire());
    let key_material = match format {
        KeyFormat::Pem => openssh(&public, key.public_key().as_ref(), &seed, name, random),
        KeyFormat::Ppk => putty::ed25519(&public, &seed, name),
    };
    Some(NewKeyPair { public: public_half(&public, fingerprint, name), key_material })
}

/// OpenSSH's own form of a private key (its PROTOCOL.key), not encrypted.
fn openssh(
    public: &SshPublicKey,
    point: &[u8],
    seed: &[u8; 32],
    name: &str,
    random: Random<'_>,
) -> Zeroizing<String> {
    let mut private = Zeroizing::new(Vec::new());
    // The same number twice shows a reader that decryption worked.
    let check = random_bytes::<4>(random);
    private.extend(check.iter().chain(&check));
    put_string(&mut private, public.algorithm().as_bytes());
    put_string(&mut private, point);
    put_string(&mut private, &Zeroizing::new([seed.as_slice(), point].concat()));
    put_string(&mut private, name.as_bytes());
    let padding = private.len().next_multiple_of(8) - private.len();
    private.extend((1u8..).take(padding));

    let mut file = Zeroizing::new(b"openssh-key-v1\0".to_vec());
    for part in [b"none".as_slice(), b"none", b""] {
        put_string(&mut file, part);
    }
    file.extend(1u32.to_be_bytes());
    put_string(&mut file, &public.wire());
    put_string(&mut file, &private);
    pem::encode("OPENSSH PRIVATE KEY", &file)
}

/// The caller's randomness in the form that key generation asks for.
struct Source<'a>(Random<'a>);

impl TryRng for Source<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(random_bytes(self.0)))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(random_bytes(self.0)))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), Infallible> {
        (self.0)(buffer);
        Ok(())
    }
}

impl TryCryptoRng for Source<'_> {}

#[cfg(test)]
mod tests;
