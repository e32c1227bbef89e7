//! Why a decision came out as it did: what decided, what came nearest, and what would change it.

mod change;
mod failure;
mod json;
mod nearest;
mod text;

pub use change::Change;
pub use failure::{Failure, Given};
pub(crate) use json::Citation;
pub use nearest::NearMiss;

use crate::compiled::Query;
use crate::decide::{Verdict, verdict};
use crate::decision::{Applicable, Decision, Reason, Request};
use crate::document::ConditionEntry;
use crate::kind::PolicyKind;
use crate::policy::StatementRef;

/// A decision with its reasons. Serializes to JSON; see [`Explanation::to_text`] for people.
///
/// It borrows from the request and the policies, so that what nobody reads isn't written out.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    /// The request.
    pub request: Request<'a>,
    /// The decision, the same as [`crate::decide`] gives.
    pub decision: Decision<'a>,
    /// For an implicit denial, the statements which came nearest to allowing the request, nearest first.
    pub near_misses: Vec<NearMiss<'a>>,
    /// The smallest single change which would allow it; `None` when it is allowed, or when one change isn't enough.
    pub change: Option<Change<'a>>,
}

/// Explains what [`crate::decide`] decides.
#[must_use]
pub fn explain<'a>(request: &Request<'a>, applicable: &Applicable<'a>) -> Explanation<'a> {
    let query = Query::new(request);
    let Verdict { decision, findings } = verdict(&query, applicable);
    let mut explanation = Explanation { request: *request, decision, near_misses: Vec::new(), change: None };
    match decision.reason {
        _ if decision.is_allowed() => {}
        Reason::Statement(kind, statement) => {
            explanation.change = change::past_denial(&query, applicable, kind, statement);
        }
        Reason::NoAllow(kind) => {
            explanation.near_misses = nearest::nearest(&query, applicable, kind);
            let near = &explanation.near_misses;
            explanation.change =
                findings.and_then(|found| change::to_allow(&query, applicable, &found, kind, near));
        }
        Reason::RootUser | Reason::RootMayNotAssumeRoles | Reason::NeedsNoPermission => {}
    }
    explanation
}

impl Explanation<'_> {
    /// The explanation as text, with lines of at most `width` characters but where one word is longer.
    #[must_use]
    pub fn to_text(&self, width: usize) -> String {
        text::render(self, width)
    }
}

/// The condition of a statement at a place in its document.
fn condition_at(statement: StatementRef<'_>, place: u16) -> Option<&ConditionEntry> {
    statement.statement().and_then(|parsed| parsed.conditions.get(usize::from(place)))
}

/// How a person tells a statement: its policy, and its `Sid` or number.
#[must_use]
pub fn cite(kind: PolicyKind, statement: StatementRef<'_>) -> String {
    let name = statement.policy.name();
    let place = statement
        .position()
        .map_or_else(String::new, |at| format!(" (line {}, column {})", at.line, at.column));
    match statement.sid() {
        Some(sid) if !sid.is_empty() => format!("statement \"{sid}\" of {} \"{name}\"{place}", kind.name()),
        _ => format!("statement {} of {} \"{name}\"{place}", statement.index, kind.name()),
    }
}
