//! Request ids: version 4 UUIDs, as AWS's are. They name and protect nothing, so they come from a
//! count that is scattered under a random seed, and not from the system at each request.

use std::sync::atomic::{AtomicU64, Ordering};

use rolecall_state::Entropy;

/// Where request ids come from.
pub(crate) struct RequestIds {
    seed: [u64; 2],
    count: AtomicU64,
}

impl RequestIds {
    /// A source with a random seed of its own.
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let seed = [u64::from_ne_bytes(entropy.bytes()), u64::from_ne_bytes(entropy.bytes())];
        Self { seed, count: AtomicU64::new(0) }
    }

    /// The next id.
    pub(crate) fn next(&self) -> RequestId {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let [high, low] =
            self.seed.map(|seed| scatter(seed.wrapping_add(count.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
        RequestId::of((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }
}

/// The output step of SplitMix64: a bijection, so that no two counts give one number.
fn scatter(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Where the two digits of each byte stand between the dashes.
const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

const fn hex(half: u8) -> u8 {
    if half < 10 { b'0' + half } else { b'a' + half - 10 }
}

/// The id of a request, which its answer carries and by which its record is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId([u8; 36]);

impl RequestId {
    fn of(mut bytes: [u8; 16]) -> Self {
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = [b'-'; 36];
        for (at, byte) in PLACES.into_iter().zip(bytes) {
            if let Some(place) = text.get_mut(at..at + 2) {
                place.copy_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
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
        let ids = RequestIds::new(&SystemEntropy);
        let id = ids.next();
        assert_ne!(id.as_str(), ids.next().as_str());
        let text = id.as_str();
        assert_eq!(text.len(), 36);
        assert_eq!(text.chars().filter(|c| *c == '-').count(), 4);
        assert_eq!(text.chars().nth(14), Some('4'));
    }
}
