//! Which types of policy an organization uses.

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{Enabling, FeatureSet, OrganizationRecord, PolicyType};
use rolecall_state::snapshot::Organization;

use crate::env::{Env, changing};
use crate::error::{InvalidInput, OrganizationsError};
use crate::views;

/// The policy type that a request names.
pub(crate) fn parse(name: &str) -> Result<PolicyType, OrganizationsError> {
    PolicyType::from_name(name).ok_or_else(|| InvalidInput::EnumPolicyType.into())
}

pub(crate) fn enable_policy_type(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::EnablePolicyTypeRequest,
) -> Result<wire::EnablePolicyTypeResponse, OrganizationsError> {
    let wire::EnablePolicyTypeRequest { root_id, policy_type } = request;
    let (found, kind) = (changing(txn, env)?, parse(policy_type)?);
    is_root(&found, root_id)?;
    if found.record.features != FeatureSet::All {
        return Err(OrganizationsError::PolicyTypeNotAvailable);
    }
    let enabling = found.record.enabling(kind);
    if enabling.enabled {
        return Err(OrganizationsError::PolicyTypeAlreadyEnabled);
    }
    let now = Enabling { enabled: true, times: enabling.times + 1 };
    let changed = store(txn, &found, kind, now);
    Ok(wire::EnablePolicyTypeResponse { root: Some(views::root(env, &changed)) })
}

pub(crate) fn disable_policy_type(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DisablePolicyTypeRequest,
) -> Result<wire::DisablePolicyTypeResponse, OrganizationsError> {
    let wire::DisablePolicyTypeRequest { root_id, policy_type } = request;
    let (found, kind) = (changing(txn, env)?, parse(policy_type)?);
    is_root(&found, root_id)?;
    let enabling = found.record.enabling(kind);
    if !enabling.enabled {
        return Err(OrganizationsError::PolicyTypeNotEnabled);
    }
    let changed = store(txn, &found, kind, Enabling { enabled: false, ..enabling });
    Ok(wire::DisablePolicyTypeResponse { root: Some(views::root(env, &changed)) })
}

fn is_root(organization: &Organization, id: &str) -> Result<(), OrganizationsError> {
    let known = organization.record.root.id.as_str() == id;
    known.then_some(()).ok_or(OrganizationsError::RootNotFound)
}

fn store(txn: &mut Txn, organization: &Organization, kind: PolicyType, enabling: Enabling) -> Organization {
    let mut record = OrganizationRecord::clone(&organization.record);
    record.root.policy_types.insert(kind, enabling);
    txn.put_organization(&record);
    organization.with_record(record)
}
