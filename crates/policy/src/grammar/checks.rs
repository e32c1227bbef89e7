//! What a well-formed document must also satisfy, by its kind.

use std::collections::HashSet;

use super::{Failure, principals, resources};
use crate::document::{ConditionEntry, Document, Statement, Text, Version};
use crate::error::Problem;
use crate::kind::{Grammar, PolicyKind, Strictness};
use crate::operator::ValueType;
use crate::template;
use crate::value::{Network, Number, Timestamp};

pub(super) fn check(document: &Document, grammar: Grammar) -> Result<(), Failure> {
    let stored = grammar.strictness == Strictness::Stored;
    if grammar.requires_2012 && document.version < Version::V2012 {
        let span = document.version_text.as_ref().map(|text| text.span).unwrap_or_default();
        return Err(Failure::new(Problem::Version, span, ""));
    }
    if stored {
        check_sids(document)?;
    }
    for statement in document.statements() {
        check_required(document, statement, grammar)?;
        check_actions(document, statement, grammar)?;
        if stored {
            resources::check(document, statement)?;
        }
        if let Some(principal) = &statement.principal {
            principals::check(document, principal, grammar.strictness)?;
        }
        check_conditions(document, statement, grammar.strictness)?;
    }
    Ok(())
}

fn check_sids(document: &Document) -> Result<(), Failure> {
    let mut seen = HashSet::new();
    for sid in document.statements().iter().filter_map(|statement| statement.sid.as_ref()) {
        let text = document.text(sid);
        if !text.is_empty() && !seen.insert(text) {
            return Err(Failure::new(Problem::DuplicateSid, sid.span, format!("\"{text}\"")));
        }
        let free = matches!(document.kind(), PolicyKind::Resource | PolicyKind::VpcEndpoint);
        if !free && !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Failure::new(Problem::InvalidSid, sid.span, format!("\"{text}\"")));
        }
    }
    Ok(())
}

/// Whether the elements are there which policies of this kind must have, and none which they can't.
fn check_required(document: &Document, statement: &Statement, grammar: Grammar) -> Result<(), Failure> {
    let fail = |problem| Err(Failure::new(problem, statement.span, ""));
    let stored = grammar.strictness == Strictness::Stored;
    let kind = document.kind();
    if statement.action.values.is_empty() {
        return fail(if kind.has_principal() {
            Problem::MissingField("Action")
        } else {
            Problem::MissingActions
        });
    }
    let has_resource = statement.resource.as_ref().is_some_and(|list| !list.values.is_empty());
    match kind {
        PolicyKind::Trust if statement.resource.is_some() && stored => {
            fail(Problem::ProhibitedField("Resource"))
        }
        PolicyKind::Trust if statement.resource.is_none() || has_resource => Ok(()),
        // A repository's policy in ECR has no resource, and means its own.
        PolicyKind::Resource if statement.resource.is_none() && !stored => Ok(()),
        _ if has_resource => Ok(()),
        _ if kind.has_principal() => fail(Problem::MissingField("Resource")),
        _ => fail(Problem::MissingResources),
    }?;
    match (&statement.principal, kind) {
        (Some(element), _) if !kind.has_principal() => {
            Err(Failure::new(Problem::PrincipalInIdentityPolicy, element.name, ""))
        }
        (None, PolicyKind::Resource | PolicyKind::Trust) => fail(Problem::MissingField("Principal")),
        (None, _) if kind.has_principal() && stored => fail(Problem::MissingField("Principal")),
        _ => Ok(()),
    }
}

fn check_actions(document: &Document, statement: &Statement, grammar: Grammar) -> Result<(), Failure> {
    for value in &statement.action.values {
        let action = document.text(value);
        let problem = match action.split_once(':') {
            None if action == "*" => None,
            None => Some(Problem::MissingVendor),
            Some((_, name)) if name.contains(':') => Some(Problem::TwoColons),
            Some((vendor, _)) if !is_vendor(vendor) => Some(Problem::InvalidVendor(vendor.into())),
            Some((vendor, _)) if !may_trust(vendor, grammar) => Some(Problem::NotAnAssumeRoleAction),
            Some(_) => None,
        };
        if let Some(problem) = problem {
            return Err(Failure::new(problem, value.span, format!("\"{action}\"")));
        }
    }
    Ok(())
}

fn is_vendor(vendor: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    vendor == "*" || (!vendor.is_empty() && vendor.bytes().all(known))
}

fn may_trust(vendor: &str, grammar: Grammar) -> bool {
    let any = grammar.kind != PolicyKind::Trust || grammar.strictness == Strictness::Evaluated;
    any || vendor.eq_ignore_ascii_case("sts")
}

fn check_conditions(
    document: &Document,
    statement: &Statement,
    strictness: Strictness,
) -> Result<(), Failure> {
    for entry in &statement.conditions {
        for value in &entry.values {
            let text = document.text(value);
            if template::has_variable(text, document.version()) || is_well_formed(entry, text) {
                continue;
            }
            if let Some(problem) = malformed_value(entry, strictness) {
                return Err(unreadable(problem, entry, value, text));
            }
        }
    }
    Ok(())
}

/// When it stores a policy, AWS looks at dates only. When it is evaluated, a value which nothing can
/// be compared with is an error rather than a condition that never holds.
const fn malformed_value(entry: &ConditionEntry, strictness: Strictness) -> Option<Problem> {
    match (strictness, entry.operator.comparison.value_type()) {
        (Strictness::Evaluated, _) => Some(Problem::Syntax),
        (Strictness::Stored, ValueType::Date) => Some(Problem::LegacyParsing),
        (Strictness::Stored, _) => None,
    }
}

fn is_well_formed(entry: &ConditionEntry, text: &str) -> bool {
    match entry.operator.comparison.value_type() {
        ValueType::Numeric => Number::parse(text).is_some(),
        ValueType::Date => Timestamp::parse(text).is_some(),
        ValueType::IpAddress => Network::parse(text).is_some(),
        ValueType::String | ValueType::Bool | ValueType::Binary | ValueType::Arn | ValueType::Null => true,
    }
}

fn unreadable(problem: Problem, entry: &ConditionEntry, value: &Text, text: &str) -> Failure {
    let wanted = match entry.operator.comparison.value_type() {
        ValueType::Numeric => "a number",
        ValueType::Date => "a date as ISO 8601 has it, or seconds since 1970",
        _ => "an IP address or a range in CIDR form",
    };
    Failure::new(problem, value.span, format!("{} wants {wanted}, not \"{text}\"", entry.operator))
}
