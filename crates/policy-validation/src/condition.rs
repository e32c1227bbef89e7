//! `Condition`: keys, operators and values, each for itself and together.

use rolecall_service_reference::{
    Action, ConditionKey, ValueType, action, condition_key, is_in_every_request, service,
    suggest_condition_key,
};

use crate::code::IssueCode;
use crate::document::{Policy, ResourceType};
use crate::json::Value;
use crate::network::{check_addresses, check_region};
use crate::operator::{Family, Operator, Qualifier, family_for};
use crate::pattern::has_wildcard;
use crate::report::Report;
use crate::statement::{Condition, Effect, Statement};
use crate::value::{is_base64, is_epoch, is_iso_date, is_number};

pub(crate) fn check(policy: &Policy<'_>, statement: &Statement<'_>, report: &mut Report) {
    check_duplicates(statement, report);
    for condition in &statement.conditions {
        check_shape(condition, report);
        let known = check_key(condition, report);
        if let Some(operator) = condition.operator {
            check_values(&operator, condition, report);
            if let Some(known) = known {
                check_operator(&operator, known, condition, report);
            }
        }
        check_identifiers(condition, report);
        check_trust_in_key(statement, condition, report);
        check_region(condition, report);
        check_addresses(condition, report);
        check_relevance(policy, condition, report);
        check_actions(statement, condition, report);
    }
}

fn check_duplicates(statement: &Statement<'_>, report: &mut Report) {
    for (at, condition) in statement.conditions.iter().enumerate() {
        let before = statement.conditions.iter().take(at).find(|before| {
            before.operator_place.span == condition.operator_place.span
                && before.key.eq_ignore_ascii_case(condition.key)
        });
        if let Some(before) = before {
            let details = format!(
                "The key {} stands twice under one operator; the case of a key does not matter.",
                condition.key
            );
            let places = [before.key_place.clone(), condition.key_place.clone()];
            report.add_at(IssueCode::DuplicateKeysWithDifferentCase, details, &places);
        }
    }
}

/// The JSON types of the values.
fn check_shape(condition: &Condition<'_>, report: &mut Report) {
    let items = condition.value.items();
    if items.is_empty() {
        empty_list(condition, report);
    }
    let kind = |value: &Value| match value {
        Value::String(_) => Some(0),
        Value::Number(_) => Some(1),
        Value::Bool(_) => Some(2),
        Value::Null | Value::List(_) | Value::Object(_) => None,
    };
    for item in items.iter().filter(|item| kind(&item.node.value).is_none()) {
        let details = "The value of a condition is a string, a number or a boolean, or a list of those.";
        report.add(IssueCode::DataTypeMismatch, details, &item.place());
    }
    let kinds: Vec<u8> = items.iter().filter_map(|item| kind(&item.node.value)).collect();
    if kinds.iter().zip(kinds.iter().skip(1)).any(|(left, right)| left != right) {
        let details =
            format!("The values for {} are of several JSON types. Write all as strings.", condition.key);
        report.add(IssueCode::InvalidConditionDataType, details, &condition.value.place());
    }
}

fn empty_list(condition: &Condition<'_>, report: &mut Report) {
    let key = condition.key;
    let operator = condition.operator;
    let (code, details) = match operator.and_then(|operator| operator.qualifier) {
        Some(Qualifier::ForAllValues) => (
            IssueCode::EmptyArrayConditionForAllValues,
            format!("ForAllValues over no values is met only when {key} is missing. Say so with Null."),
        ),
        Some(Qualifier::ForAnyValue) => (
            IssueCode::EmptyArrayConditionForAnyValue,
            format!("ForAnyValue over no values for {key} is never met. Add values."),
        ),
        None if operator.is_some_and(|operator| operator.if_exists) => (
            IssueCode::EmptyArrayConditionIfExists,
            format!("IfExists with no values is met only when {key} is missing. Say so with Null."),
        ),
        None => (
            IssueCode::EmptyArrayCondition,
            format!("There are no values for {key}. Add some, or leave it out."),
        ),
    };
    report.add(code, details, &condition.value.place());
}

