//! Thumbprints of OpenID Connect providers: which authority vouches for an issuer's server.

use std::fmt::Write as _;

use ring::digest;

/// The SHA-1 of a certificate in DER, in 40 lower-case hexadecimal digits.
pub fn of(certificate_der: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate_der);
    digest.as_ref().iter().fold(String::with_capacity(40), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The thumbprint that IAM keeps of a server that presents `chain`, its own certificate first: that of
/// the last one, the top authority that the server shows.
pub fn of_chain(chain: &[impl AsRef<[u8]>]) -> Option<String> {
    chain.last().map(|certificate| of(certificate.as_ref()))
}

/// Whether `text` has the form of a thumbprint: 40 hexadecimal digits.
pub fn is_well_formed(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thumbprint_is_the_sha1_of_the_last_certificate() {
        let chain: [&[u8]; 2] = [b"leaf", b"abc"];
        assert_eq!(of_chain(&chain).unwrap(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(of_chain(&chain[..0]), None);
        assert!(is_well_formed(&of(b"abc")) && !is_well_formed("a9993e36"));
    }
}
