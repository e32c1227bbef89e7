//! Whoever guesses passwords waits: each wrong one doubles the time until the next is looked at.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rolecall_state::Timestamp;

/// So many wrong ones are free: people mistype.
const FREE: u32 = 5;
/// The longest wait, in seconds.
const LONGEST_SECONDS: i64 = 900;
/// How many names are remembered; beyond, those that waited long enough are forgotten.
const MANY: usize = 10_000;

/// The wrong passwords of late, by what they were given for.
#[derive(Debug, Default)]
pub(super) struct BackOff(Mutex<HashMap<String, Wait>>);

#[derive(Clone, Copy, Debug)]
struct Wait {
    failed: u32,
    until: Timestamp,
}

impl BackOff {
    /// How many seconds are to be waited before a password for `name` is looked at; none when it is now.
    pub(super) fn wait(&self, name: &str, now: Timestamp) -> Option<i64> {
        let until = self.lock().get(name)?.until;
        Some(until.seconds_since(now)).filter(|seconds| *seconds > 0)
    }

    /// Notes a wrong password.
    pub(super) fn failed(&self, name: &str, now: Timestamp) {
        let mut waits = self.lock();
        if waits.len() >= MANY {
            waits.retain(|_, wait| now.seconds_since(wait.until) < LONGEST_SECONDS);
        }
        let wait = waits.entry(name.to_owned()).or_insert(Wait { failed: 0, until: now });
        // Whoever left it alone for as long as the longest wait starts anew.
        if now.seconds_since(wait.until) >= LONGEST_SECONDS {
            wait.failed = 0;
        }
        wait.failed = wait.failed.saturating_add(1);
        let doublings = wait.failed.saturating_sub(FREE).min(10);
        let seconds = if wait.failed < FREE { 0 } else { (1 << doublings).min(LONGEST_SECONDS) };
        wait.until = now.plus_seconds(seconds);
    }

    /// Forgets the wrong ones: the right one was given.
    pub(super) fn succeeded(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Wait>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let (back_off, mut now) = (BackOff::default(), Timestamp(1_000));
        for _ in 0..4 {
            back_off.failed("jane", now);
            assert_eq!(back_off.wait("jane", now), None);
        }
        let mut waits = Vec::new();
        for _ in 0..12 {
            back_off.failed("jane", now);
            let wait = back_off.wait("jane", now).unwrap();
            waits.push(wait);
            now = now.plus_seconds(wait);
            assert_eq!(back_off.wait("jane", now), None);
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(back_off.wait("john", now), None);
        back_off.succeeded("jane");
        back_off.failed("jane", now);
        assert_eq!(back_off.wait("jane", now), None);
    }
}
