//! Reading the audit trail: which decisions were taken for somebody.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_policy::needs_no_permission;
use rolecall_state::arn::ArnParts;
use serde_json::Value;

use super::{Asked, Suggestion, policy, remarks};
use crate::AnalysisError;

/// What the trail says of somebody.
#[derive(Debug)]
pub struct Trail {
    wanted: String,
    since: Option<String>,
    with_denied: bool,
    arns: BTreeSet<String>,
    asked: BTreeSet<Asked>,
    requests: usize,
    denied: usize,
    undecided: usize,
    strange: BTreeMap<String, usize>,
    span: Option<(String, String)>,
}

impl Trail {
    /// A trail of which nothing was read yet: of `user/NAME`, `role/NAME` or an ARN; from a time on, written as events have
    /// it.
    #[must_use]
    pub fn of(wanted: &str, since: Option<String>, with_denied: bool) -> Self {
        Self {
            wanted: wanted.to_owned(),
            since,
            with_denied,
            arns: BTreeSet::new(),
            asked: BTreeSet::new(),
            requests: 0,
            denied: 0,
            undecided: 0,
            strange: BTreeMap::new(),
            span: None,
        }
    }

    /// The last part of the name: an event without it is of somebody else.
    #[must_use]
    pub fn name(&self) -> &str {
        self.wanted.rsplit('/').next().unwrap_or_default()
    }

    /// Takes in an event, in CloudTrail's form.
    pub fn add(&mut self, event: &Value) {
        let Some(arn) = principal(event).filter(|arn| is(&self.wanted, arn)) else { return };
        let at = event.get("eventTime").and_then(Value::as_str).unwrap_or_default();
        if self.since.as_deref().is_some_and(|since| at < since) {
            return;
        }
        self.arns.insert(arn.to_owned());
        self.requests += 1;
        let (from, to) = self.span.get_or_insert_with(|| (at.to_owned(), at.to_owned()));
        *from = at.to_owned().min(std::mem::take(from));
        *to = at.to_owned().max(std::mem::take(to));
        let Some(decisions) = event.pointer("/additionalEventData/decisions").and_then(Value::as_array)
        else {
            self.undecided += 1;
            return;
        };
        let text = |decision: &Value, name: &str| {
            decision.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        let denied = decisions.iter().any(|decision| text(decision, "decision") != "Allowed");
        self.denied += usize::from(denied);
        if denied && !self.with_denied {
            return;
        }
        for decision in decisions {
            self.take(Asked { action: text(decision, "action"), resource: text(decision, "resource") });
        }
    }

    fn take(&mut self, one: Asked) {
        if needs_no_permission(&one.action) {
            return;
        }
        let named = one.action.split_once(':').is_some_and(|(service, name)| {
            let plain =
                |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            plain(service) && plain(name)
        });
        let resource = one.resource == "*" || ArnParts::parse(&one.resource).is_some();
        if named && resource {
            self.asked.insert(one);
        } else {
            *self.strange.entry(format!("{} on {}", one.action, one.resource)).or_default() += 1;
        }
    }

    /// The least policy for it; more than `most` resources under one prefix become a pattern.
    ///
    /// # Errors
    /// When the trail says nothing of anybody of this name, or of several.
    pub fn suggest(self, most: usize) -> Result<Suggestion, AnalysisError> {
        let mut arns = self.arns.into_iter();
        let (principal, (from, to)) = match (arns.next(), arns.next(), self.span) {
            (Some(one), None, Some(span)) => (one, span),
            (Some(one), Some(other), _) => {
                let message = format!("{} means {one} and {other}: give the ARN", self.wanted);
                return Err(AnalysisError::Principal(message));
            }
            _ => {
                let message = format!("the trail knows of no request of {} in that time", self.wanted);
                return Err(AnalysisError::Principal(message));
            }
        };
        if self.asked.is_empty() {
            let denied = if self.denied > 0 { "; --with-denied takes what was denied" } else { "" };
            let message = format!("nothing that {principal} was allowed takes a permission{denied}");
            return Err(AnalysisError::Principal(message));
        }
        let (document, collapsed) = policy(&self.asked, most)?;
        let mut said = Vec::new();
        if self.denied > 0 && !self.with_denied {
            said.push(format!("{} denied requests were left out (--with-denied adds them).", self.denied));
        }
        if self.undecided > 0 {
            said.push(format!(
                "{} requests say nothing of what was decided on: they are not in it.",
                self.undecided
            ));
        }
        for (what, times) in self.strange {
            said.push(format!("{what} can't be said in a policy ({times} times)."));
        }
        said.extend(remarks(&document));
        Ok(Suggestion {
            principal,
            policy: document,
            from,
            to,
            requests: self.requests,
            denied: self.denied,
            asked: self.asked.len(),
            collapsed,
            remarks: said,
        })
    }
}

/// Whose policies a request was decided on: of a role's session, the role's.
fn principal(event: &Value) -> Option<&str> {
    let issuer = event.pointer("/userIdentity/sessionContext/sessionIssuer/arn");
    issuer.or_else(|| event.pointer("/userIdentity/arn"))?.as_str()
}

/// Whether an ARN is whom somebody means by `user/NAME`, `role/PATH/NAME` or an ARN.
fn is(wanted: &str, arn: &str) -> bool {
    if wanted.starts_with("arn:") {
        return wanted == arn;
    }
    let Some(parts) = ArnParts::parse(arn).filter(|parts| parts.service == "iam") else { return false };
    let kind = parts.resource.split('/').next().unwrap_or_default();
    let name = parts.resource.rsplit('/').next().unwrap_or_default();
    wanted == parts.resource || wanted.split_once('/') == Some((kind, name))
}
