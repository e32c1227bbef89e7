//! Users.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users.html>

use std::sync::Arc;

use rolecall_access::Identity;
use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{Format, User};
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{IdKind, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::tags::Keys;
use crate::{boundaries, tags, views};

/// Finds a user and makes the transaction depend on it.
pub(crate) fn find(txn: &mut Txn, name: &str) -> Result<Arc<Entry<User>>, IamError> {
    txn.read(|a| &a.users, name).ok_or_else(|| IamError::no_such("user", name))
}

/// The user that an operation is about when it may leave the name out: then it is the caller.
pub(crate) fn named_or_caller(
    txn: &mut Txn,
    env: &Env<'_>,
    name: Option<&str>,
) -> Result<Arc<Entry<User>>, IamError> {
    match (name, &env.caller.identity) {
        (Some(name), _) => find(txn, name),
        (None, Identity::User(user)) => find(txn, &user.name),
        (None, _) => {
            Err(IamError::Validation("Must specify userName when calling with non-User credentials".into()))
        }
    }
}

pub(crate) fn create_user(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateUserRequest,
) -> Result<wire::CreateUserResponse, IamError> {
    let wire::CreateUserRequest { path, user_name, permissions_boundary, tags: given } = request;
    if txn.read(|a| &a.users, user_name).is_some() {
        return Err(IamError::already("User", user_name));
    }
    if account(txn)?.users.len() >= env.quotas.users {
        return Err(IamError::quota("UsersPerAccount", env.quotas.users));
    }
    let user = User {
        v: Format,
        id: UniqueId::generate(IdKind::User, env.entropy),
        name: user_name.clone(),
        path: path.clone().unwrap_or_else(|| "/".into()),
        created: env.now,
        tags: tags::at_creation(given, Keys::IgnoringCase, env)?,
        boundary: boundaries::resolve(txn, env, permissions_boundary.as_deref())?,
        inline: Default::default(),
        attached: Default::default(),
        groups: Default::default(),
        access_keys: Vec::new(),
        login_profile: None,
        ssh_keys: Vec::new(),
        signing_certificates: Vec::new(),
        service_credentials: Vec::new(),
    };
    boundaries::refer(txn, &user);
    txn.put(&user);
    Ok(wire::CreateUserResponse { user: Some(views::user(env, &*account(txn)?, &user, views::Detail::Full)) })
}

pub(crate) fn get_user(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetUserRequest,
) -> Result<wire::GetUserResponse, IamError> {
    let wire::GetUserRequest { user_name } = request;
    if user_name.is_none() && env.caller.is_root() {
        let record = account(txn)?.record.clone();
        return Ok(wire::GetUserResponse { user: views::root_user(env, &record) });
    }
    let user = named_or_caller(txn, env, user_name.as_deref())?;
    Ok(wire::GetUserResponse { user: views::user(env, &*account(txn)?, &user, views::Detail::Full) })
}

pub(crate) fn list_users(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListUsersRequest,
) -> Result<wire::ListUsersResponse, IamError> {
    let wire::ListUsersRequest { path_prefix, marker, max_items } = request;
    let account = account(txn)?;
    let prefix = path_prefix.as_deref().unwrap_or("/");
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let users = account.users.iter().filter(|user| user.path.starts_with(prefix));
    let page = paging.take(users, |user| user.key().as_str().to_owned());
    let page = page.map(|user| views::user(env, &account, user, views::Detail::Listed));
    Ok(wire::ListUsersResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        users: page.items,
    })
}

pub(crate) fn update_user(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UpdateUserRequest,
) -> Result<wire::UpdateUserResponse, IamError> {
    let wire::UpdateUserRequest { user_name, new_path, new_user_name } = request;
    let old = find(txn, user_name)?;
    let mut user = User::clone(&old);
    if let Some(path) = new_path {
        user.path.clone_from(path);
    }
    if let Some(name) = new_user_name {
        user.name.clone_from(name);
    }
    // Tools send the present name too; only another one can be taken already.
    if user.key() != old.key() {
        if txn.read(|a| &a.users, &user.name).is_some() {
            return Err(IamError::already("User", &user.name));
        }
        txn.delete(&*old.value);
    }
    txn.put(&user);
    Ok(wire::UpdateUserResponse {})
}

pub(crate) fn delete_user(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteUserRequest,
) -> Result<wire::DeleteUserResponse, IamError> {
    let wire::DeleteUserRequest { user_name } = request;
    let user = find(txn, user_name)?;
    refuse_while_in_use(&*account(txn)?, &user)?;
    // Someone may give the user an MFA device meanwhile.
    txn.require_unreferenced(&user.id);
    user.access_keys.iter().for_each(|key| txn.forget_last_use(key.id.as_str()));
    txn.forget_last_use(user.id.as_str());
    boundaries::unrefer(txn, &*user.value);
    txn.delete(&*user.value);
    Ok(wire::DeleteUserResponse {})
}

/// AWS deletes nothing along with a user: each thing must go first.
fn refuse_while_in_use(account: &Account, user: &User) -> Result<(), IamError> {
    let obstacles = [
        (!user.access_keys.is_empty(), "delete access keys"),
        (user.login_profile.is_some(), "delete login profile"),
        (!account.mfa_devices_of(&user.id).is_empty(), "deactivate MFA device"),
        (!user.signing_certificates.is_empty(), "delete signing certificate"),
        (!user.ssh_keys.is_empty(), "delete SSH public keys"),
        (!user.service_credentials.is_empty(), "delete service specific credentials"),
        (!user.groups.is_empty(), "remove users from group"),
        (!user.inline.is_empty(), "delete policies"),
        (!user.attached.is_empty(), "detach all policies"),
    ];
    match obstacles.iter().find(|(stands, _)| *stands) {
        Some((_, what)) => Err(IamError::conflict(what)),
        None => Ok(()),
    }
}

pub(crate) fn list_user_tags(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::ListUserTagsRequest,
) -> Result<wire::ListUserTagsResponse, IamError> {
    let wire::ListUserTagsRequest { user_name, marker, max_items } = request;
    let user = find(txn, user_name)?;
    let page = tags::page(&user.tags, marker.as_deref(), *max_items)?;
    Ok(wire::ListUserTagsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        tags: page.items,
    })
}

pub(crate) fn tag_user(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TagUserRequest,
) -> Result<wire::TagUserResponse, IamError> {
    let wire::TagUserRequest { user_name, tags: given } = request;
    let mut user = User::clone(&*find(txn, user_name)?);
    tags::add(&mut user.tags, given, Keys::IgnoringCase, env)?;
    txn.put(&user);
    Ok(wire::TagUserResponse {})
}

pub(crate) fn untag_user(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UntagUserRequest,
) -> Result<wire::UntagUserResponse, IamError> {
    let wire::UntagUserRequest { user_name, tag_keys } = request;
    let mut user = User::clone(&*find(txn, user_name)?);
    tags::remove(&mut user.tags, tag_keys, Keys::IgnoringCase);
    txn.put(&user);
    Ok(wire::UntagUserResponse {})
}
