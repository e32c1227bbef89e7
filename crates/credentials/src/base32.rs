//! Base32 without padding (RFC 4648): seeds and ids.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// `bytes` in Base32 without padding.
pub fn encode(bytes: &[u8]) -> String {
    bytes.chunks(5).flat_map(letters).collect()
}

/// The bytes that `text` stands for, ignoring case and padding; `None` where it is not Base32.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=').bytes().map(digit).collect::<Option<Vec<u8>>>()?;
    let mut bytes = Vec::with_capacity(digits.len() * 5 / 8);
    let (mut bits, mut count) = (0u32, 0);
    for digit in digits {
        bits = bits << 5 | u32::from(digit);
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    // What is left over must be fewer than five bits, all of them zero.
    (count < 5 && bits == 0).then_some(bytes)
}

/// `length` random letters of the alphabet, as AWS's unique ids have them.
pub fn random_letters(length: usize, random: crate::Random<'_>) -> String {
    let mut bytes = vec![0; length];
    random(&mut bytes);
    bytes.into_iter().map(letter).collect()
}

fn letters(chunk: &[u8]) -> impl Iterator<Item = char> {
    let bits = chunk.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte)) << (8 * (5 - chunk.len()));
    let count = (chunk.len() * 8).div_ceil(5);
    (0..count).map(move |index| letter((bits >> (35 - 5 * index)) as u8))
}

fn letter(value: u8) -> char {
    ALPHABET.get(usize::from(value & 31)).copied().map_or('A', char::from)
}

fn digit(letter: u8) -> Option<u8> {
    let position = ALPHABET.iter().position(|known| *known == letter.to_ascii_uppercase())?;
    u8::try_from(position).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, section 10, without its padding.
    const VECTORS: [(&str, &str); 7] = [
        ("", ""),
        ("f", "MY"),
        ("fo", "MZXQ"),
        ("foo", "MZXW6"),
        ("foob", "MZXW6YQ"),
        ("fooba", "MZXW6YTB"),
        ("foobar", "MZXW6YTBOI"),
    ];

    #[test]
    fn encodes_and_decodes_the_published_vectors() {
        for (plain, encoded) in VECTORS {
            assert_eq!(encode(plain.as_bytes()), encoded);
            assert_eq!(decode(encoded).unwrap(), plain.as_bytes());
            assert_eq!(decode(&encoded.to_lowercase()).unwrap(), plain.as_bytes());
        }
        assert_eq!(decode("MY======").unwrap(), b"f");
    }

    #[test]
    fn refuses_what_is_not_base32() {
        for text in ["M1", "M", "MZ", "MZXW6YTBO!", "MY==A"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
