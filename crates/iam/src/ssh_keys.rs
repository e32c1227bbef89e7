//! Public keys with which users reach code repositories over SSH.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_ssh-keys.html>

use rolecall_aws_model::iam as wire;
use rolecall_credentials::ssh::{SshKeyError, SshPublicKey};
use rolecall_state::entities::{CredentialStatus, User, UserSshKey};
use rolecall_state::{IdKind, Txn, UniqueId};

use crate::env::Env;
use crate::error::IamError;
use crate::paging::Paging;
use crate::signing_certificates::{parse_status, status_text};
use crate::{users, views};

fn absent(id: &str) -> IamError {
    IamError::NoSuchEntity(format!("The Public Key with id {id} cannot be found."))
}

fn refused(error: SshKeyError) -> IamError {
    match error {
        SshKeyError::InvalidPublicKey => IamError::InvalidPublicKey(error.to_string()),
        SshKeyError::UnrecognizedPublicKeyEncoding => {
            IamError::UnrecognizedPublicKeyEncoding(error.to_string())
        }
    }
}

fn view(user: &User, key: &UserSshKey, body: String) -> wire::SSHPublicKey {
    wire::SSHPublicKey {
        user_name: user.name.clone(),
        ssh_public_key_id: key.id.to_string(),
        fingerprint: key.fingerprint.clone(),
        ssh_public_key_body: body,
        status: status_text(key.status).into(),
        upload_date: Some(views::time(key.uploaded)),
    }
}

pub(crate) fn upload_ssh_public_key(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UploadSSHPublicKeyRequest,
) -> Result<wire::UploadSSHPublicKeyResponse, IamError> {
    let wire::UploadSSHPublicKeyRequest { user_name, ssh_public_key_body } = request;
    let mut user = User::clone(&*users::find(txn, user_name)?);
    let parsed = SshPublicKey::for_user(ssh_public_key_body).map_err(refused)?;
    let body = parsed.to_ssh();
    if user.ssh_keys.iter().any(|key| key.body == body) {
        return Err(IamError::DuplicateSshPublicKey("The public key already exists for this user.".into()));
    }
    if user.ssh_keys.len() >= env.quotas.ssh_public_keys_per_user {
        return Err(IamError::quota("SSHPublicKeysPerUser", env.quotas.ssh_public_keys_per_user));
    }
    let key = UserSshKey {
        id: UniqueId::generate(IdKind::PublicKey, env.entropy),
        body,
        fingerprint: parsed.md5_fingerprint(),
        status: CredentialStatus::Active,
        uploaded: env.now,
    };
    let shown = view(&user, &key, ssh_public_key_body.clone());
    user.ssh_keys.push(key);
    txn.put(&user);
    Ok(wire::UploadSSHPublicKeyResponse { ssh_public_key: Some(shown) })
}

pub(crate) fn get_ssh_public_key(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::GetSSHPublicKeyRequest,
) -> Result<wire::GetSSHPublicKeyResponse, IamError> {
    let wire::GetSSHPublicKeyRequest { user_name, ssh_public_key_id: id, encoding } = request;
    let user = users::find(txn, user_name)?;
    let key = user.ssh_keys.iter().find(|key| key.id.as_str() == id).ok_or_else(|| absent(id))?;
    let body = match encoding.as_str() {
        "PEM" => SshPublicKey::for_user(&key.body).map_err(refused)?.to_pem(),
        _ => key.body.clone(),
    };
    Ok(wire::GetSSHPublicKeyResponse { ssh_public_key: Some(view(&user, key, body)) })
}

pub(crate) fn list_ssh_public_keys(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListSSHPublicKeysRequest,
) -> Result<wire::ListSSHPublicKeysResponse, IamError> {
    let wire::ListSSHPublicKeysRequest { user_name, marker, max_items } = request;
    let user = users::named_or_caller(txn, env, user_name.as_deref())?;
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let page = paging.take(user.ssh_keys.iter().enumerate(), |(at, _)| format!("{at:04}"));
    let page = page.map(|(_, key)| wire::SSHPublicKeyMetadata {
        user_name: user.name.clone(),
        ssh_public_key_id: key.id.to_string(),
        status: status_text(key.status).into(),
        upload_date: views::time(key.uploaded),
    });
    Ok(wire::ListSSHPublicKeysResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        ssh_public_keys: page.items,
    })
}

pub(crate) fn update_ssh_public_key(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UpdateSSHPublicKeyRequest,
) -> Result<wire::UpdateSSHPublicKeyResponse, IamError> {
    let wire::UpdateSSHPublicKeyRequest { user_name, ssh_public_key_id: id, status } = request;
    let mut user = User::clone(&*users::find(txn, user_name)?);
    let key = user.ssh_keys.iter_mut().find(|key| key.id.as_str() == id).ok_or_else(|| absent(id))?;
    key.status = parse_status(status)?;
    txn.put(&user);
    Ok(wire::UpdateSSHPublicKeyResponse {})
}

pub(crate) fn delete_ssh_public_key(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteSSHPublicKeyRequest,
) -> Result<wire::DeleteSSHPublicKeyResponse, IamError> {
    let wire::DeleteSSHPublicKeyRequest { user_name, ssh_public_key_id: id } = request;
    let mut user = User::clone(&*users::find(txn, user_name)?);
    let at = user.ssh_keys.iter().position(|key| key.id.as_str() == id).ok_or_else(|| absent(id))?;
    user.ssh_keys.remove(at);
    txn.put(&user);
    Ok(wire::DeleteSSHPublicKeyResponse {})
}
