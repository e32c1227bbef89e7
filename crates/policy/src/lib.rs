//! The AWS policy language: parse, compile, decide, explain. Pure: no I/O, no async, no clock.
//!
//! ```
//! use std::sync::Arc;
//! use rolecall_policy::{decide, explain, Applicable, Context, Document, Policy, PolicyKind, PolicySet, Principal, Request};
//!
//! let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#;
//! let document = Document::parse(text, PolicyKind::Identity)?;
//! let identity = PolicySet::compile(PolicyKind::Identity, [Policy::new("s3_management", Arc::new(document))]);
//!
//! let principal = Principal::from_arn("arn:aws:iam::123456789012:user/robot")?;
//! let context = Context::new();
//! let request = Request {
//!     principal: &principal,
//!     action: "s3:ListAllMyBuckets",
//!     resource: "*",
//!     resource_account: None,
//!     context: &context,
//! };
//! let applicable = Applicable { identity: Some(&identity), ..Applicable::default() };
//! assert!(decide(&request, &applicable).is_allowed());
//! println!("{}", explain(&request, &applicable).to_text(80));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod arn;
mod compiled;
mod context;
mod decide;
pub mod decide_format;
mod decision;
mod document;
mod error;
mod explain;
mod grammar;
mod index;
mod json;
mod kind;
mod operator;
mod pattern;
mod policy;
mod principal;
mod set;
mod span;
mod template;
mod value;

pub use context::{Context, Values};
pub use decide::{decide, needs_no_permission, resource_policy_is_required};
pub use decision::{Applicable, Decision, DenialReason, Outcome, Reason, Request};
pub use document::{
    ConditionEntry, Document, Effect, ListElement, PrincipalElement, PrincipalEntry, PrincipalType,
    Statement, Text, Version,
};
pub use error::{ParseError, Problem};
pub use explain::{Change, Explanation, Failure, Given, NearMiss, cite, explain};
pub use kind::{Grammar, PolicyKind, Strictness};
pub use operator::{Comparison, Operator, Qualifier, ValueType};
pub use policy::{Policy, StatementRef};
pub use principal::{NotAPrincipal, Principal, PrincipalKind};
pub use set::{Evaluation, PolicySet};
pub use span::{Position, Span};
