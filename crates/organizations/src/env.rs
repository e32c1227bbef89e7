//! What every handler gets besides its request: who asks, when, and by which limits.

use std::sync::Arc;

use rolecall_access::Caller;
use rolecall_state::snapshot::Organization;
use rolecall_state::{AccountId, Entropy, Partition, Timestamp, Txn};

use crate::error::OrganizationsError;
use crate::quotas::Quotas;

/// What every handler gets besides its request.
pub struct Env<'a> {
    /// Who asks.
    pub caller: &'a Caller,
    /// When.
    pub now: Timestamp,
    /// Where ids come from.
    pub entropy: &'a dyn Entropy,
    /// By which limits.
    pub quotas: &'a Quotas,
}

impl Env<'_> {
    /// The caller's account.
    pub(crate) fn account(&self) -> AccountId {
        self.caller.account
    }

    /// The partition that ARNs are shown in.
    pub(crate) fn partition(&self) -> Partition {
        self.caller.partition
    }
}

/// The caller's organization, to look at.
pub(crate) fn organization(txn: &Txn, env: &Env<'_>) -> Result<Arc<Organization>, OrganizationsError> {
    txn.snapshot().organization_of(env.account()).cloned().ok_or(OrganizationsError::NotInUse)
}

/// The caller's organization, to change: no other change of it comes in between.
pub(crate) fn changing(txn: &mut Txn, env: &Env<'_>) -> Result<Arc<Organization>, OrganizationsError> {
    let organization = organization(txn, env)?;
    txn.change_organization(&organization);
    Ok(organization)
}
