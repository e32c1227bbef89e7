//! Access keys of users and of the root user.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>

use rolecall_access::Identity;
use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;
use rolecall_state::access_keys as keys;
use rolecall_state::entities::{AccessKey, AccessKeyStatus, AccountRecord, User};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::users;

/// Whose keys an operation is about, ready to be changed.
enum Holder {
    User(User),
    Root(AccountRecord),
}

impl Holder {
    // Without a name the operation is about the caller; for the root user that is the root user.
    fn find(txn: &mut Txn, env: &Env<'_>, user_name: Option<&str>) -> Result<Self, IamError> {
        if user_name.is_none() && matches!(env.caller.identity, Identity::Root) {
            let gone = || IamError::no_such("user", "root");
            return Ok(Self::Root(AccountRecord::clone(&*txn.read_record().ok_or_else(gone)?)));
        }
        Ok(Self::User(User::clone(&*users::named_or_caller(txn, env, user_name)?)))
    }

    fn keys(&mut self) -> &mut Vec<AccessKey> {
        match self {
            Self::User(user) => &mut user.access_keys,
            Self::Root(record) => &mut record.root.access_keys,
        }
    }

    // FIDELITY: what AWS calls the root user in these answers; its account's name here.
    fn name(&self) -> String {
        match self {
            Self::User(user) => user.name.clone(),
            Self::Root(record) => record.name.clone(),
        }
    }

    fn put(&self, txn: &mut Txn) {
        match self {
            Self::User(user) => txn.put(user),
            Self::Root(record) => txn.put_record(record),
        }
    }
}

fn status_text(status: AccessKeyStatus) -> &'static str {
    match status {
        AccessKeyStatus::Active => "Active",
        AccessKeyStatus::Inactive => "Inactive",
        AccessKeyStatus::Expired => "Expired",
    }
}

fn absent(id: &str) -> IamError {
    IamError::NoSuchEntity(format!("The Access Key with id {id} cannot be found."))
}

pub(crate) fn create_access_key(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateAccessKeyRequest,
) -> Result<wire::CreateAccessKeyResponse, IamError> {
    let wire::CreateAccessKeyRequest { user_name } = request;
    let mut holder = Holder::find(txn, env, user_name.as_deref())?;
    if holder.keys().len() >= env.quotas.access_keys_per_user {
        return Err(IamError::quota("AccessKeysPerUser", env.quotas.access_keys_per_user));
    }
    let (key, secret) = keys::create(env.account(), txn.master(), env.now, env.entropy);
    let access_key = wire::AccessKey {
        user_name: holder.name(),
        access_key_id: key.id.to_string(),
        status: status_text(key.status).into(),
        secret_access_key: secret.expose_str().unwrap_or_default().into(),
        create_date: Some(crate::views::time(key.created)),
    };
    holder.keys().push(key);
    holder.put(txn);
    Ok(wire::CreateAccessKeyResponse { access_key })
}

pub(crate) fn update_access_key(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateAccessKeyRequest,
) -> Result<wire::UpdateAccessKeyResponse, IamError> {
    let wire::UpdateAccessKeyRequest { user_name, access_key_id, status } = request;
    let mut holder = Holder::find(txn, env, user_name.as_deref())?;
    let found = holder.keys().iter_mut().find(|key| key.id.as_str() == access_key_id);
    let key = found.ok_or_else(|| absent(access_key_id))?;
    key.status = match status.as_str() {
        "Active" => AccessKeyStatus::Active,
        "Inactive" => AccessKeyStatus::Inactive,
        other => {
            return Err(IamError::Validation(format!("The status {other} can't be set on an access key.")));
        }
    };
    holder.put(txn);
    Ok(wire::UpdateAccessKeyResponse {})
}

pub(crate) fn delete_access_key(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteAccessKeyRequest,
) -> Result<wire::DeleteAccessKeyResponse, IamError> {
    let wire::DeleteAccessKeyRequest { user_name, access_key_id } = request;
    let mut holder = Holder::find(txn, env, user_name.as_deref())?;
    let before = holder.keys().len();
    holder.keys().retain(|key| key.id.as_str() != access_key_id);
    if holder.keys().len() == before {
        return Err(absent(access_key_id));
    }
    txn.forget_last_use(access_key_id);
    holder.put(txn);
    Ok(wire::DeleteAccessKeyResponse {})
}

pub(crate) fn list_access_keys(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListAccessKeysRequest,
) -> Result<wire::ListAccessKeysResponse, IamError> {
    let wire::ListAccessKeysRequest { user_name, marker, max_items } = request;
    let mut holder = Holder::find(txn, env, user_name.as_deref())?;
    let name = holder.name();
    let page = Paging::new(marker.as_deref(), *max_items)?
        .take(holder.keys().iter().enumerate(), |(at, _)| format!("{at:04}"));
    let page = page.map(|(_, key)| wire::AccessKeyMetadata {
        user_name: Some(name.clone()),
        access_key_id: Some(key.id.to_string()),
        status: Some(status_text(key.status).into()),
        create_date: Some(crate::views::time(key.created)),
    });
    Ok(wire::ListAccessKeysResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        access_key_metadata: page.items,
    })
}

pub(crate) fn get_access_key_last_used(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetAccessKeyLastUsedRequest,
) -> Result<wire::GetAccessKeyLastUsedResponse, IamError> {
    let wire::GetAccessKeyLastUsedRequest { access_key_id } = request;
    let user_name = owner_of(txn, access_key_id)?.ok_or_else(|| absent(access_key_id))?;
    let account = account(txn)?;
    let last = env.last_used.of(access_key_id, account.last_use(access_key_id));
    let shown = match last {
        Some(last) => wire::AccessKeyLastUsed {
            last_used_date: Some(crate::views::time(last.at)),
            service_name: last.service,
            region: last.region,
        },
        // A key that was never used has no date, and says so in the other members.
        None => {
            wire::AccessKeyLastUsed { last_used_date: None, service_name: "N/A".into(), region: "N/A".into() }
        }
    };
    Ok(wire::GetAccessKeyLastUsedResponse { user_name: Some(user_name), access_key_last_used: Some(shown) })
}

/// Finds the owner of a key within the caller's account.
pub(crate) fn owner_of(txn: &Txn, id: &str) -> Result<Option<String>, IamError> {
    use rolecall_state::snapshot::KeyOwner;
    let Some(key) = txn.snapshot().access_key(id) else { return Ok(None) };
    let account = account(txn)?;
    Ok(match &key.owner {
        KeyOwner::User(owner, user) if *owner == account.id() => {
            account.users.by_id(user).map(|u| u.name.clone())
        }
        KeyOwner::Root(owner) if *owner == account.id() => Some(account.record.name.clone()),
        _ => None,
    })
}
