//! `GetDelegatedAccessToken`: a product provider trades the token of an approved delegation request for credentials.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetDelegatedAccessToken.html>

use rolecall_access::sealed;
use rolecall_access::session::{Session, SessionKind};
use rolecall_aws_model::sts as wire;
use rolecall_state::entities::{Approver, ApproverKind, DelegationRequest, DelegationState};
use rolecall_state::snapshot::Account;
use rolecall_state::{AccessKeyId, Entropy, Snapshot, Timestamp, arn};

use crate::env::Env;
use crate::error::StsError;
use crate::views;

/// What trade-in tokens are sealed for.
const PURPOSE: &str = "delegation-trade-in";

/// A token for a request whose token may go out; none for any other, and none once the access is over.
pub fn trade_in_token(
    request: &DelegationRequest,
    snapshot: &Snapshot,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Option<String> {
    request.access_ends().filter(|ends| now < *ends)?;
    sealed::seal(request.id.as_bytes(), PURPOSE, snapshot.key_ring(), entropy)
}

pub(crate) fn get_delegated_access_token(
    env: &Env<'_>,
    request: &wire::GetDelegatedAccessTokenRequest,
) -> Result<wire::GetDelegatedAccessTokenResponse, StsError> {
    let wire::GetDelegatedAccessTokenRequest { trade_in_token } = request;
    let invalid = || StsError::Validation("Invalid trade-in token".into());
    let id = sealed::open(trade_in_token.expose(), PURPOSE, env.snapshot.key_ring()).ok_or_else(invalid)?;
    let id = String::from_utf8(id).map_err(|_| invalid())?;
    // The provider that made the request, and no one else.
    let found = env.snapshot.delegation(&id).filter(|request| request.requestor == env.caller.account);
    let found = found.ok_or_else(invalid)?;
    let ends = found.access_ends().ok_or_else(invalid)?;
    if env.now >= ends {
        return Err(StsError::ExpiredTradeInToken);
    }
    let approver = found.approver.as_ref().ok_or_else(invalid)?;
    let owner = found.owner_account.and_then(|account| env.snapshot.account(account)).ok_or_else(invalid)?;
    let is_final = found.state(env.now) == DelegationState::Finalized;
    if !is_final || owner.record.closed.is_some() {
        return Err(invalid());
    }
    let principal = principal(approver, owner, env).ok_or_else(invalid)?;
    let session = session(found, approver, owner, env, ends);
    let credentials = views::issue((env.snapshot, env.entropy), &session, None)?;
    Ok(wire::GetDelegatedAccessTokenResponse {
        credentials: Some(views::credentials(&credentials)),
        packed_policy_size: None,
        assumed_principal: Some(principal),
    })
}

/// The ARN of the identity that approved, as it is now; none when it is gone.
fn principal(approver: &Approver, owner: &Account, env: &Env<'_>) -> Option<String> {
    let (partition, account) = (env.caller.partition, owner.id());
    match &approver.kind {
        ApproverKind::Root => Some(arn::root(partition, account)),
        ApproverKind::User(id) => {
            let user = owner.users.by_id(id)?;
            Some(arn::iam(partition, account, "user", &user.path, &user.name))
        }
        ApproverKind::Role { id, session } => {
            let role = owner.roles.by_id(id)?;
            Some(arn::assumed_role(partition, account, &role.name, session))
        }
    }
}

/// The approver's session, within the policy that was approved. All that come of one token end together.
fn session(
    request: &DelegationRequest,
    approver: &Approver,
    owner: &Account,
    env: &Env<'_>,
    expires: Timestamp,
) -> Session {
    let kind = match &approver.kind {
        ApproverKind::Root => SessionKind::Delegated { user: None },
        ApproverKind::User(id) => SessionKind::Delegated { user: Some(id.clone()) },
        ApproverKind::Role { id, session } => {
            SessionKind::AssumedRole { role: id.clone(), name: session.clone() }
        }
    };
    Session {
        key: AccessKeyId::temporary(owner.id(), env.entropy),
        account: owner.id(),
        kind,
        issued: env.now,
        expires,
        policies: vec![request.policy.clone()],
        policy_arns: Vec::new(),
        tags: approver.tags.clone(),
        transitive_tag_keys: approver.transitive_tag_keys.clone(),
        source_identity: approver.source_identity.clone(),
        mfa: approver.mfa,
        context: approver.context.clone(),
        chained: matches!(approver.kind, ApproverKind::Role { .. }),
        delegate: Some(request.requestor),
    }
}
