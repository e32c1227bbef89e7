//! S3: which operation a request is, what it demands, and buckets and objects on the file system.
//!
//! The way of a request, each step a type that only the step before can make:
//!
//! 1. [`S3::route`]: parts of a request → [`Call`] (operation, bucket, key, copy source).
//! 2. [`Call::receive`]: the body. Small ones are read and checked at once, because the keys of
//!    `DeleteObjects` and the tags of `PutObjectTagging` are part of what is demanded; objects stay
//!    a stream. → [`Received`].
//! 3. [`Received::decide`]: every [`Demand`] is put to the caller's closure, which must return a
//!    proof of its decision. → [`Decided`].
//! 4. [`S3::handle`] takes a [`Decided`] and nothing else.
//!
//! Behind it, the crate `s3s` parses inputs and renders outputs. It finds the operation once more by
//! itself; if it finds another one, or another bucket or key, the request is refused.

mod access;
mod address;
mod backend;
mod call;
mod checksum;
mod conditions;
mod control;
mod decide;
mod demand;
mod disk;
mod fault;
mod names;
mod operation;
mod receive;
mod route;
mod service;

pub use address::{Endpoint, Target};
pub use call::{AuthFacts, AuthType, Call, CopySource};
pub use control::{ControlCall, DecidedControl, is_control};
pub use decide::{Decided, Undecided};
pub use demand::{Demand, Value};
pub use disk::{BucketFacts, OpenError, PublicAccessBlock};
pub use fault::Fault;
pub use names::{BucketName, file_name};
pub use operation::Operation;
pub use receive::{ReceiveLimits, Received};
pub use service::{Caller, Entropy, S3, S3Body};

#[cfg(test)]
mod tests;
