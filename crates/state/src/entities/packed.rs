//! Long texts that are kept for a while: packed, so that a store takes them in one value and a snapshot has room.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

/// How hard to pack: 6 of 10, as zlib does when nobody says.
const LEVEL: u8 = 6;
/// No packed text unpacks to more; a value that would is no text of ours.
const MAX_UNPACKED: usize = 256 * 1024 * 1024;

/// A text packed by DEFLATE.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed(String);

impl Packed {
    /// Packs a text.
    pub fn pack(text: &[u8]) -> Self {
        Self(STANDARD_NO_PAD.encode(miniz_oxide::deflate::compress_to_vec(text, LEVEL)))
    }

    /// The text; none when the stored value is no packed text.
    pub fn unpack(&self) -> Option<Vec<u8>> {
        let packed = STANDARD_NO_PAD.decode(&self.0).ok()?;
        miniz_oxide::inflate::decompress_to_vec_with_limit(&packed, MAX_UNPACKED).ok()
    }

    /// How many bytes it takes in the store.
    pub fn size(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_out_as_it_went_in() {
        let text = "name,arn\n".repeat(1_000);
        let packed = Packed::pack(text.as_bytes());
        assert!(packed.size() < 200);
        assert_eq!(packed.unpack().unwrap(), text.as_bytes());
        assert_eq!(Packed("AAAA".to_owned()).unpack(), None);
    }
}
