//! Virtual MFA devices: made, given to a user by two codes in a row, and taken away again.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_enable_virtual.html>

use std::sync::Arc;

use rolecall_access::Identity;
use rolecall_aws_model::iam as wire;
use rolecall_credentials::provisioning;
use rolecall_credentials::totp::{self, Clock, Code, Seed};
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::{Format, MfaAssignment, MfaDevice};
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{AccountId, IdKind, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::tags::Keys;
use crate::{tags, users, views};

/// The id that the root user goes by: its account's.
pub(crate) fn root_id(account: AccountId) -> UniqueId {
    UniqueId::from_stored(&account.to_string())
}

fn serial(env: &Env<'_>, device: &MfaDevice) -> String {
    env.arn("mfa", &device.path, &device.name)
}

fn absent(serial: &str) -> IamError {
    IamError::NoSuchEntity(format!("MFA Device with serial number {serial} does not exist."))
}

fn not_the_users() -> IamError {
    IamError::NoSuchEntity("MFA Device invalid for user.".into())
}

fn wrong_code() -> IamError {
    IamError::InvalidAuthenticationCode("Authentication code for device is not valid.".into())
}

/// Finds a device by its ARN and makes the transaction depend on it.
fn find(txn: &mut Txn, env: &Env<'_>, serial_number: &str) -> Result<Arc<Entry<MfaDevice>>, IamError> {
    let missing = || absent(serial_number);
    let parts = ArnParts::parse(serial_number).filter(|parts| parts.account_id() == Some(env.account()));
    let path_and_name = parts.and_then(|parts| parts.resource.strip_prefix("mfa/")).ok_or_else(missing)?;
    let name = path_and_name.rsplit('/').next().unwrap_or(path_and_name);
    let device = txn.read(|a| &a.mfa_devices, name).ok_or_else(missing)?;
    if serial(env, &device) == serial_number { Ok(device) } else { Err(missing()) }
}

fn seed(txn: &Txn, device: &MfaDevice) -> Result<Seed, IamError> {
    let opened = txn.master().open(&device.seed, &MfaDevice::purpose(&device.id));
    let opened = opened.map_err(|cause| IamError::Failure(cause.to_string()))?;
    let seed = opened.expose_str().and_then(Seed::from_base32);
    seed.ok_or_else(|| IamError::Failure("a stored seed can't be read".into()))
}

fn codes(first: &str, second: &str) -> Result<(Code, Code), IamError> {
    match (Code::parse(first), Code::parse(second)) {
        (Some(first), Some(second)) => Ok((first, second)),
        _ => Err(wrong_code()),
    }
}

/// The user whose devices an operation is about, by unique id and by the name that answers show.
fn user(txn: &mut Txn, env: &Env<'_>, name: Option<&str>) -> Result<(UniqueId, String), IamError> {
    if name.is_none() && matches!(env.caller.identity, Identity::Root) {
        return Ok((root_id(env.account()), account(txn)?.record.name.clone()));
    }
    let user = users::named_or_caller(txn, env, name)?;
    Ok((user.id.clone(), user.name.clone()))
}

pub(crate) fn create_virtual_mfa_device(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateVirtualMFADeviceRequest,
) -> Result<wire::CreateVirtualMFADeviceResponse, IamError> {
    let wire::CreateVirtualMFADeviceRequest { path, virtual_mfa_device_name: name, tags: given } = request;
    if txn.read(|a| &a.mfa_devices, name).is_some() {
        let message = "MFA device already exists.";
        return Err(IamError::EntityAlreadyExists(message.into()));
    }
    let seed = Seed::generate(&|bytes| env.entropy.fill(bytes));
    let id = UniqueId::generate(IdKind::MfaDevice, env.entropy);
    let device = MfaDevice {
        v: Format,
        name: name.clone(),
        path: path.clone().unwrap_or_else(|| "/".into()),
        created: env.now,
        tags: tags::at_creation(given, Keys::Exact, env)?,
        seed: txn.master().seal(seed.base32().as_bytes(), &MfaDevice::purpose(&id), env.entropy),
        id,
        assigned: None,
    };
    let label = account(txn)?.record.alias.clone().unwrap_or_else(|| env.account().to_string());
    let provisioned = provisioning::uri(&seed, &device.name, &label);
    let virtual_mfa_device = wire::VirtualMFADevice {
        serial_number: serial(env, &device),
        base32_string_seed: Some(seed.base32().as_bytes().to_vec()),
        qr_code_png: provisioning::qr_png(&provisioned),
        user: None,
        enable_date: None,
        tags: tags::all(&device.tags),
    };
    txn.put(&device);
    Ok(wire::CreateVirtualMFADeviceResponse { virtual_mfa_device })
}

/// Who is to get a device. The root user names itself as answers show it: the parameter is not optional.
/// FIDELITY: AWS documents its own pages as the way, and not what its root user gives here.
fn holder(txn: &mut Txn, env: &Env<'_>, name: &str) -> Result<UniqueId, IamError> {
    match users::find(txn, name) {
        Ok(user) => Ok(user.id.clone()),
        Err(_) if env.caller.is_root() && account(txn)?.record.name == name => Ok(root_id(env.account())),
        Err(error) => Err(error),
    }
}

pub(crate) fn enable_mfa_device(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::EnableMFADeviceRequest,
) -> Result<wire::EnableMFADeviceResponse, IamError> {
    let wire::EnableMFADeviceRequest { user_name, serial_number, authentication_code1, authentication_code2 } =
        request;
    let user = holder(txn, env, user_name)?;
    let mut device = MfaDevice::clone(&*find(txn, env, serial_number)?);
    if device.assigned.is_some() {
        return Err(IamError::EntityAlreadyExists("MFA Device is already in use.".into()));
    }
    if account(txn)?.mfa_devices_of(&user).len() >= env.quotas.mfa_devices_per_user {
        return Err(IamError::quota("MFADevicesPerUser", env.quotas.mfa_devices_per_user));
    }
    let (first, second) = codes(authentication_code1, authentication_code2)?;
    let clock = totp::enable(&seed(txn, &device)?, first, second, env.now.0).map_err(|_| wrong_code())?;
    device.assigned = Some(MfaAssignment {
        user: user.clone(),
        enabled: env.now,
        drift_steps: clock.drift_steps,
        last_step: clock.last_step,
    });
    // The user can't be deleted meanwhile.
    txn.refer(&user, "mfa", &device.id);
    txn.put(&device);
    Ok(wire::EnableMFADeviceResponse {})
}

pub(crate) fn resync_mfa_device(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ResyncMFADeviceRequest,
) -> Result<wire::ResyncMFADeviceResponse, IamError> {
    let wire::ResyncMFADeviceRequest { user_name, serial_number, authentication_code1, authentication_code2 } =
        request;
    let user = users::find(txn, user_name)?;
    let mut device = MfaDevice::clone(&*find(txn, env, serial_number)?);
    let seed = seed(txn, &device)?;
    let assigned =
        device.assigned.as_mut().filter(|assigned| assigned.user == user.id).ok_or_else(not_the_users)?;
    let (first, second) = codes(authentication_code1, authentication_code2)?;
    let clock = Clock { drift_steps: assigned.drift_steps, last_step: assigned.last_step };
    let clock = totp::resync(&seed, clock, first, second, env.now.0).map_err(|_| wrong_code())?;
    (assigned.drift_steps, assigned.last_step) = (clock.drift_steps, clock.last_step);
    txn.put(&device);
    Ok(wire::ResyncMFADeviceResponse {})
}

pub(crate) fn deactivate_mfa_device(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeactivateMFADeviceRequest,
) -> Result<wire::DeactivateMFADeviceResponse, IamError> {
    let wire::DeactivateMFADeviceRequest { user_name, serial_number } = request;
    let (user, _) = user(txn, env, user_name.as_deref())?;
    let mut device = MfaDevice::clone(&*find(txn, env, serial_number)?);
    device.assigned.take().filter(|assigned| assigned.user == user).ok_or_else(not_the_users)?;
    txn.unrefer(&user, "mfa", &device.id);
    txn.put(&device);
    Ok(wire::DeactivateMFADeviceResponse {})
}

pub(crate) fn delete_virtual_mfa_device(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteVirtualMFADeviceRequest,
) -> Result<wire::DeleteVirtualMFADeviceResponse, IamError> {
    let wire::DeleteVirtualMFADeviceRequest { serial_number } = request;
    let device = find(txn, env, serial_number)?;
    if device.assigned.is_some() {
        return Err(IamError::DeleteConflict("MFA VirtualDevice in use. Must deactivate first.".into()));
    }
    txn.delete(&*device.value);
    Ok(wire::DeleteVirtualMFADeviceResponse {})
}

pub(crate) fn get_mfa_device(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetMFADeviceRequest,
) -> Result<wire::GetMFADeviceResponse, IamError> {
    let wire::GetMFADeviceRequest { serial_number, user_name } = request;
    let device = find(txn, env, serial_number)?;
    let (user, name) = user(txn, env, user_name.as_deref())?;
    let assigned =
        device.assigned.as_ref().filter(|assigned| assigned.user == user).ok_or_else(not_the_users)?;
    Ok(wire::GetMFADeviceResponse {
        user_name: Some(name),
        serial_number: serial_number.clone(),
        enable_date: Some(views::time(assigned.enabled)),
        certifications: Default::default(),
    })
}

pub(crate) fn list_mfa_devices(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListMFADevicesRequest,
) -> Result<wire::ListMFADevicesResponse, IamError> {
    let wire::ListMFADevicesRequest { user_name, marker, max_items } = request;
    let (user, name) = user(txn, env, user_name.as_deref())?;
    let account = account(txn)?;
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let page = paging.take(account.mfa_devices_of(&user), |device| device.key().as_str().to_owned());
    let page = page.map(|device| wire::MFADevice {
        user_name: name.clone(),
        serial_number: serial(env, device),
        enable_date: views::time(
            device.assigned.as_ref().map_or(device.created, |assigned| assigned.enabled),
        ),
    });
    Ok(wire::ListMFADevicesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        mfa_devices: page.items,
    })
}

