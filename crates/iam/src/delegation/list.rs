//! Looking at delegation requests.

use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;

use super::{check, find, views};
use crate::env::Env;
use crate::error::IamError;
use crate::paging::Paging;

pub(crate) fn get_delegation_request(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetDelegationRequestRequest,
) -> Result<wire::GetDelegationRequestResponse, IamError> {
    let wire::GetDelegationRequestRequest { delegation_request_id, delegation_permission_check } = request;
    let found = find(txn, env, delegation_request_id)?;
    let checked = match delegation_permission_check {
        Some(true) => Some(check::covers(txn, env, &found.policy)?.as_str().to_owned()),
        _ => None,
    };
    Ok(wire::GetDelegationRequestResponse {
        delegation_request: Some(views::request(&found, env.now)),
        permission_check_status: checked.is_some().then(|| "COMPLETE".to_owned()),
        permission_check_result: checked,
    })
}

/// The requests that someone in the account has claimed.
pub(crate) fn list_delegation_requests(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListDelegationRequestsRequest,
) -> Result<wire::ListDelegationRequestsResponse, IamError> {
    let wire::ListDelegationRequestsRequest { owner_id, marker, max_items } = request;
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let claimed = txn.snapshot().delegations().filter(|request| {
        let owner = request.owner.as_deref();
        let wanted = owner_id.as_deref().map_or(owner.is_some(), |wanted| owner == Some(wanted));
        request.owner_account == Some(env.account()) && wanted && env.now < request.kept_until()
    });
    let page = paging.take(claimed, |request| request.id.clone());
    let page = page.map(|request| views::request(request, env.now));
    Ok(wire::ListDelegationRequestsResponse {
        is_truncated: Some(page.is_truncated()),
        delegation_requests: page.items,
        marker: page.marker,
    })
}
