//! Managed policies and their versions.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html>

use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_managed_policies as aws_managed;
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::{Format, ManagedPolicy, PolicyVersion};
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{IdKind, Partition, PolicyRef, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::tags::Keys;
use crate::{documents, tags, views};

/// A managed policy, of the account or of AWS.
pub(crate) enum Found {
    /// Of the account.
    Customer(Arc<Entry<ManagedPolicy>>),
    /// Of AWS.
    Aws(&'static aws_managed::ManagedPolicy),
}

fn absent(arn: &str) -> IamError {
    IamError::NoSuchEntity(format!("Policy {arn} was not found."))
}

/// The AWS managed policy of this path and name.
pub(crate) fn aws_policy(path_and_name: &str) -> Option<&'static aws_managed::ManagedPolicy> {
    aws_managed::find(&rolecall_state::arn::aws_managed_policy(Partition::Aws, path_and_name))
}

/// Finds the policy of an ARN. The path counts: the same name under another path is not found.
pub(crate) fn find(txn: &mut Txn, env: &Env<'_>, arn: &str) -> Result<Found, IamError> {
    let parts = ArnParts::parse(arn)
        .ok_or_else(|| IamError::Validation("Invalid ARN:  Could not be parsed!".into()))?;
    if parts.partition != env.partition().as_str() {
        return Err(absent(arn));
    }
    match PolicyRef::from_arn(arn, env.account()) {
        Some(PolicyRef::Aws(name)) => aws_policy(&name).map(Found::Aws).ok_or_else(|| absent(arn)),
        Some(PolicyRef::Customer(key)) => {
            let policy = txn.read(|a| &a.policies, key.as_str());
            let policy = policy.filter(|p| env.arn("policy", &p.path, &p.name) == arn);
            policy.map(Found::Customer).ok_or_else(|| absent(arn))
        }
        None => Err(absent(arn)),
    }
}

/// Finds a policy that the account may change.
fn find_own(txn: &mut Txn, env: &Env<'_>, arn: &str) -> Result<Arc<Entry<ManagedPolicy>>, IamError> {
    match find(txn, env, arn)? {
        Found::Customer(policy) => Ok(policy),
        Found::Aws(_) => Err(IamError::AccessDenied(format!(
            "User: {} is not authorized to change the AWS managed policy {arn}",
            env.caller.arn()
        ))),
    }
}

/// What an attachment or a boundary of this ARN refers to; the policy must exist.
pub(crate) fn resolve(txn: &mut Txn, env: &Env<'_>, arn: &str) -> Result<PolicyRef, IamError> {
    match find(txn, env, arn)? {
        Found::Customer(policy) => Ok(PolicyRef::Customer(policy.key())),
        Found::Aws(policy) => {
            let name = format!("{}{}", policy.path.trim_start_matches('/'), policy.name);
            Ok(PolicyRef::Aws(name.into()))
        }
    }
}

/// The unique id of a customer managed policy, which marks of use are kept under.
pub(crate) fn customer_id(txn: &Txn, policy: &PolicyRef) -> Option<UniqueId> {
    match policy {
        PolicyRef::Aws(_) => None,
        PolicyRef::Customer(key) => txn.account()?.policies.by_key(key).map(|p| p.id.clone()),
    }
}

/// The ARN and the name of the policy that an attachment refers to.
pub(crate) fn arn_and_name(env: &Env<'_>, account: &Account, policy: &PolicyRef) -> Option<(String, String)> {
    match policy {
        PolicyRef::Aws(name) => {
            let policy = aws_policy(name)?;
            Some((policy.arn_in(env.partition().as_str()), policy.name.to_owned()))
        }
        PolicyRef::Customer(key) => {
            let policy = account.policies.by_key(key)?;
            Some((env.arn("policy", &policy.path, &policy.name), policy.name.clone()))
        }
    }
}

pub(crate) fn create_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreatePolicyRequest,
) -> Result<wire::CreatePolicyResponse, IamError> {
    let wire::CreatePolicyRequest { policy_name, path, policy_document, description, tags: given } = request;
    if txn.read(|a| &a.policies, policy_name).is_some() {
        return Err(IamError::EntityAlreadyExists(format!(
            "A policy called {policy_name} already exists. Duplicate names are not allowed."
        )));
    }
    if account(txn)?.policies.len() >= env.quotas.policies {
        return Err(IamError::quota("PoliciesPerAccount", env.quotas.policies));
    }
    documents::check_managed(policy_document, env.quotas)?;
    let policy = ManagedPolicy {
        v: Format,
        id: UniqueId::generate(IdKind::ManagedPolicy, env.entropy),
        name: policy_name.clone(),
        path: path.clone().unwrap_or_else(|| "/".into()),
        description: description.clone(),
        created: env.now,
        updated: env.now,
        tags: tags::at_creation(given, Keys::Exact, env)?,
        versions: vec![PolicyVersion {
            number: 1,
            document: policy_document.as_str().into(),
            created: env.now,
        }],
        default_version: 1,
        last_version: 1,
    };
    txn.put(&policy);
    let policy = views::policy(env, &*account(txn)?, &policy, views::Detail::Created);
    Ok(wire::CreatePolicyResponse { policy: Some(policy) })
}

