//! Hexadecimal and hashes as text.

use ring::digest;

/// Lower-case hexadecimal of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 15)]).map(char::from).collect()
}

/// Lower-case hexadecimal of a hash.
pub fn hex_digits(hash: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    for (eight, four) in digits.as_chunks_mut().0.iter_mut().zip(hash.as_chunks().0) {
        *eight = digits_of(u32::from_be_bytes(*four)).to_be_bytes();
    }
    digits
}

/// A one in each byte.
const EACH: u64 = 0x0101_0101_0101_0101;

/// The eight digits of a number, the first in the highest byte. Every request has hashes to write: all digits at
/// once cost a fifth of one after the other.
const fn digits_of(number: u32) -> u64 {
    let mut halves = number as u64;
    halves = (halves | halves << 16) & 0x0000_ffff_0000_ffff;
    halves = (halves | halves << 8) & 0x00ff_00ff_00ff_00ff;
    halves = (halves | halves << 4) & (0x0f * EACH);
    let above_nine = (halves + 6 * EACH) >> 4 & EACH;
    halves + (b'0' as u64) * EACH + above_nine * ((b'a' - b'0' - 10) as u64)
}

/// The number that eight digits write; what are no digits gives some number.
const fn number_of(digits: u64) -> u32 {
    let letters = digits >> 6 & EACH;
    let mut halves = (digits & (0x0f * EACH)) + 9 * letters;
    halves = (halves | halves >> 4) & 0x00ff_00ff_00ff_00ff;
    halves = (halves | halves >> 8) & 0x0000_ffff_0000_ffff;
    (halves | halves >> 16) as u32
}

/// Appends lower-case hexadecimal of a hash.
pub(crate) fn push_hex(out: &mut String, hash: &[u8; 32]) {
    out.push_str(std::str::from_utf8(&hex_digits(hash)).unwrap_or_default());
}

/// The lower-case hexadecimal digit of a number below 16.
// Without branches: every request has an id to write.
pub const fn hex_digit(half: u8) -> u8 {
    b'0' + half + (half > 9) as u8 * (b'a' - b'0' - 10)
}

/// The bytes behind 64 lower-case hexadecimal digits.
pub(crate) fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.try_into().ok()?;
    let mut out = [0_u8; 32];
    for (four, eight) in out.as_chunks_mut().0.iter_mut().zip(text.as_chunks().0) {
        *four = number_of(u64::from_be_bytes(*eight)).to_be_bytes();
    }
    // Other bytes than digits are not what the number is written with.
    (hex_digits(&out) == *text).then_some(out)
}

/// SHA-256 of `bytes`.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0_u8; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_of_lower_case() {
        assert_eq!(hex(&[0, 0x1f, 0xa0, 0xff]), "001fa0ff");
        let hash = sha256(b"");
        assert_eq!(hex_digits(&hash), *hex(&hash).as_bytes());
        assert_eq!(unhex(&hex_digits(&hash)), Some(hash));
    }

    #[test]
    fn every_byte_has_its_digits_and_no_other_byte_is_one() {
        for byte in 0..=u8::MAX {
            let digits = hex_digits(&[byte; 32]);
            assert_eq!(digits, *hex(&[byte; 32]).as_bytes());
            assert_eq!(unhex(&digits), Some([byte; 32]));
            for place in 0..64 {
                let mut text = [b'0'; 64];
                text[place] = byte;
                let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                assert_eq!(unhex(&text).is_some(), is_digit, "{byte:#x} at {place}");
            }
        }
    }
}
