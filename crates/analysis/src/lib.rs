//! Questions about an account: who can do something, who may become whom, whether expectations hold, and which policy
//! would be the least for what somebody did.
//!
//! Each answer is the enforcing engine's, on a snapshot that no store holds: see [`World`].

pub mod check;
mod entities;
mod error;
pub mod graph;
mod named;
mod organization;
mod principal;
mod question;
mod reached;
pub mod suggest;
pub mod who_can;
mod world;

pub use error::AnalysisError;
pub use organization::{Control, Controls};
pub use principal::Asker;
pub use question::{Because, Question};
pub use world::{Given, World};
