//! `GetHumanReadableSummary`: what a delegation request asks for, in words.
//!
//! AWS has a language model write it; this one is put together from the policy, so it says no more than that.

use std::fmt::Write as _;

use rolecall_aws_model::iam as wire;
use rolecall_policy::{Document, Effect, Grammar, ListElement, PolicyKind, Statement};
use rolecall_state::Txn;
use rolecall_state::entities::DelegationRequest;

use super::demands::id_of;
use super::find;
use super::guidelines::role_restrictions;
use crate::env::Env;
use crate::error::IamError;

/// The most characters that an answer may have.
const MAX_CONTENT: usize = 10_000;
/// The language where nothing is said, and the only one that there is.
const ENGLISH: &str = "en";

pub(crate) fn get_human_readable_summary(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetHumanReadableSummaryRequest,
) -> Result<wire::GetHumanReadableSummaryResponse, IamError> {
    let wire::GetHumanReadableSummaryRequest { entity_arn, locale } = request;
    let id = id_of(entity_arn);
    if id.is_empty() {
        return Err(IamError::InvalidInput(format!("{entity_arn} is not the ARN of a delegation request.")));
    }
    let found = find(txn, env, id)?;
    let locale = locale.clone().unwrap_or_else(|| ENGLISH.to_owned());
    let language = locale.split(['-', '_']).next().unwrap_or_default();
    let content = language.eq_ignore_ascii_case(ENGLISH).then(|| summary(&found));
    let state = if content.is_some() { "AVAILABLE" } else { "NOT_SUPPORTED" };
    Ok(wire::GetHumanReadableSummaryResponse {
        summary_content: Some(content.unwrap_or_default()),
        locale: Some(locale),
        summary_state: Some(state.to_owned()),
    })
}

/// The summary, in Markdown.
fn summary(request: &DelegationRequest) -> String {
    let mut text = format!(
        "**{}** (account {}) asks to act in your account for {}, with your permissions limited to these:\n",
        request.requestor_name,
        request.requestor,
        duration(request.session_seconds)
    );
    if let Ok(document) = Document::parse(request.policy.as_str(), Grammar::evaluated(PolicyKind::Session)) {
        for statement in document.statements() {
            describe(&mut text, &document, statement);
        }
        let restrictions = role_restrictions(&document);
        if !restrictions.is_empty() {
            let limits = quoted(restrictions.iter().map(String::as_str));
            let _ = write!(text, "\nRoles that it makes stay after that, and are limited by {limits}.\n");
        }
    }
    text.chars().take(MAX_CONTENT).collect()
}

fn describe(text: &mut String, document: &Document, statement: &Statement) {
    let may = match statement.effect {
        Effect::Allow => "It may",
        Effect::Deny => "It may not",
    };
    let list = |element: &ListElement| {
        let values = quoted(element.values.iter().map(|value| document.text(value)));
        if element.negated { format!("anything but {values}") } else { values }
    };
    let _ = write!(text, "\n- {may} do {}", list(&statement.action));
    if let Some(resources) = &statement.resource {
        let _ = write!(text, " on {}", list(resources));
    }
    for (index, entry) in statement.conditions.iter().enumerate() {
        let joint = if index == 0 { ", if" } else { " and" };
        let values = quoted(entry.values.iter().map(|value| document.text(value)));
        let operator = entry.operator.comparison.as_str();
        let _ = write!(text, "{joint} `{}` {operator} {values}", document.text(&entry.key));
    }
    text.push_str(".\n");
}

fn quoted<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

/// `2 hours`, `1 hour and 30 minutes`
fn duration(seconds: i32) -> String {
    let count = |number: i32, unit: &str| match number {
        0 => None,
        1 => Some(format!("1 {unit}")),
        more => Some(format!("{more} {unit}s")),
    };
    let parts =
        [count(seconds / 3_600, "hour"), count(seconds / 60 % 60, "minute"), count(seconds % 60, "second")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_words() {
        assert_eq!(duration(7_200), "2 hours");
        assert_eq!(duration(5_400), "1 hour and 30 minutes");
        assert_eq!(duration(300), "5 minutes");
    }
}
