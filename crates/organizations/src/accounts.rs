//! The accounts of an organization: looking at them, and letting them go.

use std::sync::Arc;

use rolecall_aws_model::organizations as wire;
use rolecall_state::entities::{AccountRecord, FeatureSet};
use rolecall_state::snapshot::{Member, Organization};
use rolecall_state::{AccountId, Snapshot, Txn};

use crate::env::{Env, changing, organization};
use crate::error::{Constraint, OrganizationsError};
use crate::paging::{Page, Paging};
use crate::targets::Target;
use crate::views;

/// The member with this id.
pub(crate) fn find<'o>(
    organization: &'o Organization,
    id: &str,
) -> Result<&'o Arc<Member>, OrganizationsError> {
    let account = id.parse().map_err(|_| OrganizationsError::AccountNotFound)?;
    organization.member(account).ok_or(OrganizationsError::AccountNotFound)
}

pub(crate) fn describe_account(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeAccountRequest,
) -> Result<wire::DescribeAccountResponse, OrganizationsError> {
    let wire::DescribeAccountRequest { account_id } = request;
    let found = organization(txn, env)?;
    let shown = views::account(env, txn.snapshot(), &found, find(&found, account_id)?);
    Ok(wire::DescribeAccountResponse { account: Some(shown) })
}

pub(crate) fn list_accounts(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListAccountsRequest,
) -> Result<wire::ListAccountsResponse, OrganizationsError> {
    let wire::ListAccountsRequest { next_token, max_results } = request;
    let found = organization(txn, env)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let (accounts, next_token) = page(env, txn.snapshot(), &found, &paging, found.members());
    Ok(wire::ListAccountsResponse { accounts, next_token })
}

/// A page of these members.
pub(crate) fn page<'o>(
    env: &Env<'_>,
    snapshot: &Snapshot,
    organization: &Organization,
    paging: &Paging,
    members: impl Iterator<Item = &'o Arc<Member>>,
) -> Page<wire::Account> {
    let (members, next_token) = paging.take(members, |member| member.id.to_string());
    let shown = |member: &Arc<Member>| views::account(env, snapshot, organization, member);
    (members.into_iter().map(shown).collect(), next_token)
}

pub(crate) fn list_accounts_for_parent(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListAccountsForParentRequest,
) -> Result<wire::ListAccountsForParentResponse, OrganizationsError> {
    let wire::ListAccountsForParentRequest { parent_id, next_token, max_results } = request;
    let found = organization(txn, env)?;
    let parent = Target::parent(&found, parent_id).ok_or(OrganizationsError::ParentNotFound)?.id(&found);
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let members = found.members().filter(|member| member.parent == parent);
    let (accounts, next_token) = page(env, txn.snapshot(), &found, &paging, members);
    Ok(wire::ListAccountsForParentResponse { accounts, next_token })
}

pub(crate) fn close_account(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CloseAccountRequest,
) -> Result<wire::CloseAccountResponse, OrganizationsError> {
    let wire::CloseAccountRequest { account_id } = request;
    let found = changing(txn, env)?;
    let member = find(&found, account_id)?;
    if found.is_managed_by(member.id) {
        return Err(Constraint::CloseManagement.into());
    }
    if found.record.features != FeatureSet::All {
        return Err(Constraint::NotAllFeatures.into());
    }
    let record = txn.read_record_of(member.id).ok_or(OrganizationsError::AccountNotFound)?;
    if record.closed.is_some() {
        return Err(OrganizationsError::AccountAlreadyClosed);
    }
    txn.put_record(&AccountRecord { closed: Some(env.now), ..AccountRecord::clone(&record) });
    Ok(wire::CloseAccountResponse {})
}

// FIDELITY: AWS lets go of an account that it made only when that could pay its own bills, and seven
// days after it was made. There are no bills here.
pub(crate) fn remove_account_from_organization(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::RemoveAccountFromOrganizationRequest,
) -> Result<wire::RemoveAccountFromOrganizationResponse, OrganizationsError> {
    let wire::RemoveAccountFromOrganizationRequest { account_id } = request;
    let found = changing(txn, env)?;
    let member = find(&found, account_id)?.id;
    let_go(txn, &found, member)?;
    Ok(wire::RemoveAccountFromOrganizationResponse {})
}

pub(crate) fn leave_organization(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::LeaveOrganizationRequest,
) -> Result<wire::LeaveOrganizationResponse, OrganizationsError> {
    let wire::LeaveOrganizationRequest {} = request;
    let found = changing(txn, env)?;
    let_go(txn, &found, env.account())?;
    Ok(wire::LeaveOrganizationResponse {})
}

fn let_go(txn: &mut Txn, organization: &Organization, account: AccountId) -> Result<(), OrganizationsError> {
    if organization.is_managed_by(account) {
        return Err(OrganizationsError::MasterCannotLeave);
    }
    let member = organization.member(account).ok_or(OrganizationsError::AccountNotFound)?;
    if !member.delegated.is_empty() {
        return Err(Constraint::RemoveAdministrator.into());
    }
    txn.delete_in_organization(&organization.record.id, &*member.account);
    txn.leave_organization(account);
    Ok(())
}
