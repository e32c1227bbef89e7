//! Both evaluators: against the conformance tables, and against each other.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod agreement;
mod conformance;
mod engine;
