//! A signature, whose only comparison takes constant time.

use ring::hmac;
use subtle::ConstantTimeEq;

use crate::text::{hex, unhex};

/// A SigV4 signature. No `PartialEq`: the only comparison is [`Signature::matches`].
#[derive(Clone)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        unhex(text.as_bytes()).map(Self)
    }

    /// Whether both are the same, in time that does not depend on where they differ.
    pub fn matches(&self, presented: &Self) -> bool {
        self.0.ct_eq(&presented.0).into()
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    pub(crate) fn from_tag(tag: &hmac::Tag) -> Option<Self> {
        tag.as_ref().try_into().ok().map(Self)
    }
}

impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signature(…)")
    }
}