pub(crate) fn list_virtual_mfa_devices(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListVirtualMFADevicesRequest,
) -> Result<wire::ListVirtualMFADevicesResponse, IamError> {
    let wire::ListVirtualMFADevicesRequest { assignment_status, marker, max_items } = request;
    let account = account(txn)?;
    let wanted = |device: &&Arc<Entry<MfaDevice>>| match assignment_status.as_deref() {
        Some("Assigned") => device.assigned.is_some(),
        Some("Unassigned") => device.assigned.is_none(),
        _ => true,
    };
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let devices = account.mfa_devices.iter().filter(wanted);
    let page = paging.take(devices, |device| device.key().as_str().to_owned());
    let page = page.map(|device| listed(env, &account, device));
    Ok(wire::ListVirtualMFADevicesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        virtual_mfa_devices: page.items,
    })
}

/// A device in a list: neither its seed nor its tags, but whose it is.
fn listed(env: &Env<'_>, account: &Account, device: &MfaDevice) -> wire::VirtualMFADevice {
    let owner = |assigned: &MfaAssignment| match account.users.by_id(&assigned.user) {
        Some(user) => Some(views::user(env, account, user, views::Detail::Listed)),
        None => (assigned.user == root_id(account.id())).then(|| views::root_user(env, &account.record)),
    };
    wire::VirtualMFADevice {
        serial_number: serial(env, device),
        base32_string_seed: None,
        qr_code_png: None,
        user: device.assigned.as_ref().and_then(owner),
        enable_date: device.assigned.as_ref().map(|assigned| views::time(assigned.enabled)),
        tags: Vec::new(),
    }
}

