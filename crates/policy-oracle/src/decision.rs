//! The decision over all policies.

use std::fmt;

use serde_json::Value;

use crate::json::Read;
use crate::principal::{CallerArn, Kind, Naming};
use crate::request::{Caller, Request};
use crate::statement::Verdict;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Decision {
    /// It may.
    Allowed,
    /// Nothing allows it.
    ImplicitlyDenied,
    /// Something forbids it.
    ExplicitlyDenied,
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Allowed => "Allowed",
            Self::ImplicitlyDenied => "ImplicitlyDenied",
            Self::ExplicitlyDenied => "ExplicitlyDenied",
        })
    }
}

/// Services whose resources RCPs protect:
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html>
const RCP_SERVICES: [&str; 62] = [
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

/// Actions of a session's making that the role's trust policy must allow whoever asks.
const TRUST_ACTIONS: [&str; 3] = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];

/// Decides one line of the `decide` format.
///
/// # Errors
/// If the line or a policy in it is not of the documented form.
pub fn decide(line: &Value) -> Read<Decision> {
    let request = Request::read(line)?;
    // STS answers these two to every caller with credentials, whatever the policies say.
    let for_anybody = request.is_action("sts:GetCallerIdentity") || request.is_action("sts:GetSessionToken");
    if for_anybody && request.caller != Caller::Anonymous {
        return Ok(Decision::Allowed);
    }
    let caller = match &request.caller {
        Caller::Arn(arn) => Some(CallerArn::read(arn)?),
        Caller::Service(_) | Caller::Anonymous => None,
    };
    let verdicts = Verdicts::of(&request, caller.as_ref())?;
    if verdicts.any_denies() {
        return Ok(Decision::ExplicitlyDenied);
    }
    let allowed = verdicts.organization_allows()
        && verdicts.endpoint.is_none_or(|endpoint| endpoint.allows.is_some())
        && match &caller {
            // Services and anonymous callers have no policies of their own.
            None => verdicts.resource.and_then(|resource| resource.allows).is_some(),
            Some(caller) => caller_may(&request, caller, &verdicts),
        };
    Ok(if allowed { Decision::Allowed } else { Decision::ImplicitlyDenied })
}

/// What each kind of policy says.
struct Verdicts {
    identity: Verdict,
    boundary: Option<Verdict>,
    session: Option<Verdict>,
    resource: Option<Verdict>,
    endpoint: Option<Verdict>,
    service_control: Vec<Verdict>,
    resource_control: Vec<Verdict>,
}

impl Verdicts {
    fn of(request: &Request, caller: Option<&CallerArn<'_>>) -> Read<Self> {
        let levels = |levels: &[Vec<Value>], apply: bool| -> Read<Vec<Verdict>> {
            let applying = levels.iter().filter(|_| apply);
            applying.map(|level| Verdict::of_all(level, request)).collect()
        };
        let optional = |policies: &Option<Vec<Value>>| {
            policies.as_ref().map(|policies| Verdict::of_all(policies, request)).transpose()
        };
        // SCPs are for principals of accounts, RCPs for resources of the services that support them. Neither binds
        // service-linked roles.
        let linked = is_service_linked_role(request);
        let rcp_apply = RCP_SERVICES.contains(&request.service().as_str())
            && !request.is_action("kms:RetireGrant")
            && !linked;
        Ok(Self {
            identity: Verdict::of_all(&request.identity, request)?,
            boundary: optional(&request.boundaries)?,
            session: optional(&request.session)?,
            resource: request
                .resource_policy
                .as_ref()
                .map(|policy| Verdict::of(policy, request))
                .transpose()?,
            endpoint: optional(&request.endpoint)?,
            service_control: levels(&request.service_control, caller.is_some() && !linked)?,
            resource_control: levels(&request.resource_control, rcp_apply)?,
        })
    }

    fn any_denies(&self) -> bool {
        let single = [Some(self.identity), self.boundary, self.session, self.resource, self.endpoint];
        let all = single.into_iter().flatten().chain(self.service_control.iter().copied());
        all.chain(self.resource_control.iter().copied()).any(|verdict| verdict.denies)
    }

    /// Every level's SCPs must allow. RCPs always do but for their denies: `RCPFullAWSAccess` cannot be detached.
    fn organization_allows(&self) -> bool {
        self.service_control.iter().all(|level| level.allows.is_some())
    }
}

/// Service-linked roles are told by their path, which the ARN of a session leaves out.
fn is_service_linked_role(request: &Request) -> bool {
    let role = request.values("aws:PrincipalArn").and_then(|values| values.first());
    role.is_some_and(|role| role.contains(":role/aws-service-role/"))
}

/// Whether the caller's side and the resource's side allow, each explicit deny being out of the way.
fn caller_may(request: &Request, caller: &CallerArn<'_>, verdicts: &Verdicts) -> bool {
    // "Roles may not be assumed by root accounts."
    if caller.kind == Kind::Root && request.is_action("sts:AssumeRole") {
        return false;
    }
    let boundary = verdicts.boundary.is_none_or(|boundary| boundary.allows.is_some());
    let session = match verdicts.session {
        Some(session) => session.allows.is_some(),
        // A federated user without a session policy has no permissions of its own.
        None => caller.kind != Kind::FederatedUser,
    };
    let limits = boundary && session;
    let own = caller.kind == Kind::Root || (verdicts.identity.allows.is_some() && limits);
    let granted = verdicts.resource.and_then(|resource| resource.allows);
    let same_account = resource_account(request).is_none_or(|account| account == caller.account);
    if !same_account {
        return own && granted.is_some();
    }
    let by_resource = match granted {
        Some(Naming::Itself) => true,
        Some(Naming::Role) => limits,
        // The root user is what the account's ARN names.
        Some(Naming::Account) => own,
        None => false,
    };
    if resource_policy_required(request) { by_resource } else { own || by_resource }
}

/// The account that the request names, or the one in the resource's ARN. A resource without either is the caller's own.
fn resource_account(request: &Request) -> Option<&str> {
    let named = request.resource_account.as_deref();
    named.or_else(|| request.resource.split(':').nth(4).filter(|account| !account.is_empty()))
}

/// Trust policies and key policies must themselves allow.
fn resource_policy_required(request: &Request) -> bool {
    let trust = TRUST_ACTIONS.iter().any(|action| request.is_action(action))
        || request.action.to_ascii_lowercase().starts_with("sts:assumerolewith");
    // Every key has a key policy, so that a request about a key without one is not a request of AWS's.
    trust
        || (request.service() == "kms"
            && (request.resource_policy.is_some() || request.resource.contains(":key/")))
}