pub(crate) fn get_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetPolicyRequest,
) -> Result<wire::GetPolicyResponse, IamError> {
    let wire::GetPolicyRequest { policy_arn } = request;
    let found = find(txn, env, policy_arn)?;
    let account = account(txn)?;
    let policy = match found {
        Found::Customer(policy) => views::policy(env, &account, &policy, views::Detail::Full),
        Found::Aws(policy) => views::aws_policy(env, &account, policy, views::Detail::Full),
    };
    Ok(wire::GetPolicyResponse { policy: Some(policy) })
}

pub(crate) fn delete_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeletePolicyRequest,
) -> Result<wire::DeletePolicyResponse, IamError> {
    let wire::DeletePolicyRequest { policy_arn } = request;
    let policy = find_own(txn, env, policy_arn)?;
    let reference = PolicyRef::Customer(policy.key());
    let account = account(txn)?;
    if account.attachment_count(&reference) > 0 || account.boundary_usage_count(&reference) > 0 {
        return Err(IamError::DeleteConflict("Cannot delete a policy attached to entities.".into()));
    }
    if policy.versions.len() > 1 {
        return Err(IamError::DeleteConflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's \
             versions. The default version is deleted with the policy."
                .into(),
        ));
    }
    txn.require_unreferenced(&policy.id);
    txn.delete(&*policy.value);
    Ok(wire::DeletePolicyResponse {})
}

/// `v3` → 3. Other texts name no version.
fn version_number(id: &str) -> Option<u32> {
    id.strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn no_version(arn: &str, id: &str) -> IamError {
    IamError::NoSuchEntity(format!("Policy {arn} version {id} does not exist or is not attachable."))
}

/// What is said where a version is asked for: the same, whether its policy is there or not.
fn no_version_of(error: IamError, arn: &str, id: &str) -> IamError {
    match error {
        IamError::NoSuchEntity(_) => no_version(arn, id),
        other => other,
    }
}

pub(crate) fn get_policy_version(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetPolicyVersionRequest,
) -> Result<wire::GetPolicyVersionResponse, IamError> {
    let wire::GetPolicyVersionRequest { policy_arn, version_id } = request;
    let version =
        match find(txn, env, policy_arn).map_err(|error| no_version_of(error, policy_arn, version_id))? {
            Found::Customer(policy) => {
                let number = version_number(version_id).and_then(|n| policy.version(n));
                let version = number.ok_or_else(|| no_version(policy_arn, version_id))?;
                views::policy_version(&policy, version, true)
            }
            Found::Aws(policy) if policy.default_version_id() == *version_id => {
                views::aws_policy_version(env, policy, true)
            }
            Found::Aws(_) => return Err(no_version(policy_arn, version_id)),
        };
    Ok(wire::GetPolicyVersionResponse { policy_version: Some(version) })
}

// FIDELITY: of an AWS managed policy only the version in force is known here; AWS lists up to five.
pub(crate) fn list_policy_versions(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListPolicyVersionsRequest,
) -> Result<wire::ListPolicyVersionsResponse, IamError> {
    let wire::ListPolicyVersionsRequest { policy_arn, marker, max_items } = request;
    let versions = match find(txn, env, policy_arn)? {
        Found::Customer(policy) => policy
            .versions
            .iter()
            .rev()
            .map(|version| views::policy_version(&policy, version, false))
            .collect(),
        Found::Aws(policy) => vec![views::aws_policy_version(env, policy, false)],
    };
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let page = paging.take(versions.into_iter().enumerate(), |(at, _)| format!("{at:04}"));
    let page = page.map(|(_, version)| version);
    Ok(wire::ListPolicyVersionsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        versions: page.items,
    })
}

