//! Organizations as wholes.
//!
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateOrganization.html>

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{
    Attachments, FeatureSet, Format, JoinedMethod, MemberAccount, OrgId, OrgIdKind, OrganizationRecord,
    OrganizationRoot, Tags,
};

use crate::account_creation::{has_service_linked_role, service_linked_role};
use crate::env::{Env, changing, organization};
use crate::error::OrganizationsError;
use crate::paging::Paging;
use crate::views;

pub(crate) fn create_organization(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateOrganizationRequest,
) -> Result<wire::CreateOrganizationResponse, OrganizationsError> {
    let wire::CreateOrganizationRequest { feature_set } = request;
    if txn.snapshot().organization_of(env.account()).is_some() {
        return Err(OrganizationsError::AlreadyInOrganization);
    }
    let features = match feature_set.as_deref() {
        Some("CONSOLIDATED_BILLING") => FeatureSet::ConsolidatedBilling,
        _ => FeatureSet::All,
    };
    let record = new_record(env, features);
    txn.create_organization(&record);
    txn.join_organization(env.account(), &record.id);
    txn.put_in_organization(&record.id, &member(env, record.root.id.clone(), JoinedMethod::Invited));
    let role_is_due =
        txn.account().is_some_and(|account| features == FeatureSet::All && !has_service_linked_role(account));
    if role_is_due {
        txn.create_in(env.account(), &service_linked_role(env.now, env.entropy));
    }
    let made = rolecall_state::snapshot::Organization::unstored(record);
    let shown = views::organization(env, txn.snapshot(), &made);
    Ok(wire::CreateOrganizationResponse { organization: Some(shown) })
}

// FIDELITY: AWS's page says that service control policies are enabled from the start; those who make
// organizations by the API enable them themselves, which would fail if they were. So they are not.
fn new_record(env: &Env<'_>, features: FeatureSet) -> OrganizationRecord {
    OrganizationRecord {
        v: Format,
        id: OrgId::generate(OrgIdKind::Organization, env.entropy),
        management: env.account(),
        features,
        created: env.now,
        changes: 0,
        root: OrganizationRoot {
            id: OrgId::generate(OrgIdKind::Root, env.entropy),
            tags: Tags::default(),
            policy_types: Default::default(),
            attachments: Attachments::default(),
        },
        trusted_services: Default::default(),
        resource_policy: None,
        root_access: Default::default(),
    }
}

/// The caller's account as a new member.
pub(crate) fn member(env: &Env<'_>, parent: OrgId, method: JoinedMethod) -> MemberAccount {
    MemberAccount {
        v: Format,
        id: env.account(),
        parent,
        joined: env.now,
        method,
        tags: Tags::default(),
        attachments: Attachments::default(),
        delegated: Default::default(),
    }
}

pub(crate) fn describe_organization(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeOrganizationRequest,
) -> Result<wire::DescribeOrganizationResponse, OrganizationsError> {
    let wire::DescribeOrganizationRequest {} = request;
    let found = organization(txn, env)?;
    let shown = views::organization(env, txn.snapshot(), &found);
    Ok(wire::DescribeOrganizationResponse { organization: Some(shown) })
}

pub(crate) fn delete_organization(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteOrganizationRequest,
) -> Result<wire::DeleteOrganizationResponse, OrganizationsError> {
    let wire::DeleteOrganizationRequest {} = request;
    let found = changing(txn, env)?;
    // FIDELITY: whether units and policies must be gone as well; AWS's page asks for no more than this.
    if found.member_count() > 1 {
        return Err(OrganizationsError::OrganizationNotEmpty);
    }
    txn.delete_organization(&found.record.id);
    txn.leave_organization(env.account());
    Ok(wire::DeleteOrganizationResponse {})
}

pub(crate) fn list_roots(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListRootsRequest,
) -> Result<wire::ListRootsResponse, OrganizationsError> {
    let wire::ListRootsRequest { next_token, max_results } = request;
    let found = organization(txn, env)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let (roots, next_token) =
        paging.take([views::root(env, &found)], |root| root.id.clone().unwrap_or_default());
    Ok(wire::ListRootsResponse { roots, next_token })
}
