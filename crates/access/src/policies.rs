//! The policies that have a say in a decision.

use std::sync::Arc;

use rolecall_policy::{Applicable, Document, Grammar, Policy, PolicyKind, PolicySet};
use rolecall_state::snapshot::Account;
use rolecall_state::{PolicyRef, Snapshot, Unevaluable};

use crate::caller::{Caller, Identity};
use crate::session::{Session, SessionKind};

/// The policies that had a say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    pub(crate) identity: Option<PolicySet>,
    pub(crate) boundary: Option<PolicySet>,
    pub(crate) session: Option<PolicySet>,
    pub(crate) resource: Option<PolicySet>,
    pub(crate) resource_policy_required: bool,
    pub(crate) service_control: Option<Arc<[PolicySet]>>,
    pub(crate) resource_control: Option<Arc<[PolicySet]>>,
}

impl Policies {
    pub(crate) fn all(&self) -> impl Iterator<Item = &PolicySet> {
        let one = [&self.identity, &self.boundary, &self.session, &self.resource];
        let levels = [&self.service_control, &self.resource_control].into_iter().flatten();
        one.into_iter().flatten().chain(levels.flat_map(|levels| levels.iter()))
    }

    pub(crate) fn applicable(&self) -> Applicable<'_> {
        Applicable {
            identity: self.identity.as_ref(),
            boundary: self.boundary.as_ref(),
            session: self.session.as_ref(),
            resource: self.resource.as_ref(),
            resource_policy_required: self.resource_policy_required,
            service_control: self.service_control.as_deref().unwrap_or_default(),
            resource_control: self.resource_control.as_deref().unwrap_or_default(),
            vpc_endpoint: None,
        }
    }
}

/// What a simulation supposes beside what is stored.
#[derive(Default)]
pub struct Supposed {
    /// Identity-based policies that the caller has as well.
    pub identity: Vec<Policy>,
    /// Of the caller's own policies, those that are left out, by name or ARN.
    pub without: Vec<String>,
    /// The permissions boundary in place of the caller's own.
    pub boundary: Option<PolicySet>,
    /// Service control policies, a set for each level.
    pub service_control: Vec<PolicySet>,
}

impl Supposed {
    pub(crate) fn adjust(self, policies: &mut Policies) {
        let left_out = |policy: &Policy| {
            self.without.iter().any(|name| name == policy.name() || policy.arn() == Some(name.as_str()))
        };
        if !self.identity.is_empty() || !self.without.is_empty() {
            let own =
                policies.identity.iter().flat_map(|set| set.policies()).filter(|policy| !left_out(policy));
            let all: Vec<Policy> = own.cloned().chain(self.identity).collect();
            policies.identity = Some(PolicySet::compile(PolicyKind::Identity, all));
        }
        if self.boundary.is_some() {
            policies.boundary = self.boundary;
        }
        if !self.service_control.is_empty() {
            policies.service_control = Some(self.service_control.into());
        }
    }
}

/// What a caller brings along: its own policies, its boundary and those of its session.
pub(crate) fn caller_policies(caller: &Caller, snapshot: &Snapshot) -> Result<Policies, Unevaluable> {
    let mut policies = Policies::default();
    let Some(account) = snapshot.account(caller.account) else { return Ok(policies) };
    match &caller.identity {
        Identity::Root => {}
        Identity::User(user) | Identity::FederatedUser(Some(user), _) => {
            policies.identity = Some(account.user_policies(user)?.clone());
            policies.boundary = account.user_boundary(user)?.cloned();
        }
        Identity::AssumedRole(role, _) => {
            policies.identity = Some(account.role_policies(role)?.clone());
            policies.boundary = account.role_boundary(role)?.cloned();
        }
        Identity::FederatedUser(None, _) => {}
    }
    if let Some(session) = &caller.session {
        policies.session = session_policies(session, account)?;
    }
    Ok(policies)
}

/// What the root user may do, as a policy: everything.
fn root_user() -> Result<Policy, Unevaluable> {
    let text =
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let parsed = Document::parse(text, Grammar::evaluated(PolicyKind::Session));
    Ok(Policy::new("root user", parsed.map_err(|cause| Unevaluable::in_session(&cause))?))
}

/// The policies that limit a session; none when it was made without. A federated user's session
/// without policies may do nothing by its user's policies, which an empty set says.
fn session_policies(session: &Session, account: &Arc<Account>) -> Result<Option<PolicySet>, Unevaluable> {
    let federated = matches!(session.kind, SessionKind::FederatedUser { .. });
    if session.policies.is_empty() && session.policy_arns.is_empty() && !federated {
        return Ok(None);
    }
    let mut policies = Vec::with_capacity(session.policies.len() + session.policy_arns.len());
    for text in &session.policies {
        let parsed = Document::parse(text.as_str(), Grammar::evaluated(PolicyKind::Session));
        let parsed = parsed.map_err(|cause| Unevaluable::in_session(&cause))?;
        policies.push(Policy::new("session policy", parsed));
    }
    for arn in &session.policy_arns {
        // FIDELITY: what AWS does with a session whose managed policy was deleted since; leaving it
        // out could leave out a deny, so nothing is decided.
        let reference = PolicyRef::from_arn(arn, session.account);
        let reference = reference.ok_or_else(|| Unevaluable::in_session(&"its managed policy has no ARN"))?;
        policies.push(account.managed_policy(&reference)?);
    }
    // What a root session is for is said by denies alone: all else is the root user's.
    if matches!(session.kind, SessionKind::AssumedRoot { .. }) {
        policies.push(root_user()?);
    }
    Ok(Some(PolicySet::compile(PolicyKind::Session, policies)))
}
