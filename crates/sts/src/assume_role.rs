//! `AssumeRole`.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>

use std::sync::Arc;

use rolecall_access::session::{Session, SessionKind};
use rolecall_access::{Caller, Demand, Identity};
use rolecall_aws_model::sts as wire;
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::Role;
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{AccessKeyId, Snapshot};

use crate::env::Env;
use crate::error::StsError;
use crate::mfa::SecondFactor;
use crate::session_policies::SessionPolicies;
use crate::tags::SessionTags;
use crate::views;

/// The length of a session that does not say, in seconds.
const DEFAULT_SECONDS: i32 = 3_600;
/// The longest session that a role's session may make, in seconds.
const MAX_CHAINED_SECONDS: i32 = 3_600;

/// The role that an ARN means, and its account.
pub(crate) fn find<'s>(
    snapshot: &'s Snapshot,
    role_arn: &str,
) -> Option<(&'s Arc<Account>, &'s Arc<Entry<Role>>)> {
    let parts = ArnParts::parse(role_arn)?;
    let path_and_name = parts.resource.strip_prefix("role/")?;
    let account = snapshot.account(parts.account_id()?)?;
    let role = account.roles.get(path_and_name.rsplit('/').next()?)?;
    rolecall_state::Partition::from_name(parts.partition)?;
    // Names are found ignoring case; an ARN means a role only as it is written.
    let path = parts.resource.strip_prefix("role")?.strip_suffix(&*role.name)?;
    let exact = *path == *role.path && parts.service == "iam" && parts.region.is_empty();
    (exact && *parts.account.as_bytes() == account.id().digits()).then_some((account, role))
}

/// What must be allowed: the assuming itself, and what it brings along.
pub(crate) fn demands(
    request: &wire::AssumeRoleRequest,
    caller: &Caller,
    snapshot: &Snapshot,
    second_factor: Option<SecondFactor>,
) -> Result<Vec<Demand>, StsError> {
    let arn = request.role_arn.as_str();
    if !is_arn(arn) {
        return Err(StsError::Validation(format!("{arn} is invalid")));
    }
    let mut actions = vec!["sts:AssumeRole"];
    if !request.tags.is_empty() {
        actions.push("sts:TagSession");
    }
    if request.source_identity.is_some() {
        actions.push("sts:SetSourceIdentity");
    }
    actions.into_iter().map(|action| demand(action, request, caller, snapshot, second_factor)).collect()
}

/// Whether a text is an ARN at all, of whatever service.
fn is_arn(text: &str) -> bool {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    matches!(fields.as_slice(), ["arn", partition, service, _, _, resource]
        if !partition.is_empty() && !service.is_empty() && !resource.is_empty())
}

fn demand(
    action: &'static str,
    request: &wire::AssumeRoleRequest,
    caller: &Caller,
    snapshot: &Snapshot,
    second_factor: Option<SecondFactor>,
) -> Result<Demand, StsError> {
    let mut demand = Demand::new(action, request.role_arn.as_str())
        .with("sts:RoleSessionName", request.role_session_name.as_str())
        .with_option("sts:ExternalId", request.external_id.as_deref())
        .with_option("sts:SourceIdentity", request.source_identity.as_deref())
        .with_request_tags(request.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())));
    if let Some(seconds) = request.duration_seconds {
        demand = demand.with("sts:DurationSeconds", seconds.to_string());
    }
    if !request.transitive_tag_keys.is_empty() {
        demand = demand.with_many("sts:TransitiveTagKeys", request.transitive_tag_keys.clone());
    }
    if second_factor.is_some() {
        demand = demand.with("aws:MultiFactorAuthPresent", "true").with("aws:MultiFactorAuthAge", "0");
    }
    demand.resource_policy_required = true;
    // A role that does not exist trusts no one: the answer is the same denial, so that nobody
    // learns which roles there are.
    demand.resource_account = ArnParts::parse(&request.role_arn).and_then(|parts| parts.account_id());
    if let Some((account, role)) = find(snapshot, &request.role_arn) {
        demand.resource_policy = Some(account.trust_policy(role)?.clone());
        let tags = role.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        demand = demand.with_resource_tags(Some("iam:ResourceTag"), tags);
    }
    // The source identity of the calling session sticks, and policies see it.
    if let (None, Some(session)) = (&request.source_identity, &caller.session) {
        demand = demand.with_option("sts:SourceIdentity", session.source_identity.as_deref());
    }
    Ok(demand)
}

