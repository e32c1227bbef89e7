//! The decision.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html>

use crate::arn::{Arn, is_account_id};
use crate::compiled::{PrincipalMatch, Query};
use crate::decision::{Applicable, Decision, Outcome, Reason, Request};
use crate::kind::PolicyKind;
use crate::policy::StatementRef;
use crate::principal::PrincipalKind;
use crate::set::{Finding, PolicySet};

/// Decides on a request. Allocates nothing on the way to an allow.
#[must_use]
pub fn decide<'p>(request: &Request<'_>, applicable: &Applicable<'p>) -> Decision<'p> {
    verdict(&Query::new(request), applicable).decision
}

/// A decision with what it was drawn from.
pub(crate) struct Verdict<'p> {
    pub(crate) decision: Decision<'p>,
    /// `None` when it didn't come to that: a statement denies, or no permission is needed.
    pub(crate) findings: Option<Findings<'p>>,
}

pub(crate) fn verdict<'p>(query: &Query<'_>, applicable: &Applicable<'p>) -> Verdict<'p> {
    let request = &query.request;
    if request.principal.kind() != PrincipalKind::Anonymous && needs_no_permission(request.action) {
        let decision = Decision { outcome: Outcome::Allowed, reason: Reason::NeedsNoPermission };
        return Verdict { decision, findings: None };
    }
    match gather(query, applicable) {
        Ok(findings) => {
            Verdict { decision: conclude(request, applicable, &findings), findings: Some(findings) }
        }
        Err((kind, statement)) => {
            let reason = Reason::Statement(kind, statement);
            Verdict { decision: Decision { outcome: Outcome::ExplicitlyDenied, reason }, findings: None }
        }
    }
}

/// Whether an action needs no permission at all and can't be denied.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
#[must_use]
pub fn needs_no_permission(action: &str) -> bool {
    // Clients nearly always spell it so, and a comparison byte for byte is much quicker.
    ["sts:GetCallerIdentity", "sts:GetSessionToken"]
        .iter()
        .any(|name| action == *name || action.eq_ignore_ascii_case(name))
}

/// Whether the policy on this resource must allow this action even within one account: a role's
/// trust policy for `sts:AssumeRole…`, a key's policy for `kms:…`.
#[must_use]
pub fn resource_policy_is_required(action: &str, resource: &str) -> bool {
    let Some((service, name)) = action.split_once(':') else { return false };
    let is_resource = |of: &str, kind: &str| {
        Arn::parse(resource).is_some_and(|arn| arn.service == of && arn.resource.starts_with(kind))
    };
    if service.eq_ignore_ascii_case("sts") {
        let assumes = name.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("AssumeRole"));
        // AssumeRoot makes no use of a role. TagSession and SetSourceIdentity are asked of the role's trust policy.
        return assumes || is_resource("iam", "role/");
    }
    service.eq_ignore_ascii_case("kms") && is_resource("kms", "key/")
}

/// What every applicable set has to say, none of them denying.
#[derive(Clone, Copy)]
pub(crate) struct Findings<'p> {
    /// Whether the service control policies of every level allow it.
    service_control: bool,
    vpc_endpoint: bool,
    boundary: bool,
    session: bool,
    resource: Option<(Reason<'p>, PrincipalMatch)>,
    identity: Option<Reason<'p>>,
}

impl Findings<'_> {
    /// The same, had a policy of this kind allowed it.
    pub(crate) fn with_allow(mut self, kind: PolicyKind) -> Self {
        // Why it would is of no interest: only the outcome is looked at.
        let reason = Reason::NoAllow(kind);
        match kind {
            PolicyKind::Identity => self.identity = Some(reason),
            PolicyKind::Resource | PolicyKind::Trust => {
                self.resource = Some((reason, PrincipalMatch::Direct))
            }
            PolicyKind::PermissionsBoundary => self.boundary = true,
            PolicyKind::Session => self.session = true,
            PolicyKind::ServiceControl => self.service_control = true,
            PolicyKind::VpcEndpoint => self.vpc_endpoint = true,
            PolicyKind::ResourceControl => {}
        }
        self
    }
}

/// The first statement that denies, with its kind.
type Denied<'p> = (PolicyKind, StatementRef<'p>);

