//! An explanation as JSON.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::failure::{Failure, Given};
use super::nearest::NearMiss;
use super::{Change, Explanation, condition_at};
use crate::decision::{Outcome, Reason};
use crate::kind::PolicyKind;
use crate::operator::Operator;
use crate::policy::StatementRef;

/// A statement as it is cited everywhere.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Citation<'a> {
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_arn: Option<&'a str>,
    kind: PolicyKind,
    statement: Option<usize>,
    sid: Option<&'a str>,
    effect: Option<crate::document::Effect>,
    line: Option<u32>,
    column: Option<u32>,
    /// What didn't match; `null` for a statement that did.
    failed: Option<Failed<'a>>,
}

#[derive(Serialize)]
struct Failed<'a> {
    element: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operator: Option<Operator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    negated: bool,
    wanted: Vec<String>,
    given: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unresolved: Option<&'a str>,
}

impl<'a> Explanation<'a> {
    /// What decided, and for a denial for want of an allow the near misses, nearest first. Where there
    /// is none, the kind that had to allow is named with no statement.
    pub(crate) fn because(&self) -> Vec<Citation<'a>> {
        match self.decision.reason {
            Reason::Statement(kind, statement) => vec![cite(kind, statement, None)],
            Reason::NoAllow(kind) if self.near_misses.is_empty() => vec![no_statement(kind)],
            Reason::NoAllow(_) => self.near_misses.iter().map(|miss| self.cite_miss(miss)).collect(),
            Reason::RootUser | Reason::RootMayNotAssumeRoles | Reason::NeedsNoPermission => Vec::new(),
        }
    }

    fn cite_miss(&self, miss: &NearMiss<'a>) -> Citation<'a> {
        cite(miss.kind, miss.statement, Some(self.failed(miss.statement, &miss.failure)))
    }

    fn failed(&self, statement: StatementRef<'a>, failure: &Failure<'a>) -> Failed<'a> {
        let request = &self.request;
        let mut failed = Failed {
            element: failure.element(),
            operator: None,
            key: None,
            negated: failure.is_negated(statement),
            wanted: failure.wanted(statement, request.action),
            given: None,
            unresolved: None,
        };
        match failure {
            Failure::Action => failed.given = Some(vec![request.action]),
            Failure::Resource { unresolved } => {
                failed.given = Some(vec![request.resource]);
                failed.unresolved = *unresolved;
            }
            Failure::Principal => failed.given = Some(vec![request.principal.name()]),
            Failure::Condition { place, given } => {
                let entry = condition_at(statement, *place);
                failed.operator = entry.map(|entry| entry.operator);
                failed.key = entry.map(|entry| statement.policy.document().text(&entry.key));
                (failed.given, failed.unresolved) = match given {
                    Given::Absent => (None, None),
                    Given::Values(values) => (Some(values.iter().collect()), None),
                    Given::Unresolved { values, variable } => {
                        (Some(values.iter().collect()), Some(*variable))
                    }
                };
            }
        }
        failed
    }

    /// The decision's reason in a word.
    fn reason(&self) -> &'static str {
        match (self.decision.reason, self.decision.outcome) {
            (Reason::Statement(..), Outcome::Allowed) => "allowedByStatement",
            (Reason::Statement(..), _) => "deniedByStatement",
            (Reason::NoAllow(_), _) => "notAllowed",
            (Reason::RootUser, _) => "rootUser",
            (Reason::RootMayNotAssumeRoles, _) => "rootMayNotAssumeRoles",
            (Reason::NeedsNoPermission, _) => "needsNoPermission",
        }
    }
}

fn cite<'a>(kind: PolicyKind, statement: StatementRef<'a>, failed: Option<Failed<'a>>) -> Citation<'a> {
    let position = statement.position();
    Citation {
        policy: Some(statement.policy.name()),
        policy_arn: statement.policy.arn(),
        kind,
        statement: Some(statement.index),
        sid: statement.sid(),
        effect: statement.effect(),
        line: position.map(|position| position.line),
        column: position.map(|position| position.column),
        failed,
    }
}

const fn no_statement<'a>(kind: PolicyKind) -> Citation<'a> {
    Citation {
        policy: None,
        policy_arn: None,
        kind,
        statement: None,
        sid: None,
        effect: None,
        line: None,
        column: None,
        failed: None,
    }
}

impl Serialize for Explanation<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Explanation", 8)?;
        object.serialize_field("principal", self.request.principal.name())?;
        object.serialize_field("action", self.request.action)?;
        object.serialize_field("resource", self.request.resource)?;
        object.serialize_field("decision", &self.decision.outcome)?;
        object.serialize_field("reason", self.reason())?;
        object.serialize_field("kind", &self.decision.kind())?;
        object.serialize_field("because", &self.because())?;
        object.serialize_field(
            "smallestChange",
            &self.change.as_ref().map(|change| Changed { explanation: self, change }),
        )?;
        object.end()
    }
}

struct Changed<'e, 'a> {
    explanation: &'e Explanation<'a>,
    change: &'e Change<'a>,
}

impl Serialize for Changed<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Change", 4)?;
        match self.change {
            Change::Context { key, value, statement, kind } => {
                object.serialize_field("change", "context")?;
                object.serialize_field("key", key)?;
                object.serialize_field("value", value)?;
                object.serialize_field("for", &cite(*kind, *statement, None))?;
            }
            Change::Widen { statement, kind, failure } => {
                object.serialize_field("change", "widen")?;
                object.serialize_field("element", failure.element())?;
                let failed = self.explanation.failed(*statement, failure);
                object.serialize_field("in", &cite(*kind, *statement, Some(failed)))?;
            }
            Change::Allow { kind } => {
                object.serialize_field("change", "allow")?;
                object.serialize_field("kind", kind)?;
            }
            Change::RemoveDeny { statement, kind } => {
                object.serialize_field("change", "removeDeny")?;
                object.serialize_field("in", &cite(*kind, *statement, None))?;
            }
        }
        object.end()
    }
}
