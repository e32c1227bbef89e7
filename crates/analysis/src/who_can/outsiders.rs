//! Whom a resource's policy lets in that is not of the account: services, other accounts, anyone.

use std::collections::BTreeSet;

use rolecall_access::{Caller, Identity, Subject, Supposed, evaluate_with};
use rolecall_policy::{Document, Effect, Grammar, Outcome, Policy, PolicyKind, PolicySet, PrincipalType};
use rolecall_state::arn::ArnParts;
use rolecall_state::snapshot::Entry;
use rolecall_state::{AccessKeyId, AccountId};
use serde::Serialize;

use crate::entities;
use crate::{AnalysisError, Asker, Because, Question, World};

/// Someone from outside whom the resource's policy names.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outsider {
    /// A service, an ARN or an account id as written, or `*` for anyone without credentials.
    pub principal: String,
    /// What allows it.
    pub because: Because,
    /// Whether its own account's policies must allow it too, which are not known.
    pub own_policies_too: bool,
}

impl World {
    /// Whom the resource's policy lets in from outside.
    pub(crate) fn outsiders(&self, question: &Question) -> Result<Vec<Outsider>, AnalysisError> {
        let Some(set) = self.resource_policy(&question.resource) else { return Ok(Vec::new()) };
        let (services, others) = (named(set, PrincipalType::Service), named(set, PrincipalType::Aws));
        let mut found = Vec::new();
        for asker in services.into_iter().map(Asker::Service).chain([Asker::Anonymous]) {
            let evidence = self.ask(&asker, question)?;
            if evidence.outcome == Outcome::Allowed {
                let principal = match asker {
                    Asker::Service(name) => name,
                    _ => "*".to_owned(),
                };
                let because = Because::of(&evidence);
                found.push(Outsider { principal, because, own_policies_too: false });
            }
        }
        for principal in others {
            let Some(caller) = self.stranger(&principal) else { continue };
            let demand = self.demand(question)?;
            let supposed = Supposed { identity: vec![everything()?], ..Supposed::default() };
            let subject = Subject::Caller(&caller);
            let evidence = evaluate_with(subject, &self.facts, &self.snapshot, self.owned(demand), supposed)?;
            if evidence.outcome == Outcome::Allowed {
                let by = Because::from_resource(&evidence);
                found.extend(by.map(|because| Outsider { principal, because, own_policies_too: true }));
            }
        }
        Ok(found)
    }

    /// Somebody of another account, as a caller; none of what is no user, role or account.
    fn stranger(&self, principal: &str) -> Option<Caller> {
        let parts = ArnParts::parse(principal);
        let account: AccountId = match &parts {
            Some(parts) => parts.account_id()?,
            None => principal.parse().ok()?,
        };
        if account == self.account.id() {
            return None;
        }
        let resource = parts.map_or("root", |parts| parts.resource);
        let name = resource.rsplit('/').next().unwrap_or_default();
        let path = |kind: &str| Some(resource.strip_prefix(kind)?.strip_suffix(name)?.to_owned());
        let identity = match (path("user"), path("role")) {
            (Some(path), _) => Identity::User(Entry::unstored(entities::user(name, &path))),
            (_, Some(path)) => Identity::AssumedRole(
                Entry::unstored(entities::role(name, &path, "{}".into())),
                "session".into(),
            ),
            _ if resource == "root" => Identity::Root,
            _ => return None,
        };
        Some(Caller::new(account, self.partition, identity, AccessKeyId::from_presented(""), None))
    }
}

impl Because {
    /// The resource's policy's own statement, where the caller's side is only supposed.
    fn from_resource(evidence: &rolecall_access::Evidence) -> Option<Self> {
        let matching = evidence.matching();
        let (kind, statement) = matching
            .iter()
            .find(|(kind, one)| *kind == PolicyKind::Resource && one.effect() == Some(Effect::Allow))?;
        Some(Self::statement(evidence, *kind, *statement))
    }
}

fn named(set: &PolicySet, kind: PrincipalType) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for policy in set.policies() {
        let document = policy.document();
        let allows = document.statements().iter().filter(|one| one.effect == Effect::Allow);
        for entry in allows.filter_map(|one| one.principal.as_ref()).flat_map(|one| &one.entries) {
            if entry.principal_type == kind {
                found.extend(entry.values.iter().map(|value| document.text(value).to_owned()));
            }
        }
    }
    found
}

/// What another account's own policies might allow: everything.
fn everything() -> Result<Policy, AnalysisError> {
    let text =
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let parsed = Document::parse(text, Grammar::evaluated(PolicyKind::Identity));
    let parsed = parsed.map_err(|cause| AnalysisError::Document(cause.to_string()))?;
    Ok(Policy::new("another account's policies", parsed))
}
