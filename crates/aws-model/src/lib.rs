//! The wire layer: what AWS's service models say about each API, as types.
//!
//! A service crate sees only types: [`iam::Request::parse`] turns the parameters of a request into
//! the operation's typed input, with every constraint of the model checked, and
//! [`iam::Response::to_xml`] turns its output into bytes. The modules below `generated` are written
//! by `cargo xtask generate`; nothing in them is edited by hand.

mod constraint;
mod error;
#[expect(clippy::allow_attributes, reason = "generated code allows what only some services need")]
mod generated;
mod query;
mod sensitive;
mod timestamp;
mod xml;

pub use constraint::{ValidationError, Violations};
pub use error::{Fault, Protocol, WireError};
pub use generated::{ec2, iam, sts};
pub use query::{QueryError, QueryParams};
pub use sensitive::Sensitive;
pub use timestamp::Timestamp;
