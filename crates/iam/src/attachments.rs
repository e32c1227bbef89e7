//! Attaching managed policies to users, groups and roles: one rule for the three.

use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{AttachedPolicies, Group, Role, User};
use rolecall_state::{PolicyHolder, Txn};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::{Page, Paging};
use crate::{groups, policies, roles, users};

fn attach<T: PolicyHolder>(
    txn: &mut Txn,
    env: &Env<'_>,
    mut holder: T,
    arn: &str,
    quota: (&str, usize),
) -> Result<(), IamError> {
    let policy = policies::resolve(txn, env, arn).map_err(|error| match error {
        IamError::NoSuchEntity(_) => {
            IamError::NoSuchEntity(format!("Policy {arn} does not exist or is not attachable."))
        }
        other => other,
    })?;
    if holder.attached_mut().insert(policy.clone()) {
        let (name, limit) = quota;
        if holder.attached().len() > limit {
            return Err(IamError::quota(name, limit));
        }
        if let Some(id) = policies::customer_id(txn, &policy) {
            txn.refer(&id, "attached", holder.id());
        }
        txn.put(&holder);
    }
    Ok(())
}

fn detach<T: PolicyHolder>(txn: &mut Txn, env: &Env<'_>, mut holder: T, arn: &str) -> Result<(), IamError> {
    let policy = policies::resolve(txn, env, arn)?;
    if !holder.attached_mut().remove(&policy) {
        return Err(IamError::NoSuchEntity(format!("Policy {arn} was not found.")));
    }
    if let Some(id) = policies::customer_id(txn, &policy) {
        txn.unrefer(&id, "attached", holder.id());
    }
    txn.put(&holder);
    Ok(())
}

/// Which attached policies to list.
struct Wanted<'a> {
    path_prefix: Option<&'a str>,
    marker: Option<&'a str>,
    max_items: Option<i32>,
}

fn list(
    txn: &Txn,
    env: &Env<'_>,
    attached: &AttachedPolicies,
    wanted: Wanted<'_>,
) -> Result<Page<wire::AttachedPolicy>, IamError> {
    let account = account(txn)?;
    let prefix = wanted.path_prefix.unwrap_or("/");
    let named = attached.iter().filter_map(|policy| {
        let (arn, name) = policies::arn_and_name(env, &account, policy)?;
        let path = arn.split_once(":policy").and_then(|(_, path)| path.strip_suffix(name.as_str()))?;
        path.starts_with(prefix).then(|| (policy.to_string(), arn, name))
    });
    let page = Paging::new(wanted.marker, wanted.max_items)?.take(named, |(key, ..)| key.clone());
    Ok(page.map(|(_, arn, name)| wire::AttachedPolicy { policy_name: Some(name), policy_arn: Some(arn) }))
}

pub(crate) fn attach_user_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AttachUserPolicyRequest,
) -> Result<wire::AttachUserPolicyResponse, IamError> {
    let wire::AttachUserPolicyRequest { user_name, policy_arn } = request;
    let user = User::clone(&*users::find(txn, user_name)?);
    attach(txn, env, user, policy_arn, ("PoliciesPerUser", env.quotas.attached_policies_per_user))?;
    Ok(wire::AttachUserPolicyResponse {})
}

pub(crate) fn detach_user_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DetachUserPolicyRequest,
) -> Result<wire::DetachUserPolicyResponse, IamError> {
    let wire::DetachUserPolicyRequest { user_name, policy_arn } = request;
    let user = User::clone(&*users::find(txn, user_name)?);
    detach(txn, env, user, policy_arn)?;
    Ok(wire::DetachUserPolicyResponse {})
}

pub(crate) fn list_attached_user_policies(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListAttachedUserPoliciesRequest,
) -> Result<wire::ListAttachedUserPoliciesResponse, IamError> {
    let wire::ListAttachedUserPoliciesRequest { user_name, path_prefix, marker, max_items } = request;
    let user = users::find(txn, user_name)?;
    let wanted =
        Wanted { path_prefix: path_prefix.as_deref(), marker: marker.as_deref(), max_items: *max_items };
    let page = list(txn, env, &user.attached, wanted)?;
    Ok(wire::ListAttachedUserPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        attached_policies: page.items,
    })
}

pub(crate) fn attach_group_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AttachGroupPolicyRequest,
) -> Result<wire::AttachGroupPolicyResponse, IamError> {
    let wire::AttachGroupPolicyRequest { group_name, policy_arn } = request;
    let group = Group::clone(&*groups::find(txn, group_name)?);
    attach(txn, env, group, policy_arn, ("PoliciesPerGroup", env.quotas.attached_policies_per_group))?;
    Ok(wire::AttachGroupPolicyResponse {})
}

pub(crate) fn detach_group_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DetachGroupPolicyRequest,
) -> Result<wire::DetachGroupPolicyResponse, IamError> {
    let wire::DetachGroupPolicyRequest { group_name, policy_arn } = request;
    let group = Group::clone(&*groups::find(txn, group_name)?);
    detach(txn, env, group, policy_arn)?;
    Ok(wire::DetachGroupPolicyResponse {})
}

pub(crate) fn list_attached_group_policies(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListAttachedGroupPoliciesRequest,
) -> Result<wire::ListAttachedGroupPoliciesResponse, IamError> {
    let wire::ListAttachedGroupPoliciesRequest { group_name, path_prefix, marker, max_items } = request;
    let group = groups::find(txn, group_name)?;
    let wanted =
        Wanted { path_prefix: path_prefix.as_deref(), marker: marker.as_deref(), max_items: *max_items };
    let page = list(txn, env, &group.attached, wanted)?;
    Ok(wire::ListAttachedGroupPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        attached_policies: page.items,
    })
}

pub(crate) fn attach_role_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AttachRolePolicyRequest,
) -> Result<wire::AttachRolePolicyResponse, IamError> {
    let wire::AttachRolePolicyRequest { role_name, policy_arn } = request;
    let role = Role::clone(&*roles::find_modifiable(txn, role_name)?);
    attach(txn, env, role, policy_arn, ("PoliciesPerRole", env.quotas.attached_policies_per_role))?;
    Ok(wire::AttachRolePolicyResponse {})
}

pub(crate) fn detach_role_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DetachRolePolicyRequest,
) -> Result<wire::DetachRolePolicyResponse, IamError> {
    let wire::DetachRolePolicyRequest { role_name, policy_arn } = request;
    let role = Role::clone(&*roles::find_modifiable(txn, role_name)?);
    detach(txn, env, role, policy_arn)?;
    Ok(wire::DetachRolePolicyResponse {})
}

pub(crate) fn list_attached_role_policies(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListAttachedRolePoliciesRequest,
) -> Result<wire::ListAttachedRolePoliciesResponse, IamError> {
    let wire::ListAttachedRolePoliciesRequest { role_name, path_prefix, marker, max_items } = request;
    let role = roles::find(txn, role_name)?;
    let wanted =
        Wanted { path_prefix: path_prefix.as_deref(), marker: marker.as_deref(), max_items: *max_items };
    let page = list(txn, env, &role.attached, wanted)?;
    Ok(wire::ListAttachedRolePoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        attached_policies: page.items,
    })
}
