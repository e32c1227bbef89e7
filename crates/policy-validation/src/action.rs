//! `Action` and `NotAction`.

use rolecall_service_reference::{expand, service, suggest_action, suggest_service};

use crate::code::IssueCode;
use crate::cursor::Cursor;
use crate::document::Policy;
use crate::pattern::has_wildcard;
use crate::report::Report;
use crate::statement::Statement;

pub(crate) fn check(policy: &Policy<'_>, statement: &Statement<'_>, report: &mut Report) {
    let Some(element) = &statement.action else { return };
    if element.value.items().is_empty() {
        let details = format!("{} is an empty list, so the statement is about nothing.", element.name);
        report.add(IssueCode::EmptyArrayAction, details, &element.value.place());
    }
    for (text, cursor) in element.texts() {
        check_name(text, &cursor, report);
        check_for_resource_type(policy, text, &cursor, report);
    }
}

fn check_name(text: &str, cursor: &Cursor<'_>, report: &mut Report) {
    if text == "*" {
        return;
    }
    let Some((prefix, name)) = text.split_once(':') else {
        let details = format!("The action {text} lacks its service. Write service:action.");
        report.add(IssueCode::InvalidAction, details, &cursor.place());
        return;
    };
    if has_wildcard(prefix) {
        let details = format!(
            "The service prefix {prefix} has a wildcard, which may take in services that you don't mean."
        );
        report.add(IssueCode::WildcardInServiceName, details, &cursor.part(0, prefix.len()));
        return;
    }
    if service(prefix).is_none() {
        let hint = suggest_service(prefix).map(|known| format!(" Did you mean {known}?")).unwrap_or_default();
        let details = format!("There is no service {prefix}.{hint}");
        report.add(IssueCode::InvalidServiceInAction, details, &cursor.part(0, prefix.len()));
        return;
    }
    // What variables there are is another check's business.
    if !name.contains("${") && expand(text).is_empty() {
        let nearest = if has_wildcard(name) { None } else { suggest_action(text) };
        let hint = nearest.map(|known| format!(" Did you mean {known}?")).unwrap_or_default();
        let details = format!("There is no action {text}.{hint}");
        report.add(IssueCode::InvalidAction, details, &cursor.place());
    }
}

fn check_for_resource_type(policy: &Policy<'_>, text: &str, cursor: &Cursor<'_>, report: &mut Report) {
    let (Some(resource_type), Some((prefix, _))) = (policy.options.resource_type, text.split_once(':'))
    else {
        return;
    };
    if !has_wildcard(prefix) && !prefix.eq_ignore_ascii_case(resource_type.service()) {
        let details = format!("A policy on {} cannot be about the action {text}.", resource_type.as_str());
        report.add(IssueCode::UnsupportedActionInPolicy, details, &cursor.place());
    }
}
