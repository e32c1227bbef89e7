//! The services that may see into the organization.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_services.html>

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{FeatureSet, OrganizationRecord};

use crate::env::{Env, changing, organization};
use crate::error::{Constraint, InvalidInput, OrganizationsError};
use crate::paging::Paging;
use crate::views::timestamp;

// FIDELITY: AWS knows its services by name; here whatever looks like one is taken for one.
pub(crate) fn check(service: &str) -> Result<(), OrganizationsError> {
    let name = service.strip_suffix(".amazonaws.com").unwrap_or_default();
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    if good { Ok(()) } else { Err(InvalidInput::ServicePrincipal.into()) }
}

pub(crate) fn enable_aws_service_access(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::EnableAWSServiceAccessRequest,
) -> Result<wire::EnableAWSServiceAccessResponse, OrganizationsError> {
    let wire::EnableAWSServiceAccessRequest { service_principal } = request;
    let found = changing(txn, env)?;
    check(service_principal)?;
    if found.record.features != FeatureSet::All {
        return Err(Constraint::NotAllFeatures.into());
    }
    let mut record = OrganizationRecord::clone(&found.record);
    record.trusted_services.entry(service_principal.clone()).or_insert(env.now);
    txn.put_organization(&record);
    Ok(wire::EnableAWSServiceAccessResponse {})
}

pub(crate) fn disable_aws_service_access(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DisableAWSServiceAccessRequest,
) -> Result<wire::DisableAWSServiceAccessResponse, OrganizationsError> {
    let wire::DisableAWSServiceAccessRequest { service_principal } = request;
    let found = changing(txn, env)?;
    check(service_principal)?;
    if found.members().any(|member| member.delegated.contains_key(service_principal)) {
        return Err(Constraint::AdministratorExists.into());
    }
    let mut record = OrganizationRecord::clone(&found.record);
    record.trusted_services.remove(service_principal);
    txn.put_organization(&record);
    Ok(wire::DisableAWSServiceAccessResponse {})
}

pub(crate) fn list_aws_service_access_for_organization(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListAWSServiceAccessForOrganizationRequest,
) -> Result<wire::ListAWSServiceAccessForOrganizationResponse, OrganizationsError> {
    let wire::ListAWSServiceAccessForOrganizationRequest { next_token, max_results } = request;
    let found = organization(txn, env)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let (services, next_token) = paging.take(&found.record.trusted_services, |(name, _)| (*name).clone());
    let shown = |(name, at): (&String, &rolecall_state::Timestamp)| wire::EnabledServicePrincipal {
        service_principal: Some(name.clone()),
        date_enabled: Some(timestamp(*at)),
    };
    let enabled_service_principals = services.into_iter().map(shown).collect();
    Ok(wire::ListAWSServiceAccessForOrganizationResponse { enabled_service_principals, next_token })
}
