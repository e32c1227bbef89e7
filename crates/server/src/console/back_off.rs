//! Whoever guesses passwords waits: each wrong one doubles the time until the next is looked at.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rolecall_state::Timestamp;

/// So many wrong ones are free: people mistype.
const FREE: u32 = 5;
/// The wait after the last free one, in seconds: above what checking a password takes on a busy machine.
const FIRST_SECONDS: i64 = 4;
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
    /// Lets a password be looked at, or says how many seconds are to be waited until one is, for the longest of `names`.
    ///
    /// It counts as wrong from here on, until [`BackOff::succeeded`]: many guesses at once would all be looked at if
    /// they counted only once known to be wrong.
    pub(super) fn attempt(&self, names: &[String], now: Timestamp) -> Result<(), i64> {
        let mut waits = self.lock();
        let left = names.iter().filter_map(|name| Some(waits.get(name)?.until.seconds_since(now))).max();
        if let Some(seconds) = left.filter(|seconds| *seconds > 0) {
            return Err(seconds);
        }
        if waits.len() >= MANY {
            waits.retain(|_, wait| now.seconds_since(wait.until) < LONGEST_SECONDS);
        }
        for name in names {
            waits.entry(name.clone()).or_insert(Wait { failed: 0, until: now }).count(now);
        }
        Ok(())
    }

    /// Forgets the wrong ones: the right one was given.
    pub(super) fn succeeded(&self, names: &[String]) {
        let mut waits = self.lock();
        for name in names {
            waits.remove(name);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Wait>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wait {
    fn count(&mut self, now: Timestamp) {
        // Whoever left it alone for as long as the longest wait starts anew.
        if now.seconds_since(self.until) >= LONGEST_SECONDS {
            self.failed = 0;
        }
        self.failed = self.failed.saturating_add(1);
        let doublings = self.failed.saturating_sub(FREE).min(10);
        let seconds = if self.failed < FREE { 0 } else { (FIRST_SECONDS << doublings).min(LONGEST_SECONDS) };
        self.until = now.plus_seconds(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> [String; 1] {
        [name.to_owned()]
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let (back_off, mut now) = (BackOff::default(), Timestamp(1_000));
        let jane = named("jane");
        for _ in 0..5 {
            assert_eq!(back_off.attempt(&jane, now), Ok(()));
        }
        let mut waits = Vec::new();
        for _ in 0..10 {
            let wait = back_off.attempt(&jane, now).unwrap_err();
            waits.push(wait);
            now = now.plus_seconds(wait);
            assert_eq!(back_off.attempt(&jane, now), Ok(()));
        }
        assert_eq!(waits, [4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(back_off.attempt(&named("john"), now), Ok(()));
        back_off.succeeded(&jane);
        for _ in 0..5 {
            assert_eq!(back_off.attempt(&jane, now), Ok(()));
        }
        assert_eq!(back_off.attempt(&jane, now), Err(4));
    }

    #[test]
    fn whoever_waits_under_one_name_is_not_counted_under_the_other() {
        let (back_off, now) = (BackOff::default(), Timestamp(1_000));
        let both = ["for jane".to_owned(), "from here".to_owned()];
        for _ in 0..5 {
            assert_eq!(back_off.attempt(&both[..1], now), Ok(()));
        }
        for _ in 0..9 {
            assert_eq!(back_off.attempt(&both, now), Err(4));
        }
        assert_eq!(back_off.attempt(&both[1..], now), Ok(()));
    }
}
