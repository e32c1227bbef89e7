//! Request ids: random version 4 UUIDs, as AWS's are.

use rolecall_state::Entropy;

/// The id of a request, which its answer carries and by which its record is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId([u8; 36]);

impl RequestId {
    /// A new id.
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = entropy.bytes::<16>();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = [b'-'; 36];
        // The places of the digits: all but the four dashes.
        let places = (0..36).filter(|at| !matches!(at, 8 | 13 | 18 | 23));
        let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
        for (at, digit) in places.zip(digits) {
            if let (Some(place), Some(hex)) = (text.get_mut(at), HEX.get(usize::from(digit))) {
                *place = *hex;
            }
        }
        Self(text)
    }

    /// The id's text.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_state::SystemEntropy;

    #[test]
    fn ids_are_uuids_of_version_4() {
        let id = RequestId::new(&SystemEntropy);
        let text = id.as_str();
        assert_eq!(text.len(), 36);
        assert_eq!(text.chars().filter(|c| *c == '-').count(), 4);
        assert_eq!(text.chars().nth(14), Some('4'));
    }
}
