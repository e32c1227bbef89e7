//! What every handler gets besides its request.

use crate::mfa::SecondFactor;
use rolecall_access::Caller;
use rolecall_state::{Entropy, Snapshot, Timestamp};

/// The limits that the settings may change.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The shortest session; AWS's is 900 seconds.
    pub min_session_seconds: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { min_session_seconds: 900 }
    }
}

/// What every handler gets besides its request.
pub struct Env<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// When.
    pub now: Timestamp,
    /// Where ids and secrets come from.
    pub entropy: &'a dyn Entropy,
    /// What everything is decided on.
    pub snapshot: &'a Snapshot,
    /// By which limits.
    pub limits: &'a Limits,
    /// Under which address others find this server, without a slash at its end.
    pub public_url: &'a str,
    /// The region that the request was signed for.
    pub region: &'a str,
    /// The second factor that came with the request, if one did.
    pub second_factor: Option<SecondFactor>,
}
