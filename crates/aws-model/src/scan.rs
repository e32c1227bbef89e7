//! Looking through a text for what needs escaping, eight bytes at a time: most texts have nothing, and every
//! answer and every record is made of texts.

const EACH: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = EACH << 7;

/// Whether `text` has a control character or one of `specials`, all of which are ASCII.
pub fn has_control_or<const N: usize>(text: &str, specials: [u8; N]) -> bool {
    any_word(text, |word| specials_in(word, specials))
}

/// The same, where characters outside ASCII count, too.
pub(crate) fn has_other_or<const N: usize>(text: &str, specials: [u8; N]) -> bool {
    any_word(text, |word| specials_in(word, specials) | word & HIGH)
}

fn any_word(text: &str, marks: impl Fn(u64) -> u64) -> bool {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [b' '; 8];
    if let Some(place) = last.get_mut(..rest.len()) {
        place.copy_from_slice(rest);
    }
    let seen = words
        .iter()
        .fold(marks(u64::from_ne_bytes(last)), |seen, word| seen | marks(u64::from_ne_bytes(*word)));
    seen != 0
}

/// Nonzero when a byte of `word` is below a blank or one of `specials`. Which byte it is can't be told: a
/// borrow may mark the next one, too.
fn specials_in<const N: usize>(word: u64, specials: [u8; N]) -> u64 {
    let below = |word: u64, bound: u8| word.wrapping_sub(EACH * u64::from(bound)) & !word & HIGH;
    specials
        .into_iter()
        .fold(below(word, b' '), |seen, special| seen | below(word ^ (EACH * u64::from(special)), 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SPECIALS: [u8; 3] = [b'"', b'\\', 0x7f];

    proptest! {
        #[test]
        fn what_is_there_is_seen(text in prop_oneof![any::<String>(), "[ -~\u{80}-\u{ff}]{0,40}"]) {
            let special = |byte: u8| byte < b' ' || SPECIALS.contains(&byte);
            prop_assert_eq!(has_control_or(&text, SPECIALS), text.bytes().any(special));
            prop_assert_eq!(has_other_or(&text, SPECIALS), text.bytes().any(|b| special(b) || b >= 0x80));
        }
    }

    #[test]
    fn every_byte_is_judged_at_every_place() {
        for (byte, at) in (0..128_u8).flat_map(|byte| (0..17).map(move |at| (byte, at))) {
            let mut text = vec![b'a'; 17];
            text[at] = byte;
            let wanted = byte < b' ' || SPECIALS.contains(&byte);
            assert_eq!(has_control_or(std::str::from_utf8(&text).unwrap(), SPECIALS), wanted, "{byte} {at}");
        }
    }
}
