//! Who calls, and whether they may.
//!
//! Authentication yields a [`Caller`]; an operation names its [`Demand`]s; [`authorize`] decides and
//! hands the input on as [`Authorized`], which no one else can make.

mod authorize;
mod caller;
mod context;
mod demand;
mod known;
pub mod message;
pub mod sealed;
pub mod session;

pub use authorize::{
    AccessError, Authorized, Evidence, Ruling, Subject, Supposed, authorize, evaluate, evaluate_with,
};
pub use caller::{Caller, Identity, UnknownCaller};
pub use context::{RequestFacts, iso8601};
pub use demand::{Demand, Values};
