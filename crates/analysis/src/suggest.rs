//! The least policy for what somebody did, from what the audit trail says of each decision.

mod collapse;
mod trail;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use rolecall_policy::{
    Applicable, Context, Document, Grammar, Policy, PolicyKind, PolicySet, Principal, Request, decide,
};
use rolecall_policy_validation::{FindingType, Options, validate};
use rolecall_service_reference::action;
use serde::Serialize;
use serde_json::{Value, json};

pub use collapse::Collapsed;
pub use trail::Trail;

use crate::AnalysisError;

/// The most characters of a managed policy, white space not counted.
const MANAGED_POLICY_SIZE: usize = 6_144;

/// An action on a resource that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// The action.
    pub action: String,
    /// The resource, as it was decided on.
    pub resource: String,
}

/// A policy for what somebody did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Suggestion {
    /// Whose ARN.
    pub principal: String,
    /// The policy.
    pub policy: Value,
    /// When the first request was made that it is for.
    pub from: String,
    /// When the last was.
    pub to: String,
    /// How many requests there were.
    pub requests: usize,
    /// Of those, how many were denied.
    pub denied: usize,
    /// How many different actions on resources it is for.
    pub asked: usize,
    /// Where many resources became one pattern.
    pub collapsed: Vec<Collapsed>,
    /// What is not known, and what to look at, a sentence each.
    pub remarks: Vec<String>,
}

impl Suggestion {
    /// The policy as text.
    #[must_use]
    pub fn policy_text(&self) -> String {
        format!("{:#}\n", self.policy)
    }

    /// What is to be said beside the policy.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = format!(
            "{}: {} requests from {} to {}, {} of them denied; {} different actions on resources\n",
            self.principal, self.requests, self.from, self.to, self.denied, self.asked
        );
        for Collapsed { pattern, resources } in &self.collapsed {
            let _ = writeln!(out, "{pattern} stands for {resources} resources");
        }
        for remark in &self.remarks {
            let _ = writeln!(out, "{remark}");
        }
        out
    }
}

/// The least policy for some actions on resources, where more than `most` resources under one prefix become a pattern.
///
/// # Errors
/// When it would not allow each of them, which no policy that is made here does.
pub fn policy(asked: &BTreeSet<Asked>, most: usize) -> Result<(Value, Vec<Collapsed>), AnalysisError> {
    let mut by_action: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for one in asked {
        // What takes no resource is recorded on something else, and AWS wants it said of everything.
        let star = action(&one.action).is_some_and(|known| known.is_wildcard_only());
        by_action.entry(&one.action).or_default().insert(if star { "*" } else { &one.resource });
    }
    let mut collapsed = BTreeMap::new();
    // Actions of a service on the same resources share a statement.
    let mut statements: BTreeMap<(&str, BTreeSet<String>), BTreeSet<&str>> = BTreeMap::new();
    for (action, resources) in by_action {
        let service = action.split(':').next().unwrap_or_default();
        let patterns = collapse::patterns(service, &resources, most, &mut collapsed);
        statements.entry((service, patterns)).or_default().insert(action);
    }
    let mut sids: BTreeMap<&str, usize> = BTreeMap::new();
    let statements: Vec<Value> = statements
        .iter()
        .map(|((service, resources), actions)| {
            let number = sids.entry(service).or_default();
            *number += 1;
            json!({"Sid": sid(service, *number), "Effect": "Allow",
                "Action": one_or_many(actions), "Resource": one_or_many(resources)})
        })
        .collect();
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    prove(&policy, asked)?;
    let collapsed = collapsed.into_iter().map(|(pattern, resources)| Collapsed { pattern, resources });
    Ok((policy, collapsed.collect()))
}

fn sid(service: &str, number: usize) -> String {
    let word: String = service.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let word: String = first.into_iter().chain(letters).collect();
    if number == 1 { word } else { format!("{word}No{number}") }
}

fn one_or_many<T: AsRef<str>>(texts: &BTreeSet<T>) -> Value {
    let mut texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
    match (texts.len(), texts.pop()) {
        (1, Some(one)) => json!(one),
        (_, last) => json!(texts.into_iter().chain(last).collect::<Vec<_>>()),
    }
}

/// Decides each request by the policy: one that it does not allow is an error.
fn prove(policy: &Value, asked: &BTreeSet<Asked>) -> Result<(), AnalysisError> {
    let set = compiled(policy)?;
    for one in asked {
        if !allows(&set, one)? {
            let Asked { action, resource } = one;
            return Err(AnalysisError::Document(format!(
                "the policy that was made does not allow {action} on {resource}: please report it"
            )));
        }
    }
    Ok(())
}

fn compiled(policy: &Value) -> Result<PolicySet, AnalysisError> {
    let document = Document::parse(policy.to_string(), Grammar::evaluated(PolicyKind::Identity));
    let document = document.map_err(|cause| AnalysisError::Document(cause.to_string()))?;
    Ok(PolicySet::compile(PolicyKind::Identity, [Policy::new("suggested", document)]))
}

/// Whether a policy by itself, as somebody's only one, allows something of the same account.
fn allows(set: &PolicySet, one: &Asked) -> Result<bool, AnalysisError> {
    let principal = Principal::from_arn("arn:aws:iam::123456789012:user/suggested");
    let principal = principal.map_err(|cause| AnalysisError::Principal(cause.to_string()))?;
    let request = Request {
        principal: &principal,
        action: &one.action,
        resource: &one.resource,
        resource_account: Some("123456789012"),
        context: &Context::new(),
    };
    Ok(decide(&request, &Applicable { identity: Some(set), ..Applicable::default() }).is_allowed())
}

/// What is to be said of a policy itself.
fn remarks(policy: &Value) -> Vec<String> {
    let text = format!("{policy:#}");
    let size = text.chars().filter(|letter| !letter.is_whitespace()).count();
    let mut remarks = Vec::new();
    if size > MANAGED_POLICY_SIZE {
        remarks.push(format!(
            "It has {size} characters, and a managed policy at most {MANAGED_POLICY_SIZE}: split it, or let fewer resources \
             become a pattern (--collapse-over)."
        ));
    }
    let findings = validate(&text, PolicyKind::Identity, Options::default());
    let grave = findings
        .iter()
        .filter(|one| matches!(one.finding_type, FindingType::Error | FindingType::SecurityWarning));
    remarks.extend(grave.map(|one| format!("{}: {}", one.issue_code.as_str(), one.finding_details)));
    remarks
}

#[cfg(test)]
mod tests;
