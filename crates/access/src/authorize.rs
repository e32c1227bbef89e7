//! The one place where a decision is asked for. What it lets through carries the proof.

use std::borrow::Cow;
use std::sync::Arc;

use rolecall_policy::{
    Applicable, Context, Decision, Document, Effect, Explanation, Grammar, NotAPrincipal, Outcome, Policy,
    PolicyKind, PolicySet, Principal, Reason, Request, StatementRef, decide, explain, needs_no_permission,
};
use rolecall_state::snapshot::Account;
use rolecall_state::{AccountId, PolicyRef, Snapshot, Unevaluable};
use smol_str::SmolStr;

use crate::caller::{Caller, Identity};
use crate::context::{RequestFacts, set_caller_keys, set_request_keys};
use crate::demand::Demand;
use crate::session::{Session, SessionKind};

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
    principal: Arc<Principal>,
    resource_account: Option<Box<str>>,
    context: Context,
    policies: Policies,
}

/// The policies that had a say.
#[derive(Clone, Debug, Default)]
struct Policies {
    identity: Option<PolicySet>,
    boundary: Option<PolicySet>,
    session: Option<PolicySet>,
    resource: Option<PolicySet>,
    resource_policy_required: bool,
    service_control: Option<Arc<[PolicySet]>>,
    resource_control: Option<Arc<[PolicySet]>>,
}

impl Policies {
    fn all(&self) -> impl Iterator<Item = &PolicySet> {
        let one = [&self.identity, &self.boundary, &self.session, &self.resource];
        let levels = [&self.service_control, &self.resource_control].into_iter().flatten();
        one.into_iter().flatten().chain(levels.flat_map(|levels| levels.iter()))
    }

    fn applicable(&self) -> Applicable<'_> {
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

/// Why a request does not go on to its handler.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A demand was denied. The text is AWS's message.
    #[error("{message}")]
    Denied {
        /// AWS's message.
        message: String,
    },
    /// The session is of a kind that may not call this service at all.
    #[error("The security token included in the request is invalid")]
    SessionNotAccepted,
    /// A policy can't be evaluated, so nothing can be decided.
    #[error(transparent)]
    Unevaluable(#[from] Unevaluable),
    /// The caller's ARN is none that the engine knows.
    #[error(transparent)]
    NotAPrincipal(#[from] NotAPrincipal),
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
    fn adjust(self, policies: &mut Policies) {
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

/// Nothing in a closed account can be used, and it is not told why.
fn closed(subject: Subject<'_>, demand: &Demand) -> AccessError {
    let Subject::Caller(caller) = subject else {
        return AccessError::Denied { message: "Access Denied".to_owned() };
    };
    let (arn, Demand { action, resource, .. }) = (caller.arn(), demand);
    let message = format!("User: {arn} is not authorized to perform: {action} on resource: {resource}");
    AccessError::Denied { message }
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

impl Evidence {
    /// Explains the decision from what it was taken on. `show` gets the explanation.
    pub fn explain<R>(&self, show: impl FnOnce(&Explanation<'_>) -> R) -> R {
        let request = Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.resource_account.as_deref(),
            context: &self.context,
        };
        show(&explain(&request, &self.policies.applicable()))
    }

    /// The statements that match the request, with the kind of policy each is in.
    pub fn matching(&self) -> Vec<(PolicyKind, StatementRef<'_>)> {
        let request = Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.resource_account.as_deref(),
            context: &self.context,
        };
        let sets = self.policies.all();
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

fn reason_text(decision: &Decision<'_>, action: &str) -> String {
    match decision.reason {
        _ if decision.is_allowed() => String::new(),
        Reason::RootMayNotAssumeRoles => "because roles may not be assumed by root accounts".into(),
        _ => decision.denial_reason(action).to_string(),
    }
}

fn denial(subject: Subject<'_>, evidence: &Evidence) -> AccessError {
    let Evidence { action, resource, reason, .. } = evidence;
    if reason.starts_with("because roles may not") {
        return AccessError::Denied { message: "Roles may not be assumed by root accounts.".into() };
    }
    let message = match subject {
        // Whoever has no credentials is told no more than that.
        Subject::Federated { .. } => format!("Not authorized to perform {action}"),
        Subject::Anonymous => "Access Denied".to_owned(),
        Subject::Service(name) => {
            format!("Service: {name} is not authorized to perform: {action} on resource: {resource}")
        }
        Subject::Caller(caller) => {
            let arn = caller.arn();
            format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}")
        }
    };
    AccessError::Denied { message: message.trim_end().to_owned() }
}

/// `GetSessionToken` and `GetFederationToken` sessions may not call everything.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>
fn session_may_call(subject: Subject<'_>, action: &str) -> Result<(), AccessError> {
    let Subject::Caller(Caller { session: Some(session), .. }) = subject else { return Ok(()) };
    let (service, operation) = action.split_once(':').unwrap_or((action, ""));
    let accepted = match (&session.kind, service) {
        (SessionKind::SessionToken { .. }, "iam") => session.mfa.is_some(),
        (SessionKind::SessionToken { .. }, "sts") => {
            matches!(operation, "AssumeRole" | "GetCallerIdentity" | "TagSession" | "SetSourceIdentity")
        }
        (SessionKind::FederatedUser { .. }, "iam") => false,
        (SessionKind::FederatedUser { .. }, "sts") => operation == "GetCallerIdentity",
        (
            SessionKind::AssumedRole { .. } | SessionKind::Console { .. } | SessionKind::Delegated { .. },
            "sts",
        ) if matches!(operation, "GetSessionToken" | "GetFederationToken") => {
            return Err(AccessError::Denied {
                message: format!("Cannot call {operation} with session credentials"),
            });
        }
        _ => true,
    };
    match (accepted, service) {
        (true, _) => Ok(()),
        (false, "iam") => Err(AccessError::SessionNotAccepted),
        (false, _) => {
            Err(AccessError::Denied { message: format!("Cannot call {operation} with session credentials") })
        }
    }
}

fn caller_policies(caller: &Caller, snapshot: &Snapshot) -> Result<Policies, Unevaluable> {
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
