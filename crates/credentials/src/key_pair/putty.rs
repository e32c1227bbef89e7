//! PuTTY's form of private keys (version 2 of its files), not encrypted.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};
use rsa::pkcs1;
use zeroize::Zeroizing;

use crate::pem;
use crate::ssh::{SshPublicKey, put_integer, put_string};

pub(super) fn rsa(
    public: &SshPublicKey,
    numbers: &pkcs1::RsaPrivateKeyRef<'_>,
    name: &str,
) -> Zeroizing<String> {
    let mut private = Zeroizing::new(Vec::new());
    for number in [&numbers.private_exponent, &numbers.prime1, &numbers.prime2, &numbers.coefficient] {
        put_integer(&mut private, number.as_bytes());
    }
    file(public, &private, name)
}

pub(super) fn ed25519(public: &SshPublicKey, seed: &[u8; 32], name: &str) -> Zeroizing<String> {
    let mut private = Zeroizing::new(Vec::new());
    put_string(&mut private, seed);
    file(public, &private, name)
}

fn file(public: &SshPublicKey, private: &[u8], name: &str) -> Zeroizing<String> {
    let (algorithm, wire) = (public.algorithm(), public.wire());
    let mut covered = Zeroizing::new(Vec::new());
    for part in [algorithm.as_bytes(), b"none", name.as_bytes(), &wire, private] {
        put_string(&mut covered, part);
    }
    let key = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, b"putty-private-key-file-mac-key");
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_ref());
    let tag = hmac::sign(&key, &covered);
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let (public_lines, private_lines) = (encoded(&wire), encoded(private));
    Zeroizing::new(format!(
        "PuTTY-User-Key-File-2: {algorithm}\nEncryption: none\nComment: {name}\n\
         Public-Lines: {}\n{}Private-Lines: {}\n{}Private-MAC: {tag}\n",
        public_lines.lines().count(),
        public_lines.as_str(),
        private_lines.lines().count(),
        private_lines.as_str(),
    ))
}

fn encoded(bytes: &[u8]) -> Zeroizing<String> {
    pem::lines(&Zeroizing::new(STANDARD.encode(bytes)), 64)
}
