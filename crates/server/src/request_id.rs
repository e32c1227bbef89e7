//! Request ids: version 4 UUIDs, as AWS's are. They name and protect nothing, so they come from a
//! count that is scattered under a random seed, and not from the system at each request.

use std::sync::atomic::{AtomicU64, Ordering};

use rolecall_state::{Entropy, Uuid};

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

/// The id of a request, which its answer carries and by which its record is found.
pub(crate) type RequestId = Uuid;

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_state::SystemEntropy;

    #[test]
    fn no_two_ids_are_the_same() {
        let ids = RequestIds::new(&SystemEntropy);
        let mut seen: Vec<_> = (0..1_000).map(|_| ids.next().to_string()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1_000);
    }
}
