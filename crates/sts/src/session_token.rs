//! `GetSessionToken` and `GetFederationToken`.

use rolecall_access::Identity;
use rolecall_access::session::{Session, SessionKind};
use rolecall_aws_model::sts as wire;
use rolecall_state::{AccessKeyId, arn};

use crate::env::Env;
use crate::error::StsError;
use crate::mfa::SecondFactor;
use crate::session_policies::SessionPolicies;
use crate::tags::SessionTags;
use crate::views;

/// The length of a session that does not say, in seconds: twelve hours.
const DEFAULT_SECONDS: i32 = 43_200;
/// The longest session of the root user, in seconds.
const MAX_ROOT_SECONDS: i32 = 3_600;
/// The longest of all, in seconds: 36 hours.
const MAX_SECONDS: i32 = 129_600;

fn seconds(env: &Env<'_>, given: Option<i32>) -> Result<i64, StsError> {
    let max = if env.caller.is_root() { MAX_ROOT_SECONDS } else { MAX_SECONDS };
    let min = env.limits.min_session_seconds;
    let seconds = given.unwrap_or(DEFAULT_SECONDS);
    if seconds < min || seconds > MAX_SECONDS {
        let bound = if seconds < min {
            format!("greater than or equal to {min}")
        } else {
            format!("less than or equal to {MAX_SECONDS}")
        };
        return Err(StsError::Validation(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value {bound}"
        )));
    }
    // More than the root user may have is cut down, not refused, as AWS documents.
    Ok(i64::from(seconds.min(max)))
}

fn user_id(env: &Env<'_>) -> Result<Option<rolecall_state::UniqueId>, StsError> {
    match &env.caller.identity {
        Identity::Root => Ok(None),
        Identity::User(user) => Ok(Some(user.id.clone())),
        Identity::AssumedRole(..) | Identity::FederatedUser(..) => {
            Err(StsError::AccessDenied("Cannot call this operation with session credentials".into()))
        }
    }
}

pub(crate) fn get_session_token(
    env: &Env<'_>,
    request: &wire::GetSessionTokenRequest,
) -> Result<wire::GetSessionTokenResponse, StsError> {
    let wire::GetSessionTokenRequest {
        duration_seconds,
        serial_number: _,
        token_code: _,
        minimum_session_token_size,
    } = request;
    let session = Session {
        mfa: env.second_factor.map(SecondFactor::at),
        kind: SessionKind::SessionToken { user: user_id(env)? },
        expires: env.now.plus_seconds(seconds(env, *duration_seconds)?),
        ..blank(env)
    };
    let credentials = views::issue((env.snapshot, env.entropy), &session, *minimum_session_token_size)?;
    Ok(wire::GetSessionTokenResponse {
        credentials: Some(views::credentials(&credentials)),
        session_token_size: views::token_size(&credentials),
        session_token_utilization: views::token_utilization(&credentials),
    })
}

pub(crate) fn get_federation_token(
    env: &Env<'_>,
    request: &wire::GetFederationTokenRequest,
) -> Result<wire::GetFederationTokenResponse, StsError> {
    let wire::GetFederationTokenRequest {
        name,
        policy,
        policy_arns,
        duration_seconds,
        tags,
        minimum_session_token_size,
    } = request;
    let policies = SessionPolicies::check(policy.as_deref(), policy_arns, env.snapshot, env.caller.account)?;
    let joined = SessionTags::join(env.caller, tags, &[])?;
    let packed_policy_size = policies.packed_size(&joined.tags)?;
    let session = Session {
        kind: SessionKind::FederatedUser { user: user_id(env)?, name: name.clone() },
        expires: env.now.plus_seconds(seconds(env, *duration_seconds)?),
        policies: policies.inline,
        policy_arns: policies.arns,
        tags: joined.tags,
        ..blank(env)
    };
    let credentials = views::issue((env.snapshot, env.entropy), &session, *minimum_session_token_size)?;
    Ok(wire::GetFederationTokenResponse {
        credentials: Some(views::credentials(&credentials)),
        federated_user: Some(wire::FederatedUser {
            federated_user_id: format!("{}:{name}", env.caller.account),
            arn: arn::federated_user(env.caller.partition, env.caller.account, name),
        }),
        packed_policy_size,
        session_token_size: views::token_size(&credentials),
        session_token_utilization: views::token_utilization(&credentials),
    })
}

/// A session of the caller's account that begins now, with nothing else said.
fn blank(env: &Env<'_>) -> Session {
    Session {
        key: AccessKeyId::temporary(env.caller.account, env.entropy),
        account: env.caller.account,
        kind: SessionKind::SessionToken { user: None },
        issued: env.now,
        expires: env.now,
        policies: Vec::new(),
        policy_arns: Vec::new(),
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        mfa: None,
        context: Vec::new(),
        chained: false,
        delegate: None,
    }
}
