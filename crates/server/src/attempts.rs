//! How often someone has shown a wrong one-time code of late: whoever guesses is held up.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rolecall_state::Timestamp;

/// How many wrong codes are looked at in one window.
const PER_WINDOW: u32 = 10;
/// How long a window is, in seconds.
const WINDOW_SECONDS: i64 = 60;
/// How many holders are remembered; beyond, those whose windows are over are forgotten.
const MANY: usize = 10_000;

/// The wrong codes of late, by the holder of the device.
#[derive(Debug, Default)]
pub(crate) struct Attempts(Mutex<HashMap<Box<str>, Window>>);

#[derive(Clone, Copy, Debug)]
struct Window {
    began: Timestamp,
    failed: u32,
}

impl Window {
    fn is_open(self, now: Timestamp) -> bool {
        now.0 < self.began.0 + WINDOW_SECONDS
    }
}

impl Attempts {
    /// Whether a code of `holder` is looked at now.
    pub(crate) fn may_try(&self, holder: &str, now: Timestamp) -> bool {
        let window = self.lock().get(holder).copied();
        window.is_none_or(|window| !window.is_open(now) || window.failed < PER_WINDOW)
    }

    /// Notes a wrong code.
    pub(crate) fn failed(&self, holder: &str, now: Timestamp) {
        let mut windows = self.lock();
        if windows.len() >= MANY {
            windows.retain(|_, window| window.is_open(now));
        }
        let window = windows.entry(holder.into()).or_insert(Window { began: now, failed: 0 });
        if !window.is_open(now) {
            *window = Window { began: now, failed: 0 };
        }
        window.failed = window.failed.saturating_add(1);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Window>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_ten_wrong_codes_none_is_looked_at_for_a_minute() {
        let attempts = Attempts::default();
        for _ in 0..PER_WINDOW {
            assert!(attempts.may_try("jane", Timestamp(100)));
            attempts.failed("jane", Timestamp(100));
        }
        assert!(!attempts.may_try("jane", Timestamp(159)));
        assert!(attempts.may_try("jane", Timestamp(160)));
        assert!(attempts.may_try("john", Timestamp(100)));
    }
}
