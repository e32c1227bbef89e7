//! Who calls, and whether they may.
//!
//! Authentication yields a [`Caller`]; an operation names its [`Demand`]s; [`authorize`] decides and
//! hands the input on as [`Authorized`], which no one else can make.

mod authorize;
mod caller;
mod context;
mod demand;
mod evidence;
mod known;
pub mod message;
mod policies;
mod refusal;
pub mod sealed;
pub mod session;

pub use authorize::{Authorized, Ruling, Subject, authorize, evaluate, evaluate_with};
pub use caller::{Caller, Identity, UnknownCaller};
pub use context::{RequestFacts, iso8601};
pub use demand::{Demand, Values};
pub use evidence::Evidence;
pub use policies::Supposed;
pub use refusal::AccessError;
