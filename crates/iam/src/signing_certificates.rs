//! X.509 certificates with which users sign requests of services of old.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSigningCertificate.html>

use rolecall_aws_model::iam as wire;
use rolecall_credentials::certificate::{self, Certificate, CertificateError};
use rolecall_state::Txn;
use rolecall_state::entities::{CredentialStatus, SigningCertificate, User};

use crate::env::Env;
use crate::error::IamError;
use crate::paging::Paging;
use crate::{users, views};

/// The status as answers show it.
pub(crate) fn status_text(status: CredentialStatus) -> &'static str {
    match status {
        CredentialStatus::Active => "Active",
        CredentialStatus::Inactive => "Inactive",
    }
}

/// The status that a request sets.
pub(crate) fn parse_status(status: &str) -> Result<CredentialStatus, IamError> {
    match status {
        "Active" => Ok(CredentialStatus::Active),
        "Inactive" => Ok(CredentialStatus::Inactive),
        other => Err(IamError::Validation(format!("The status {other} can't be set on a credential."))),
    }
}

/// Why a certificate is refused, by its code.
pub(crate) fn refused(error: CertificateError) -> IamError {
    let message = error.to_string();
    match error.code() {
        "InvalidCertificate" => IamError::InvalidCertificate(message),
        "KeyPairMismatch" => IamError::KeyPairMismatch(message),
        _ => IamError::MalformedCertificate(message),
    }
}

fn absent(id: &str) -> IamError {
    IamError::NoSuchEntity(format!("The Certificate with id {id} cannot be found."))
}

fn view(user: &User, certificate: &SigningCertificate) -> wire::SigningCertificate {
    wire::SigningCertificate {
        user_name: user.name.clone(),
        certificate_id: certificate.id.clone(),
        certificate_body: certificate.body.clone(),
        status: status_text(certificate.status).into(),
        upload_date: Some(views::time(certificate.uploaded)),
    }
}

pub(crate) fn upload_signing_certificate(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UploadSigningCertificateRequest,
) -> Result<wire::UploadSigningCertificateResponse, IamError> {
    let wire::UploadSigningCertificateRequest { user_name, certificate_body } = request;
    let mut user = User::clone(&*users::named_or_caller(txn, env, user_name.as_deref())?);
    let parsed = certificate::check_signing_certificate(certificate_body, env.now.0).map_err(refused)?;
    let same = |own: &SigningCertificate| {
        Certificate::from_pem(&own.body).is_ok_and(|own| own.der() == parsed.der())
    };
    if user.signing_certificates.iter().any(same) {
        return Err(IamError::DuplicateCertificate("The certificate already exists for this user.".into()));
    }
    if user.signing_certificates.len() >= env.quotas.signing_certificates_per_user {
        return Err(IamError::quota("CertificatesPerUser", env.quotas.signing_certificates_per_user));
    }
    let certificate = SigningCertificate {
        id: certificate::signing_certificate_id(&|bytes| env.entropy.fill(bytes)),
        body: certificate_body.clone(),
        status: CredentialStatus::Active,
        uploaded: env.now,
    };
    let shown = view(&user, &certificate);
    user.signing_certificates.push(certificate);
    txn.put(&user);
    Ok(wire::UploadSigningCertificateResponse { certificate: shown })
}

pub(crate) fn list_signing_certificates(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListSigningCertificatesRequest,
) -> Result<wire::ListSigningCertificatesResponse, IamError> {
    let wire::ListSigningCertificatesRequest { user_name, marker, max_items } = request;
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    if user_name.is_none() && env.caller.is_root() {
        // The root user can't be given any.
        return Ok(wire::ListSigningCertificatesResponse {
            is_truncated: Some(false),
            marker: None,
            certificates: Vec::new(),
        });
    }
    let user = users::named_or_caller(txn, env, user_name.as_deref())?;
    let page = paging.take(user.signing_certificates.iter().enumerate(), |(at, _)| format!("{at:04}"));
    let page = page.map(|(_, certificate)| view(&user, certificate));
    Ok(wire::ListSigningCertificatesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        certificates: page.items,
    })
}

pub(crate) fn update_signing_certificate(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateSigningCertificateRequest,
) -> Result<wire::UpdateSigningCertificateResponse, IamError> {
    let wire::UpdateSigningCertificateRequest { user_name, certificate_id: id, status } = request;
    let mut user = User::clone(&*users::named_or_caller(txn, env, user_name.as_deref())?);
    let found = user.signing_certificates.iter_mut().find(|certificate| certificate.id == *id);
    found.ok_or_else(|| absent(id))?.status = parse_status(status)?;
    txn.put(&user);
    Ok(wire::UpdateSigningCertificateResponse {})
}

pub(crate) fn delete_signing_certificate(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteSigningCertificateRequest,
) -> Result<wire::DeleteSigningCertificateResponse, IamError> {
    let wire::DeleteSigningCertificateRequest { user_name, certificate_id: id } = request;
    let mut user = User::clone(&*users::named_or_caller(txn, env, user_name.as_deref())?);
    let at = user.signing_certificates.iter().position(|certificate| certificate.id == *id);
    user.signing_certificates.remove(at.ok_or_else(|| absent(id))?);
    txn.put(&user);
    Ok(wire::DeleteSigningCertificateResponse {})
}
