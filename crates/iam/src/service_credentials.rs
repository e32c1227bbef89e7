//! Credentials of users for single services.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_service-specific-creds.html>

use rolecall_aws_model::iam as wire;
use rolecall_credentials::service_specific::{self as specific, Names, PER_SERVICE, Service};
use rolecall_state::Txn;
use rolecall_state::entities::{CredentialStatus, ServiceSpecificCredential as Credential, User};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::signing_certificates::{parse_status, status_text};
use crate::{users, views};

fn absent(id: &str) -> IamError {
    IamError::NoSuchEntity(format!("No such credential {id} exists"))
}

fn service(name: &str) -> Result<Service, IamError> {
    Service::parse(name).ok_or_else(|| {
        IamError::NotSupportedService(format!(
            "No such service {name} is supported for Service Specific Credentials"
        ))
    })
}

fn seal(txn: &Txn, env: &Env<'_>, id: &str, secret: &str) -> rolecall_state::Sealed {
    txn.master().seal(secret.as_bytes(), &format!("service-specific-credential/{id}"), env.entropy)
}

/// The credential with its secret, as it is shown once.
fn view(
    user: &User,
    service: Service,
    credential: &Credential,
    secret: &str,
) -> wire::ServiceSpecificCredential {
    let api_key = service.takes_api_keys();
    let name = || Some(credential.name.clone());
    wire::ServiceSpecificCredential {
        create_date: views::time(credential.created),
        expiration_date: credential.expires.map(views::time),
        service_name: credential.service.clone(),
        service_user_name: if api_key { None } else { name() },
        service_password: (!api_key).then(|| secret.into()),
        service_credential_alias: if api_key { name() } else { None },
        service_credential_secret: api_key.then(|| secret.into()),
        service_specific_credential_id: credential.id.clone(),
        user_name: user.name.clone(),
        status: status_text(credential.status).into(),
    }
}

fn metadata(user: &User, credential: &Credential) -> wire::ServiceSpecificCredentialMetadata {
    let api_key = Service::parse(&credential.service).is_some_and(Service::takes_api_keys);
    let name = || Some(credential.name.clone());
    wire::ServiceSpecificCredentialMetadata {
        user_name: user.name.clone(),
        status: status_text(credential.status).into(),
        service_user_name: if api_key { None } else { name() },
        service_credential_alias: if api_key { name() } else { None },
        create_date: views::time(credential.created),
        expiration_date: credential.expires.map(views::time),
        service_specific_credential_id: credential.id.clone(),
        service_name: credential.service.clone(),
    }
}

pub(crate) fn create_service_specific_credential(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateServiceSpecificCredentialRequest,
) -> Result<wire::CreateServiceSpecificCredentialResponse, IamError> {
    let wire::CreateServiceSpecificCredentialRequest { user_name, service_name, credential_age_days } =
        request;
    let mut user = User::clone(&*users::find(txn, user_name)?);
    let service = service(service_name)?;
    let days = credential_age_days.and_then(|days| u32::try_from(days).ok());
    if days.is_some() && !service.takes_api_keys() {
        return Err(IamError::InvalidInput(format!("Credentials for {service_name} do not expire.")));
    }
    if user.service_credentials.iter().filter(|own| own.service == *service_name).count() >= PER_SERVICE {
        return Err(IamError::quota("ServiceSpecificCredentialsPerUser", PER_SERVICE));
    }
    let names: Vec<&str> = user.service_credentials.iter().map(|own| own.name.as_str()).collect();
    let owner = env.account().to_string();
    let random = |bytes: &mut [u8]| env.entropy.fill(bytes);
    let new = specific::create(service, &user.name, &owner, &names, days, env.now.0, &random);
    let credential = Credential {
        secret: seal(txn, env, &new.id, &new.secret),
        id: new.id,
        service: service_name.clone(),
        name: match new.names {
            Names::UserName(name) | Names::Alias(name) => name,
        },
        status: CredentialStatus::Active,
        created: env.now,
        expires: new.expiration.map(rolecall_state::Timestamp),
    };
    let shown = view(&user, service, &credential, &new.secret);
    user.service_credentials.push(credential);
    txn.put(&user);
    Ok(wire::CreateServiceSpecificCredentialResponse { service_specific_credential: Some(shown) })
}