/// What is known of the key, once it has passed.
fn check_key(condition: &Condition<'_>, report: &mut Report) -> Option<ConditionKey> {
    let key = condition.key;
    let Some((prefix, rest)) =
        key.split_once(':').filter(|(prefix, rest)| !prefix.is_empty() && !rest.is_empty())
    else {
        let details = format!("{key} is no condition key: those look like service:keyname.");
        report.add(IssueCode::InvalidConditionKeyFormat, details, &condition.key_place);
        return None;
    };
    if key.eq_ignore_ascii_case("aws:ARN") {
        let details = "aws:ARN is not supported. Use aws:PrincipalArn for the caller, aws:SourceArn for the resource that called.";
        report.add(IssueCode::UnsupportedGlobalConditionKey, details, &condition.key_place);
        return None;
    }
    if lacks_tag_key(prefix, rest) {
        let details = format!("{key} lacks the tag: write {}/tag-key.", key.trim_end_matches('/'));
        report.add(IssueCode::MissingTagKeyInCondition, details, &condition.key_place);
        return None;
    }
    let known = condition_key(key);
    if known.is_none() {
        unknown_key(condition, prefix, report);
    }
    known
}

/// Whether the key is the beginning of a family of tags without the tag.
fn lacks_tag_key(prefix: &str, rest: &str) -> bool {
    let family = rest.trim_end_matches('/');
    let ends_in_tag = family.to_ascii_lowercase().ends_with("tag") && !family.contains('/');
    ends_in_tag
        && condition_key(&format!("{prefix}:{family}/x")).is_some()
        && condition_key(&format!("{prefix}:{rest}")).is_none()
}

fn unknown_key(condition: &Condition<'_>, prefix: &str, report: &mut Report) {
    // The keys of an identity provider are its own; its name has a dot.
    if prefix.contains('.') || prefix.contains('/') || prefix.eq_ignore_ascii_case("saml") {
        return;
    }
    let key = condition.key;
    let hint = suggest_condition_key(key).map(|known| format!(" Did you mean {known}?")).unwrap_or_default();
    let (code, details) = if prefix.eq_ignore_ascii_case("aws") {
        (IssueCode::InvalidGlobalConditionKey, format!("There is no global condition key {key}.{hint}"))
    } else if service(prefix).is_some() {
        (
            IssueCode::InvalidServiceConditionKey,
            format!("The service {prefix} has no condition key {key}.{hint}"),
        )
    } else {
        (
            IssueCode::InvalidService,
            format!("There is no service {prefix}, as the condition key {key} has it."),
        )
    };
    report.add(code, details, &condition.key_place);
}

/// Whether operator and key go together.
fn check_operator(
    operator: &Operator<'_>,
    known: ConditionKey,
    condition: &Condition<'_>,
    report: &mut Report,
) {
    let key = condition.key;
    let wanted = family_for(known.value_type);
    if !operator.suits(known.value_type) {
        let details = format!("{key} is compared by {wanted} operators, not by {}.", operator.text);
        report.add(IssueCode::TypeMismatch, details, &condition.operator_place);
    } else if known.value_type == ValueType::Arn
        && operator.name.ends_with("Like")
        && operator.family == Family::String
    {
        let details = format!(
            "{key} is an ARN: {} lets a wildcard reach over its fields. Use {}.",
            operator.name,
            operator.name.replace("String", "Arn")
        );
        report.add(IssueCode::StringLikeOperatorWithArnConditionKeys, details, &condition.operator_place);
    }
    if operator.family == Family::Null {
        return;
    }
    if operator.qualifier.is_none() && known.multivalued {
        let details = format!(
            "{key} may have several values. Put ForAllValues: or ForAnyValue: before {}.",
            operator.text
        );
        report.add(IssueCode::MissingQualifier, details, &condition.operator_place);
    }
    if operator.qualifier == Some(Qualifier::ForAllValues) && !known.multivalued {
        let details = format!(
            "{key} has one value; ForAllValues only makes the test pass when it is missing. Remove ForAllValues:."
        );
        report.add(IssueCode::ForAllValuesWithSingleValuedKey, details, &condition.key_place);
    }
}

