//! The store from outside: killed, on a disk without room, and on etcd.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

mod crash;
mod disk;
#[cfg(feature = "etcd")]
mod etcd;
mod process;
