//! The one place where a decision is asked for. What it lets through carries the proof.

use std::sync::Arc;

use rolecall_policy::{Context, Outcome, Principal, Request, decide, needs_no_permission};
use rolecall_state::{AccountId, Snapshot, Unevaluable};

use crate::caller::Caller;
use crate::context::{RequestFacts, set_caller_keys, set_request_keys};
use crate::demand::Demand;
use crate::evidence::Evidence;
use crate::policies::{Policies, Supposed, caller_policies};
use crate::refusal::{AccessError, closed, denial, reason_text, session_may_call};

/// An input whose every demand was allowed. Private fields: [`authorize`] is the only maker.
pub struct Authorized<T> {
    input: T,
}

impl<T> Authorized<T> {
    /// The input.
    pub fn input(&self) -> &T {
        &self.input
    }

    /// The input, by value.
    pub fn into_input(self) -> T {
        self.input
    }
}

impl<T> Authorized<Option<T>> {
    /// The proof of what is there; none when there is nothing.
    pub fn transpose(self) -> Option<Authorized<T>> {
        self.input.map(|input| Authorized { input })
    }
}

/// Who asks.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// Someone with credentials.
    Caller(&'a Caller),
    /// Someone whom an identity provider vouches for, with the keys that its proof carries.
    Federated {
        /// The provider's ARN, or its host name where AWS has it built in.
        provider: &'a str,
        /// The provider's context keys.
        context: &'a [(String, Vec<String>)],
    },
    /// An AWS service acting for itself, such as `ec2.amazonaws.com`.
    Service(&'a str),
    /// Someone without credentials.
    Anonymous,
}

/// The outcome of [`authorize`], and every decision that was taken on the way.
pub struct Ruling<T> {
    /// The authorized input, or why not.
    pub result: Result<Authorized<T>, AccessError>,
    /// The decisions, in the order of the demands; after a denial there are no more.
    pub evidence: Vec<Evidence>,
}

/// Decides on every demand; the input goes on only when all are allowed.
pub fn authorize<T>(
    input: T,
    subject: Subject<'_>,
    facts: &RequestFacts,
    snapshot: &Snapshot,
    demands: Vec<Demand>,
) -> Ruling<T> {
    let mut evidence = Vec::with_capacity(demands.len());
    for demand in demands {
        if let Err(error) = session_may_call(subject, &demand.action) {
            return Ruling { result: Err(error), evidence };
        }
        match evaluate(subject, facts, snapshot, demand) {
            Err(error) => return Ruling { result: Err(error), evidence },
            Ok(decided) => {
                let denial = (decided.outcome != Outcome::Allowed).then(|| denial(subject, &decided));
                evidence.push(decided);
                if let Some(error) = denial {
                    return Ruling { result: Err(error), evidence };
                }
            }
        }
    }
    Ruling { result: Ok(Authorized { input }), evidence }
}

/// Takes one decision.
///
/// # Errors
/// When a policy can't be evaluated.
pub fn evaluate(
    subject: Subject<'_>,
    facts: &RequestFacts,
    snapshot: &Snapshot,
    demand: Demand,
) -> Result<Evidence, AccessError> {
    evaluate_with(subject, facts, snapshot, demand, Supposed::default())
}

/// As [`evaluate`], with more or less than what is stored: the same path, so that a simulation can't
/// differ from what would be enforced.
///
/// # Errors
/// When a policy can't be evaluated.
pub fn evaluate_with(
    subject: Subject<'_>,
    facts: &RequestFacts,
    snapshot: &Snapshot,
    demand: Demand,
    supposed: Supposed,
) -> Result<Evidence, AccessError> {
    if let (Subject::Caller(caller), true) = (subject, needs_no_permission(&demand.action)) {
        return free(caller, demand);
    }
    let mut context = Context::with_capacity(24, 768);
    set_request_keys(&mut context, facts);
    let (principal, mut policies) = match subject {
        Subject::Caller(caller) => {
            set_caller_keys(&mut context, caller, facts.now);
            (caller.principal()?, caller_policies(caller, snapshot)?)
        }
        Subject::Federated { provider, context: keys } => {
            for (key, values) in keys {
                match values.as_slice() {
                    [one] => context.set(key, one),
                    many => context.set_many(key, many),
                }
            }
            (Arc::new(Principal::federated(provider)), Policies::default())
        }
        Subject::Service(name) => {
            context.set("aws:PrincipalIsAWSService", "true");
            context.set("aws:PrincipalServiceName", name);
            (Arc::new(Principal::service(name)), Policies::default())
        }
        Subject::Anonymous => (Arc::new(Principal::anonymous()), Policies::default()),
    };
    let own_account = match subject {
        Subject::Caller(caller) => Some(caller.account),
        _ => None,
    };
    let resource_account = demand.resource_account.or(own_account);
    if resource_account.is_some_and(|account| is_closed(snapshot, account)) {
        return Err(closed(subject, &demand));
    }
    govern(&mut context, &mut policies, snapshot, own_account, resource_account)?;
    let resource_account = resource_account.map(|account| account.to_string());
    if let Some(account) = &resource_account {
        context.set("aws:ResourceAccount", account);
    }
    demand.set_keys(&mut context);
    supposed.adjust(&mut policies);
    policies.resource = demand.resource_policy;
    policies.resource_policy_required = demand.resource_policy_required;
    let request = Request {
        principal: &principal,
        action: &demand.action,
        resource: &demand.resource,
        resource_account: resource_account.as_deref(),
        context: &context,
    };
    let decision = decide(&request, &policies.applicable());
    let (outcome, reason) = (decision.outcome, reason_text(&decision, &demand.action));
    Ok(Evidence {
        action: demand.action,
        resource: demand.resource,
        outcome,
        reason: reason.into(),
        principal,
        resource_account: resource_account.map(Into::into),
        context,
        policies,
    })
}

fn is_closed(snapshot: &Snapshot, account: AccountId) -> bool {
    snapshot.account(account).is_some_and(|account| account.record.closed.is_some())
}

/// Brings in the organizations of the caller and of the resource: their policies, and the keys that
/// say which they are.
fn govern(
    context: &mut Context,
    policies: &mut Policies,
    snapshot: &Snapshot,
    caller: Option<AccountId>,
    resource: Option<AccountId>,
) -> Result<(), Unevaluable> {
    let of = |account: Option<AccountId>| account.map_or(Ok(None), |account| snapshot.governance(account));
    if let Some(organization) = of(caller)? {
        context.set("aws:PrincipalOrgID", organization.organization.as_str());
        context.set_many("aws:PrincipalOrgPaths", [organization.path.as_str()]);
        policies.service_control = organization.service_control.clone();
    }
    if let Some(organization) = of(resource)? {
        context.set("aws:ResourceOrgID", organization.organization.as_str());
        context.set_many("aws:ResourceOrgPaths", [organization.path.as_str()]);
        policies.resource_control = organization.resource_control.clone();
    }
    Ok(())
}

/// What needs no permission and can't be denied is decided without looking at anything.
fn free(caller: &Caller, demand: Demand) -> Result<Evidence, AccessError> {
    Ok(Evidence {
        action: demand.action,
        resource: demand.resource,
        outcome: Outcome::Allowed,
        reason: Box::default(),
        principal: caller.principal()?,
        resource_account: None,
        context: Context::new(),
        policies: Policies::default(),
    })
}
