//! Inline policies of users, groups and roles: one rule for the three.

use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{Group, InlinePolicies, Role, User};
use rolecall_state::{PolicyHolder, Txn};

use crate::env::Env;
use crate::error::IamError;
use crate::paging::{Page, Paging};
use crate::{documents, groups, roles, users};

/// How the holders differ: in AWS's words and by quota.
struct Kind {
    word: &'static str,
    quota: usize,
}

fn put<T: PolicyHolder>(
    txn: &mut Txn,
    mut holder: T,
    name: &str,
    document: &str,
    kind: Kind,
) -> Result<(), IamError> {
    documents::check_identity(document)?;
    holder.inline_mut().insert(name.to_owned(), Arc::from(document));
    let size: usize = holder.inline().values().map(|document| documents::size(document)).sum();
    if size > kind.quota {
        let Kind { word, quota } = kind;
        let owner = holder.key().as_str().to_owned();
        return Err(IamError::LimitExceeded(format!(
            "Maximum policy size of {quota} bytes exceeded for {word} {owner}"
        )));
    }
    txn.put(&holder);
    Ok(())
}

fn get(policies: &InlinePolicies, word: &str, name: &str) -> Result<String, IamError> {
    let document = policies.get(name).ok_or_else(|| IamError::no_such(&format!("{word} policy"), name))?;
    Ok(documents::encode(document))
}

fn delete<T: PolicyHolder>(txn: &mut Txn, mut holder: T, word: &str, name: &str) -> Result<(), IamError> {
    if holder.inline_mut().remove(name).is_none() {
        return Err(IamError::no_such(&format!("{word} policy"), name));
    }
    txn.put(&holder);
    Ok(())
}

fn names(
    policies: &InlinePolicies,
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Result<Page<String>, IamError> {
    let page = Paging::new(marker, max_items)?.take(policies.keys(), |name| (*name).clone());
    Ok(page.map(Clone::clone))
}

pub(crate) fn put_user_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::PutUserPolicyRequest,
) -> Result<wire::PutUserPolicyResponse, IamError> {
    let wire::PutUserPolicyRequest { user_name, policy_name, policy_document } = request;
    let user = User::clone(&*users::find(txn, user_name)?);
    let kind = Kind { word: "user", quota: env.quotas.user_policy_size };
    put(txn, user, policy_name, policy_document, kind)?;
    Ok(wire::PutUserPolicyResponse {})
}

pub(crate) fn get_user_policy(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::GetUserPolicyRequest,
) -> Result<wire::GetUserPolicyResponse, IamError> {
    let wire::GetUserPolicyRequest { user_name, policy_name } = request;
    let user = users::find(txn, user_name)?;
    let policy_document = get(&user.inline, "user", policy_name)?;
    Ok(wire::GetUserPolicyResponse {
        user_name: user.name.clone(),
        policy_name: policy_name.clone(),
        policy_document,
    })
}

pub(crate) fn delete_user_policy(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteUserPolicyRequest,
) -> Result<wire::DeleteUserPolicyResponse, IamError> {
    let wire::DeleteUserPolicyRequest { user_name, policy_name } = request;
    let user = User::clone(&*users::find(txn, user_name)?);
    delete(txn, user, "user", policy_name)?;
    Ok(wire::DeleteUserPolicyResponse {})
}

pub(crate) fn list_user_policies(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::ListUserPoliciesRequest,
) -> Result<wire::ListUserPoliciesResponse, IamError> {
    let wire::ListUserPoliciesRequest { user_name, marker, max_items } = request;
    let user = users::find(txn, user_name)?;
    let page = names(&user.inline, marker.as_deref(), *max_items)?;
    Ok(wire::ListUserPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        policy_names: page.items,
    })
}

pub(crate) fn put_group_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::PutGroupPolicyRequest,
) -> Result<wire::PutGroupPolicyResponse, IamError> {
    let wire::PutGroupPolicyRequest { group_name, policy_name, policy_document } = request;
    let group = Group::clone(&*groups::find(txn, group_name)?);
    let kind = Kind { word: "group", quota: env.quotas.group_policy_size };
    put(txn, group, policy_name, policy_document, kind)?;
    Ok(wire::PutGroupPolicyResponse {})
}

pub(crate) fn get_group_policy(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::GetGroupPolicyRequest,
) -> Result<wire::GetGroupPolicyResponse, IamError> {
    let wire::GetGroupPolicyRequest { group_name, policy_name } = request;
    let group = groups::find(txn, group_name)?;
    let policy_document = get(&group.inline, "group", policy_name)?;
    Ok(wire::GetGroupPolicyResponse {
        group_name: group.name.clone(),
        policy_name: policy_name.clone(),
        policy_document,
    })
}

pub(crate) fn delete_group_policy(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteGroupPolicyRequest,
) -> Result<wire::DeleteGroupPolicyResponse, IamError> {
    let wire::DeleteGroupPolicyRequest { group_name, policy_name } = request;
    let group = Group::clone(&*groups::find(txn, group_name)?);
    delete(txn, group, "group", policy_name)?;
    Ok(wire::DeleteGroupPolicyResponse {})
}

pub(crate) fn list_group_policies(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::ListGroupPoliciesRequest,
) -> Result<wire::ListGroupPoliciesResponse, IamError> {
    let wire::ListGroupPoliciesRequest { group_name, marker, max_items } = request;
    let group = groups::find(txn, group_name)?;
    let page = names(&group.inline, marker.as_deref(), *max_items)?;
    Ok(wire::ListGroupPoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        policy_names: page.items,
    })
}

pub(crate) fn put_role_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::PutRolePolicyRequest,
) -> Result<wire::PutRolePolicyResponse, IamError> {
    let wire::PutRolePolicyRequest { role_name, policy_name, policy_document } = request;
    let role = Role::clone(&*roles::find_modifiable(txn, role_name)?);
    let kind = Kind { word: "role", quota: env.quotas.role_policy_size };
    put(txn, role, policy_name, policy_document, kind)?;
    Ok(wire::PutRolePolicyResponse {})
}

pub(crate) fn get_role_policy(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::GetRolePolicyRequest,
) -> Result<wire::GetRolePolicyResponse, IamError> {
    let wire::GetRolePolicyRequest { role_name, policy_name } = request;
    let role = roles::find(txn, role_name)?;
    let policy_document = get(&role.inline, "role", policy_name)?;
    Ok(wire::GetRolePolicyResponse {
        role_name: role.name.clone(),
        policy_name: policy_name.clone(),
        policy_document,
    })
}

pub(crate) fn delete_role_policy(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteRolePolicyRequest,
) -> Result<wire::DeleteRolePolicyResponse, IamError> {
    let wire::DeleteRolePolicyRequest { role_name, policy_name } = request;
    let role = Role::clone(&*roles::find_modifiable(txn, role_name)?);
    delete(txn, role, "role", policy_name)?;
    Ok(wire::DeleteRolePolicyResponse {})
}

pub(crate) fn list_role_policies(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::ListRolePoliciesRequest,
) -> Result<wire::ListRolePoliciesResponse, IamError> {
    let wire::ListRolePoliciesRequest { role_name, marker, max_items } = request;
    let role = roles::find(txn, role_name)?;
    let page = names(&role.inline, marker.as_deref(), *max_items)?;
    Ok(wire::ListRolePoliciesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        policy_names: page.items,
    })
}
