//! What is wrong or risky in a policy document, in the terms of [IAM Access Analyzer's policy checks]: an issue code,
//! a finding type, a sentence, and the exact places in the text.
//!
//! Unlike the engine's parser, which stops at the first error, validation goes on: one run reports everything.
//!
//! ```
//! use rolecall_policy_validation::{Options, PolicyKind, validate};
//!
//! let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObjct", "Resource": "*"}]}"#;
//! let findings = validate(text, PolicyKind::Identity, Options::default());
//! assert_eq!(findings[0].issue_code.as_str(), "INVALID_ACTION");
//! assert!(findings[0].finding_details.contains("Did you mean s3:GetObject?"));
//! ```
//!
//! [IAM Access Analyzer's policy checks]: https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html

mod action;
mod code;
mod condition;
mod cursor;
mod document;
mod finding;
mod json;
mod network;
mod operator;
mod organization;
mod pattern;
mod principal;
mod privilege;
mod redundancy;
mod report;
mod resource;
mod size;
mod statement;
mod tags;
mod trust;
mod value;
mod variable;

pub use code::{FindingType, IssueCode};
pub use document::{Options, ResourceType, validate};
pub use finding::{Finding, Location, PathElement, Position, Span, Substring};
pub use rolecall_policy::PolicyKind;
