//! Bringing in an account that is too large for one transaction: whole, or not at all.
//!
//! An account is there when its record is. Everything that belongs to it is written first, a piece after
//! the other, and seen by nobody; the record comes last. A mark says that an account is being brought in:
//! each piece lands only under the mark that was set at the beginning, so that of two who bring in the same account
//! one does, and what one who was cut short has left is cleared away by the next.

use rolecall_store::{Compare, Op, Outcome, Revision, Store, StoreError, Transaction};

use crate::ids::AccountId;
use crate::keys;
use crate::state::{State, StateError};
use crate::txn::Txn;

/// The most bytes of one piece.
const PIECE_BYTES: usize = 1_000_000;
/// The most writes of one.
const PIECE_WRITES: usize = 100;

/// An account of which everything but its record is written: [`Txn::land`] lets it be there.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub(crate) account: AccountId,
    pub(crate) mark: Revision,
}

/// Whether an account was begun to be brought in, and is not there yet.
///
/// # Errors
/// When the store can't be read.
pub async fn is_begun(store: &dyn Store) -> Result<bool, StoreError> {
    let (marks, _) = store.range(keys::ARRIVING.as_bytes(), b"", 1).await?;
    Ok(!marks.is_empty())
}

/// Writes what `fill` puts into an account that is not there.
///
/// # Errors
/// [`StateError::Disturbed`] when the account is there, or somebody else brings it in.
pub async fn bring(
    state: &State,
    account: AccountId,
    fill: impl FnOnce(&mut Txn),
) -> Result<Arrival, StateError> {
    let mut txn = Txn::new(state.snapshot(), account);
    fill(&mut txn);
    let writes = txn.into_puts()?;
    let (store, key) = (state.store(), bytes::Bytes::from(keys::arriving(account)));
    let absent = Compare::ModRevision { key: keys::account(account).into(), equals: Revision::default() };
    let put = Op::Put { key: key.clone(), value: bytes::Bytes::from_static(b"{}") };
    let mark = land(&**store, absent, vec![put]).await?;
    let marked = || Compare::ModRevision { key: key.clone(), equals: mark };
    let former = Op::DeletePrefix { prefix: keys::entities_of(account).into() };
    land(&**store, marked(), vec![former]).await?;
    let (mut piece, mut bytes) = (Vec::new(), 0);
    for (key, value) in writes {
        if piece.len() >= PIECE_WRITES || bytes + key.len() + value.len() > PIECE_BYTES {
            land(&**store, marked(), std::mem::take(&mut piece)).await?;
            bytes = 0;
        }
        bytes += key.len() + value.len();
        piece.push(Op::Put { key: key.into(), value: value.into() });
    }
    land(&**store, marked(), piece).await?;
    Ok(Arrival { account, mark })
}

async fn land(store: &dyn Store, compare: Compare, ops: Vec<Op>) -> Result<Revision, StateError> {
    if ops.is_empty() {
        return Ok(Revision::default());
    }
    match store.transact(Transaction { compares: vec![compare], ops }).await? {
        Outcome::Committed(revision) => Ok(revision),
        Outcome::Conflict { .. } => Err(StateError::Disturbed),
    }
}

#[cfg(test)]
mod tests;
