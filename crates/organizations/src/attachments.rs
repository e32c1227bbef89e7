//! Attaching policies to roots, units and accounts.

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{MemberAccount, OrganizationRecord, OrganizationalUnit, PolicyType};
use rolecall_state::snapshot::Organization;

use crate::env::{Env, changing, organization};
use crate::error::{Constraint, InvalidInput, OrganizationsError};
use crate::paging::Paging;
use crate::policies::AnyPolicy;
use crate::policy_types;
use crate::targets::Target;

pub(crate) fn attach_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AttachPolicyRequest,
) -> Result<wire::AttachPolicyResponse, OrganizationsError> {
    let wire::AttachPolicyRequest { policy_id, target_id } = request;
    let found = changing(txn, env)?;
    let policy = AnyPolicy::find(&found, policy_id)?;
    let target = Target::find(&found, target_id).ok_or(OrganizationsError::TargetNotFound)?;
    let mut attached = enabled(&found, &target, policy.kind())?;
    if !attached.insert(policy.id()) {
        return Err(OrganizationsError::DuplicatePolicyAttachment);
    }
    if attached.len() > env.quotas.attached(policy.kind()) {
        return Err(Constraint::MostAttached.into());
    }
    store(txn, &found, &target, policy.kind(), attached);
    Ok(wire::AttachPolicyResponse {})
}

pub(crate) fn detach_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DetachPolicyRequest,
) -> Result<wire::DetachPolicyResponse, OrganizationsError> {
    let wire::DetachPolicyRequest { policy_id, target_id } = request;
    let found = changing(txn, env)?;
    let policy = AnyPolicy::find(&found, policy_id)?;
    let target = Target::find(&found, target_id).ok_or(OrganizationsError::TargetNotFound)?;
    let mut attached = enabled(&found, &target, policy.kind())?;
    if !attached.remove(&policy.id()) {
        return Err(OrganizationsError::PolicyNotAttached);
    }
    match policy {
        AnyPolicy::FullAccess(PolicyType::ResourceControl) => return Err(InvalidInput::NonDetachable.into()),
        _ if policy.kind() == PolicyType::ServiceControl && attached.is_empty() => {
            return Err(Constraint::LeastAttached.into());
        }
        _ => {}
    }
    store(txn, &found, &target, policy.kind(), attached);
    Ok(wire::DetachPolicyResponse {})
}

type Attached = std::collections::BTreeSet<rolecall_state::entities::OrgId>;

/// What of a type is attached now; the type must be enabled.
fn enabled(
    organization: &Organization,
    target: &Target<'_>,
    kind: PolicyType,
) -> Result<Attached, OrganizationsError> {
    if !organization.record.enabling(kind).enabled {
        return Err(OrganizationsError::PolicyTypeNotEnabled);
    }
    Ok(target.attached(organization, kind))
}

fn store(
    txn: &mut Txn,
    organization: &Organization,
    target: &Target<'_>,
    kind: PolicyType,
    attached: Attached,
) {
    let mut attachments = target.attachments(organization).clone();
    attachments.set(kind, organization.record.enabling(kind), attached);
    let own = &organization.record.id;
    match target {
        Target::Root => {
            let mut record = OrganizationRecord::clone(&organization.record);
            record.root.attachments = attachments;
            txn.put_organization(&record);
        }
        Target::Unit(unit) => {
            let unit = OrganizationalUnit { attachments, ..unit.unit.as_ref().clone() };
            txn.put_in_organization(own, &unit);
        }
        Target::Account(member) => {
            let member = MemberAccount { attachments, ..member.account.as_ref().clone() };
            txn.put_in_organization(own, &member);
        }
    }
}

pub(crate) fn list_policies_for_target(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListPoliciesForTargetRequest,
) -> Result<wire::ListPoliciesForTargetResponse, OrganizationsError> {
    let wire::ListPoliciesForTargetRequest { target_id, filter, next_token, max_results } = request;
    let (found, kind) = (organization(txn, env)?, policy_types::parse(filter)?);
    let target = Target::find(&found, target_id).ok_or(OrganizationsError::TargetNotFound)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let (ids, next_token) = paging.take(target.attached(&found, kind), ToString::to_string);
    let policies = ids.iter().filter_map(|id| AnyPolicy::find(&found, id.as_str()).ok());
    let policies = policies.filter_map(|policy| policy.summary(env, &found)).collect();
    Ok(wire::ListPoliciesForTargetResponse { policies, next_token })
}

pub(crate) fn list_targets_for_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListTargetsForPolicyRequest,
) -> Result<wire::ListTargetsForPolicyResponse, OrganizationsError> {
    let wire::ListTargetsForPolicyRequest { policy_id, next_token, max_results } = request;
    let found = organization(txn, env)?;
    let policy = AnyPolicy::find(&found, policy_id)?;
    let (id, kind) = (policy.id(), policy.kind());
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let mut targets: Vec<_> =
        Target::all(&found).filter(|target| target.attached(&found, kind).contains(&id)).collect();
    targets.sort_by_key(|target| target.id(&found));
    let (targets, next_token) = paging.take(targets, |target| target.id(&found).to_string());
    let shown = |target: &Target<'_>| wire::PolicyTargetSummary {
        target_id: Some(target.id(&found).to_string()),
        arn: Some(target.arn(env.partition(), &found)),
        name: Some(target.name(txn.snapshot())),
        r#type: Some(target.kind().to_owned()),
    };
    Ok(wire::ListTargetsForPolicyResponse { targets: targets.iter().map(shown).collect(), next_token })
}
