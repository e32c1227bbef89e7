//! The short forms in which AWS shows keys and certificates.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use ring::digest;

/// The MD5 of `bytes`, as `53:47:ca:…`.
pub fn md5(bytes: &[u8]) -> String {
    colons(&Md5::digest(bytes))
}

/// The SHA-1 of `bytes`, as `1f:51:ae:…`.
pub fn sha1(bytes: &[u8]) -> String {
    colons(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref())
}

/// The SHA-1 of `bytes` in 40 hexadecimal digits without colons, as IAM's thumbprints are.
pub fn thumbprint(bytes: &[u8]) -> String {
    sha1(bytes).replace(':', "")
}

/// The SHA-256 of `bytes` in Base64 with padding.
pub fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, bytes))
}

fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_published_digests_of_abc() {
        assert_eq!(md5(b"abc"), "90:01:50:98:3c:d2:4f:b0:d6:96:3f:7d:28:e1:7f:72");
        assert_eq!(thumbprint(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(sha256(b"abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }
}
