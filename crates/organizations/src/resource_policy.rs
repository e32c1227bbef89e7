//! The policy by which an organization lets its members do what only its management account may.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html>

use rolecall_aws_model::organizations as wire;
use rolecall_policy::{Document, Effect, Grammar, PolicyKind};
use rolecall_state::Txn;
use rolecall_state::entities::{
    FeatureSet, OrgId, OrgIdKind, OrganizationRecord, OrganizationResourcePolicy,
};
use rolecall_state::snapshot::Organization;

use crate::entitlement::can_be_delegated;
use crate::env::{Env, changing, organization};
use crate::error::{Constraint, InvalidInput, OrganizationsError};
use crate::tags;
use crate::targets::arn_of;

pub(crate) fn put_resource_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::PutResourcePolicyRequest,
) -> Result<wire::PutResourcePolicyResponse, OrganizationsError> {
    let wire::PutResourcePolicyRequest { content, tags: wanted } = request;
    let found = changing(txn, env)?;
    if found.record.features != FeatureSet::All {
        return Err(Constraint::NotAllFeatures.into());
    }
    check(content)?;
    let old = found.record.resource_policy.as_ref();
    let policy = OrganizationResourcePolicy {
        id: old.map_or_else(|| OrgId::generate(OrgIdKind::ResourcePolicy, env.entropy), |old| old.id.clone()),
        content: content.as_str().into(),
        tags: match old {
            Some(old) if wanted.is_empty() => old.tags.clone(),
            _ => tags::new(env, wanted)?,
        },
    };
    let mut record = OrganizationRecord::clone(&found.record);
    record.resource_policy = Some(policy.clone());
    txn.put_organization(&record);
    Ok(wire::PutResourcePolicyResponse { resource_policy: Some(shown(env, &found, &policy)) })
}

fn check(content: &str) -> Result<(), OrganizationsError> {
    let document = Document::parse(content, Grammar::stored(PolicyKind::Resource))
        .map_err(|_| InvalidInput::ResourcePolicyJson)?;
    let allowing = document.statements().iter().filter(|statement| statement.effect == Effect::Allow);
    for statement in allowing {
        let mut actions = statement.action.values.iter().map(|action| document.text(action));
        if statement.action.negated || !actions.all(can_be_delegated) {
            return Err(InvalidInput::ResourcePolicyAction.into());
        }
    }
    Ok(())
}

fn shown(
    env: &Env<'_>,
    organization: &Organization,
    policy: &OrganizationResourcePolicy,
) -> wire::ResourcePolicy {
    let summary = wire::ResourcePolicySummary {
        id: Some(policy.id.to_string()),
        arn: Some(arn_of(env.partition(), organization, policy.id.as_str())),
    };
    wire::ResourcePolicy { resource_policy_summary: Some(summary), content: Some(policy.content.to_string()) }
}

pub(crate) fn describe_resource_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeResourcePolicyRequest,
) -> Result<wire::DescribeResourcePolicyResponse, OrganizationsError> {
    let wire::DescribeResourcePolicyRequest {} = request;
    let found = organization(txn, env)?;
    let policy = found.record.resource_policy.as_ref().ok_or(OrganizationsError::ResourcePolicyNotFound)?;
    Ok(wire::DescribeResourcePolicyResponse { resource_policy: Some(shown(env, &found, policy)) })
}

pub(crate) fn delete_resource_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteResourcePolicyRequest,
) -> Result<wire::DeleteResourcePolicyResponse, OrganizationsError> {
    let wire::DeleteResourcePolicyRequest {} = request;
    let found = changing(txn, env)?;
    if found.record.resource_policy.is_none() {
        return Err(OrganizationsError::ResourcePolicyNotFound);
    }
    let record = OrganizationRecord { resource_policy: None, ..OrganizationRecord::clone(&found.record) };
    txn.put_organization(&record);
    Ok(wire::DeleteResourcePolicyResponse {})
}
