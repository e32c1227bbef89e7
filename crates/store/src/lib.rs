//! The store: ordered keys, revisions, compare-and-swap transactions and prefix watches.
//!
//! The contract is etcd's data model, so that the embedded engine and etcd behave alike; the
//! [`conformance`] suite says what that means, and every engine must pass it. What the values mean
//! is not known here.

pub mod conformance;
mod contract;
mod embedded;
#[cfg(feature = "etcd")]
mod etcd;

pub use contract::{
    Batch, BoxFuture, Compare, Event, EventKind, KeyValue, Loaded, Op, Outcome, Revision, Scan, Store,
    StoreError, Transaction, Watch, WatchError,
};
pub use embedded::{Embedded, OpenError};
#[cfg(feature = "etcd")]
pub use etcd::{ConnectError, Credentials, Etcd, EtcdSettings, SettingsError, Tls};
