//! What a decision takes in, and what comes out.

use std::fmt;

use crate::context::Context;
use crate::kind::PolicyKind;
use crate::policy::StatementRef;
use crate::principal::Principal;
use crate::set::PolicySet;

/// A request to decide on: who wants to do what to which resource, in which circumstances.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The caller.
    pub principal: &'a Principal,
    /// The action, such as `s3:GetObject`.
    pub action: &'a str,
    /// The resource's ARN, or `*` for an action that takes none.
    pub resource: &'a str,
    /// The account that owns the resource. Where absent it is read from the ARN, and where that has
    /// none (as for a bucket) the resource is taken to be in the caller's account.
    pub resource_account: Option<&'a str>,
    /// The condition keys. Nothing is added to them: `aws:username` and its like must be there.
    pub context: &'a Context,
}

/// Every policy that has a say in a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Applicable<'p> {
    /// The caller's own and its groups' policies.
    pub identity: Option<&'p PolicySet>,
    /// The caller's permissions boundary; `None` when it has none.
    pub boundary: Option<&'p PolicySet>,
    /// The session's policies; `None` when it was made without.
    pub session: Option<&'p PolicySet>,
    /// The policy on the resource: [`PolicyKind::Resource`], or [`PolicyKind::Trust`] for a role's.
    pub resource: Option<&'p PolicySet>,
    /// Whether the resource's policy must allow, even within one account (a role's trust policy, a key's policy).
    pub resource_policy_required: bool,
    /// The service control policies of each level, root first; empty when none apply.
    pub service_control: &'p [PolicySet],
    /// The resource control policies of each level, root first. `RCPFullAWSAccess` is implied.
    pub resource_control: &'p [PolicySet],
    /// The policy of the VPC endpoint which the request came through.
    pub vpc_endpoint: Option<&'p PolicySet>,
}

/// The three outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Outcome {
    /// Something allows it and nothing denies it.
    Allowed,
    /// Nothing that must allow it does.
    ImplicitlyDenied,
    /// A statement denies it.
    ExplicitlyDenied,
}

/// A decision, with a pointer to what decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'p> {
    /// The outcome.
    pub outcome: Outcome,
    /// What decided it.
    pub reason: Reason<'p>,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason<'p> {
    /// This statement, in a policy of this kind, allowed or denied it.
    Statement(PolicyKind, StatementRef<'p>),
    /// No policy of this kind allowed it, and one had to.
    NoAllow(PolicyKind),
    /// The caller is the account's root user and nothing stands against it.
    RootUser,
    /// A root user may not assume roles.
    RootMayNotAssumeRoles,
    /// The action needs no permission (`sts:GetCallerIdentity`, `sts:GetSessionToken`).
    NeedsNoPermission,
}

impl<'p> Decision<'p> {
    /// Whether the request may go ahead.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self.outcome, Outcome::Allowed)
    }

    /// The statement that decided, if one did.
    #[must_use]
    pub const fn statement(&self) -> Option<StatementRef<'p>> {
        match self.reason {
            Reason::Statement(_, statement) => Some(statement),
            _ => None,
        }
    }

    /// The kind of policy that decided, if one did.
    #[must_use]
    pub const fn kind(&self) -> Option<PolicyKind> {
        match self.reason {
            Reason::Statement(kind, _) | Reason::NoAllow(kind) => Some(kind),
            _ => None,
        }
    }

    /// The end of AWS's denial message, after "… on resource: ARN ": `because no identity-based policy
    /// allows the s3:GetObject action`, or `with an explicit deny in a service control policy`.
    /// Empty for an allow.
    #[must_use]
    pub const fn denial_reason<'a>(&self, action: &'a str) -> DenialReason<'a> {
        let kind = if self.is_allowed() { None } else { self.kind() };
        DenialReason { explicit: matches!(self.outcome, Outcome::ExplicitlyDenied), kind, action }
    }
}

/// The reason of a denial as AWS words it; see [`Decision::denial_reason`].
#[derive(Clone, Copy, Debug)]
pub struct DenialReason<'a> {
    explicit: bool,
    kind: Option<PolicyKind>,
    action: &'a str,
}

impl fmt::Display for DenialReason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) if self.explicit => write!(f, "with an explicit deny in {}", kind.with_article()),
            Some(kind) => write!(f, "because no {} allows the {} action", kind.name(), self.action),
            None => Ok(()),
        }
    }
}
