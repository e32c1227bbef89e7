//! Instance profiles: what hands a role to an instance.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_switch-role-ec2_instance-profiles.html>

use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{Format, InstanceProfile};
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{IdKind, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::tags::Keys;
use crate::{roles, tags, views};

/// Finds an instance profile and makes the transaction depend on it.
pub(crate) fn find(txn: &mut Txn, name: &str) -> Result<Arc<Entry<InstanceProfile>>, IamError> {
    let absent = || IamError::NoSuchEntity(format!("Instance Profile {name} cannot be found."));
    txn.read(|a| &a.instance_profiles, name).ok_or_else(absent)
}

pub(crate) fn create_instance_profile(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateInstanceProfileRequest,
) -> Result<wire::CreateInstanceProfileResponse, IamError> {
    let wire::CreateInstanceProfileRequest { instance_profile_name: name, path, tags: given } = request;
    if txn.read(|a| &a.instance_profiles, name).is_some() {
        return Err(IamError::EntityAlreadyExists(format!("Instance Profile {name} already exists.")));
    }
    if account(txn)?.instance_profiles.len() >= env.quotas.instance_profiles {
        return Err(IamError::quota("InstanceProfilesPerAccount", env.quotas.instance_profiles));
    }
    let profile = InstanceProfile {
        v: Format,
        id: UniqueId::generate(IdKind::InstanceProfile, env.entropy),
        name: name.clone(),
        path: path.clone().unwrap_or_else(|| "/".into()),
        created: env.now,
        tags: tags::at_creation(given, Keys::Exact, env)?,
        role: None,
    };
    txn.put(&profile);
    let instance_profile = views::instance_profile(env, &*account(txn)?, &profile, views::Detail::Full);
    Ok(wire::CreateInstanceProfileResponse { instance_profile })
}

pub(crate) fn get_instance_profile(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetInstanceProfileRequest,
) -> Result<wire::GetInstanceProfileResponse, IamError> {
    let wire::GetInstanceProfileRequest { instance_profile_name } = request;
    let profile = find(txn, instance_profile_name)?;
    let instance_profile = views::instance_profile(env, &*account(txn)?, &profile, views::Detail::Full);
    Ok(wire::GetInstanceProfileResponse { instance_profile })
}

pub(crate) fn list_instance_profiles(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListInstanceProfilesRequest,
) -> Result<wire::ListInstanceProfilesResponse, IamError> {
    let wire::ListInstanceProfilesRequest { path_prefix, marker, max_items } = request;
    let account = account(txn)?;
    let prefix = path_prefix.as_deref().unwrap_or("/");
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let profiles = account.instance_profiles.iter().filter(|profile| profile.path.starts_with(prefix));
    let page = paging.take(profiles, |profile| profile.key().as_str().to_owned());
    let page = page.map(|profile| views::instance_profile(env, &account, profile, views::Detail::Listed));
    Ok(wire::ListInstanceProfilesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        instance_profiles: page.items,
    })
}

pub(crate) fn list_instance_profiles_for_role(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListInstanceProfilesForRoleRequest,
) -> Result<wire::ListInstanceProfilesForRoleResponse, IamError> {
    let wire::ListInstanceProfilesForRoleRequest { role_name, marker, max_items } = request;
    let role = roles::find(txn, role_name)?;
    let account = account(txn)?;
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let page = paging.take(account.profiles_of(&role.id), |profile| profile.key().as_str().to_owned());
    let page = page.map(|profile| views::instance_profile(env, &account, profile, views::Detail::Listed));
    Ok(wire::ListInstanceProfilesForRoleResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        instance_profiles: page.items,
    })
}

pub(crate) fn delete_instance_profile(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteInstanceProfileRequest,
) -> Result<wire::DeleteInstanceProfileResponse, IamError> {
    let wire::DeleteInstanceProfileRequest { instance_profile_name } = request;
    let profile = find(txn, instance_profile_name)?;
    if profile.role.is_some() {
        return Err(IamError::conflict("remove roles from instance profile"));
    }
    txn.delete(&*profile.value);
    Ok(wire::DeleteInstanceProfileResponse {})
}

pub(crate) fn add_role_to_instance_profile(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::AddRoleToInstanceProfileRequest,
) -> Result<wire::AddRoleToInstanceProfileResponse, IamError> {
    let wire::AddRoleToInstanceProfileRequest { instance_profile_name, role_name } = request;
    let mut profile = InstanceProfile::clone(&*find(txn, instance_profile_name)?);
    let role = roles::find(txn, role_name)?;
    roles::refuse_service_linked(&role)?;
    if profile.role.is_some() {
        return Err(IamError::quota("InstanceSessionsPerInstanceProfile", 1));
    }
    profile.role = Some(role.id.clone());
    txn.refer(&role.id, "profile", &profile.id);
    txn.put(&profile);
    Ok(wire::AddRoleToInstanceProfileResponse {})
}

pub(crate) fn remove_role_from_instance_profile(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::RemoveRoleFromInstanceProfileRequest,
) -> Result<wire::RemoveRoleFromInstanceProfileResponse, IamError> {
    let wire::RemoveRoleFromInstanceProfileRequest { instance_profile_name, role_name } = request;
    let mut profile = InstanceProfile::clone(&*find(txn, instance_profile_name)?);
    let role = roles::find(txn, role_name)?;
    if profile.role.as_ref() != Some(&role.id) {
        return Err(IamError::no_such("role", role_name));
    }
    profile.role = None;
    txn.unrefer(&role.id, "profile", &profile.id);
    txn.put(&profile);
    Ok(wire::RemoveRoleFromInstanceProfileResponse {})
}

pub(crate) fn list_instance_profile_tags(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::ListInstanceProfileTagsRequest,
) -> Result<wire::ListInstanceProfileTagsResponse, IamError> {
    let wire::ListInstanceProfileTagsRequest { instance_profile_name, marker, max_items } = request;
    let profile = find(txn, instance_profile_name)?;
    let page = tags::page(&profile.tags, marker.as_deref(), *max_items)?;
    Ok(wire::ListInstanceProfileTagsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        tags: page.items,
    })
}

pub(crate) fn tag_instance_profile(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TagInstanceProfileRequest,
) -> Result<wire::TagInstanceProfileResponse, IamError> {
    let wire::TagInstanceProfileRequest { instance_profile_name, tags: given } = request;
    let mut profile = InstanceProfile::clone(&*find(txn, instance_profile_name)?);
    tags::add(&mut profile.tags, given, Keys::Exact, env)?;
    txn.put(&profile);
    Ok(wire::TagInstanceProfileResponse {})
}

pub(crate) fn untag_instance_profile(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UntagInstanceProfileRequest,
) -> Result<wire::UntagInstanceProfileResponse, IamError> {
    let wire::UntagInstanceProfileRequest { instance_profile_name, tag_keys } = request;
    let mut profile = InstanceProfile::clone(&*find(txn, instance_profile_name)?);
    tags::remove(&mut profile.tags, tag_keys, Keys::Exact);
    txn.put(&profile);
    Ok(wire::UntagInstanceProfileResponse {})
}

/// The account's instance profiles hold at most one role each; this is that role.
pub(crate) fn role_of<'a>(
    account: &'a Account,
    profile: &InstanceProfile,
) -> Option<&'a Arc<Entry<rolecall_state::entities::Role>>> {
    profile.role.as_ref().and_then(|id| account.roles.by_id(id))
}
