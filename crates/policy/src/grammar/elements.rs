//! The elements of a statement.

use super::principals::principal;
use super::{Failure, members, string, text, text_of};
use crate::document::{ConditionEntry, Effect, ListElement, Statement, Text};
use crate::json::{NodeKind, Value};
use crate::operator::Operator;
use crate::span::Span;

pub(super) fn statement(value: Value<'_>) -> Result<Statement, Failure> {
    let mut statement = empty(value.span());
    let mut has_effect = false;
    for member in members(value, "a statement")? {
        let (name, value) = member?;
        match &*text_of(name) {
            "Sid" => statement.sid = Some(string(value, "Sid")?),
            "Effect" => {
                has_effect = true;
                statement.effect = effect(value)?;
                statement.effect_span = value.span();
            }
            "Action" => set_action(&mut statement, name, list(name, value, false)?)?,
            "NotAction" => set_action(&mut statement, name, list(name, value, true)?)?,
            "Resource" => set_once(&mut statement.resource, name, list(name, value, false)?)?,
            "NotResource" => set_once(&mut statement.resource, name, list(name, value, true)?)?,
            "Principal" => set_once(&mut statement.principal, name, principal(name, value, false)?)?,
            "NotPrincipal" => set_once(&mut statement.principal, name, principal(name, value, true)?)?,
            "Condition" => {
                statement.conditions = conditions(value)?;
                statement.condition_span = Some(value.span());
            }
            other => return Err(Failure::syntax(name, format!("\"{other}\" is no element of a statement"))),
        }
    }
    if has_effect { Ok(statement) } else { Err(Failure::syntax(value, "a statement needs an Effect")) }
}

/// A statement with nothing in it; one that stays without actions is refused by the checks.
fn empty(span: Span) -> Statement {
    Statement {
        span,
        sid: None,
        effect: Effect::Deny,
        effect_span: Span::default(),
        principal: None,
        action: ListElement {
            negated: false,
            name: Span::default(),
            span,
            is_list: false,
            values: Box::default(),
        },
        resource: None,
        conditions: Box::default(),
        condition_span: None,
    }
}

fn effect(value: Value<'_>) -> Result<Effect, Failure> {
    string(value, "Effect")?;
    match &*text_of(value) {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        other => {
            Err(Failure::syntax(value, format!("Effect is \"{other}\"; it can be \"Allow\" or \"Deny\"")))
        }
    }
}

fn set_action(statement: &mut Statement, name: Value<'_>, list: ListElement) -> Result<(), Failure> {
    if statement.action.name != Span::default() {
        return Err(both_forms(name));
    }
    statement.action = list;
    Ok(())
}

fn set_once<T>(slot: &mut Option<T>, name: Value<'_>, element: T) -> Result<(), Failure> {
    match slot.replace(element) {
        None => Ok(()),
        Some(_) => Err(both_forms(name)),
    }
}

fn both_forms(name: Value<'_>) -> Failure {
    Failure::syntax(name, format!("\"{}\" and its opposite stand in one statement", name.raw()))
}

fn list(name: Value<'_>, value: Value<'_>, negated: bool) -> Result<ListElement, Failure> {
    Ok(ListElement {
        negated,
        name: name.span(),
        span: value.span(),
        is_list: value.kind() == NodeKind::Array,
        values: strings(value, name.raw())?,
    })
}

/// A string or a list of strings.
pub(super) fn strings(value: Value<'_>, what: &str) -> Result<Box<[Text]>, Failure> {
    match value.kind() {
        NodeKind::Array => value.children().map(|item| string(item, what)).collect(),
        _ => Ok(Box::new([string(value, what)?])),
    }
}

fn conditions(value: Value<'_>) -> Result<Box<[ConditionEntry]>, Failure> {
    let mut entries = Vec::new();
    for member in members(value, "Condition")? {
        let (name, block) = member?;
        let operator = Operator::from_name(&text_of(name));
        for member in members(block, "a condition operator's value")? {
            let (key, value) = member?;
            // An unknown operator is an error only when it has keys, as it is to AWS.
            let operator = operator.ok_or_else(|| unknown_operator(name))?;
            entries.push(condition(operator, name.span(), key, value)?);
        }
    }
    Ok(entries.into_boxed_slice())
}

fn unknown_operator(name: Value<'_>) -> Failure {
    Failure::syntax(name, format!("\"{}\" is no condition operator", name.raw()))
}

fn condition(
    operator: Operator,
    operator_span: Span,
    key: Value<'_>,
    value: Value<'_>,
) -> Result<ConditionEntry, Failure> {
    let is_list = value.kind() == NodeKind::Array;
    let values = match is_list {
        true => value.children().map(scalar).collect::<Result<_, _>>()?,
        false => Box::new([scalar(value)?]) as Box<[Text]>,
    };
    Ok(ConditionEntry { operator, operator_span, key: text(key), span: value.span(), is_list, values })
}

fn scalar(value: Value<'_>) -> Result<Text, Failure> {
    match value.kind() {
        NodeKind::String | NodeKind::EscapedString | NodeKind::Number | NodeKind::Bool => Ok(text(value)),
        NodeKind::Null | NodeKind::Array | NodeKind::Object => Err(Failure::syntax(
            value,
            "a condition's value is a string, a number, a boolean or a list of these",
        )),
    }
}
