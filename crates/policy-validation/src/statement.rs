//! A statement, read leniently: what is malformed is reported and left out.

use rolecall_policy::PolicyKind;

use crate::code::IssueCode;
use crate::cursor::{Cursor, Entry, Place};
use crate::document::{find, report_unknown_elements};
use crate::json::Value;
use crate::operator::Operator;
use crate::report::Report;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Allow,
    Deny,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`, `Principal` or `NotPrincipal`.
#[derive(Clone, Debug)]
pub(crate) struct Element<'t> {
    pub(crate) name: &'t str,
    pub(crate) negated: bool,
    pub(crate) key_place: Place,
    pub(crate) value: Cursor<'t>,
}

impl<'t> Element<'t> {
    /// The strings, each with its place.
    pub(crate) fn texts(&self) -> Vec<(&'t str, Cursor<'t>)> {
        self.value.texts()
    }
}

/// One operator with one key.
#[derive(Clone, Debug)]
pub(crate) struct Condition<'t> {
    pub(crate) operator: Option<Operator<'t>>,
    pub(crate) operator_place: Place,
    pub(crate) key: &'t str,
    pub(crate) key_place: Place,
    pub(crate) value: Cursor<'t>,
}

impl<'t> Condition<'t> {
    /// The values as text, numbers and booleans too, each with its place.
    pub(crate) fn values(&self) -> Vec<(String, Cursor<'t>)> {
        let scalar = |item: Cursor<'t>| match &item.node.value {
            Value::String(text) => Some((text.clone(), item)),
            Value::Number(text) => Some((text.clone(), item)),
            Value::Bool(truth) => Some((truth.to_string(), item)),
            Value::Null | Value::List(_) | Value::Object(_) => None,
        };
        self.value.items().into_iter().filter_map(scalar).collect()
    }

    /// Whether the key is this one, or of this family if the name ends with a slash.
    pub(crate) fn is_key(&self, name: &str) -> bool {
        match self.key.get(..name.len()) {
            Some(start) => {
                start.eq_ignore_ascii_case(name) && (name.ends_with('/') || self.key.len() == name.len())
            }
            None => false,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Statement<'t> {
    pub(crate) cursor: Cursor<'t>,
    pub(crate) sid: Option<Cursor<'t>>,
    pub(crate) effect: Option<Effect>,
    pub(crate) principal: Option<Element<'t>>,
    pub(crate) action: Option<Element<'t>>,
    pub(crate) resource: Option<Element<'t>>,
    pub(crate) condition: Option<Cursor<'t>>,
    pub(crate) conditions: Vec<Condition<'t>>,
}

const ELEMENTS: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

impl<'t> Statement<'t> {
    pub(crate) fn read(cursor: Cursor<'t>, kind: PolicyKind, report: &mut Report) -> Option<Self> {
        if !cursor.is_object() {
            report.add(IssueCode::DataTypeMismatch, "A statement is a JSON object.", &cursor.place());
            return None;
        }
        let entries = cursor.entries();
        report_unknown_elements(&entries, ELEMENTS, report);
        let condition = find(&entries, "Condition").map(|entry| entry.value.clone());
        let statement = Self {
            sid: find(&entries, "Sid").and_then(|entry| check_sid(entry, kind, report)),
            effect: check_effect(&entries, &cursor, report),
            principal: pair(&entries, "Principal", "NotPrincipal", report),
            action: pair(&entries, "Action", "NotAction", report),
            resource: pair(&entries, "Resource", "NotResource", report),
            conditions: condition.as_ref().map(|value| check_condition(value, report)).unwrap_or_default(),
            condition,
            cursor,
        };
        statement.report_missing(kind, report);
        statement.report_element_types(report);
        Some(statement)
    }

    fn report_missing(&self, kind: PolicyKind, report: &mut Report) {
        let place = self.cursor.place();
        if self.action.is_none() {
            report.add(IssueCode::MissingAction, "A statement needs Action or NotAction.", &place);
        }
        if self.resource.is_none() && kind != PolicyKind::Trust {
            report.add(IssueCode::MissingResource, "A statement needs Resource or NotResource.", &place);
        }
        if self.principal.is_none() && kind.has_principal() {
            report.add(
                IssueCode::MissingPrincipal,
                "A statement of a resource-based policy needs Principal.",
                &place,
            );
        }
    }

    fn report_element_types(&self, report: &mut Report) {
        for element in self.action.iter().chain(&self.resource) {
            for item in element.value.items().iter().filter(|item| item.text().is_none()) {
                let details = format!("{} is a string or a list of strings.", element.name);
                report.add(IssueCode::DataTypeMismatch, details, &item.place());
            }
        }
    }

    /// Whether no condition limits it.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.conditions.is_empty()
    }

    pub(crate) fn allows(&self) -> bool {
        self.effect == Some(Effect::Allow)
    }
}

fn check_sid<'t>(entry: &Entry<'t>, kind: PolicyKind, report: &mut Report) -> Option<Cursor<'t>> {
    let Some(text) = entry.value.text() else {
        report.add(IssueCode::DataTypeMismatch, "Sid is a string.", &entry.value.place());
        return None;
    };
    // Services that keep policies of their own take more characters than IAM does.
    let lenient = matches!(kind, PolicyKind::Resource | PolicyKind::VpcEndpoint);
    let good =
        |character: char| character.is_ascii_alphanumeric() || (lenient && " -_.:/".contains(character));
    if text.is_empty() {
        report.add(
            IssueCode::EmptySidValue,
            "The Sid is empty. Give it a value, or leave it out.",
            &entry.value.place(),
        );
    } else if let Some(bad) = text.chars().find(|character| !good(*character)) {
        let details =
            format!("A Sid consists of the letters a-z and A-Z and the digits 0-9; {bad:?} is none of them.");
        report.add(IssueCode::UnsupportedSid, details, &entry.value.place());
    }
    Some(entry.value.clone())
}

fn check_effect(entries: &[Entry<'_>], statement: &Cursor<'_>, report: &mut Report) -> Option<Effect> {
    let Some(entry) = find(entries, "Effect") else {
        report.add(
            IssueCode::MissingEffect,
            "A statement needs an Effect, Allow or Deny.",
            &statement.place(),
        );
        return None;
    };
    match entry.value.text() {
        Some("Allow") => Some(Effect::Allow),
        Some("Deny") => Some(Effect::Deny),
        Some(other) => {
            let details = format!("{other} is no effect. The effects are Allow and Deny.");
            report.add(IssueCode::InvalidEffect, details, &entry.value.place());
            None
        }
        None => {
            report.add(IssueCode::DataTypeMismatch, "Effect is a string.", &entry.value.place());
            None
        }
    }
}

/// The one of two elements that exclude each other. If both are there, the plain one counts.
fn pair<'t>(entries: &[Entry<'t>], plain: &str, negated: &str, report: &mut Report) -> Option<Element<'t>> {
    let (first, second) = (find(entries, plain), find(entries, negated));
    if let (Some(first), Some(second)) = (first, second) {
        let details = format!("A statement has either {plain} or {negated}, not both.");
        let places = [first.key_place.clone(), second.key_place.clone()];
        report.add_at(IssueCode::UnsupportedElementCombination, details, &places);
    }
    let element = |entry: &Entry<'t>, negated| Element {
        name: entry.key,
        negated,
        key_place: entry.key_place.clone(),
        value: entry.value.clone(),
    };
    first.map(|entry| element(entry, false)).or_else(|| second.map(|entry| element(entry, true)))
}

fn check_condition<'t>(condition: &Cursor<'t>, report: &mut Report) -> Vec<Condition<'t>> {
    if !condition.is_object() {
        report.add(IssueCode::DataTypeMismatch, "Condition is an object of operators.", &condition.place());
        return Vec::new();
    }
    let operators = condition.entries();
    if operators.is_empty() {
        let details = "The condition is empty, which is as good as none. Leave it out, or add conditions.";
        report.add(IssueCode::EmptyObjectCondition, details, &condition.place());
    }
    let mut conditions = Vec::new();
    for operator in &operators {
        if !operator.value.is_object() {
            report.add(
                IssueCode::DataTypeMismatch,
                "An operator holds an object of keys.",
                &operator.value.place(),
            );
        }
        let keys = operator.value.entries();
        if operator.value.is_object() && keys.is_empty() {
            let details = format!("{} names no key and has no effect.", operator.key);
            report.add(IssueCode::EmptyObjectCondition, details, &operator.value.place());
        }
        conditions.extend(keys.into_iter().map(|key| Condition {
            operator: Operator::read(operator.key),
            operator_place: operator.key_place.clone(),
            key: key.key,
            key_place: key.key_place,
            value: key.value,
        }));
    }
    report_unknown_operators(&operators, report);
    conditions
}

fn report_unknown_operators(operators: &[Entry<'_>], report: &mut Report) {
    for entry in operators {
        if Operator::read(entry.key).is_some() {
            continue;
        }
        if Operator::is_null_with_if_exists(entry.key) {
            let details = "Null asks whether the key exists; IfExists does not go with it.";
            report.add(IssueCode::NullWithIfExists, details, &entry.key_place);
            continue;
        }
        let nearest = Operator::closest(entry.key);
        let hint = nearest.map(|known| format!(" Did you mean {known}?")).unwrap_or_default();
        let details = format!("There is no condition operator {}.{hint}", entry.key);
        report.add(IssueCode::InvalidConditionOperator, details, &entry.key_place);
    }
}
