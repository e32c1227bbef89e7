//! Hexadecimal and hashes as text.

use ring::digest;

/// Lower-case hexadecimal of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    push_hex(&mut out, bytes);
    out
}

/// Appends lower-case hexadecimal of `bytes`.
pub(crate) fn push_hex(out: &mut String, bytes: &[u8]) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        out.push_str(PAIRS.get(usize::from(*byte) * 2..usize::from(*byte) * 2 + 2).unwrap_or_default());
    }
}

/// The two digits of each byte, one behind the other.
const PAIRS: &str = match std::str::from_utf8(&PAIR_BYTES) {
    Ok(text) => text,
    Err(_) => "",
};
const PAIR_BYTES: [u8; 512] = pairs();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, which would refuse it")]
const fn pairs() -> [u8; 512] {
    let digits = b"0123456789abcdef";
    let mut pairs = [0; 512];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte * 2] = digits[byte >> 4];
        pairs[byte * 2 + 1] = digits[byte & 15];
        byte += 1;
    }
    pairs
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
