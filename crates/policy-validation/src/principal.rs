//! `Principal` and `NotPrincipal`.

use rolecall_policy::PolicyKind;

use crate::code::IssueCode;
use crate::cursor::{Cursor, Entry};
use crate::document::Policy;
use crate::pattern::has_wildcard;
use crate::report::Report;
use crate::resource::is_account;
use crate::statement::{Element, Statement};

pub(crate) fn check(policy: &Policy<'_>, statement: &Statement<'_>, report: &mut Report) {
    let Some(element) = &statement.principal else { return };
    match policy.kind {
        PolicyKind::ServiceControl => {
            let details = "A service control policy is about the principals of the accounts it is attached to; it names none.";
            report.add(IssueCode::ScpSyntaxErrorPrincipal, details, &element.key_place);
        }
        kind if !kind.has_principal() => {
            let details = format!(
                "A policy of this kind ({}) names no principals: it is about whom it is attached to.",
                kind.name()
            );
            report.add(IssueCode::UnsupportedPrincipal, details, &element.key_place);
        }
        kind => {
            if element.negated && statement.allows() && kind != PolicyKind::ResourceControl {
                let details = "Allow with NotPrincipal admits everybody else, anonymous callers included. Name whom you mean with Principal.";
                report.add(IssueCode::AllowWithNotPrincipal, details, &element.key_place);
            }
            check_value(element, kind, report);
            check_service_principals(policy, statement, element, report);
        }
    }
}

fn check_value(element: &Element<'_>, kind: PolicyKind, report: &mut Report) {
    if element.value.text() == Some("*") {
        return;
    }
    if !element.value.is_object() {
        let empty_list = element.value.is_list() && element.value.items().is_empty();
        let (code, details) = if empty_list {
            (
                IssueCode::EmptyArrayPrincipal,
                "The list of principals is empty, so the statement is about nobody.",
            )
        } else {
            (
                IssueCode::InvalidPrincipalFormat,
                "Principals are \"*\" or an object such as {\"AWS\": \"123456789012\"}.",
            )
        };
        report.add(code, details, &element.value.place());
        return;
    }
    let entries = element.value.entries();
    if entries.is_empty() {
        let details = "The object of principals is empty, so the statement is about nobody.";
        report.add(IssueCode::EmptyObjectPrincipal, details, &element.value.place());
    }
    for entry in &entries {
        check_entry(entry, kind, report);
    }
}

fn check_entry(entry: &Entry<'_>, kind: PolicyKind, report: &mut Report) {
    if entry.value.is_list() && entry.value.items().is_empty() {
        let details = format!("The list of {} principals is empty.", entry.key);
        report.add(IssueCode::EmptyArrayPrincipal, details, &entry.value.place());
    }
    for item in entry.value.items().iter().filter(|item| item.text().is_none()) {
        report.add(IssueCode::DataTypeMismatch, "A principal is a string.", &item.place());
    }
    for (text, cursor) in entry.value.texts() {
        match entry.key {
            "AWS" => check_aws(text, &cursor, report),
            "Service" => check_service(text, &cursor, report),
            "Federated" if kind != PolicyKind::Trust => {
                let details = "Identity providers are principals of trust policies only.";
                report.add(IssueCode::FederatedPrincipalNotSupported, details, &cursor.place());
            }
            "Federated" | "CanonicalUser" => {}
            _ => {
                let details = format!(
                    "There are no principals of type {}. The types are AWS, Service, Federated and CanonicalUser.",
                    entry.key
                );
                report.add(IssueCode::InvalidPrincipalKey, details, &entry.key_place);
                return;
            }
        }
    }
}

