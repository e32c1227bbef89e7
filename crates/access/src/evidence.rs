//! What a decision was taken on, kept so that it can be explained later.

use std::borrow::Cow;
use std::sync::Arc;

use rolecall_policy::{
    Context, Effect, Explanation, Outcome, Policy, PolicyKind, PolicySet, Principal, Request, StatementRef,
    explain,
};
use smol_str::SmolStr;

use crate::policies::Policies;

/// A decision with everything that it was taken on, so that it can be explained later.
#[derive(Debug)]
pub struct Evidence {
    /// The action.
    pub action: Cow<'static, str>,
    /// The resource.
    pub resource: SmolStr,
    /// The outcome.
    pub outcome: Outcome,
    /// The end of AWS's denial message; empty for an allow.
    pub reason: Box<str>,
    pub(crate) principal: Arc<Principal>,
    pub(crate) resource_account: Option<Box<str>>,
    pub(crate) context: Context,
    pub(crate) policies: Policies,
}

impl Evidence {
    fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.resource_account.as_deref(),
            context: &self.context,
        }
    }

    /// Explains the decision from what it was taken on. `show` gets the explanation.
    pub fn explain<R>(&self, show: impl FnOnce(&Explanation<'_>) -> R) -> R {
        show(&explain(&self.request(), &self.policies.applicable()))
    }

    /// The statements that match the request, with the kind of policy each is in.
    pub fn matching(&self) -> Vec<(PolicyKind, StatementRef<'_>)> {
        let (request, sets) = (self.request(), self.policies.all());
        sets.flat_map(|set| set.matching_statements(&request).into_iter().map(|found| (set.kind(), found)))
            .collect()
    }

    /// The kinds of policy that had a say, also where there was none of the kind that allows.
    pub fn kinds(&self) -> impl Iterator<Item = PolicyKind> {
        self.policies.all().map(PolicySet::kind)
    }

    /// All policies that had a say, with their kind.
    pub fn policies_by_kind(&self) -> impl Iterator<Item = (PolicyKind, &Policy)> {
        self.policies.all().flat_map(|set| set.policies().iter().map(|policy| (set.kind(), policy)))
    }

    /// All policies that had a say.
    pub fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.policies.all().flat_map(|set| set.policies())
    }

    /// Whether the permissions boundary lets the request through; none when there is no boundary.
    pub fn boundary_allows(&self) -> Option<bool> {
        let boundary = self.policies.boundary.as_ref()?;
        let kinds = self.matching().into_iter().filter(|(kind, _)| *kind == boundary.kind());
        let effects: Vec<_> = kinds.filter_map(|(_, statement)| statement.effect()).collect();
        Some(!effects.contains(&Effect::Deny) && effects.contains(&Effect::Allow))
    }

    /// Whether any service control policies apply.
    pub fn is_governed(&self) -> bool {
        self.policies.service_control.is_some()
    }

    /// The kind of policy that decided, if one did.
    pub fn deciding_kind(&self) -> Option<PolicyKind> {
        self.explain(|explanation| explanation.decision.kind())
    }

    /// The context keys that the decision was taken on.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The account that owns the resource, where it was known.
    pub fn resource_account(&self) -> Option<&str> {
        self.resource_account.as_deref()
    }

    /// The principal, as policies see it.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}