/// Makes the session.
pub(crate) fn assume_role(
    env: &Env<'_>,
    request: &wire::AssumeRoleRequest,
) -> Result<wire::AssumeRoleResponse, StsError> {
    let wire::AssumeRoleRequest {
        role_arn,
        role_session_name,
        policy_arns,
        policy,
        duration_seconds,
        tags,
        transitive_tag_keys,
        external_id: _,
        // Checked before the decision, which needs to know: see `mfa`.
        serial_number: _,
        token_code: _,
        source_identity,
        provided_contexts,
        minimum_session_token_size,
    } = request;
    if !provided_contexts.is_empty() {
        return Err(StsError::NotImplemented("AssumeRole with ProvidedContexts"));
    }
    let (account, role) = find(env.snapshot, role_arn).ok_or_else(|| denied(env.caller, role_arn))?;
    let chained = matches!(env.caller.identity, Identity::AssumedRole(..));
    let seconds = session_seconds(*duration_seconds, role, chained, env.limits.min_session_seconds)?;
    let policies = SessionPolicies::check(policy.as_deref(), policy_arns, env.snapshot, account.id())?;
    let joined = SessionTags::join(env.caller, tags, transitive_tag_keys)?;
    let packed_policy_size = policies.packed_size(&joined.tags)?;
    let session = Session {
        key: AccessKeyId::temporary(account.id(), env.entropy),
        account: account.id(),
        kind: SessionKind::AssumedRole { role: role.id.clone(), name: role_session_name.clone() },
        issued: env.now,
        expires: env.now.plus_seconds(i64::from(seconds)),
        policies: policies.inline,
        policy_arns: policies.arns,
        tags: joined.tags,
        transitive_tag_keys: joined.transitive_keys,
        source_identity: inherited_source_identity(env.caller, source_identity.as_deref())?,
        // The trust policy has seen the second factor; the role's session does not carry it on.
        mfa: None,
        context: Vec::new(),
        chained,
        delegate: None,
    };
    let credentials = views::issue((env.snapshot, env.entropy), &session, *minimum_session_token_size)?;
    Ok(wire::AssumeRoleResponse {
        credentials: Some(views::credentials(&credentials)),
        assumed_role_user: Some(views::assumed_role_user(
            env.caller.partition,
            account.id(),
            role,
            role_session_name,
        )),
        packed_policy_size,
        source_identity: session.source_identity,
        session_token_size: views::token_size(&credentials),
        session_token_utilization: views::token_utilization(&credentials),
    })
}

fn denied(caller: &Caller, role_arn: &str) -> StsError {
    let arn = caller.arn();
    StsError::AccessDenied(format!(
        "User: {arn} is not authorized to perform: sts:AssumeRole on resource: {role_arn}"
    ))
}

/// Once set, a source identity can't be changed for the whole chain.
fn inherited_source_identity(caller: &Caller, given: Option<&str>) -> Result<Option<String>, StsError> {
    let inherited = caller.session.as_ref().and_then(|session| session.source_identity.as_deref());
    match (inherited, given) {
        (Some(own), Some(given)) if own != given => Err(StsError::AccessDenied(
            "The SourceIdentity can't be changed: the calling session has one already.".into(),
        )),
        (own, given) => Ok(given.or(own).map(str::to_owned)),
    }
}

/// The session's length: within the role's maximum, and an hour for chained sessions.
pub(crate) fn session_seconds(
    given: Option<i32>,
    role: &Role,
    chained: bool,
    min: i32,
) -> Result<i32, StsError> {
    let max = i32::try_from(role.max_session_seconds).unwrap_or(i32::MAX);
    let Some(seconds) = given else { return Ok(DEFAULT_SECONDS) };
    if seconds < min {
        return Err(StsError::Validation(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to {min}"
        )));
    }
    if chained && seconds > MAX_CHAINED_SECONDS {
        return Err(StsError::Validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.".into(),
        ));
    }
    if seconds > max {
        return Err(StsError::Validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".into(),
        ));
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_state::entities::Format;
    use rolecall_state::{Timestamp, UniqueId};

    fn role(max_session_seconds: u32) -> Role {
        Role {
            v: Format,
            id: UniqueId::from_stored("AROAEXAMPLE"),
            name: "robot".into(),
            path: "/".into(),
            created: Timestamp(0),
            description: None,
            max_session_seconds,
            trust_policy: "{}".into(),
            trust_bindings: Default::default(),
            tags: Default::default(),
            boundary: None,
            inline: Default::default(),
            attached: Default::default(),
            linked_service: None,
            source: None,
        }
    }

    #[test]
    fn a_session_lasts_within_the_roles_maximum() {
        assert_eq!(session_seconds(None, &role(43_200), false, 900).unwrap(), 3_600);
        assert_eq!(session_seconds(Some(43_200), &role(43_200), false, 900).unwrap(), 43_200);
        assert!(session_seconds(Some(3_601), &role(3_600), false, 900).is_err());
        assert!(session_seconds(Some(899), &role(3_600), false, 900).is_err());
    }

    #[test]
    fn a_chained_session_lasts_an_hour_at_most() {
        assert!(session_seconds(Some(3_601), &role(43_200), true, 900).is_err());
        assert!(session_seconds(Some(3_600), &role(43_200), true, 900).is_ok());
    }
}
