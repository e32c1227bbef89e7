//! Which element of a statement keeps it from matching a request.

use crate::compiled::{Mismatch, PrincipalMatch, Query, Statement};
use crate::context::Values;
use crate::document::{Document, ListElement};
use crate::policy::StatementRef;

use super::condition_at;

/// The first element of a statement that doesn't match, in the order in which they are looked at.
#[derive(Clone, Copy, Debug)]
pub enum Failure<'a> {
    /// `Action` or `NotAction`.
    Action,
    /// `Resource` or `NotResource`. With the variable that has no value, if that is why.
    Resource {
        /// The key of the variable.
        unresolved: Option<&'a str>,
    },
    /// `Principal` or `NotPrincipal`.
    Principal,
    /// A condition.
    Condition {
        /// Its place among the statement's conditions.
        place: u16,
        /// What the request has for the key.
        given: Given<'a>,
    },
}

/// What a request has for a condition's key.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// Nothing.
    Absent,
    /// These values.
    Values(Values<'a>),
    /// Values, but a variable of the statement has none.
    Unresolved {
        /// The values of the condition's key.
        values: Values<'a>,
        /// The key of the variable.
        variable: &'a str,
    },
}

/// How far a statement is from matching; less is nearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Distance(u32);

impl Distance {
    const ACTION: u32 = 1_000_000;
    const SERVICE: u32 = 2_000_000;
    const PRINCIPAL: u32 = 10_000;
    const RESOURCE: u32 = 10_000;
    const CONDITION: u32 = 100;

    /// Whether nothing but one condition is in the way.
    pub(super) const fn is_one_condition(self) -> bool {
        self.0 == Self::CONDITION
    }

    /// Whether it is of the same order as one that is nearer: both as to the action, or neither.
    pub(super) const fn is_comparable(self, nearer: Self) -> bool {
        self.0 / Self::ACTION == nearer.0 / Self::ACTION
    }

    /// Whether a single element is in the way.
    pub(super) const fn is_one_element(self) -> bool {
        matches!(self.0, Self::ACTION | Self::SERVICE | Self::PRINCIPAL | Self::CONDITION)
    }
}

/// What is in the way of a statement, and how much.
pub(super) fn failure<'a>(
    reference: StatementRef<'a>,
    statement: &'a Statement,
    query: &Query<'a>,
) -> Option<(Failure<'a>, Distance)> {
    let mut found = Found { first: None, distance: 0 };
    if !statement.actions.matches(&query.action) {
        let near = wants_same_service(reference, query.request.action);
        found.add(Failure::Action, if near { Distance::ACTION } else { Distance::SERVICE });
    }
    if !statement.matches_resource(query) {
        let unresolved = statement.resources.as_ref().and_then(|list| list.unresolved(query.request.context));
        found.add(Failure::Resource { unresolved }, Distance::RESOURCE);
    }
    if statement.matches_principal(query) == PrincipalMatch::No {
        found.add(Failure::Principal, Distance::PRINCIPAL);
    }
    conditions(statement, query, &mut found);
    found.first.map(|first| (first, Distance(found.distance)))
}

struct Found<'a> {
    first: Option<Failure<'a>>,
    distance: u32,
}

impl<'a> Found<'a> {
    fn add(&mut self, failure: Failure<'a>, distance: u32) {
        self.first.get_or_insert(failure);
        self.distance = self.distance.saturating_add(distance);
    }
}

/// Conditions are tested in order of cost; the first to report is the first in the document.
fn conditions<'a>(statement: &'a Statement, query: &Query<'a>, found: &mut Found<'a>) {
    let mut first: Option<Failure<'a>> = None;
    for ordered in &statement.conditions {
        let Some(mismatch) = ordered.condition.mismatch(query.request.context) else { continue };
        found.distance = found.distance.saturating_add(Distance::CONDITION);
        let earlier = match first {
            Some(Failure::Condition { place, .. }) => place < ordered.place,
            _ => false,
        };
        if !earlier {
            let given = given(&ordered.condition, mismatch, query);
            first = Some(Failure::Condition { place: ordered.place, given });
        }
    }
    if let Some(first) = first {
        found.first.get_or_insert(first);
    }
}

fn given<'a>(
    condition: &'a crate::compiled::Condition,
    mismatch: Mismatch<'a>,
    query: &Query<'a>,
) -> Given<'a> {
    match (condition.values(query.request.context), mismatch) {
        (Some(values), Mismatch::Unresolved(variable)) => Given::Unresolved { values, variable },
        (Some(values), _) => Given::Values(values),
        (None, _) => Given::Absent,
    }
}

fn wants_same_service(reference: StatementRef<'_>, action: &str) -> bool {
    let Some(statement) = reference.statement() else { return false };
    let document = reference.policy.document();
    of_same_service(document, &statement.action, action).next().is_some()
}

fn of_same_service<'d>(
    document: &'d Document,
    element: &'d ListElement,
    action: &'d str,
) -> impl Iterator<Item = &'d str> {
    let service = action.split(':').next().unwrap_or_default();
    let texts = element.values.iter().map(|value| document.text(value));
    texts
        .filter(move |text| text.split(':').next().is_some_and(|vendor| vendor.eq_ignore_ascii_case(service)))
}

/// More wanted values than this help nobody.
const MOST_WANTED: usize = 20;

impl<'a> Failure<'a> {
    /// The element: `action`, `resource`, `principal` or `condition`.
    #[must_use]
    pub const fn element(&self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Resource { .. } => "resource",
            Self::Principal => "principal",
            Self::Condition { .. } => "condition",
        }
    }

    /// What the element wants. Of a long list of actions those of the request's service, and at most twenty.
    #[must_use]
    pub fn wanted(&self, statement: StatementRef<'a>, action: &'a str) -> Vec<String> {
        let document = statement.policy.document();
        let Some(parsed) = statement.statement() else { return Vec::new() };
        let all =
            |list: &ListElement| list.values.iter().map(|value| document.text(value).to_owned()).collect();
        let mut wanted: Vec<String> = match self {
            Self::Action if parsed.action.values.len() > MOST_WANTED => {
                of_same_service(document, &parsed.action, action).map(str::to_owned).collect()
            }
            Self::Action => all(&parsed.action),
            Self::Resource { .. } => parsed.resource.as_ref().map(all).unwrap_or_default(),
            Self::Principal => principals(statement),
            Self::Condition { place, .. } => condition_at(statement, *place)
                .map(|entry| entry.values.iter().map(|value| document.text(value).to_owned()).collect())
                .unwrap_or_default(),
        };
        wanted.truncate(MOST_WANTED);
        wanted
    }

    /// Whether the element is the `Not…` form, which wants anything but its values.
    #[must_use]
    pub fn is_negated(&self, statement: StatementRef<'_>) -> bool {
        let Some(parsed) = statement.statement() else { return false };
        match self {
            Self::Action => parsed.action.negated,
            Self::Resource { .. } => parsed.resource.as_ref().is_some_and(|list| list.negated),
            Self::Principal => parsed.principal.as_ref().is_some_and(|principal| principal.negated),
            Self::Condition { place, .. } => {
                condition_at(statement, *place).is_some_and(|entry| entry.operator.comparison.is_negated())
            }
        }
    }
}

fn principals(statement: StatementRef<'_>) -> Vec<String> {
    let document = statement.policy.document();
    let element = statement.statement().and_then(|parsed| parsed.principal.as_ref());
    let entries = element.into_iter().flat_map(|element| element.entries.iter());
    entries.flat_map(|entry| entry.values.iter().map(|value| document.text(value).to_owned())).collect()
}
