//! A second evaluator of IAM policies: slow, naive, and as close to AWS's prose as code can be.
//!
//! It shares nothing with the compiled engine but the `decide` line format, so that a mistake in one of them shows
//! as a disagreement. Each rule cites the page that it follows:
//! [evaluation logic](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html) and
//! [condition operators](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
//! [`generate`] makes requests on which the two can differ.

mod condition;
mod decision;
pub mod generate;
mod json;
mod pattern;
mod principal;
mod request;
mod shrink;
mod statement;
mod value;

pub use decision::{Decision, decide};
pub use json::Malformed;
pub use shrink::shrink;
