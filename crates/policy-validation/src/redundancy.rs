//! What could be left out: actions, resources and statements that others include, and statements that a Deny undoes.

use crate::code::IssueCode;
use crate::cursor::Cursor;
use crate::document::Policy;
use crate::json::Value;
use crate::pattern::{covers, covers_ignoring_case};
use crate::report::Report;
use crate::statement::{Effect, Element, Statement};

/// Longer lists are not compared item with item.
const MOST: usize = 2_000;

pub(crate) fn check(policy: &Policy<'_>, report: &mut Report) {
    for statement in &policy.statements {
        check_list(statement.action.as_ref(), covers_ignoring_case, IssueCode::RedundantAction, report);
        check_list(statement.resource.as_ref(), covers, IssueCode::RedundantResource, report);
    }
    if policy.statements.len() <= MOST {
        check_statements(&policy.statements, report);
    }
}

fn check_list(
    element: Option<&Element<'_>>,
    covers: fn(&str, &str) -> bool,
    code: IssueCode,
    report: &mut Report,
) {
    let Some(element) = element else { return };
    let texts = element.texts();
    if texts.len() > MOST {
        return;
    }
    for (at, (special, cursor)) in texts.iter().enumerate() {
        let by = texts.iter().enumerate().find(|(other, (general, _))| {
            // Of two that include each other, the first stays.
            *other != at && covers(general, special) && (!covers(special, general) || *other < at)
        });
        if let Some((_, (general, _))) = by {
            let details = format!("{special} is already included in {general} and can be left out.");
            report.add(code, details, &cursor.place());
        }
    }
}

fn check_statements(statements: &[Statement<'_>], report: &mut Report) {
    for (at, special) in statements.iter().enumerate() {
        let others = || statements.iter().enumerate().filter(move |(other, _)| *other != at);
        let covering = others().find(|(other, general)| {
            general.effect == special.effect
                && includes(general, special)
                && same_conditions(general, special)
                && (!includes(special, general) || *other < at)
        });
        if let Some((other, general)) = covering {
            let details = format!(
                "Statement {} already includes statement {}, which can be left out.",
                other + 1,
                at + 1
            );
            report.add_at(
                IssueCode::RedundantStatement,
                details,
                &[special.cursor.place(), general.cursor.place()],
            );
            continue;
        }
        let undone = others().find(|(_, general)| {
            special.effect == Some(Effect::Allow)
                && general.effect == Some(Effect::Deny)
                && general.is_unconditional()
                && includes(general, special)
        });
        if let Some((other, general)) = undone {
            let details = format!(
                "Statement {} denies everything that statement {} allows, so the latter has no effect.",
                other + 1,
                at + 1
            );
            report.add_at(
                IssueCode::UnreachableStatement,
                details,
                &[special.cursor.place(), general.cursor.place()],
            );
        }
    }
}

/// Whether `general` is about all that `special` is about, conditions and effect aside.
fn includes(general: &Statement<'_>, special: &Statement<'_>) -> bool {
    element_includes(general.action.as_ref(), special.action.as_ref(), covers_ignoring_case)
        && element_includes(general.resource.as_ref(), special.resource.as_ref(), covers)
        && principal_includes(general.principal.as_ref(), special.principal.as_ref())
}

fn element_includes(
    general: Option<&Element<'_>>,
    special: Option<&Element<'_>>,
    covers: fn(&str, &str) -> bool,
) -> bool {
    match (general, special) {
        (None, None) => true,
        (Some(general), Some(special)) if general.negated == special.negated => {
            let (general_texts, special_texts) = (general.texts(), special.texts());
            // A statement about nothing has its own finding.
            if general_texts.is_empty() || special_texts.is_empty() {
                return false;
            }
            // The more a negated element lists, the less the statement is about.
            let (wide, narrow) =
                if general.negated { (special_texts, general_texts) } else { (general_texts, special_texts) };
            narrow.iter().all(|(narrow, _)| wide.iter().any(|(wide, _)| covers(wide, narrow)))
        }
        _ => false,
    }
}

fn principal_includes(general: Option<&Element<'_>>, special: Option<&Element<'_>>) -> bool {
    match (general, special) {
        (None, None) => true,
        (Some(general), Some(special)) => {
            (!general.negated && general.value.text() == Some("*"))
                || (general.negated == special.negated && same(&general.value, &special.value))
        }
        _ => false,
    }
}

fn same_conditions(general: &Statement<'_>, special: &Statement<'_>) -> bool {
    match (&general.condition, &special.condition) {
        _ if general.is_unconditional() => true,
        (Some(general), Some(special)) => same(general, special),
        _ => false,
    }
}

/// Whether two values say the same, whatever the order of members and of list items.
fn same(left: &Cursor<'_>, right: &Cursor<'_>) -> bool {
    let same_count =
        left.entries().len() == right.entries().len() && left.items().len() == right.items().len();
    match (&left.node.value, &right.node.value) {
        (Value::Object(_), Value::Object(_)) => {
            let others = right.entries();
            let has = |entry: &crate::cursor::Entry<'_>| {
                others.iter().any(|other| other.key == entry.key && same(&entry.value, &other.value))
            };
            same_count && left.entries().iter().all(has)
        }
        (Value::List(_), _) | (_, Value::List(_)) => {
            let others = right.items();
            same_count && left.items().iter().all(|item| others.iter().any(|other| same(item, other)))
        }
        (Value::String(left), Value::String(right)) | (Value::Number(left), Value::Number(right)) => {
            left == right
        }
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Null, Value::Null) => true,
        _ => false,
    }
}