/// Whether the values are of the operator's type.
fn check_values(operator: &Operator<'_>, condition: &Condition<'_>, report: &mut Report) {
    let values = condition.values();
    if operator.family == Family::Null && operator.qualifier.is_some() {
        let details = "Null asks whether the key exists at all; ForAllValues and ForAnyValue make that always true or never.";
        report.add(IssueCode::NullWithQualifier, details, &condition.operator_place);
    }
    if operator.family == Family::Bool && values.len() > 1 {
        let details = format!("{} takes one boolean; true or false is always met, or never.", condition.key);
        report.add(IssueCode::InvalidConditionMultipleBoolean, details, &condition.value.place());
    }
    for (value, cursor) in values.iter().filter(|(value, _)| !value.contains("${")) {
        if let Some((code, details)) = value_problem(operator, value) {
            report.add(code, details, &cursor.place());
        }
    }
    check_redundant_numbers(operator, condition, report);
    check_always_met(operator, condition, report);
}

fn value_problem(operator: &Operator<'_>, value: &str) -> Option<(IssueCode, String)> {
    let name = operator.text;
    match operator.family {
        Family::Bool | Family::Null if !matches!(value.to_ascii_lowercase().as_str(), "true" | "false") => {
            Some((
                IssueCode::TypeMismatchBoolean,
                format!("{value} is neither true nor false, which {name} wants."),
            ))
        }
        Family::Numeric if !is_number(value) => {
            Some((IssueCode::TypeMismatchNumber, format!("{value} is no number, which {name} wants.")))
        }
        Family::Date if is_epoch(value) => Some((
            IssueCode::InvalidDateValue,
            format!("{value} is a date in epoch seconds; write it as YYYY-MM-DD."),
        )),
        Family::Date if !is_iso_date(value) => Some((
            IssueCode::TypeMismatchDate,
            format!(
                "{value} is no date, which {name} wants. Write it as YYYY-MM-DD or in another form of ISO 8601."
            ),
        )),
        Family::Binary if !is_base64(value) => {
            Some((IssueCode::TypeMismatchString, format!("{value} is no Base64, which {name} wants.")))
        }
        Family::String if !operator.is_like() && has_wildcard(value) => Some((
            IssueCode::WildcardWithoutLikeOperator,
            format!(
                "In {value}, * and ? are plain characters for {name}. If you mean wildcards, use a Like operator."
            ),
        )),
        _ => None,
    }
}

/// Of several bounds on one side, the loosest counts.
fn check_redundant_numbers(operator: &Operator<'_>, condition: &Condition<'_>, report: &mut Report) {
    let bound = match operator.name {
        name if name.contains("LessThan") => "greatest",
        name if name.contains("GreaterThan") => "least",
        _ => return,
    };
    if condition.values().len() > 1 && operator.family == Family::Numeric {
        let details =
            format!("Of several values for {}, only the {bound} counts. Keep that one.", operator.text);
        report.add(IssueCode::RedundantConditionValueNum, details, &condition.value.place());
    }
}

fn check_always_met(operator: &Operator<'_>, condition: &Condition<'_>, report: &mut Report) {
    let values = condition.values();
    // Without IfExists a lone star still asks that the key be there.
    let always = operator.is_like() && !operator.is_negated() && operator.if_exists;
    if always && values.iter().any(|(value, _)| value == "*") {
        let details =
            format!("{} with * is always met for {}. Leave the key out.", operator.text, condition.key);
        report.add(IssueCode::RedundantKeyDueToWildcardInCondition, details, &condition.key_place);
    }
}

