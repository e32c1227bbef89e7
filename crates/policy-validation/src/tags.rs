//! `aws:ResourceTag` with actions that do not carry it: an Allow then never allows, a Deny never denies.

use rolecall_service_reference::action;

use crate::code::IssueCode;
use crate::report::Report;
use crate::statement::{Condition, Effect, Statement};

pub(crate) fn check(statement: &Statement<'_>, report: &mut Report) {
    let (Some(effect), Some(actions)) = (statement.effect, &statement.action) else { return };
    for condition in statement.conditions.iter().filter(|condition| is_tag_test(condition)) {
        if actions.negated {
            not_action(effect, condition, report);
            continue;
        }
        let mut services: Vec<&str> = Vec::new();
        for (name, _) in actions.texts() {
            let Some(known) = action(name) else { continue };
            let carries =
                known.all_condition_keys().any(|key| key.eq_ignore_ascii_case("aws:ResourceTag/${TagKey}"));
            if !carries && !services.contains(&known.service) {
                services.push(known.service);
            }
        }
        if !services.is_empty() {
            unsupported(effect, &services, condition, report);
        }
    }
}

/// A negated or optional test is met without the key, so that the action is not lost.
fn is_tag_test(condition: &Condition<'_>) -> bool {
    let strict = condition.operator.is_some_and(|operator| !operator.is_negated() && !operator.if_exists);
    strict && condition.is_key("aws:ResourceTag/")
}

fn unsupported(effect: Effect, services: &[&str], condition: &Condition<'_>, report: &mut Report) {
    let services = services.join(", ");
    let key = condition.key;
    let (code, details) = match effect {
        Effect::Allow => (
            IssueCode::AllowWithUnsupportedTagConditionKeyForService,
            format!(
                "Some actions here of {services} do not carry {key}, so this statement never allows them. Move them to one without it."
            ),
        ),
        Effect::Deny => (
            IssueCode::DenyWithUnsupportedTagConditionKeyForService,
            format!(
                "Some actions here of {services} do not carry {key}, so this statement never denies them. Move them to one without it."
            ),
        ),
    };
    report.add(code, details, &condition.key_place);
}

fn not_action(effect: Effect, condition: &Condition<'_>, report: &mut Report) {
    let key = condition.key;
    let (code, verb) = match effect {
        Effect::Allow => (IssueCode::AllowNotactionWithUnsupportedTagConditionKeyForService, "allowed"),
        Effect::Deny => (IssueCode::DenyNotactionWithUnsupportedTagConditionKeyForService, "denied"),
    };
    let details = format!(
        "NotAction takes in actions that do not carry {key}; they are not {verb} here. List the actions with Action."
    );
    report.add(code, details, &condition.key_place);
}
