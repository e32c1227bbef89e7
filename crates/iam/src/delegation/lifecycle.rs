//! What a customer does with a delegation request: claims it, forwards it, approves it, refuses it, and lets the token
//! out.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-building-integration.html>

use rolecall_access::Identity;
use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;
use rolecall_state::entities::DelegationState as State;
use rolecall_state::entities::{Approver, ApproverKind};

use super::{find, require};
use crate::env::Env;
use crate::error::IamError;

/// The longest access that the root user may approve, in seconds.
const LONGEST_OF_ROOT: i32 = 14_400;

pub(crate) fn associate_delegation_request(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AssociateDelegationRequestRequest,
) -> Result<wire::AssociateDelegationRequestResponse, IamError> {
    let mut found = find(txn, env, &request.delegation_request_id)?.request.clone();
    require(&found, env, &[State::Unassigned])?;
    found.owner_account = Some(env.account());
    found.owner = Some(env.caller.arn().to_owned());
    found.enter(State::Assigned, env.now);
    txn.put_delegation(&found);
    Ok(wire::AssociateDelegationRequestResponse {})
}

pub(crate) fn update_delegation_request(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateDelegationRequestRequest,
) -> Result<wire::UpdateDelegationRequestResponse, IamError> {
    let wire::UpdateDelegationRequestRequest { delegation_request_id, notes } = request;
    let mut found = find(txn, env, delegation_request_id)?.request.clone();
    require(&found, env, &[State::Assigned, State::PendingApproval])?;
    if notes.is_some() {
        found.notes.clone_from(notes);
    }
    found.enter(State::PendingApproval, env.now);
    txn.put_delegation(&found);
    Ok(wire::UpdateDelegationRequestResponse {})
}

pub(crate) fn accept_delegation_request(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AcceptDelegationRequestRequest,
) -> Result<wire::AcceptDelegationRequestResponse, IamError> {
    let mut found = find(txn, env, &request.delegation_request_id)?.request.clone();
    require(&found, env, &[State::Assigned, State::PendingApproval])?;
    // FIDELITY: the message is not AWS's, which is not documented.
    if env.caller.is_root() && found.session_seconds > LONGEST_OF_ROOT {
        return Err(IamError::InvalidInput(format!(
            "The root user can only approve delegation requests with a duration of 4 hours or less; this one's is {} seconds.",
            found.session_seconds
        )));
    }
    found.approver = Some(approver(env)?);
    found.enter(State::Accepted, env.now);
    txn.put_delegation(&found);
    Ok(wire::AcceptDelegationRequestResponse {})
}

pub(crate) fn reject_delegation_request(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::RejectDelegationRequestRequest,
) -> Result<wire::RejectDelegationRequestResponse, IamError> {
    let wire::RejectDelegationRequestRequest { delegation_request_id, notes } = request;
    let mut found = find(txn, env, delegation_request_id)?.request.clone();
    require(&found, env, &[State::Assigned, State::PendingApproval, State::Accepted])?;
    found.rejection_reason.clone_from(notes);
    found.enter(State::Rejected, env.now);
    txn.put_delegation(&found);
    Ok(wire::RejectDelegationRequestResponse {})
}

pub(crate) fn send_delegation_token(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::SendDelegationTokenRequest,
) -> Result<wire::SendDelegationTokenResponse, IamError> {
    let mut found = find(txn, env, &request.delegation_request_id)?.request.clone();
    require(&found, env, &[State::Accepted])?;
    if found.only_send_by_owner && found.owner.as_deref() != Some(env.caller.arn()) {
        return Err(IamError::AccessDenied(
            "Only the owner of the delegation request may send its delegation token.".into(),
        ));
    }
    found.enter(State::Finalized, env.now);
    txn.put_delegation(&found);
    Ok(wire::SendDelegationTokenResponse {})
}

/// The caller, as the one whose permissions are passed on.
fn approver(env: &Env<'_>) -> Result<Approver, IamError> {
    let caller = env.caller;
    let kind = match &caller.identity {
        Identity::Root => ApproverKind::Root,
        Identity::User(user) => ApproverKind::User(user.id.clone()),
        Identity::AssumedRole(role, session) => {
            ApproverKind::Role { id: role.id.clone(), session: session.to_string() }
        }
        Identity::FederatedUser(..) => return Err(limited()),
    };
    let session = caller.session.as_deref();
    // FIDELITY: whether AWS takes a session's own policies into the delegated one. Whoever is limited by some could
    // pass on more than it has, so it may not approve.
    if session.is_some_and(|session| {
        !session.policies.is_empty() || !session.policy_arns.is_empty() || session.delegate.is_some()
    }) {
        return Err(limited());
    }
    Ok(Approver {
        arn: caller.arn().to_owned(),
        kind,
        tags: session.map(|session| session.tags.clone()).unwrap_or_default(),
        transitive_tag_keys: session.map(|session| session.transitive_tag_keys.clone()).unwrap_or_default(),
        source_identity: session.and_then(|session| session.source_identity.clone()),
        mfa: session.and_then(|session| session.mfa),
        context: session.map(|session| session.context.clone()).unwrap_or_default(),
    })
}

fn limited() -> IamError {
    IamError::AccessDenied(
        "A session that is limited by session policies can't approve delegation requests.".into(),
    )
}
