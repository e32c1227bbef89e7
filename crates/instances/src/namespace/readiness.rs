//! Waiting for a descriptor that is no socket or pipe of tokio's own.

use std::io;
use std::os::fd::AsRawFd;

use tokio::io::unix::AsyncFd;

/// A type whose raw descriptor stays the same and open as long as the value lives.
pub(super) trait Owned: AsRawFd {}

impl Owned for std::os::fd::OwnedFd {}
impl Owned for crate::wire::Channel {}

/// Registers a descriptor with the runtime.
#[expect(
    deprecated,
    reason = "the replacement is unsafe for types whose descriptor may change or close; `Owned` names those \
              that can't, and this crate has no unsafe code"
)]
pub(super) fn watch<T: Owned>(descriptor: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::new(descriptor)
}
