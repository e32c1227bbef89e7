//! Randomness as an argument: handlers get it, the server owns the source.

use ring::rand::{SecureRandom, SystemRandom};

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

/// The operating system's source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        // Going on with predictable bytes would hand out guessable keys; there is no caller that
        // could do better than stop.
        if SystemRandom::new().fill(buffer).is_err() {
            std::process::abort();
        }
    }
}
