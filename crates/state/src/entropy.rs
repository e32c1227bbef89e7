//! Randomness as an argument: handlers get it, the server owns the source.

use std::cell::RefCell;

use ring::rand::{SecureRandom, SystemRandom};
use zeroize::{Zeroize, Zeroizing};

/// A source of random bytes fit for keys.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` with random bytes.
    fn fill(&self, buffer: &mut [u8]);
}

impl dyn Entropy + '_ {
    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut buffer = [0; N];
        self.fill(&mut buffer);
        buffer
    }
}

/// The operating system's source. Each thread fetches some bytes ahead, since a request that makes
/// credentials takes a few at a time, and asking the system costs more than the rest of making them.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

/// How much a thread fetches ahead, in bytes.
const AHEAD: usize = 512;

thread_local! {
    static FETCHED: RefCell<Zeroizing<Vec<u8>>> = RefCell::new(Zeroizing::new(Vec::with_capacity(AHEAD)));
}

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        if buffer.len() > AHEAD / 8 {
            return fetch(buffer);
        }
        FETCHED.with_borrow_mut(|fetched| {
            if fetched.len() < buffer.len() {
                fetched.resize(AHEAD, 0);
                fetch(fetched);
            }
            // INVARIANT: what is handed out is gone from here before anyone else can ask.
            let rest = fetched.len() - buffer.len();
            if let Some(taken) = fetched.get_mut(rest..) {
                buffer.copy_from_slice(taken);
                taken.zeroize();
            }
            fetched.truncate(rest);
        });
    }
}

fn fetch(buffer: &mut [u8]) {
    // Going on with predictable bytes would hand out guessable keys; there is no caller that could do
    // better than stop.
    if SystemRandom::new().fill(buffer).is_err() {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_byte_is_handed_out_twice() {
        let entropy: &dyn Entropy = &SystemEntropy;
        let mut seen = HashSet::new();
        for _ in 0..1_000 {
            assert!(seen.insert(entropy.bytes::<16>()));
        }
        assert_ne!(entropy.bytes::<64>(), [0; 64]);
        assert_ne!(entropy.bytes::<65>(), [0; 65]);
    }
}
