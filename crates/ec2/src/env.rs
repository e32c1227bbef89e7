//! What every handler gets besides its request.

use std::time::SystemTime;

use rolecall_access::Caller;
use rolecall_state::snapshot::Account;
use rolecall_state::{AccountId, Entropy, Partition, Timestamp, Txn};
use std::sync::Arc;

use crate::error::Ec2Error;
use crate::places::Places;

/// Where the output of an instance's console comes from.
pub trait ConsoleSource: Send + Sync {
    /// The end of the console's output, and when it was written last; none when there is none.
    fn output(&self, instance_id: &str) -> Option<(Vec<u8>, SystemTime)>;
}

/// What every handler gets besides its request.
pub struct Env<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// When.
    pub now: Timestamp,
    /// Where ids and keys come from.
    pub entropy: &'a dyn Entropy,
    /// The region that the request was signed for.
    pub region: &'a str,
    /// What instances print.
    pub console: &'a dyn ConsoleSource,
    /// The name of this node, which runs what is started here.
    pub host: &'a str,
}

impl Env<'_> {
    pub(crate) fn account(&self) -> AccountId {
        self.caller.account
    }

    pub(crate) fn partition(&self) -> Partition {
        self.caller.partition
    }

    /// Where instances of the account are.
    pub(crate) fn places(&self) -> Places {
        Places::of(self.account(), self.region)
    }
}

/// The caller's account, to look at.
pub(crate) fn account(txn: &Txn) -> Result<Arc<Account>, Ec2Error> {
    txn.account().cloned().ok_or(Ec2Error::NoAccount)
}