pub(crate) fn list_service_specific_credentials(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListServiceSpecificCredentialsRequest,
) -> Result<wire::ListServiceSpecificCredentialsResponse, IamError> {
    let wire::ListServiceSpecificCredentialsRequest { user_name, service_name, all_users, marker, max_items } =
        request;
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let wanted =
        |credential: &Credential| service_name.as_ref().is_none_or(|name| credential.service == *name);
    let of = |user: &User| -> Vec<(String, wire::ServiceSpecificCredentialMetadata)> {
        let own = user.service_credentials.iter().enumerate().filter(|(_, credential)| wanted(credential));
        own.map(|(at, credential)| (format!("{}/{at:04}", user.key().as_str()), metadata(user, credential)))
            .collect()
    };
    let all: Vec<_> = if *all_users == Some(true) {
        if user_name.is_some() {
            return Err(IamError::InvalidInput("UserName can't be given together with AllUsers.".into()));
        }
        account(txn)?.users.iter().flat_map(|user| of(user)).collect()
    } else {
        of(&*users::named_or_caller(txn, env, user_name.as_deref())?)
    };
    let page = paging.take(all, |(key, _)| key.clone()).map(|(_, shown)| shown);
    Ok(wire::ListServiceSpecificCredentialsResponse {
        // AWS counts pages only for lists over all users, and answers none otherwise.
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        service_specific_credentials: page.items,
    })
}

pub(crate) fn update_service_specific_credential(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateServiceSpecificCredentialRequest,
) -> Result<wire::UpdateServiceSpecificCredentialResponse, IamError> {
    let wire::UpdateServiceSpecificCredentialRequest {
        user_name,
        service_specific_credential_id: id,
        status,
    } = request;
    let mut user = User::clone(&*users::named_or_caller(txn, env, user_name.as_deref())?);
    let found = user.service_credentials.iter_mut().find(|credential| credential.id == *id);
    found.ok_or_else(|| absent(id))?.status = parse_status(status)?;
    txn.put(&user);
    Ok(wire::UpdateServiceSpecificCredentialResponse {})
}

pub(crate) fn reset_service_specific_credential(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ResetServiceSpecificCredentialRequest,
) -> Result<wire::ResetServiceSpecificCredentialResponse, IamError> {
    let wire::ResetServiceSpecificCredentialRequest { user_name, service_specific_credential_id: id } =
        request;
    let mut user = User::clone(&*users::named_or_caller(txn, env, user_name.as_deref())?);
    let at = user.service_credentials.iter().position(|credential| credential.id == *id);
    let mut credential = at.map(|at| user.service_credentials.remove(at)).ok_or_else(|| absent(id))?;
    let service = service(&credential.service)?;
    let secret = specific::secret(service, &credential.name, &|bytes| env.entropy.fill(bytes));
    credential.secret = seal(txn, env, id, &secret);
    let shown = view(&user, service, &credential, &secret);
    user.service_credentials.insert(at.unwrap_or_default(), credential);
    txn.put(&user);
    Ok(wire::ResetServiceSpecificCredentialResponse { service_specific_credential: Some(shown) })
}

pub(crate) fn delete_service_specific_credential(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteServiceSpecificCredentialRequest,
) -> Result<wire::DeleteServiceSpecificCredentialResponse, IamError> {
    let wire::DeleteServiceSpecificCredentialRequest { user_name, service_specific_credential_id: id } =
        request;
    let mut user = User::clone(&*users::named_or_caller(txn, env, user_name.as_deref())?);
    let at = user.service_credentials.iter().position(|credential| credential.id == *id);
    user.service_credentials.remove(at.ok_or_else(|| absent(id))?);
    txn.put(&user);
    Ok(wire::DeleteServiceSpecificCredentialResponse {})
}
