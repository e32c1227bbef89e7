//! Members that administer a service for the whole organization, and may look at all of it for that.

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{FeatureSet, MemberAccount};

use crate::accounts::find;
use crate::env::{Env, changing, organization};
use crate::error::{Constraint, OrganizationsError};
use crate::paging::Paging;
use crate::trusted_services::check;
use crate::views::{self, status, timestamp};

pub(crate) fn register_delegated_administrator(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::RegisterDelegatedAdministratorRequest,
) -> Result<wire::RegisterDelegatedAdministratorResponse, OrganizationsError> {
    let wire::RegisterDelegatedAdministratorRequest { account_id, service_principal } = request;
    let found = changing(txn, env)?;
    check(service_principal)?;
    let member = find(&found, account_id)?;
    if found.record.features != FeatureSet::All {
        return Err(Constraint::NotAllFeatures.into());
    }
    if found.is_managed_by(member.id) {
        return Err(Constraint::RegisterManagement.into());
    }
    if status(txn.snapshot(), member).0 != "ACTIVE" {
        return Err(Constraint::RegisterSuspended.into());
    }
    if !found.record.trusted_services.contains_key(service_principal) {
        return Err(Constraint::ServiceAccess.into());
    }
    let mut changed = MemberAccount::clone(&member.account);
    if changed.delegated.insert(service_principal.clone(), env.now).is_some() {
        return Err(OrganizationsError::AccountAlreadyRegistered);
    }
    txn.put_in_organization(&found.record.id, &changed);
    Ok(wire::RegisterDelegatedAdministratorResponse {})
}

pub(crate) fn deregister_delegated_administrator(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeregisterDelegatedAdministratorRequest,
) -> Result<wire::DeregisterDelegatedAdministratorResponse, OrganizationsError> {
    let wire::DeregisterDelegatedAdministratorRequest { account_id, service_principal } = request;
    let found = changing(txn, env)?;
    check(service_principal)?;
    let mut changed = MemberAccount::clone(&find(&found, account_id)?.account);
    if changed.delegated.remove(service_principal).is_none() {
        return Err(OrganizationsError::AccountNotRegistered);
    }
    txn.put_in_organization(&found.record.id, &changed);
    Ok(wire::DeregisterDelegatedAdministratorResponse {})
}

pub(crate) fn list_delegated_administrators(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListDelegatedAdministratorsRequest,
) -> Result<wire::ListDelegatedAdministratorsResponse, OrganizationsError> {
    let wire::ListDelegatedAdministratorsRequest { service_principal, next_token, max_results } = request;
    let found = organization(txn, env)?;
    service_principal.as_deref().map_or(Ok(()), check)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let wanted = |member: &&std::sync::Arc<rolecall_state::snapshot::Member>| match service_principal {
        Some(service) => member.delegated.contains_key(service),
        None => !member.delegated.is_empty(),
    };
    let members = found.members().filter(wanted);
    let (members, next_token) = paging.take(members, |member| member.id.to_string());
    let shown = |member: &std::sync::Arc<rolecall_state::snapshot::Member>| {
        let account = views::account(env, txn.snapshot(), &found, member);
        let since = service_principal.as_ref().and_then(|service| member.delegated.get(service));
        let since = since.or_else(|| member.delegated.values().min());
        wire::DelegatedAdministrator {
            id: account.id,
            arn: account.arn,
            email: account.email,
            name: account.name,
            status: account.status,
            state: account.state,
            joined_method: account.joined_method,
            joined_timestamp: account.joined_timestamp,
            delegation_enabled_date: since.map(|at| timestamp(*at)),
        }
    };
    let delegated_administrators = members.into_iter().map(shown).collect();
    Ok(wire::ListDelegatedAdministratorsResponse { delegated_administrators, next_token })
}

pub(crate) fn list_delegated_services_for_account(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListDelegatedServicesForAccountRequest,
) -> Result<wire::ListDelegatedServicesForAccountResponse, OrganizationsError> {
    let wire::ListDelegatedServicesForAccountRequest { account_id, next_token, max_results } = request;
    let found = organization(txn, env)?;
    let member = find(&found, account_id)?;
    if member.delegated.is_empty() {
        return Err(OrganizationsError::AccountNotRegistered);
    }
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let (services, next_token) = paging.take(&member.delegated, |(name, _)| (*name).clone());
    let shown = |(name, at): (&String, &rolecall_state::Timestamp)| wire::DelegatedService {
        service_principal: Some(name.clone()),
        delegation_enabled_date: Some(timestamp(*at)),
    };
    let delegated_services = services.into_iter().map(shown).collect();
    Ok(wire::ListDelegatedServicesForAccountResponse { delegated_services, next_token })
}