pub(crate) fn create_policy_version(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreatePolicyVersionRequest,
) -> Result<wire::CreatePolicyVersionResponse, IamError> {
    let wire::CreatePolicyVersionRequest { policy_arn, policy_document, set_as_default } = request;
    let mut policy = ManagedPolicy::clone(&*find_own(txn, env, policy_arn)?);
    documents::check_managed(policy_document, env.quotas)?;
    if policy.versions.len() >= env.quotas.versions_per_policy {
        return Err(IamError::LimitExceeded(format!(
            "A managed policy can have up to {} versions. Before you create a new version, you must delete an \
             existing version.",
            env.quotas.versions_per_policy
        )));
    }
    let number = policy.last_version + 1;
    policy.last_version = number;
    policy.versions.push(PolicyVersion {
        number,
        document: policy_document.as_str().into(),
        created: env.now,
    });
    if *set_as_default == Some(true) {
        policy.default_version = number;
    }
    policy.updated = env.now;
    txn.put(&policy);
    let version = policy.version(number).map(|version| views::policy_version(&policy, version, false));
    Ok(wire::CreatePolicyVersionResponse { policy_version: version })
}

pub(crate) fn delete_policy_version(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeletePolicyVersionRequest,
) -> Result<wire::DeletePolicyVersionResponse, IamError> {
    let wire::DeletePolicyVersionRequest { policy_arn, version_id } = request;
    let mut policy = ManagedPolicy::clone(&*find_own(txn, env, policy_arn)?);
    let number = version_number(version_id).filter(|n| policy.version(*n).is_some());
    let number = number.ok_or_else(|| no_version(policy_arn, version_id))?;
    if number == policy.default_version {
        return Err(IamError::DeleteConflict("Cannot delete the default version of a policy.".into()));
    }
    policy.versions.retain(|version| version.number != number);
    policy.updated = env.now;
    txn.put(&policy);
    Ok(wire::DeletePolicyVersionResponse {})
}

pub(crate) fn set_default_policy_version(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::SetDefaultPolicyVersionRequest,
) -> Result<wire::SetDefaultPolicyVersionResponse, IamError> {
    let wire::SetDefaultPolicyVersionRequest { policy_arn, version_id } = request;
    let own = find_own(txn, env, policy_arn).map_err(|error| no_version_of(error, policy_arn, version_id))?;
    let mut policy = ManagedPolicy::clone(&*own);
    let number = version_number(version_id).filter(|n| policy.version(*n).is_some());
    policy.default_version = number.ok_or_else(|| no_version(policy_arn, version_id))?;
    policy.updated = env.now;
    txn.put(&policy);
    Ok(wire::SetDefaultPolicyVersionResponse {})
}

pub(crate) fn list_policy_tags(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListPolicyTagsRequest,
) -> Result<wire::ListPolicyTagsResponse, IamError> {
    let wire::ListPolicyTagsRequest { policy_arn, marker, max_items } = request;
    let no_tags = Default::default();
    let found = find(txn, env, policy_arn)?;
    let page = match &found {
        Found::Customer(policy) => tags::page(&policy.tags, marker.as_deref(), *max_items)?,
        Found::Aws(_) => tags::page(&no_tags, marker.as_deref(), *max_items)?,
    };
    Ok(wire::ListPolicyTagsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        tags: page.items,
    })
}

pub(crate) fn tag_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TagPolicyRequest,
) -> Result<wire::TagPolicyResponse, IamError> {
    let wire::TagPolicyRequest { policy_arn, tags: given } = request;
    let mut policy = ManagedPolicy::clone(&*find_own(txn, env, policy_arn)?);
    tags::add(&mut policy.tags, given, Keys::Exact, env)?;
    txn.put(&policy);
    Ok(wire::TagPolicyResponse {})
}

pub(crate) fn untag_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UntagPolicyRequest,
) -> Result<wire::UntagPolicyResponse, IamError> {
    let wire::UntagPolicyRequest { policy_arn, tag_keys } = request;
    let mut policy = ManagedPolicy::clone(&*find_own(txn, env, policy_arn)?);
    tags::remove(&mut policy.tags, tag_keys, Keys::Exact);
    txn.put(&policy);
    Ok(wire::UntagPolicyResponse {})
}
