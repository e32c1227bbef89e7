//! Roles.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html>

use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{Format, Role};
use rolecall_state::snapshot::Entry;
use rolecall_state::{IdKind, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::tags::Keys;
use crate::{boundaries, documents, tags, views};

/// The session length of a role that does not say.
const DEFAULT_MAX_SESSION_SECONDS: u32 = 3_600;

/// Finds a role and makes the transaction depend on it.
pub(crate) fn find(txn: &mut Txn, name: &str) -> Result<Arc<Entry<Role>>, IamError> {
    txn.read(|a| &a.roles, name).ok_or_else(|| IamError::no_such("role", name))
}

/// Finds a role that may be changed: service-linked ones are the service's.
pub(crate) fn find_modifiable(txn: &mut Txn, name: &str) -> Result<Arc<Entry<Role>>, IamError> {
    let role = find(txn, name)?;
    refuse_service_linked(&role)?;
    Ok(role)
}

/// Refuses what only the linked service may do.
pub(crate) fn refuse_service_linked(role: &Role) -> Result<(), IamError> {
    match &role.linked_service {
        None => Ok(()),
        Some(service) => Err(IamError::UnmodifiableEntity(format!(
            "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS (linked service {service})",
            role.name
        ))),
    }
}

pub(crate) fn create_role(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateRoleRequest,
) -> Result<wire::CreateRoleResponse, IamError> {
    let role = new_role(txn, env, request)?;
    boundaries::refer(txn, &role);
    txn.put(&role);
    Ok(wire::CreateRoleResponse { role: views::role(env, &*account(txn)?, &role, views::Detail::Created) })
}

/// The role that a request asks for, checked and not yet written.
pub(crate) fn new_role(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateRoleRequest,
) -> Result<Role, IamError> {
    let wire::CreateRoleRequest {
        path,
        role_name,
        assume_role_policy_document,
        description,
        max_session_duration,
        permissions_boundary,
        tags: given,
    } = request;
    if txn.read(|a| &a.roles, role_name).is_some() {
        return Err(IamError::EntityAlreadyExists(format!("Role with name {role_name} already exists.")));
    }
    let path = path.clone().unwrap_or_else(|| "/".into());
    if path.starts_with("/aws-service-role/") {
        return Err(IamError::InvalidInput(
            "Service-linked role path cannot be used: only CreateServiceLinkedRole makes roles under it."
                .into(),
        ));
    }
    if account(txn)?.roles.len() >= env.quotas.roles {
        return Err(IamError::quota("RolesPerAccount", env.quotas.roles));
    }
    let trust = documents::trust_policy(txn, env, assume_role_policy_document)?;
    Ok(Role {
        v: Format,
        id: UniqueId::generate(IdKind::Role, env.entropy),
        name: role_name.clone(),
        path,
        created: env.now,
        description: description.clone(),
        max_session_seconds: seconds(*max_session_duration),
        trust_policy: trust.text,
        trust_bindings: trust.bindings,
        tags: tags::at_creation(given, Keys::IgnoringCase, env)?,
        boundary: boundaries::resolve(txn, env, permissions_boundary.as_deref())?,
        inline: Default::default(),
        attached: Default::default(),
        linked_service: None,
        source: None,
    })
}

fn seconds(given: Option<i32>) -> u32 {
    given.and_then(|n| u32::try_from(n).ok()).unwrap_or(DEFAULT_MAX_SESSION_SECONDS)
}

pub(crate) fn get_role(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetRoleRequest,
) -> Result<wire::GetRoleResponse, IamError> {
    let wire::GetRoleRequest { role_name } = request;
    let role = find(txn, role_name)?;
    Ok(wire::GetRoleResponse { role: views::role(env, &*account(txn)?, &role, views::Detail::Full) })
}

pub(crate) fn list_roles(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListRolesRequest,
) -> Result<wire::ListRolesResponse, IamError> {
    let wire::ListRolesRequest { path_prefix, marker, max_items } = request;
    let account = account(txn)?;
    let prefix = path_prefix.as_deref().unwrap_or("/");
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let roles = account.roles.iter().filter(|role| role.path.starts_with(prefix));
    let page = paging.take(roles, |role| role.key().as_str().to_owned());
    let page = page.map(|role| views::role(env, &account, role, views::Detail::Listed));
    Ok(wire::ListRolesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        roles: page.items,
    })
}

