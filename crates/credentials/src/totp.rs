//! One-time codes of MFA devices (RFC 6238: HMAC-SHA-1, six digits, a new code every 30 seconds).
//!
//! A device keeps a [`Clock`]: how far its clock is off, and which code was used last. Both only
//! change by the functions here, each of which returns the clock to store.

use std::fmt;

use ring::hmac;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{Random, base32, random_bytes};

/// How long a code is current.
pub const STEP_SECONDS: i64 = 30;

/// How many steps a device may be ahead or behind, beyond the drift that is known of it.
const SIGN_IN_WINDOW: i64 = 1;
// FIDELITY: AWS does not publish the windows; these are wide enough for a device some minutes off.
const ENABLE_WINDOW: i64 = 4;
const RESYNC_WINDOW: i64 = 20;

/// The secret that a device and the server share.
#[derive(Clone)]
pub struct Seed(Zeroizing<Vec<u8>>);

impl Seed {
    /// A new seed of 40 bytes: 64 Base32 letters, as AWS's are.
    pub fn generate(random: Random<'_>) -> Self {
        Self(Zeroizing::new(random_bytes::<40>(random).to_vec()))
    }

    /// The seed that `text` spells in Base32, or `None` where it spells none of 16 bytes or more.
    pub fn from_base32(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(base32::decode(text)?);
        (bytes.len() >= 16).then_some(Self(bytes))
    }

    /// The seed in Base32, as CreateVirtualMFADevice shows it once.
    pub fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(base32::encode(&self.0))
    }

    /// The code that a device whose clock is right shows at `now`.
    pub fn code_at(&self, now: i64) -> Code {
        self.code(step_of(now))
    }

    fn code(&self, step: i64) -> Code {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        Code(truncated(tag.as_ref()) % 1_000_000)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Seed(…)")
    }
}

/// Six digits that a device shows. No `PartialEq`: codes are compared in constant time.
#[derive(Clone, Copy)]
pub struct Code(u32);

impl Code {
    /// Reads exactly six digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().ok().map(Self)).flatten()
    }

    fn matches(self, presented: Self) -> bool {
        self.0.ct_eq(&presented.0).into()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:06}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Code(…)")
    }
}

/// What is known of a device's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// How many steps the device was ahead (or behind, when negative) when last seen.
    pub drift_steps: i64,
    /// The step of the code used last, by the device's clock: no code up to it is taken again.
    pub last_step: i64,
}

/// Why codes were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TotpError {
    /// Not the codes that the device shows about now, or a code that was used before.
    #[error("Authentication code for device is not valid.")]
    InvalidAuthenticationCode,
}

/// Checks the two consecutive codes that EnableMFADevice takes.
///
/// # Errors
/// [`TotpError::InvalidAuthenticationCode`] where they are not two consecutive codes of about now.
pub fn enable(seed: &Seed, first: Code, second: Code, now: i64) -> Result<Clock, TotpError> {
    consecutive(seed, first, second, now, ENABLE_WINDOW, None)
}

/// Checks the two consecutive codes that ResyncMFADevice takes: of a device whose clock has run away.
///
/// # Errors
/// [`TotpError::InvalidAuthenticationCode`] where they are not two consecutive codes within some
/// minutes of now, or not both newer than the code used last.
pub fn resync(seed: &Seed, clock: Clock, first: Code, second: Code, now: i64) -> Result<Clock, TotpError> {
    consecutive(seed, first, second, now, RESYNC_WINDOW, Some(clock))
}

/// Checks one code; the clock that it returns must be stored before the code counts, lest it be used twice.
///
/// # Errors
/// [`TotpError::InvalidAuthenticationCode`] where it is not a code of about now, or was used before.
pub fn verify(seed: &Seed, clock: Clock, code: Code, now: i64) -> Result<Clock, TotpError> {
    let now_step = step_of(now);
    let expected = now_step.saturating_add(clock.drift_steps);
    // Every step of the window is computed, so that timing tells nothing about which one matched.
    let mut matched = None;
    for step in expected - SIGN_IN_WINDOW..=expected + SIGN_IN_WINDOW {
        if seed.code(step).matches(code) && step > clock.last_step {
            matched = Some(step);
        }
    }
    let step = matched.ok_or(TotpError::InvalidAuthenticationCode)?;
    Ok(Clock { drift_steps: step - now_step, last_step: step })
}

fn consecutive(
    seed: &Seed,
    first: Code,
    second: Code,
    now: i64,
    window: i64,
    clock: Option<Clock>,
) -> Result<Clock, TotpError> {
    let now_step = step_of(now);
    let after = clock.map_or(i64::MIN, |clock| clock.last_step);
    let both = |step: &i64| {
        let (early, late) = (seed.code(*step - 1).matches(first), seed.code(*step).matches(second));
        early & late & (*step - 1 > after)
    };
    let nearest_first = (0..=window).flat_map(|offset| [now_step - offset, now_step + offset]);
    let step = nearest_first.into_iter().find(both).ok_or(TotpError::InvalidAuthenticationCode)?;
    Ok(Clock { drift_steps: step - now_step, last_step: step })
}

fn step_of(now: i64) -> i64 {
    now.div_euclid(STEP_SECONDS)
}

/// Dynamic truncation (RFC 4226, section 5.3).
fn truncated(tag: &[u8]) -> u32 {
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0x0f);
    let bytes = tag.get(offset..offset + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    bytes.map_or(0, u32::from_be_bytes) & 0x7fff_ffff
}

#[cfg(test)]
mod tests;
