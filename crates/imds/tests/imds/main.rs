//! The metadata service as its callers see it: by its answers, and over sockets.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends at the first thing that is not as it should be"
)]

mod common;
mod serve;
mod service;
