//! Managing the root users of an organization's members from its management account.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-enable-root-access.html>

use std::collections::BTreeSet;
use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{FeatureSet, OrganizationRecord, RootAccess};
use rolecall_state::snapshot::Organization;

use crate::env::Env;
use crate::error::{IamError, RootAccessError};

/// The name under which IAM is trusted by an organization, and administers it.
const SERVICE: &str = "iam.amazonaws.com";

/// The caller's organization, if the caller manages its root users.
fn administered(txn: &Txn, env: &Env<'_>) -> Result<Arc<Organization>, RootAccessError> {
    let organization = txn.snapshot().organization_of(env.account());
    let organization = organization.ok_or(RootAccessError::OrganizationNotFound)?;
    if !organization.administers(env.account(), SERVICE) {
        return Err(RootAccessError::NotAdministrator);
    }
    if organization.record.features != FeatureSet::All {
        return Err(RootAccessError::NotAllFeatures);
    }
    if !organization.record.trusted_services.contains_key(SERVICE) {
        return Err(RootAccessError::ServiceAccessNotEnabled);
    }
    Ok(organization.clone())
}

/// Turns a feature on or off; both may be done again. Answers with the organization's id and what is on then.
fn switch(
    txn: &mut Txn,
    env: &Env<'_>,
    feature: RootAccess,
    on: bool,
) -> Result<(Option<String>, Vec<String>), IamError> {
    let organization = administered(txn, env)?;
    // FIDELITY: whether AWS lets a delegated administrator turn these off; here only the management account does.
    if !organization.is_managed_by(env.account()) {
        return Err(RootAccessError::NotManagement.into());
    }
    let mut record = OrganizationRecord::clone(&organization.record);
    let changed = if on { record.root_access.insert(feature) } else { record.root_access.remove(&feature) };
    if changed {
        txn.change_organization(&organization);
        txn.put_organization(&record);
    }
    Ok((Some(record.id.to_string()), names(&record.root_access)))
}

fn names(features: &BTreeSet<RootAccess>) -> Vec<String> {
    features.iter().map(|feature| feature.as_str().to_owned()).collect()
}

macro_rules! switches {
    ($($name:ident: $request:ident => $response:ident, $feature:ident to $on:literal;)*) => {$(
        pub(crate) fn $name(
            txn: &mut Txn,
            env: &Env<'_>,
            request: &wire::$request,
        ) -> Result<wire::$response, IamError> {
            let wire::$request {} = request;
            let (organization_id, enabled_features) = switch(txn, env, RootAccess::$feature, $on)?;
            Ok(wire::$response { organization_id, enabled_features })
        }
    )*};
}

switches! {
    enable_organizations_root_credentials_management: EnableOrganizationsRootCredentialsManagementRequest
        => EnableOrganizationsRootCredentialsManagementResponse, CredentialsManagement to true;
    disable_organizations_root_credentials_management: DisableOrganizationsRootCredentialsManagementRequest
        => DisableOrganizationsRootCredentialsManagementResponse, CredentialsManagement to false;
    enable_organizations_root_sessions: EnableOrganizationsRootSessionsRequest
        => EnableOrganizationsRootSessionsResponse, Sessions to true;
    disable_organizations_root_sessions: DisableOrganizationsRootSessionsRequest
        => DisableOrganizationsRootSessionsResponse, Sessions to false;
}

pub(crate) fn list_organizations_features(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListOrganizationsFeaturesRequest,
) -> Result<wire::ListOrganizationsFeaturesResponse, IamError> {
    let wire::ListOrganizationsFeaturesRequest {} = request;
    let record = &administered(txn, env)?.record;
    Ok(wire::ListOrganizationsFeaturesResponse {
        organization_id: Some(record.id.to_string()),
        enabled_features: names(&record.root_access),
    })
}