fn check_aws(text: &str, cursor: &Cursor<'_>, report: &mut Report) {
    if text == "*" || is_account(text) {
        return;
    }
    let is_id = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_id && text.starts_with("AROA") {
        let details = format!("{text} is the id of a role, perhaps a deleted one. Name the role by its ARN.");
        report.add(IssueCode::InvalidRoleReference, details, &cursor.place());
    } else if is_id && text.starts_with("AIDA") {
        let details = format!("{text} is the id of a user, perhaps a deleted one. Name the user by its ARN.");
        report.add(IssueCode::InvalidUserReference, details, &cursor.place());
    } else if has_wildcard(text) {
        let details = "A principal is named in full; * and ? are no wildcards in it.";
        report.add(IssueCode::UnsupportedWildcardInPrincipal, details, &cursor.place());
    } else if !text.contains("${") && !is_principal_arn(text) {
        let details = format!(
            "{text} is no principal: an account id, or the ARN of an account, user, role or session is wanted."
        );
        report.add(IssueCode::InvalidPrincipalFormat, details, &cursor.place());
    }
}

fn is_principal_arn(text: &str) -> bool {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    let &["arn", _, service @ ("iam" | "sts" | "cloudfront"), "", account, resource] = fields.as_slice()
    else {
        return false;
    };
    let kinds: &[&str] = match service {
        "iam" => &["user/", "role/"],
        "sts" => &["assumed-role/", "federated-user/"],
        _ => &[],
    };
    let known =
        resource == "root" || service == "cloudfront" || kinds.iter().any(|kind| resource.starts_with(kind));
    known && (is_account(account) || account == "cloudfront")
}

fn check_service(text: &str, cursor: &Cursor<'_>, report: &mut Report) {
    if has_wildcard(text) {
        let details = "A service is named in full; * and ? are no wildcards in it.";
        report.add(IssueCode::UnsupportedWildcardInPrincipal, details, &cursor.place());
        return;
    }
    let name = text.strip_suffix(".amazonaws.com").or_else(|| text.strip_suffix(".amazonaws.com.cn"));
    let name =
        name.or_else(|| text.strip_suffix(".amazonaws.eu")).or_else(|| text.strip_suffix(".aws.internal"));
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    if !name.is_some_and(|name| !name.is_empty() && name.bytes().all(good)) {
        let details =
            format!("{text} is no service principal. Those look like ec2.amazonaws.com, in lower case.");
        report.add(IssueCode::InvalidServicePrincipalFormat, details, &cursor.place());
    }
}

/// Keys that tell on whose behalf a service calls.
const SOURCES: [&str; 4] = ["aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths"];
/// Keys of the caller's own identity, which a service principal lacks.
const IDENTITY_KEYS: [&str; 3] = ["aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalTag/"];

/// A service may be made to act for a stranger: <https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html>
// FIDELITY: AWS does not say for which services it makes this check; trust policies are left out, since most
// services that assume roles set no source.
fn check_service_principals(
    policy: &Policy<'_>,
    statement: &Statement<'_>,
    element: &Element<'_>,
    report: &mut Report,
) {
    let entries = element.value.entries();
    let Some(services) = entries.iter().find(|entry| entry.key == "Service") else { return };
    if !statement.allows() || element.negated || policy.kind != PolicyKind::Resource {
        return;
    }
    let uses = |key: &&str| statement.conditions.iter().any(|condition| condition.is_key(key));
    if entries.len() == 1 {
        for condition in &statement.conditions {
            if IDENTITY_KEYS.iter().any(|key| condition.is_key(key)) {
                let details = format!(
                    "A service principal does not carry {}, so the condition is never met.",
                    condition.key
                );
                report.add(
                    IssueCode::UnsupportedConditionKeyForServicePrincipal,
                    details,
                    &condition.key_place,
                );
            }
        }
    }
    if SOURCES.iter().any(uses) {
        return;
    }
    let referer = statement.conditions.iter().find(|condition| condition.is_key("aws:Referer"));
    if let Some(referer) = referer {
        let details = "aws:Referer does not tell for whom a service acts. Use aws:SourceArn, aws:SourceAccount, aws:SourceOrgID or aws:SourceOrgPaths.";
        report.add(IssueCode::RecommendedConditionKeyForServicePrincipal, details, &referer.key_place);
    } else {
        let details = "The service may act here for anybody. Say for whom, with aws:SourceArn, aws:SourceAccount, aws:SourceOrgID or aws:SourceOrgPaths.";
        report.add(IssueCode::RestrictAccessToServicePrincipal, details, &services.value.place());
    }
}
