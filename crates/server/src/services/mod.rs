//! The table from services to the crates that know their rules: each module parses, asks for the
//! decision, hands over, and renders; none has a rule of its own.

mod ec2;
mod iam;
mod query;
mod rolecall;
mod s3;
mod saml;
mod sts;
mod web_identity;

pub(crate) use query::{answer_query, answer_unsigned_query};
pub(crate) use rolecall::answer_own;
pub(crate) use s3::{answer_s3, into_body};
pub use web_identity::IssuerKeys;