pub(crate) fn update_role(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UpdateRoleRequest,
) -> Result<wire::UpdateRoleResponse, IamError> {
    let wire::UpdateRoleRequest { role_name, description, max_session_duration } = request;
    let mut role = Role::clone(&*find(txn, role_name)?);
    if description.is_some() {
        role.description.clone_from(description);
    }
    if max_session_duration.is_some() {
        // Of a service-linked role, everyone may change the description, and only the service the rest.
        refuse_service_linked(&role)?;
        role.max_session_seconds = seconds(*max_session_duration);
    }
    txn.put(&role);
    Ok(wire::UpdateRoleResponse {})
}

pub(crate) fn update_role_description(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateRoleDescriptionRequest,
) -> Result<wire::UpdateRoleDescriptionResponse, IamError> {
    let wire::UpdateRoleDescriptionRequest { role_name, description } = request;
    let mut role = Role::clone(&*find(txn, role_name)?);
    role.description = Some(description.clone());
    txn.put(&role);
    let role = views::role(env, &*account(txn)?, &role, views::Detail::Created);
    Ok(wire::UpdateRoleDescriptionResponse { role: Some(role) })
}

pub(crate) fn update_assume_role_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateAssumeRolePolicyRequest,
) -> Result<wire::UpdateAssumeRolePolicyResponse, IamError> {
    let wire::UpdateAssumeRolePolicyRequest { role_name, policy_document } = request;
    let mut role = Role::clone(&*find_modifiable(txn, role_name)?);
    let trust = documents::trust_policy(txn, env, policy_document)?;
    role.trust_policy = trust.text;
    role.trust_bindings = trust.bindings;
    txn.put(&role);
    Ok(wire::UpdateAssumeRolePolicyResponse {})
}

pub(crate) fn delete_role(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteRoleRequest,
) -> Result<wire::DeleteRoleResponse, IamError> {
    let wire::DeleteRoleRequest { role_name } = request;
    let role = find_modifiable(txn, role_name)?;
    let in_profile = !account(txn)?.profiles_of(&role.id).is_empty();
    let obstacles = [
        (in_profile, "remove roles from instance profile"),
        (!role.inline.is_empty(), "delete policies"),
        (!role.attached.is_empty(), "detach all policies"),
    ];
    if let Some((_, what)) = obstacles.iter().find(|(stands, _)| *stands) {
        return Err(IamError::conflict(what));
    }
    boundaries::unrefer(txn, &*role.value);
    txn.require_unreferenced(&role.id);
    txn.forget_last_use(role.id.as_str());
    txn.delete(&*role.value);
    Ok(wire::DeleteRoleResponse {})
}

pub(crate) fn list_role_tags(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::ListRoleTagsRequest,
) -> Result<wire::ListRoleTagsResponse, IamError> {
    let wire::ListRoleTagsRequest { role_name, marker, max_items } = request;
    let role = find(txn, role_name)?;
    let page = tags::page(&role.tags, marker.as_deref(), *max_items)?;
    Ok(wire::ListRoleTagsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        tags: page.items,
    })
}

pub(crate) fn tag_role(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TagRoleRequest,
) -> Result<wire::TagRoleResponse, IamError> {
    let wire::TagRoleRequest { role_name, tags: given } = request;
    let mut role = Role::clone(&*find(txn, role_name)?);
    tags::add(&mut role.tags, given, Keys::IgnoringCase, env)?;
    txn.put(&role);
    Ok(wire::TagRoleResponse {})
}

pub(crate) fn untag_role(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UntagRoleRequest,
) -> Result<wire::UntagRoleResponse, IamError> {
    let wire::UntagRoleRequest { role_name, tag_keys } = request;
    let mut role = Role::clone(&*find(txn, role_name)?);
    tags::remove(&mut role.tags, tag_keys, Keys::IgnoringCase);
    txn.put(&role);
    Ok(wire::UntagRoleResponse {})
}