/// Identifiers of a known form: VPCs, endpoints, KMS keys.
fn check_identifiers(condition: &Condition<'_>, report: &mut Report) {
    const KMS_KEY: &str = "s3:x-amz-server-side-encryption-aws-kms-key-id";
    let is_id = |value: &str, prefix: &str| {
        let rest = value.strip_prefix(prefix);
        rest.is_some_and(|rest| {
            matches!(rest.len(), 8 | 17) && rest.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
    };
    let plain = |value: &str| !has_wildcard(value) && !value.contains("${");
    let null = condition.operator.is_some_and(|operator| operator.family == Family::Null);
    for (value, cursor) in condition.values().into_iter().filter(|(value, _)| plain(value) && !null) {
        if condition.is_key("aws:SourceVpc") && !is_id(&value, "vpc-") {
            let details = format!("{value} is no VPC: those are vpc- and 8 or 17 letters and digits.");
            report.add(IssueCode::InvalidVpcFormat, details, &cursor.place());
        } else if condition.is_key("aws:SourceVpce") && !is_id(&value, "vpce-") {
            let details =
                format!("{value} is no VPC endpoint: those are vpce- and 8 or 17 letters and digits.");
            report.add(IssueCode::InvalidVpceFormat, details, &cursor.place());
        } else if condition.is_key(KMS_KEY) && !(value.starts_with("arn:") && value.contains(":key/")) {
            let details = format!(
                "{} is compared with the ARN of a key: arn:aws:kms:region:account:key/id.",
                condition.key
            );
            report.add(IssueCode::InvalidKmsKeyValue, details, &cursor.place());
        }
    }
}

/// Keys that the caller fills in as it likes.
fn check_trust_in_key(statement: &Statement<'_>, condition: &Condition<'_>, report: &mut Report) {
    let spoofable = condition.is_key("aws:Referer") || condition.is_key("aws:UserAgent");
    if spoofable && statement.effect == Some(Effect::Allow) {
        let details = format!("The caller sets {} itself, to whatever the policy wants.", condition.key);
        report.add(IssueCode::UntrustworthyConditionKey, details, &condition.key_place);
    }
}

fn check_relevance(policy: &Policy<'_>, condition: &Condition<'_>, report: &mut Report) {
    let Some(resource_type @ (ResourceType::S3Bucket | ResourceType::S3AccessPoint)) =
        policy.options.resource_type
    else {
        return;
    };
    if condition.is_key("s3:ResourceAccount") || condition.is_key("aws:ResourceAccount") {
        let details = format!(
            "A policy on {} is about that resource alone, whose account {} names. Use the key in identity-based policies.",
            resource_type.as_str(),
            condition.key
        );
        report.add(IssueCode::IrrelevantConditionKeyInPolicy, details, &condition.key_place);
    }
}

/// Actions that never carry the key. Wildcards are not looked into, nor keys whose absence passes the test.
fn check_actions(statement: &Statement<'_>, condition: &Condition<'_>, report: &mut Report) {
    let (Some(element), Some(operator)) = (&statement.action, condition.operator) else { return };
    let (key, if_exists) = (condition.key, operator.if_exists);
    let everywhere = is_in_every_request(key) || condition.is_key("aws:ResourceTag/");
    if element.negated
        || if_exists
        || everywhere
        || operator.family == Family::Null
        || condition_key(key).is_none()
    {
        return;
    }
    let texts = element.texts();
    let known = texts.iter().filter_map(|(name, _)| action(name));
    let without: Vec<String> = known.filter(|action| !carries(action, key)).map(Action::full_name).collect();
    if !without.is_empty() {
        let details = format!(
            "{} never carr{} {key}, so the condition is not met as meant. Move {} to a statement without it.",
            without.join(", "),
            if without.len() == 1 { "ies" } else { "y" },
            if without.len() == 1 { "it" } else { "them" }
        );
        report.add(IssueCode::UnsupportedActionForConditionKey, details, &condition.key_place);
    }
}

fn carries(action: &Action, key: &str) -> bool {
    let family = |name| ConditionKey { name, value_type: ValueType::String, multivalued: false };
    action.all_condition_keys().any(|name| family(name).matches(key))
}
