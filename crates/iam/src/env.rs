//! What every handler gets besides its request: who asks, when, and by which limits.

use std::sync::Arc;

use rolecall_access::Caller;
use rolecall_state::snapshot::Account;
use rolecall_state::{AccountId, Entropy, LastUsed, Partition, Timestamp, Txn, arn};

use crate::delegation::Providers;
use crate::error::IamError;
use crate::quotas::Quotas;
use crate::role_templates::RoleTemplates;

/// What every handler gets besides its request.
pub struct Env<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// When.
    pub now: Timestamp,
    /// Where ids and secrets come from.
    pub entropy: &'a dyn Entropy,
    /// By which limits.
    pub quotas: &'a Quotas,
    /// Whether providers may be made for issuers on this machine or a private network.
    pub local_issuers: bool,
    /// Under which address others find this server, without a slash at its end.
    pub public_url: &'a str,
    /// Who may ask for temporary delegation.
    pub providers: &'a Providers,
    /// The templates that roles can be made of.
    pub role_templates: &'a RoleTemplates,
    /// When credentials and roles were last used.
    pub last_used: &'a LastUsed,
}

impl Env<'_> {
    /// The partition that ARNs are shown in.
    pub(crate) fn partition(&self) -> Partition {
        self.caller.partition
    }

    /// The account that the request is about: the caller's own, always.
    pub(crate) fn account(&self) -> AccountId {
        self.caller.account
    }

    /// The ARN of an entity of the account.
    pub(crate) fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        arn::iam(self.partition(), self.account(), kind, path, name)
    }
}

/// The caller's account, to look at.
pub(crate) fn account(txn: &Txn) -> Result<Arc<Account>, IamError> {
    let gone = || IamError::NoSuchEntity(format!("The account {} cannot be found.", txn.account_id()));
    txn.account().cloned().ok_or_else(gone)
}
