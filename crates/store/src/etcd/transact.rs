//! Transactions: landed once, or known not to have landed, or told as unknown.

use tokio::time::Instant;

use super::Inner;
use super::client::{CallError, Pauses};
use super::keys::{end_of, revision, signed};
use super::slots::{Slot, read};
use super::wire::{
    self, CREATE, DeleteRequest, EQUAL, GREATER, LESS, MOD, PutRequest, Request, RequestOp, Revised,
    TxnRequest, TxnResponse,
};
use crate::contract::{Compare, Op, Outcome, Revision, StoreError, Transaction};

/// What became of an attempt whose answer was lost.
enum Fate {
    Landed(Revision),
    /// It has not landed, and never will.
    Dead,
}

impl Inner {
    /// Lands a transaction, and tries again for as long as it is certain that it has not landed.
    pub(super) async fn transact(&self, transaction: &Transaction) -> Result<Outcome, StoreError> {
        transaction.check()?;
        let (mut slot, _permit) = self.slots.take(&self.keys).await.ok_or(StoreError::Closed)?;
        let outcome = self.transact_in(&mut slot, transaction).await;
        if !matches!(outcome, Err(StoreError::Unknown(_))) {
            self.slots.give_back(slot);
        }
        outcome
    }

    async fn transact_in(&self, slot: &mut Slot, transaction: &Transaction) -> Result<Outcome, StoreError> {
        let deadline = Instant::now() + self.deadline;
        let mut pauses = Pauses::new();
        loop {
            let tag = self.slots.tag("write");
            let failure = match self.attempt(slot, transaction, &tag).await {
                Ok(Some(outcome)) => return Ok(outcome),
                Ok(None) => "its slot was taken away".to_owned(),
                Err(CallError::Refused(status)) => {
                    return Err(StoreError::Engine(CallError::Refused(status).message()));
                }
                Err(unsure) => match self.fate(slot, &tag, unsure.message()).await? {
                    Fate::Landed(revision) => return Ok(Outcome::Committed(revision)),
                    Fate::Dead => unsure.message(),
                },
            };
            if !pauses.wait(deadline).await {
                return Err(StoreError::Engine(format!("{failure}; nothing was written")));
            }
        }
    }

    /// One attempt; none when the slot was not as it was thought to be, so that nothing was done.
    async fn attempt(
        &self,
        slot: &mut Slot,
        transaction: &Transaction,
        tag: &[u8],
    ) -> Result<Option<Outcome>, CallError> {
        let request = self.request(slot, transaction, tag);
        let answer: TxnResponse = self.client.once(wire::TXN, &request).await?;
        if answer.succeeded {
            slot.revision = answer.header.map_or(Revision(0), |header| revision(header.revision));
            return Ok(Some(Outcome::Committed(slot.revision)));
        }
        let mut read = answer.responses.into_iter().map(|response| {
            let found = response.range.and_then(|range| range.kvs.into_iter().next());
            found.map_or(Revision(0), |stored| revision(stored.mod_revision))
        });
        let (found, head) = (read.next().unwrap_or_default(), read.next().unwrap_or_default());
        if found == slot.revision {
            return Ok(Some(Outcome::Conflict { revision: head }));
        }
        slot.revision = found;
        Ok(None)
    }

    fn request(&self, slot: &Slot, transaction: &Transaction, tag: &[u8]) -> TxnRequest {
        let mut compare: Vec<_> = transaction.compares.iter().map(|compare| self.compare(compare)).collect();
        compare.push(slot.untouched());
        let mut success: Vec<_> = transaction.ops.iter().map(|op| self.op(op)).collect();
        success.push(slot.put(tag.to_vec()));
        let head = PutRequest { key: self.keys.head(), value: tag.to_vec() };
        success.push(RequestOp { request: Some(Request::Put(head)) });
        TxnRequest { compare, success, failure: vec![slot.read(), read(self.keys.head())] }
    }

    fn compare(&self, compare: &Compare) -> wire::Compare {
        let key = self.keys.data(compare.key());
        let one = Vec::new();
        let (result, target, to, range_end) = match compare {
            Compare::ModRevision { equals, .. } => (EQUAL, MOD, Revised::Mod(signed(*equals)), one),
            Compare::Exists { .. } => (GREATER, CREATE, Revised::Create(0), one),
            // Of a range every key must fit; an empty one is compared as a key that is absent.
            Compare::PrefixEmpty { .. } => (EQUAL, CREATE, Revised::Create(0), end_of(&key)),
            Compare::PrefixUnchangedSince { revision, .. } => {
                (LESS, MOD, Revised::Mod(signed(*revision).saturating_add(1)), end_of(&key))
            }
        };
        wire::Compare { result, target, key, to: Some(to), range_end }
    }

    fn op(&self, op: &Op) -> RequestOp {
        let key = self.keys.data(op.key());
        let request = match op {
            Op::Put { value, .. } => Request::Put(PutRequest { key, value: value.to_vec() }),
            Op::Delete { .. } => Request::Delete(DeleteRequest { key, range_end: Vec::new() }),
            Op::DeletePrefix { .. } => {
                let range_end = end_of(&key);
                Request::Delete(DeleteRequest { key, range_end })
            }
        };
        RequestOp { request: Some(request) }
    }

    /// Finds out what became of the attempt that wrote `tag`.
    async fn fate(&self, slot: &mut Slot, tag: &[u8], cause: String) -> Result<Fate, StoreError> {
        let deadline = Instant::now() + self.deadline;
        let fence = self.slots.tag("fence");
        let request = TxnRequest {
            compare: vec![slot.untouched()],
            success: vec![slot.put(fence.clone())],
            failure: vec![slot.read()],
        };
        let answer: Result<TxnResponse, _> = self.client.again(wire::TXN, &request, deadline).await;
        let Ok(answer) = answer else { return Err(StoreError::Unknown(cause)) };
        if answer.succeeded {
            slot.revision = answer.header.map_or(Revision(0), |header| revision(header.revision));
            return Ok(Fate::Dead);
        }
        let found = answer.responses.into_iter().find_map(|response| response.range?.kvs.into_iter().next());
        // It was swept away as one that nobody uses.
        let Some(found) = found else { return Err(StoreError::Unknown(cause)) };
        slot.revision = revision(found.mod_revision);
        match () {
            () if found.value == tag => Ok(Fate::Landed(slot.revision)),
            // The fence was put, and only the answer to that was lost.
            () if found.value == fence => Ok(Fate::Dead),
            () => Err(StoreError::Unknown(cause)),
        }
    }
}
