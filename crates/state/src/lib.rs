//! Typed entities, their ids, the transactions that keep them consistent, and the snapshot that
//! every request is authenticated and authorized on.
//!
//! Reads are of a [`Snapshot`], which never changes; writes are proposed as a [`Txn`] and land
//! through [`State::write`] on exactly what they were decided on, or run again.

pub mod access_keys;
pub mod arn;
pub mod arrival;
pub mod entities;
mod entropy;
#[cfg(test)]
mod faulty;
mod holders;
mod ids;
mod key_ring;
mod keys;
mod last_used;
mod policy_ref;
mod seal;
pub mod sealing;
pub mod snapshot;
mod state;
mod time;
pub mod trust;
mod txn;
mod upgrade;
mod uuid;

pub use entropy::{Entropy, SystemEntropy};
pub use holders::{Bounded, PolicyHolder};
pub use ids::{AccessKeyId, AccountId, IdKind, InvalidAccountId, Partition, UniqueId};
pub use key_ring::{ACTIVE_SECONDS, KeyRing, LONGEST_SESSION_SECONDS, Pace, RingKey, StoredKeyRing};
pub use last_used::{LastUse, LastUsed, access};
pub use policy_ref::PolicyRef;
pub use rolecall_sigv4::hex;
pub use seal::{KeyId, MasterKey, NotAKey, Sealed, Secret, Unsealable};
pub use snapshot::{Snapshot, Unevaluable};
pub use state::{State, StateError};
pub use time::Timestamp;
pub use txn::{InOrganization, Txn, Unwritable};
pub use upgrade::{SCHEMA_KEY, SCHEMA_VERSION, UpgradeError, check_version};
pub use uuid::Uuid;