fn gather<'p>(query: &Query<'_>, applicable: &Applicable<'p>) -> Result<Findings<'p>, Denied<'p>> {
    let organizations = !applicable.service_control.is_empty() || !applicable.resource_control.is_empty();
    let reach = Reach::of(&query.request, organizations);
    let mut service_control = true;
    for level in applicable.service_control.iter().filter(|_| reach.service_control) {
        service_control &= find(level, query)?.is_some();
    }
    for level in applicable.resource_control.iter().filter(|_| reach.resource_control) {
        find(level, query)?;
    }
    let limit = |set: Option<&'p PolicySet>| set.map_or(Ok(true), |set| Ok(find(set, query)?.is_some()));
    let vpc_endpoint = limit(applicable.vpc_endpoint)?;
    let resource = match applicable.resource {
        Some(set) => {
            find(set, query)?.map(|(found, closeness)| (Reason::Statement(set.kind(), found), closeness))
        }
        None => None,
    };
    let boundary = limit(applicable.boundary.filter(|_| reach.identity))?;
    let without_session_policy = query.request.principal.kind() != PrincipalKind::FederatedUser;
    let session = match applicable.session.filter(|_| reach.session) {
        Some(set) => find(set, query)?.is_some(),
        None => without_session_policy,
    };
    let identity = applicable.identity.filter(|_| reach.identity).map_or(Ok(None), |set| find(set, query))?;
    let identity = identity.map(|(statement, _)| Reason::Statement(PolicyKind::Identity, statement));
    Ok(Findings { service_control, vpc_endpoint, boundary, session, resource, identity })
}

fn find<'p>(
    set: &'p PolicySet,
    query: &Query<'_>,
) -> Result<Option<(StatementRef<'p>, PrincipalMatch)>, Denied<'p>> {
    match set.find(query) {
        Finding { deny: Some(statement), .. } => Err((set.kind(), statement)),
        Finding { allow, .. } => Ok(allow),
    }
}

/// Which kinds of policy have a say about a caller at all.
#[derive(Clone, Copy)]
struct Reach {
    service_control: bool,
    resource_control: bool,
    identity: bool,
    session: bool,
}

impl Reach {
    /// What reaches the caller; whether Organizations does is looked into only if it has policies.
    fn of(request: &Request<'_>, organizations: bool) -> Self {
        let kind = request.principal.kind();
        let identity =
            matches!(kind, PrincipalKind::User | PrincipalKind::RoleSession | PrincipalKind::FederatedUser);
        let session = identity || kind == PrincipalKind::Root;
        let organized = !organizations || !is_service_linked(request);
        Self {
            service_control: session && organized,
            resource_control: organizations && organized && supports_resource_control(request.action),
            identity,
            session,
        }
    }
}

/// Service-linked roles are beyond the policies of AWS Organizations.
fn is_service_linked(request: &Request<'_>) -> bool {
    if request.principal.kind() != PrincipalKind::RoleSession {
        return false;
    }
    let known = request.principal.issuer_arn();
    let role = known.or_else(|| request.context.get("aws:PrincipalArn").and_then(|values| values.single()));
    role.is_some_and(|role| memchr::memmem::find(role.as_bytes(), b":role/aws-service-role/").is_some())
}

/// The services whose resources are subject to resource control policies.
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services>
// FIDELITY: AWS adds services to the list; where it lags, a deny is not seen.
const RESOURCE_CONTROL_SERVICES: [&str; 62] = [
    "aoss",
    "appconfig",
    "appstream",
    "autoscaling",
    "autoscaling-plans",
    "budgets",
    "clouddirectory",
    "cloudfront",
    "cloudsearch",
    "cloudtrail-data",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "comprehendmedical",
    "compute-optimizer",
    "cost-optimization-hub",
    "dax",
    "dsql",
    "dynamodb",
    "ecr",
    "ecr-public",
    "events",
    "firehose",
    "fis",
    "fms",
    "gamelift",
    "health",
    "inspector-scan",
    "kendra",
    "kinesisvideo",
    "kms",
    "logs",
    "memorydb",
    "networkmonitor",
    "notifications",
    "opensearch",
    "pca-connector-ad",
    "personalize",
    "polly",
    "pricing",
    "resource-groups",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "signin",
    "sqs",
    "sts",
    "support",
    "swf",
    "textract",
    "timestream-influxdb",
    "transcribe",
    "transfer",
    "translate",
    "wafv2",
    "workspaces",
    "xray",
];

fn supports_resource_control(action: &str) -> bool {
    let service = action.split(':').next().unwrap_or_default();
    let listed = RESOURCE_CONTROL_SERVICES.iter().any(|name| service.eq_ignore_ascii_case(name));
    // Giving a grant up is the one action of these services that such policies do not restrict.
    listed && !action.eq_ignore_ascii_case("kms:RetireGrant")
}

pub(crate) fn conclude<'p>(
    request: &Request<'_>,
    applicable: &Applicable<'p>,
    findings: &Findings<'p>,
) -> Decision<'p> {
    if request.principal.kind() == PrincipalKind::Root
        && request.action.eq_ignore_ascii_case("sts:AssumeRole")
    {
        return denied(Reason::RootMayNotAssumeRoles);
    }
    if !findings.service_control {
        return denied(Reason::NoAllow(PolicyKind::ServiceControl));
    }
    if !findings.vpc_endpoint {
        return denied(Reason::NoAllow(PolicyKind::VpcEndpoint));
    }
    match grant(request, applicable, findings) {
        Ok(reason) => Decision { outcome: Outcome::Allowed, reason },
        Err(kind) => denied(Reason::NoAllow(kind)),
    }
}

