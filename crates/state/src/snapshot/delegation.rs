//! Requests for temporary delegation in a snapshot: they stand between accounts, so they belong to none.

use std::sync::Arc;

use rolecall_store::Revision;

use super::Snapshot;
use super::apply::{ApplyError, Change, decode};
use crate::entities::DelegationRequest;
use crate::ids::AccountId;

/// A request as it is stored, at the revision of its last change.
pub struct StoredDelegation {
    /// The revision.
    pub revision: Revision,
    /// The request.
    pub request: DelegationRequest,
}

impl std::ops::Deref for StoredDelegation {
    type Target = DelegationRequest;

    fn deref(&self) -> &DelegationRequest {
        &self.request
    }
}

impl Snapshot {
    /// The delegation request with this id.
    pub fn delegation(&self, id: &str) -> Option<&Arc<StoredDelegation>> {
        self.delegations.get(id)
    }

    /// All delegation requests, in the order of their ids.
    pub fn delegations(&self) -> impl Iterator<Item = &Arc<StoredDelegation>> {
        self.delegations.values()
    }

    /// The delegation requests that an account made.
    pub fn delegations_by(&self, requestor: AccountId) -> impl Iterator<Item = &Arc<StoredDelegation>> {
        self.delegations().filter(move |request| request.requestor == requestor)
    }

    pub(super) fn apply_delegation(&mut self, change: &Change<'_>, id: &str) -> Result<(), ApplyError> {
        match change.value {
            Some(value) => {
                let request = decode(change.key, value)?;
                let stored = StoredDelegation { revision: change.revision, request };
                self.delegations.insert(id.into(), Arc::new(stored));
            }
            None => {
                self.delegations.remove(id);
            }
        }
        Ok(())
    }
}
