//! Hexadecimal and hashes as text.

use ring::digest;

/// Lower-case hexadecimal of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| [hex_digit(byte >> 4), hex_digit(byte & 15)]).map(char::from).collect()
}

/// Lower-case hexadecimal of a hash.
pub fn hex_digits(hash: &[u8; 32]) -> [u8; 64] {
    let mut digits = [0; 64];
    for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(hash) {
        *pair = [hex_digit(byte >> 4), hex_digit(byte & 15)];
    }
    digits
}

/// Appends lower-case hexadecimal of a hash.
pub(crate) fn push_hex(out: &mut String, hash: &[u8; 32]) {
    out.push_str(std::str::from_utf8(&hex_digits(hash)).unwrap_or_default());
}

/// The lower-case hexadecimal digit of a number below 16.
// Without branches: every request has hashes to write.
pub const fn hex_digit(half: u8) -> u8 {
    b'0' + half + (half > 9) as u8 * (b'a' - b'0' - 10)
}

/// The bytes behind 64 lower-case hexadecimal digits.
pub(crate) fn unhex(text: &[u8]) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.try_into().ok()?;
    let mut out = [0_u8; 32];
    let mut seen = 0;
    for (byte, [high, low]) in out.iter_mut().zip(text.as_chunks().0) {
        let (high, low) = (lower_digit(*high), lower_digit(*low));
        seen |= high | low;
        *byte = high << 4 | low & 15;
    }
    (seen & NO_DIGIT == 0).then_some(out)
}

/// The bit that no digit has.
const NO_DIGIT: u8 = 0x80;

// Without branches: every request has a signature to read.
fn lower_digit(byte: u8) -> u8 {
    let (number, letter) = (byte.wrapping_sub(b'0'), byte.wrapping_sub(b'a'));
    match (number < 10, letter < 6) {
        (true, _) => number,
        (_, true) => letter + 10,
        _ => NO_DIGIT,
    }
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
}
