//! Writing delegation requests.

use std::sync::Arc;

use rolecall_store::Revision;

use super::Txn;
use crate::entities::DelegationRequest;
use crate::keys;
use crate::snapshot::StoredDelegation;
use crate::time::Timestamp;

/// How many requests whose time is over are forgotten with each new one.
const FORGOTTEN: usize = 8;

impl Txn {
    /// Reads a delegation request and makes the transaction depend on it.
    pub fn read_delegation(&mut self, id: &str) -> Option<Arc<StoredDelegation>> {
        let found = self.snapshot.delegation(id).cloned();
        self.depend(keys::delegation(id), found.as_ref().map_or(Revision::default(), |found| found.revision));
        found
    }

    /// Writes a delegation request that was read.
    pub fn put_delegation(&mut self, request: &DelegationRequest) {
        self.write(keys::delegation(&request.id), request);
    }

    /// Writes a new delegation request, whose workflow must be that of no other of its maker, and forgets some whose
    /// time is over.
    pub fn create_delegation(&mut self, request: &DelegationRequest, now: Timestamp) {
        let snapshot = self.snapshot.clone();
        let over = |old: &&Arc<StoredDelegation>| now >= old.kept_until();
        for old in snapshot.delegations().filter(over).take(FORGOTTEN) {
            self.depend(keys::delegation(&old.id), old.revision);
            self.writes.insert(keys::delegation(&old.id), None);
            self.writes.insert(keys::delegation_workflow(old.requestor, &old.workflow), None);
        }
        let claim = keys::delegation_workflow(request.requestor, &request.workflow);
        self.depend(claim.clone(), Revision::default());
        self.write(claim, &request.id);
        self.depend(keys::delegation(&request.id), Revision::default());
        self.put_delegation(request);
    }
}
