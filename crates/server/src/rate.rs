//! How many requests someone may make: a limit for each source address, before anything of a request is looked at,
//! and one for each principal, once it is known who asks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const SHARDS: usize = 16;
/// How many are remembered in a shard; beyond, those who have all of their requests again are forgotten.
const MANY: usize = 10_000;
/// Whoever was quiet may make so many seconds' worth of requests at once.
const BURST_SECONDS: u32 = 2;

/// Requests in a second; none for no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct RateLimits {
    /// Of one source address; of IPv6 one network of 64 bits.
    pub per_source: u32,
    /// Of one user, role (whatever the session) or root user.
    pub per_principal: u32,
}

/// One kind of limit, with what everyone has used of it.
#[derive(Debug)]
pub(crate) struct Rate {
    // The time that one request stands for; none without a limit.
    interval: Option<Duration>,
    // When whoever goes on asking will have used up what it asked for until now.
    used_until: [Mutex<HashMap<Box<str>, Instant>>; SHARDS],
}

impl Rate {
    pub(crate) fn new(per_second: u32) -> Self {
        let interval = Duration::from_secs(1).checked_div(per_second);
        Self { interval, used_until: std::array::from_fn(|_| Mutex::default()) }
    }

    /// Whether there is a limit at all.
    pub(crate) fn is_limited(&self) -> bool {
        self.interval.is_some()
    }

    /// Counts a request of `who`, if one more is within the limit.
    pub(crate) fn admit(&self, who: &str, now: Instant) -> bool {
        let Some(interval) = self.interval else { return true };
        let mut used_until = self.shard(who);
        if used_until.len() >= MANY {
            used_until.retain(|_, until| *until > now);
        }
        let until = used_until.get(who).copied().unwrap_or(now).max(now) + interval;
        let admitted = until - now <= Duration::from_secs(1).saturating_mul(BURST_SECONDS).max(interval);
        if admitted {
            used_until.insert(who.into(), until);
        }
        admitted
    }

    fn shard(&self, who: &str) -> MutexGuard<'_, HashMap<Box<str>, Instant>> {
        let at = who.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        let [first, ..] = &self.used_until;
        self.used_until.get(at % SHARDS).unwrap_or(first).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Under which name a source is counted: whoever has a network of IPv6 has all of its addresses.
pub(crate) fn source(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_quiet_has_a_burst_and_then_the_rate() {
        let (rate, start) = (Rate::new(5), Instant::now());
        let admitted = |at: Duration| (0..100).filter(|_| rate.admit("jane", start + at)).count();
        assert_eq!(admitted(Duration::ZERO), 10);
        assert_eq!(admitted(Duration::from_millis(199)), 0);
        assert_eq!(admitted(Duration::from_millis(400)), 2);
        assert_eq!(admitted(Duration::from_secs(60)), 10);
        assert!(rate.admit("john", start));
    }

    #[test]
    fn one_in_a_second_is_possible_and_none_is_no_limit() {
        let now = Instant::now();
        assert!(Rate::new(1).admit("jane", now));
        let unlimited = Rate::new(0);
        assert!(!unlimited.is_limited() && (0..1_000).all(|_| unlimited.admit("jane", now)));
    }

    #[test]
    fn a_network_is_one_source() {
        assert_eq!(source("2001:db8::1".parse().unwrap()), source("2001:db8::2".parse().unwrap()));
        assert_ne!(source("2001:db8::1".parse().unwrap()), source("2001:db8:0:1::1".parse().unwrap()));
        assert_eq!(source("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1");
    }
}
