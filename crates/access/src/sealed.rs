//! Short notes that this program gives away and takes back: sealed under the key ring, each for one
//! purpose, so that none can be read, changed, or shown for another.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, NONCE_LEN, Nonce};
use rolecall_state::{Entropy, KeyRing};

/// The first byte of a note; a session token's is another.
const NOTE_FORM: u8 = 2;
const HEADER_LEN: usize = 1 + 4 + NONCE_LEN;
/// No note is longer than this; a longer text is refused unread.
const MAX_LEN: usize = 32_768;

fn bound_to(purpose: &str) -> Aad<String> {
    Aad::from(format!("rolecall-note/{purpose}"))
}

/// Seals `note` for `purpose` under the newest key of the ring. None when the ring is empty.
pub fn seal(note: &[u8], purpose: &str, ring: &KeyRing, entropy: &dyn Entropy) -> Option<String> {
    let key = ring.newest()?;
    let nonce = entropy.bytes::<NONCE_LEN>();
    let mut text = vec![NOTE_FORM];
    text.extend_from_slice(&key.number.to_be_bytes());
    text.extend_from_slice(&nonce);
    let mut body = note.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.sealing.seal_in_place_append_tag(nonce, bound_to(purpose), &mut body).ok()?;
    text.extend_from_slice(&body);
    Some(URL_SAFE_NO_PAD.encode(text))
}

/// Opens a note that was sealed for `purpose`; none when it is not ours, was changed, or is for another.
pub fn open(text: &str, purpose: &str, ring: &KeyRing) -> Option<Vec<u8>> {
    if text.len() > MAX_LEN {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (header, body) = bytes.split_at_checked(HEADER_LEN)?;
    let number = header.get(1..5)?.try_into().ok().map(u32::from_be_bytes)?;
    let nonce: [u8; NONCE_LEN] = header.get(5..)?.try_into().ok()?;
    if header.first() != Some(&NOTE_FORM) {
        return None;
    }
    let mut body = body.to_vec();
    let nonce = Nonce::assume_unique_for_key(nonce);
    let plain = ring.key(number)?.sealing.open_in_place(nonce, bound_to(purpose), &mut body).ok()?;
    Some(plain.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_state::{MasterKey, StoredKeyRing, SystemEntropy, Timestamp};

    fn ring() -> KeyRing {
        let master = MasterKey::new([3; 32]).unwrap();
        let stored = StoredKeyRing::default().rotated(&master, Timestamp(0), &SystemEntropy);
        KeyRing::open(&stored, &master).unwrap()
    }

    #[test]
    fn a_note_opens_for_its_purpose_alone() {
        let ring = ring();
        let text = seal(b"hello", "greeting", &ring, &SystemEntropy).unwrap();
        assert_eq!(open(&text, "greeting", &ring).unwrap(), b"hello");
        assert!(open(&text, "farewell", &ring).is_none());
        assert!(open("", "greeting", &ring).is_none());
    }

    #[test]
    fn any_changed_character_spoils_a_note() {
        let ring = ring();
        let text = seal(b"hello", "greeting", &ring, &SystemEntropy).unwrap();
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character of Base64 may carry bits that mean nothing; strict decoding refuses those.
            assert!(open(&changed, "greeting", &ring).is_none(), "at {at}");
        }
    }
}