const fn denied(reason: Reason<'_>) -> Decision<'_> {
    Decision { outcome: Outcome::ImplicitlyDenied, reason }
}

/// What grants the request, or the kind of policy that had to and didn't.
fn grant<'p>(
    request: &Request<'_>,
    applicable: &Applicable<'p>,
    findings: &Findings<'p>,
) -> Result<Reason<'p>, PolicyKind> {
    let resource_kind = applicable.resource.map_or_else(|| absent_kind(request.action), PolicySet::kind);
    let by_resource = findings.resource.map(|(reason, _)| reason);
    match request.principal.kind() {
        PrincipalKind::Anonymous | PrincipalKind::Service | PrincipalKind::Federated => {
            by_resource.ok_or(resource_kind)
        }
        PrincipalKind::Root => {
            let must = applicable.resource_policy_required || is_cross_account(request);
            let allowed = findings.session.then_some(()).ok_or(PolicyKind::Session);
            allowed.and(if must { by_resource.ok_or(resource_kind) } else { Ok(Reason::RootUser) })
        }
        PrincipalKind::User | PrincipalKind::RoleSession | PrincipalKind::FederatedUser => {
            let closeness = findings.resource.map_or(PrincipalMatch::No, |(_, closeness)| closeness);
            if is_cross_account(request) {
                let by_identity = by_identity(findings)?;
                return by_resource.map(|_| by_identity).ok_or(resource_kind);
            }
            match closeness {
                PrincipalMatch::Direct => by_resource.ok_or(resource_kind),
                PrincipalMatch::Issuer => within_limits(findings).and(by_resource.ok_or(resource_kind)),
                PrincipalMatch::No if applicable.resource_policy_required => Err(resource_kind),
                PrincipalMatch::Account | PrincipalMatch::No => by_identity(findings),
            }
        }
    }
}

/// The kind of the policy which a resource would need and doesn't have.
fn absent_kind(action: &str) -> PolicyKind {
    let assumes = action.get(..14).is_some_and(|start| start.eq_ignore_ascii_case("sts:AssumeRole"));
    if assumes { PolicyKind::Trust } else { PolicyKind::Resource }
}

fn by_identity<'p>(findings: &Findings<'p>) -> Result<Reason<'p>, PolicyKind> {
    let reason = findings.identity.ok_or(PolicyKind::Identity)?;
    within_limits(findings).map(|()| reason)
}

const fn within_limits(findings: &Findings<'_>) -> Result<(), PolicyKind> {
    match (findings.boundary, findings.session) {
        (false, _) => Err(PolicyKind::PermissionsBoundary),
        (_, false) => Err(PolicyKind::Session),
        (true, true) => Ok(()),
    }
}

/// Whether caller and resource belong to different accounts.
pub(crate) fn is_cross_account(request: &Request<'_>) -> bool {
    let owner = request.resource_account.or_else(|| {
        let account_id = Arn::parse(request.resource)?.account_id;
        is_account_id(account_id).then_some(account_id)
    });
    match (owner, request.principal.account_id()) {
        (Some(owner), Some(caller)) => owner != caller,
        _ => false,
    }
}
