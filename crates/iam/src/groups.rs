//! Groups, and who is in them.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_groups.html>

use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{Format, Group, User};
use rolecall_state::snapshot::Entry;
use rolecall_state::{IdKind, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::{users, views};

/// Finds a group and makes the transaction depend on it.
pub(crate) fn find(txn: &mut Txn, name: &str) -> Result<Arc<Entry<Group>>, IamError> {
    txn.read(|a| &a.groups, name).ok_or_else(|| IamError::no_such("group", name))
}

pub(crate) fn create_group(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateGroupRequest,
) -> Result<wire::CreateGroupResponse, IamError> {
    let wire::CreateGroupRequest { path, group_name } = request;
    if txn.read(|a| &a.groups, group_name).is_some() {
        return Err(IamError::already("Group", group_name));
    }
    if account(txn)?.groups.len() >= env.quotas.groups {
        return Err(IamError::quota("GroupsPerAccount", env.quotas.groups));
    }
    let group = Group {
        v: Format,
        id: UniqueId::generate(IdKind::Group, env.entropy),
        name: group_name.clone(),
        path: path.clone().unwrap_or_else(|| "/".into()),
        created: env.now,
        inline: Default::default(),
        attached: Default::default(),
    };
    txn.put(&group);
    Ok(wire::CreateGroupResponse { group: views::group(env, &group) })
}

pub(crate) fn get_group(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetGroupRequest,
) -> Result<wire::GetGroupResponse, IamError> {
    let wire::GetGroupRequest { group_name, marker, max_items } = request;
    let group = find(txn, group_name)?;
    let account = account(txn)?;
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let page = paging.take(account.members(&group.id), |user| user.key().as_str().to_owned());
    let page = page.map(|user| views::user(env, &account, user, views::Detail::Listed));
    Ok(wire::GetGroupResponse {
        group: views::group(env, &group),
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        users: page.items,
    })
}

pub(crate) fn list_groups(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListGroupsRequest,
) -> Result<wire::ListGroupsResponse, IamError> {
    let wire::ListGroupsRequest { path_prefix, marker, max_items } = request;
    let account = account(txn)?;
    let prefix = path_prefix.as_deref().unwrap_or("/");
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let groups = account.groups.iter().filter(|group| group.path.starts_with(prefix));
    let page = paging.take(groups, |group| group.key().as_str().to_owned());
    let page = page.map(|group| views::group(env, group));
    Ok(wire::ListGroupsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        groups: page.items,
    })
}

pub(crate) fn list_groups_for_user(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListGroupsForUserRequest,
) -> Result<wire::ListGroupsForUserResponse, IamError> {
    let wire::ListGroupsForUserRequest { user_name, marker, max_items } = request;
    let user = users::find(txn, user_name)?;
    let account = account(txn)?;
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let page = paging.take(account.groups_of(&user), |group| group.key().as_str().to_owned());
    let page = page.map(|group| views::group(env, group));
    Ok(wire::ListGroupsForUserResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        groups: page.items,
    })
}

pub(crate) fn update_group(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UpdateGroupRequest,
) -> Result<wire::UpdateGroupResponse, IamError> {
    let wire::UpdateGroupRequest { group_name, new_path, new_group_name } = request;
    let old = find(txn, group_name)?;
    let mut group = Group::clone(&old);
    if let Some(path) = new_path {
        group.path.clone_from(path);
    }
    if let Some(name) = new_group_name {
        group.name.clone_from(name);
    }
    if group.key() != old.key() {
        if txn.read(|a| &a.groups, &group.name).is_some() {
            return Err(IamError::already("Group", &group.name));
        }
        txn.delete(&*old.value);
    }
    txn.put(&group);
    Ok(wire::UpdateGroupResponse {})
}

pub(crate) fn delete_group(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteGroupRequest,
) -> Result<wire::DeleteGroupResponse, IamError> {
    let wire::DeleteGroupRequest { group_name } = request;
    let group = find(txn, group_name)?;
    let has_members = !account(txn)?.members(&group.id).is_empty();
    let obstacles = [
        (has_members, "remove users from group"),
        (!group.inline.is_empty(), "delete policies"),
        (!group.attached.is_empty(), "detach all policies"),
    ];
    if let Some((_, what)) = obstacles.iter().find(|(stands, _)| *stands) {
        return Err(IamError::conflict(what));
    }
    txn.require_unreferenced(&group.id);
    txn.delete(&*group.value);
    Ok(wire::DeleteGroupResponse {})
}

pub(crate) fn add_user_to_group(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AddUserToGroupRequest,
) -> Result<wire::AddUserToGroupResponse, IamError> {
    let wire::AddUserToGroupRequest { group_name, user_name } = request;
    let group = find(txn, group_name)?;
    let mut user = User::clone(&*users::find(txn, user_name)?);
    if user.groups.insert(group.id.clone()) {
        if user.groups.len() > env.quotas.groups_per_user {
            return Err(IamError::quota("GroupsPerUser", env.quotas.groups_per_user));
        }
        txn.refer(&group.id, "member", &user.id);
        txn.put(&user);
    }
    Ok(wire::AddUserToGroupResponse {})
}

// FIDELITY: whether AWS refuses to remove a user that is not in the group; here it does nothing,
// as removing what is absent leaves what was asked for.
pub(crate) fn remove_user_from_group(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::RemoveUserFromGroupRequest,
) -> Result<wire::RemoveUserFromGroupResponse, IamError> {
    let wire::RemoveUserFromGroupRequest { group_name, user_name } = request;
    let mut user = User::clone(&*users::find(txn, user_name)?);
    let group = find(txn, group_name)?;
    if user.groups.remove(&group.id) {
        txn.unrefer(&group.id, "member", &user.id);
        txn.put(&user);
    }
    Ok(wire::RemoveUserFromGroupResponse {})
}
