//! Policies of an organization.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies.html>

use std::sync::Arc;

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{
    Format, OrgId, OrgIdKind, OrganizationPolicy, PolicyType, full_access_document,
};
use rolecall_state::snapshot::{Organization, StoredPolicy};

use crate::env::{Env, changing, organization};
use crate::error::{Constraint, InvalidInput, OrganizationsError};
use crate::paging::Paging;
use crate::targets::Target;
use crate::{documents, policy_types, tags, views};
use rolecall_state::entities::FeatureSet;

/// A policy that can be attached: of AWS's own, or of the organization's.
pub(crate) enum AnyPolicy<'o> {
    /// AWS's own, of full access.
    FullAccess(PolicyType),
    /// One of the organization's.
    Own(&'o Arc<StoredPolicy>),
}

impl<'o> AnyPolicy<'o> {
    /// The one with this id.
    pub(crate) fn find(organization: &'o Organization, id: &str) -> Result<Self, OrganizationsError> {
        let kind = PolicyType::ALL.iter().find(|kind| kind.full_access() == Some(id));
        match kind {
            Some(kind) if organization.record.features == FeatureSet::All => Ok(Self::FullAccess(*kind)),
            _ => organization.policy(id).map(Self::Own).ok_or(OrganizationsError::PolicyNotFound),
        }
    }

    pub(crate) fn kind(&self) -> PolicyType {
        match self {
            Self::FullAccess(kind) => *kind,
            Self::Own(policy) => policy.kind,
        }
    }

    pub(crate) fn id(&self) -> OrgId {
        match self {
            Self::FullAccess(kind) => OrgId::from_stored(kind.full_access().unwrap_or_default()),
            Self::Own(policy) => policy.id.clone(),
        }
    }

    pub(crate) fn summary(&self, env: &Env<'_>, organization: &Organization) -> Option<wire::PolicySummary> {
        match self {
            Self::FullAccess(kind) => views::full_access_summary(env, *kind),
            Self::Own(policy) => Some(views::policy_summary(env, organization, policy)),
        }
    }

    fn shown(&self, env: &Env<'_>, organization: &Organization) -> wire::Policy {
        let content = match self {
            Self::FullAccess(kind) => full_access_document(*kind).to_owned(),
            Self::Own(policy) => policy.content.to_string(),
        };
        wire::Policy { policy_summary: self.summary(env, organization), content: Some(content) }
    }
}

/// The policy with this id, which must be the organization's own to be changed.
fn own<'o>(organization: &'o Organization, id: &str) -> Result<&'o Arc<StoredPolicy>, OrganizationsError> {
    match AnyPolicy::find(organization, id)? {
        AnyPolicy::Own(policy) => Ok(policy),
        AnyPolicy::FullAccess(_) => Err(InvalidInput::ImmutablePolicy.into()),
    }
}

// FIDELITY: whether policies of different types may have the same name; here they may.
fn is_name_free(organization: &Organization, wanted: &OrganizationPolicy) -> Result<(), OrganizationsError> {
    let full_access = wanted.kind.full_access().map(|id| id.trim_start_matches("p-"));
    let taken = organization
        .policies()
        .any(|policy| policy.kind == wanted.kind && policy.name == wanted.name && policy.id != wanted.id);
    if taken || full_access == Some(wanted.name.as_str()) {
        return Err(OrganizationsError::DuplicatePolicy);
    }
    Ok(())
}

pub(crate) fn create_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreatePolicyRequest,
) -> Result<wire::CreatePolicyResponse, OrganizationsError> {
    let wire::CreatePolicyRequest { content, description, name, r#type, tags: wanted } = request;
    let (found, kind) = (changing(txn, env)?, policy_types::parse(r#type)?);
    if found.record.features != FeatureSet::All {
        return Err(OrganizationsError::PolicyTypeNotAvailable);
    }
    documents::check(env, kind, content)?;
    if found.policies().filter(|policy| policy.kind == kind).count() >= env.quotas.policies(kind) {
        return Err(Constraint::Policies.into());
    }
    let policy = OrganizationPolicy {
        v: Format,
        id: OrgId::generate(OrgIdKind::Policy, env.entropy),
        kind,
        name: name.clone(),
        description: description.clone(),
        content: content.as_str().into(),
        changed: env.now,
        tags: tags::new(env, wanted)?,
    };
    is_name_free(&found, &policy)?;
    txn.put_in_organization(&found.record.id, &policy);
    let stored = Arc::new(StoredPolicy::unstored(policy));
    Ok(wire::CreatePolicyResponse { policy: Some(AnyPolicy::Own(&stored).shown(env, &found)) })
}

pub(crate) fn update_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdatePolicyRequest,
) -> Result<wire::UpdatePolicyResponse, OrganizationsError> {
    let wire::UpdatePolicyRequest { policy_id, name, description, content } = request;
    let found = changing(txn, env)?;
    let mut changed = OrganizationPolicy::clone(&own(&found, policy_id)?.policy);
    if let Some(name) = name {
        changed.name = name.clone();
    }
    if let Some(description) = description {
        changed.description = description.clone();
    }
    if let Some(content) = content {
        documents::check(env, changed.kind, content)?;
        changed.content = content.as_str().into();
        changed.changed = env.now;
    }
    is_name_free(&found, &changed)?;
    txn.put_in_organization(&found.record.id, &changed);
    let stored = Arc::new(StoredPolicy::unstored(changed));
    Ok(wire::UpdatePolicyResponse { policy: Some(AnyPolicy::Own(&stored).shown(env, &found)) })
}

pub(crate) fn delete_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeletePolicyRequest,
) -> Result<wire::DeletePolicyResponse, OrganizationsError> {
    let wire::DeletePolicyRequest { policy_id } = request;
    let found = changing(txn, env)?;
    let policy = own(&found, policy_id)?;
    if Target::all(&found).any(|target| target.attached(&found, policy.kind).contains(&policy.id)) {
        return Err(OrganizationsError::PolicyInUse);
    }
    txn.delete_in_organization(&found.record.id, &*policy.policy);
    Ok(wire::DeletePolicyResponse {})
}

pub(crate) fn describe_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribePolicyRequest,
) -> Result<wire::DescribePolicyResponse, OrganizationsError> {
    let wire::DescribePolicyRequest { policy_id } = request;
    let found = organization(txn, env)?;
    let policy = AnyPolicy::find(&found, policy_id)?.shown(env, &found);
    Ok(wire::DescribePolicyResponse { policy: Some(policy) })
}

pub(crate) fn list_policies(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListPoliciesRequest,
) -> Result<wire::ListPoliciesResponse, OrganizationsError> {
    let wire::ListPoliciesRequest { filter, next_token, max_results } = request;
    let (found, kind) = (organization(txn, env)?, policy_types::parse(filter)?);
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let full_access = kind.full_access().filter(|_| found.record.features == FeatureSet::All);
    let full_access = full_access.map(|_| AnyPolicy::FullAccess(kind));
    let own = found.policies().filter(|policy| policy.kind == kind).map(AnyPolicy::Own);
    let (policies, next_token) =
        paging.take(full_access.into_iter().chain(own), |policy| policy.id().to_string());
    let policies = policies.iter().filter_map(|policy| policy.summary(env, &found)).collect();
    Ok(wire::ListPoliciesResponse { policies, next_token })
}
