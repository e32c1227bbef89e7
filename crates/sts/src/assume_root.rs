//! `AssumeRoot`: a member account's root user, for one task, by whoever manages its organization.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoot.html>

use rolecall_access::session::{Session, SessionKind};
use rolecall_access::{Caller, Demand};
use rolecall_aws_model::sts as wire;
use rolecall_policy::{Document, Grammar, Policy, PolicyKind, PolicySet};
use rolecall_state::arn::{self, ArnParts};
use rolecall_state::entities::{FeatureSet, RootAccess};
use rolecall_state::{AccessKeyId, AccountId, Snapshot};

use crate::env::Env;
use crate::error::StsError;
use crate::views;

/// As long as a session may last, and lasts when the request does not say, in seconds.
const SECONDS: i32 = 900;
/// Where AWS keeps the policies that such a session can be for.
const TASKS: &str = "root-task/";
/// The name under which IAM is trusted by an organization, and administers it.
const IAM: &str = "iam.amazonaws.com";

/// The task policies, and what an organization must have turned on for each.
/// FIDELITY: AWS's pages tell of both features together, and not which of them a task needs.
const POLICIES: [(&str, RootAccess); 5] = [
    ("IAMAuditRootUserCredentials", RootAccess::CredentialsManagement),
    ("IAMCreateRootUserPassword", RootAccess::CredentialsManagement),
    ("IAMDeleteRootUserCredentials", RootAccess::CredentialsManagement),
    ("S3UnlockBucketPolicy", RootAccess::Sessions),
    ("SQSUnlockQueuePolicy", RootAccess::Sessions),
];

/// What is asked for, understood.
struct Asked {
    target: AccountId,
    task: &'static str,
    needs: RootAccess,
}

impl Asked {
    fn of(request: &wire::AssumeRootRequest) -> Result<Self, StsError> {
        let arn = request.task_policy_arn.arn.as_deref().unwrap_or_default();
        let task = ArnParts::parse(arn)
            .filter(|parts| parts.service == "iam" && parts.account == "aws")
            .and_then(|parts| parts.resource.strip_prefix("policy/")?.strip_prefix(TASKS))
            .and_then(|name| POLICIES.iter().find(|(known, _)| *known == name));
        let (task, needs) = *task.ok_or_else(|| {
            StsError::Validation(format!("The task policy {arn} is none that a root session can have."))
        })?;
        let principal = &request.target_principal;
        let target = match ArnParts::parse(principal) {
            Some(parts) if parts.service == "iam" && parts.resource == "root" => parts.account_id(),
            Some(_) => None,
            None => principal.parse().ok(),
        };
        let target =
            target.ok_or_else(|| StsError::Validation(format!("Invalid target principal: {principal}")))?;
        Ok(Self { target, task, needs })
    }
}

/// What `request` needs permission for: leave by the caller's policies, and an organization that the caller
/// manages, of which the target is a member.
pub(crate) fn demands(
    request: &wire::AssumeRootRequest,
    caller: &Caller,
    snapshot: &Snapshot,
) -> Result<Vec<Demand>, StsError> {
    if caller.is_root() {
        return Err(StsError::AccessDenied("Root sessions may not be assumed by root accounts.".into()));
    }
    let asked = Asked::of(request)?;
    let task_policy = arn::aws_managed_policy(caller.partition, &format!("{TASKS}{}", asked.task));
    let mut demand = Demand::new("sts:AssumeRoot", arn::root(caller.partition, asked.target))
        .with("sts:TaskPolicyArn", task_policy);
    demand.resource_account = Some(asked.target);
    demand.resource_policy_required = true;
    demand.resource_policy = is_open(&asked, caller, snapshot).then(|| leave(caller)).flatten();
    Ok(vec![demand])
}

/// Whether the organization lets this caller's account into the target.
fn is_open(asked: &Asked, caller: &Caller, snapshot: &Snapshot) -> bool {
    snapshot.organization_of(caller.account).is_some_and(|organization| {
        organization.record.features == FeatureSet::All
            && organization.record.trusted_services.contains_key(IAM)
            && organization.record.root_access.contains(&asked.needs)
            && organization.administers(caller.account, IAM)
            && organization.member(asked.target).is_some()
            && !organization.is_managed_by(asked.target)
    })
}

/// The organization's leave, in the form of a policy on the root user: within its own account nobody needs one.
fn leave(caller: &Caller) -> Option<PolicySet> {
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {{"AWS": "{}"}},
        "Action": "sts:AssumeRoot", "Resource": "*"}}}}"#,
        caller.account
    );
    let document = Document::parse(text.as_str(), Grammar::evaluated(PolicyKind::Resource)).ok()?;
    Some(PolicySet::compile(PolicyKind::Resource, [Policy::new("centralized root access", document)]))
}

pub(crate) fn assume_root(
    env: &Env<'_>,
    request: &wire::AssumeRootRequest,
) -> Result<wire::AssumeRootResponse, StsError> {
    let asked = Asked::of(request)?;
    let seconds = request.duration_seconds.unwrap_or(SECONDS).clamp(0, SECONDS);
    let source_identity = env.caller.session.as_ref().and_then(|session| session.source_identity.clone());
    let session = Session {
        key: AccessKeyId::temporary(asked.target, env.entropy),
        account: asked.target,
        kind: SessionKind::AssumedRoot { task_policy: asked.task.to_owned() },
        issued: env.now,
        expires: env.now.plus_seconds(i64::from(seconds)),
        policies: Vec::new(),
        policy_arns: vec![arn::aws_managed_policy(env.caller.partition, &format!("{TASKS}{}", asked.task))],
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: source_identity.clone(),
        mfa: None,
        context: Vec::new(),
        chained: false,
        delegate: None,
    };
    let new = views::issue((env.snapshot, env.entropy), &session, request.minimum_session_token_size)?;
    Ok(wire::AssumeRootResponse {
        credentials: Some(views::credentials(&new)),
        source_identity,
        session_token_utilization: views::token_utilization(&new),
        session_token_size: views::token_size(&new),
    })
}
