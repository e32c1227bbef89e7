//! The smallest single change which would allow a denied request. Nothing is proposed that hasn't
//! been tried: the request is decided again with the change made.

use super::condition_at;
use super::failure::Failure;
use super::nearest::NearMiss;
use crate::compiled::Query;
use crate::context::Context;
use crate::decide::{Findings, conclude, decide, verdict};
use crate::decision::{Applicable, Request};
use crate::document::ConditionEntry;
use crate::kind::PolicyKind;
use crate::operator::Comparison;
use crate::policy::StatementRef;

/// One change, which would be enough.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// Send the request with another value for a condition key.
    Context {
        /// The key.
        key: &'a str,
        /// A value that would do.
        value: String,
        /// The statement whose condition that settles.
        statement: StatementRef<'a>,
        /// The kind of its policy.
        kind: PolicyKind,
    },
    /// Widen one element of a statement.
    Widen {
        /// The statement.
        statement: StatementRef<'a>,
        /// The kind of its policy.
        kind: PolicyKind,
        /// The element that doesn't match.
        failure: Failure<'a>,
    },
    /// Add a statement that allows the request to a policy of this kind.
    Allow {
        /// The kind.
        kind: PolicyKind,
    },
    /// Remove a statement that denies, or narrow it so that it doesn't match.
    RemoveDeny {
        /// The statement.
        statement: StatementRef<'a>,
        /// The kind of its policy.
        kind: PolicyKind,
    },
}

/// What would get past a statement that denies.
pub(super) fn past_denial<'a>(
    query: &Query<'a>,
    applicable: &Applicable<'a>,
    kind: PolicyKind,
    statement: StatementRef<'a>,
) -> Option<Change<'a>> {
    // If something else stands in the way as well, no single change is enough.
    if !verdict(&query.without(statement), applicable).decision.is_allowed() {
        return None;
    }
    let parsed = statement.statement()?;
    let other_value = parsed.conditions.iter().find_map(|entry| {
        let (key, value) = avoiding(statement, entry)?;
        allowed_with(query, applicable, key, &value).then_some((key, value))
    });
    Some(match other_value {
        Some((key, value)) => Change::Context { key, value, statement, kind },
        None => Change::RemoveDeny { statement, kind },
    })
}

/// What would make a policy of the missing kind allow the request.
pub(super) fn to_allow<'a>(
    query: &Query<'a>,
    applicable: &Applicable<'a>,
    findings: &Findings<'a>,
    missing: PolicyKind,
    near: &[NearMiss<'a>],
) -> Option<Change<'a>> {
    let by_context = near.iter().filter(|miss| miss.distance.is_one_condition()).find_map(|miss| {
        let Failure::Condition { place, .. } = miss.failure else { return None };
        let entry = condition_at(miss.statement, place)?;
        let (key, value) = satisfying(miss.statement, entry)?;
        let allowed = allowed_with(query, applicable, key, &value);
        allowed.then_some(Change::Context { key, value, statement: miss.statement, kind: miss.kind })
    });
    if by_context.is_some() {
        return by_context;
    }
    if !conclude(&query.request, applicable, &findings.with_allow(missing)).is_allowed() {
        return None;
    }
    let widen = near.iter().find(|miss| miss.kind == missing && miss.distance.is_one_element());
    Some(match widen {
        Some(NearMiss { kind, statement, failure, .. }) => {
            Change::Widen { statement: *statement, kind: *kind, failure: *failure }
        }
        None => Change::Allow { kind: missing },
    })
}

fn allowed_with(query: &Query<'_>, applicable: &Applicable<'_>, key: &str, value: &str) -> bool {
    let mut context: Context = query.request.context.clone();
    context.set(key, value);
    decide(&Request { context: &context, ..query.request }, applicable).is_allowed()
}

/// A value with which a condition that doesn't hold would.
fn satisfying<'a>(statement: StatementRef<'a>, entry: &'a ConditionEntry) -> Option<(&'a str, String)> {
    if entry.operator.comparison == Comparison::Null || entry.operator.comparison.is_negated() {
        return None;
    }
    value_for(statement, entry)
}

/// A value with which a condition that holds would not.
fn avoiding<'a>(statement: StatementRef<'a>, entry: &'a ConditionEntry) -> Option<(&'a str, String)> {
    let document = statement.policy.document();
    let comparison = entry.operator.comparison;
    if comparison.is_negated() {
        return value_for(statement, entry);
    }
    if comparison == Comparison::Bool {
        let wanted = document.text(entry.values.first()?);
        let other = if wanted.eq_ignore_ascii_case("true") { "false" } else { "true" };
        return Some((document.text(&entry.key), other.to_owned()));
    }
    None
}

/// A value that one of the condition's values matches, where there is an obvious one.
fn value_for<'a>(statement: StatementRef<'a>, entry: &'a ConditionEntry) -> Option<(&'a str, String)> {
    let document = statement.policy.document();
    let wanted = document.text(entry.values.first()?);
    let value = match entry.operator.comparison {
        Comparison::IpAddress | Comparison::NotIpAddress => wanted.split('/').next()?.to_owned(),
        Comparison::StringLike | Comparison::StringNotLike if wanted.contains(['*', '?']) => {
            wanted.replace('*', "").replace('?', "x")
        }
        Comparison::NumericLessThan
        | Comparison::NumericGreaterThan
        | Comparison::DateLessThan
        | Comparison::DateGreaterThan => return None,
        _ if wanted.contains("${") => return None,
        _ => wanted.to_owned(),
    };
    (!value.is_empty()).then(|| (document.text(&entry.key), value))
}
