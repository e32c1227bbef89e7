//! Policy variables: `${aws:username}`, `${aws:username, 'default'}`, `${*}`.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use crate::code::IssueCode;
use crate::cursor::Cursor;
use crate::document::Policy;
use crate::operator::Family;
use crate::report::Report;
use crate::statement::Statement;

pub(crate) fn check(policy: &Policy<'_>, statement: &Statement<'_>, report: &mut Report) {
    let elsewhere = statement.action.iter().flat_map(|element| element.texts());
    let principals = statement.principal.iter().flat_map(|element| element.value.entries());
    let principals = principals.flat_map(|entry| entry.value.texts());
    for (text, cursor) in elsewhere.chain(principals) {
        if let Some(at) = text.find("${") {
            let details = "Policy variables work in Resource and in condition values only.";
            report.add(IssueCode::VariableUnsupportedInElement, details, &cursor.part(at, 2));
        }
    }
    for (text, cursor) in statement.resource.iter().flat_map(|element| element.texts()) {
        check_text(policy, text, &cursor, report);
    }
    for condition in &statement.conditions {
        let comparable =
            condition.operator.is_none_or(|operator| matches!(operator.family, Family::String | Family::Arn));
        for (text, cursor) in condition.value.texts() {
            if comparable {
                check_text(policy, text, &cursor, report);
            } else if let Some(at) = text.find("${") {
                let details = "Policy variables work with String and Arn operators only.";
                report.add(IssueCode::InvalidVariableForOperator, details, &cursor.part(at, 2));
            }
        }
    }
}

fn check_text(policy: &Policy<'_>, text: &str, cursor: &Cursor<'_>, report: &mut Report) {
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find("${")).map(|at| from + at) {
        if !policy.has_variables {
            let details = "Policy variables need \"Version\": \"2012-10-17\"; without it this is plain text.";
            report.add(IssueCode::VariableUnsupportedInVersion, details, &cursor.part(start, 2));
            return;
        }
        let inner = text.get(start + 2..).unwrap_or_default();
        let Some(end) = inner.find('}') else {
            let details = "The variable lacks its closing brace.";
            report.add(IssueCode::MissingBraceInVariable, details, &cursor.part(start, text.len() - start));
            return;
        };
        check_variable(inner.get(..end).unwrap_or_default(), start, cursor, report);
        from = start + 2 + end + 1;
    }
}

fn check_variable(inner: &str, start: usize, cursor: &Cursor<'_>, report: &mut Report) {
    let place = cursor.part(start, inner.len() + 3);
    if matches!(inner, "*" | "?" | "$") {
        return;
    }
    if inner.trim().is_empty() {
        report.add(IssueCode::EmptyVariable, "The variable names no key.", &place);
        return;
    }
    let (name, default) =
        inner.split_once(',').map_or((inner, None), |(name, default)| (name, Some(default)));
    if name.contains(char::is_whitespace) && !is_tag(name) {
        report.add(
            IssueCode::UnsupportedSpaceInVariable,
            "The key of a variable has no space in it.",
            &place,
        );
    }
    if let Some(symbol) = name.chars().find(|symbol| "*?{$'\"".contains(*symbol)) {
        let details = format!("The key of a variable has no {symbol} in it.");
        report.add(IssueCode::UnsupportedSymbolInVariable, details, &place);
    }
    if let Some(default) = default.map(str::trim) {
        let quoted = default.len() >= 2 && default.starts_with('\'') && default.ends_with('\'');
        if !quoted {
            let details = "The default of a variable stands in single quotes: ${aws:username, 'nobody'}.";
            report.add(IssueCode::MissingQuoteInVariable, details, &place);
        }
    }
}

/// The names of tags may have spaces.
fn is_tag(name: &str) -> bool {
    name.contains("Tag/")
}
