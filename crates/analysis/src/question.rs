//! One question: may somebody do something. It is decided as it would be enforced.

use rolecall_access::{Demand, Evidence, Subject, Values, evaluate};
use rolecall_policy::{Outcome, PolicyKind, Reason, StatementRef, cite, resource_policy_is_required};
use rolecall_service_reference as reference;
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::Tags;
use serde::Serialize;

use crate::{AnalysisError, Asker, World};

/// An action on a resource, with what else the request brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Such as `s3:GetObject`.
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// Context keys, with one value or several.
    pub context: Vec<(String, Vec<String>)>,
}

/// What a decision was taken by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Because {
    /// In words.
    pub text: String,
    /// `Allowed`, `ImplicitlyDenied` or `ExplicitlyDenied`.
    pub decision: Outcome,
    /// The kind of policy that decided, if one did.
    pub kind: Option<PolicyKind>,
    /// The policy that decided.
    pub policy: Option<String>,
    /// Its ARN, of a managed one.
    pub policy_arn: Option<String>,
    /// The statement's number, from 0.
    pub statement: Option<usize>,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// Its line in the policy.
    pub line: Option<u32>,
}

impl Because {
    /// What a decision was taken by.
    #[must_use]
    pub fn of(evidence: &Evidence) -> Self {
        evidence.explain(|explanation| match explanation.decision.reason {
            Reason::Statement(kind, statement) => Self::statement(evidence, kind, statement),
            _ => Self::silence(evidence, explanation.decision.kind()),
        })
    }

    /// Whether the policy that decided is the one of this name, ARN, or end of a path.
    pub(crate) fn is_policy(&self, wanted: &str) -> bool {
        let named = |name: &String| {
            name.strip_suffix(wanted).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        };
        self.policy.as_ref().is_some_and(named) || self.policy_arn.as_deref() == Some(wanted)
    }

    pub(crate) fn statement(evidence: &Evidence, kind: PolicyKind, statement: StatementRef<'_>) -> Self {
        Self {
            text: cite(kind, statement),
            decision: evidence.outcome,
            kind: Some(kind),
            policy: Some(statement.policy.name().to_owned()),
            policy_arn: statement.policy.arn().map(str::to_owned),
            statement: Some(statement.index),
            sid: statement.sid().map(str::to_owned),
            line: statement.position().map(|at| at.line),
        }
    }

    fn silence(evidence: &Evidence, kind: Option<PolicyKind>) -> Self {
        let text = match (evidence.outcome, kind) {
            (Outcome::Allowed, _) => "no policy is needed".to_owned(),
            (_, Some(kind)) => format!("no {} allows it", kind.name()),
            (_, None) => evidence.reason.trim_start_matches("because ").to_owned(),
        };
        let decision = evidence.outcome;
        Self { text, decision, kind, policy: None, policy_arn: None, statement: None, sid: None, line: None }
    }
}

/// Whether a text names one action that AWS knows.
///
/// # Errors
/// When it does not, with the nearest that there is.
pub(crate) fn known_action(action: &str) -> Result<(), AnalysisError> {
    if reference::action(action).is_some() {
        return Ok(());
    }
    let near =
        reference::suggest_action(action).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    Err(AnalysisError::Action(format!("there is no action {action}{near}")))
}

/// Whether a text is a resource.
///
/// # Errors
/// When it is neither an ARN nor `*`.
pub(crate) fn known_resource(resource: &str) -> Result<(), AnalysisError> {
    match resource == "*" || ArnParts::parse(resource).is_some() {
        true => Ok(()),
        false => Err(AnalysisError::Resource(resource.to_owned())),
    }
}

impl World {
    /// Decides on a question.
    ///
    /// # Errors
    /// When a policy can't be evaluated.
    pub fn ask(&self, asker: &Asker, question: &Question) -> Result<Evidence, AnalysisError> {
        let demand = self.demand(question)?;
        let caller = match asker {
            Asker::Principal(who) => who.caller(self.account.id(), self.partition),
            Asker::Root => self.root(),
            Asker::Service(name) => {
                return Ok(evaluate(
                    Subject::Service(name),
                    &self.facts,
                    &self.snapshot,
                    self.owned(demand),
                )?);
            }
            Asker::Anonymous => {
                return Ok(evaluate(Subject::Anonymous, &self.facts, &self.snapshot, self.owned(demand))?);
            }
        };
        Ok(evaluate(Subject::Caller(&caller), &self.facts, &self.snapshot, demand)?)
    }

    fn root(&self) -> rolecall_access::Caller {
        let key = rolecall_state::AccessKeyId::from_presented("");
        rolecall_access::Caller::new(
            self.account.id(),
            self.partition,
            rolecall_access::Identity::Root,
            key,
            None,
        )
    }

    /// Whoever comes from outside asks for something of this account.
    pub(crate) fn owned(&self, mut demand: Demand) -> Demand {
        demand.resource_account = demand.resource_account.or(Some(self.account.id()));
        demand
    }

    pub(crate) fn demand(&self, question: &Question) -> Result<Demand, AnalysisError> {
        let Question { action, resource, context } = question;
        let parts = ArnParts::parse(resource);
        // What takes no resource is decided on `*`, as it is when it is really asked for.
        let star = reference::action(action).is_some_and(|action| action.is_wildcard_only());
        let mut demand = Demand::new(action.clone(), if star { "*" } else { resource.as_str() });
        demand.resource_account = parts.and_then(|parts| parts.account_id());
        if let Some(policy) = self.resource_policy(resource) {
            demand.resource_policy = Some(policy.clone());
            demand.resource_policy_required = resource_policy_is_required(action, resource);
        }
        if let Some(tags) = self.tags_of(resource) {
            let pairs = tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
            demand = demand.with_resource_tags(Some("iam:ResourceTag"), pairs);
        }
        // Whoever assumes a role gives its session a name; the same as when it is asked who may become whom.
        let has_name = context.iter().any(|(key, _)| key.eq_ignore_ascii_case("sts:RoleSessionName"));
        if action.eq_ignore_ascii_case("sts:AssumeRole") && !has_name {
            demand = demand.with("sts:RoleSessionName", "question");
        }
        for (key, values) in context {
            let values = match values.as_slice() {
                [one] => Values::One(one.clone()),
                many => Values::Many(many.to_vec()),
            };
            demand.context.push((key.clone().into(), values));
        }
        Ok(demand.with_trust(&self.snapshot)?)
    }

    /// The tags of a user or role.
    fn tags_of(&self, resource: &str) -> Option<&Tags> {
        let parts = ArnParts::parse(resource).filter(|parts| parts.service == "iam")?;
        let (kind, name) = parts.resource.split_once('/')?;
        let name = name.rsplit('/').next().unwrap_or_default();
        match kind {
            "user" => self.account.users.get(name).map(|user| &user.tags),
            "role" => self.account.roles.get(name).map(|role| &role.tags),
            _ => None,
        }
    }
}
