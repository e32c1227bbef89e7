//! An explanation in words.

use std::fmt::Write as _;

use super::failure::{Failure, Given};
use super::nearest::NearMiss;
use super::{Change, Explanation, cite, condition_at};
use crate::decision::{Outcome, Reason};
use crate::document::ConditionEntry;
use crate::operator::{Comparison, Qualifier};
use crate::policy::StatementRef;

pub(super) fn render(explanation: &Explanation<'_>, width: usize) -> String {
    let mut page = Page { out: String::new(), width };
    page.paragraph("", &headline(explanation));
    page.paragraph("", &reason(explanation));
    if !explanation.near_misses.is_empty() {
        page.paragraph("", "Nearest to allowing it:");
    }
    for (number, miss) in explanation.near_misses.iter().enumerate() {
        let text = format!("{}: {}", cite(miss.kind, miss.statement), failed(explanation, miss));
        page.paragraph(&format!("{:>3}. ", number + 1), &text);
    }
    if let Some(change) = &explanation.change {
        page.paragraph("", &format!("Smallest change: {}.", changed(explanation, change)));
    }
    page.out
}

fn headline(explanation: &Explanation<'_>) -> String {
    let request = &explanation.request;
    let outcome = match explanation.decision.outcome {
        Outcome::Allowed => "Allowed",
        Outcome::ImplicitlyDenied => "Denied (nothing allows it)",
        Outcome::ExplicitlyDenied => "Denied (a statement denies it)",
    };
    let caller = match request.principal.name() {
        "*" => "an anonymous caller",
        name => name,
    };
    format!("{outcome}: {} on {} by {caller}.", request.action, request.resource)
}

fn reason(explanation: &Explanation<'_>) -> String {
    match explanation.decision.reason {
        Reason::Statement(kind, statement) => {
            let verb = if explanation.decision.is_allowed() { "Allowed" } else { "Denied" };
            format!("{verb} by {}.", cite(kind, statement))
        }
        Reason::NoAllow(kind) => format!("No {} allows the action.", kind.name()),
        Reason::RootUser => "The root user may do anything in its account that is not denied.".to_owned(),
        Reason::RootMayNotAssumeRoles => {
            "Roles may not be assumed by the root user of an account.".to_owned()
        }
        Reason::NeedsNoPermission => "The action needs no permission and can't be denied.".to_owned(),
    }
}

/// What failed in a near miss: what the request has, and what the statement wants.
fn failed(explanation: &Explanation<'_>, miss: &NearMiss<'_>) -> String {
    let request = &explanation.request;
    let wanted = miss.failure.wanted(miss.statement, request.action).join(", ");
    let wants = if miss.failure.is_negated(miss.statement) {
        "the statement wants any but"
    } else {
        "the statement wants"
    };
    match miss.failure {
        Failure::Action => format!("the action is {}; {wants} {wanted}", request.action),
        Failure::Resource { unresolved: Some(variable) } => {
            format!(
                "the statement wants the resource {wanted}, and the request has no single value for {variable}"
            )
        }
        Failure::Resource { unresolved: None } => {
            format!("the resource is {}; {wants} {wanted}", request.resource)
        }
        Failure::Principal => format!("the caller is {}; {wants} {wanted}", request.principal.name()),
        Failure::Condition { place, given } => match condition_at(miss.statement, place) {
            Some(entry) => condition(miss.statement, entry, given, &wanted),
            None => String::new(),
        },
    }
}

fn condition(statement: StatementRef<'_>, entry: &ConditionEntry, given: Given<'_>, wanted: &str) -> String {
    let key = statement.policy.document().text(&entry.key);
    let operator = entry.operator;
    let wants = match operator.comparison {
        Comparison::Null if wanted.eq_ignore_ascii_case("true") => {
            return format!("{key} is in the request; the statement wants it absent");
        }
        Comparison::Null => return format!("{key} is not in the request; the statement wants it there"),
        comparison => relation(comparison),
    };
    let subject = match operator.qualifier {
        Some(Qualifier::ForAllValues) => "the statement wants every value",
        Some(Qualifier::ForAnyValue) => "the statement wants one value",
        None => "the statement wants",
    };
    match given {
        Given::Absent => format!("{key} is not in the request; {subject} {wants}{wanted} ({operator})"),
        Given::Values(values) => {
            let given: Vec<&str> = values.iter().collect();
            format!("{key} is {}; {subject} {wants}{wanted} ({operator})", given.join(", "))
        }
        Given::Unresolved { variable, .. } => {
            format!(
                "{subject} {wants}{wanted} for {key}, and the request has no single value for {variable} ({operator})"
            )
        }
    }
}

const fn relation(comparison: Comparison) -> &'static str {
    match comparison {
        _ if comparison.is_negated() => "any but ",
        Comparison::NumericLessThan => "less than ",
        Comparison::NumericGreaterThan => "more than ",
        Comparison::NumericLessThanEquals => "at most ",
        Comparison::NumericGreaterThanEquals => "at least ",
        Comparison::DateLessThan => "a time before ",
        Comparison::DateGreaterThan => "a time after ",
        Comparison::DateLessThanEquals => "a time not after ",
        Comparison::DateGreaterThanEquals => "a time not before ",
        _ => "",
    }
}

fn changed(explanation: &Explanation<'_>, change: &Change<'_>) -> String {
    let request = &explanation.request;
    match change {
        Change::Context { key, value, statement, kind } => {
            format!("send it with {key} as {value}, for {}", cite(*kind, *statement))
        }
        Change::Widen { statement, kind, failure } => {
            let what = match failure {
                Failure::Action => format!("let the action {} match in", request.action),
                Failure::Resource { .. } => format!("let the resource {} match in", request.resource),
                Failure::Principal => format!("name {} as a principal in", request.principal.name()),
                Failure::Condition { place, .. } => {
                    let key = condition_at(*statement, *place)
                        .map(|entry| statement.policy.document().text(&entry.key));
                    format!("relax the condition on {} in", key.unwrap_or_default())
                }
            };
            format!("{what} {}", cite(*kind, *statement))
        }
        Change::Allow { kind } => {
            format!(
                "add to {} a statement that allows {} on {}",
                kind.with_article(),
                request.action,
                request.resource
            )
        }
        Change::RemoveDeny { statement, kind } => {
            format!("remove {}, or narrow it so that it does not match", cite(*kind, *statement))
        }
    }
}

/// Text broken into lines at spaces.
struct Page {
    out: String,
    width: usize,
}

impl Page {
    /// Writes a paragraph whose first line starts with `lead` and whose others are indented as far.
    fn paragraph(&mut self, lead: &str, text: &str) {
        let indent = lead.chars().count();
        let mut column = indent;
        self.out.push_str(lead);
        let mut first = true;
        for word in text.split(' ') {
            let length = word.chars().count();
            if !first && column + 1 + length > self.width {
                // Writing to a string can't fail.
                let _ = write!(self.out, "\n{:indent$}", "");
                column = indent;
            } else if !first {
                self.out.push(' ');
                column += 1;
            }
            self.out.push_str(word);
            column += length;
            first = false;
        }
        self.out.push('\n');
    }
}