pub(crate) fn list_mfa_device_tags(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListMFADeviceTagsRequest,
) -> Result<wire::ListMFADeviceTagsResponse, IamError> {
    let wire::ListMFADeviceTagsRequest { serial_number, marker, max_items } = request;
    let device = find(txn, env, serial_number)?;
    let page = tags::page(&device.tags, marker.as_deref(), *max_items)?;
    Ok(wire::ListMFADeviceTagsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        tags: page.items,
    })
}

pub(crate) fn tag_mfa_device(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TagMFADeviceRequest,
) -> Result<wire::TagMFADeviceResponse, IamError> {
    let wire::TagMFADeviceRequest { serial_number, tags: given } = request;
    let mut device = MfaDevice::clone(&*find(txn, env, serial_number)?);
    tags::add(&mut device.tags, given, Keys::Exact, env)?;
    txn.put(&device);
    Ok(wire::TagMFADeviceResponse {})
}

pub(crate) fn untag_mfa_device(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UntagMFADeviceRequest,
) -> Result<wire::UntagMFADeviceResponse, IamError> {
    let wire::UntagMFADeviceRequest { serial_number, tag_keys } = request;
    let mut device = MfaDevice::clone(&*find(txn, env, serial_number)?);
    tags::remove(&mut device.tags, tag_keys, Keys::Exact);
    txn.put(&device);
    Ok(wire::UntagMFADeviceResponse {})
}
