//! UUIDs: how what has no name of its own is named.

use std::fmt;

use rolecall_sigv4::hex_digit;

use crate::entropy::Entropy;

/// A UUID of version 4 as text, such as `2d6f3c1e-8a41-4f0b-9d53-0c6b1a7e55d2`, as AWS's request ids are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Uuid([u8; 36]);

/// Where the two digits of each byte stand between the dashes.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

impl Uuid {
    /// A random one.
    pub fn random(entropy: &dyn Entropy) -> Self {
        Self::of(entropy.bytes())
    }

    /// The one with these bits, but for the six that tell its version.
    pub fn of(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = [b'-'; 36];
        for (at, byte) in PLACES.into_iter().zip(bytes) {
            if let Some(place) = text.get_mut(at..at + 2) {
                place.copy_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 15)]);
            }
        }
        Self(text)
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEntropy;

    #[test]
    fn a_random_uuid_is_of_version_4() {
        let text = Uuid::random(&SystemEntropy).to_string();
        assert_ne!(text, Uuid::random(&SystemEntropy).as_str());
        let lengths: Vec<_> = text.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{text}");
        assert_eq!(text.chars().nth(14), Some('4'));
        assert!(text.chars().nth(19).is_some_and(|digit| "89ab".contains(digit)), "{text}");
    }
}
