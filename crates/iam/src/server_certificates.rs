//! Server certificates: checked when they come in, kept with their chains and sealed keys.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_server-certs.html>

use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_credentials::certificate;
use rolecall_state::entities::{Format, ServerCertificate};
use rolecall_state::snapshot::Entry;
use rolecall_state::{IdKind, Timestamp, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::tags::Keys;
use crate::{signing_certificates, tags, views};

fn find(txn: &mut Txn, name: &str) -> Result<Arc<Entry<ServerCertificate>>, IamError> {
    let absent =
        || IamError::NoSuchEntity(format!("The Server Certificate with name {name} cannot be found."));
    txn.read(|a| &a.server_certificates, name).ok_or_else(absent)
}

fn already(name: &str) -> IamError {
    IamError::EntityAlreadyExists(format!("The Server Certificate with name {name} already exists."))
}

fn metadata(env: &Env<'_>, certificate: &ServerCertificate) -> wire::ServerCertificateMetadata {
    wire::ServerCertificateMetadata {
        path: certificate.path.clone(),
        server_certificate_name: certificate.name.clone(),
        server_certificate_id: certificate.id.to_string(),
        arn: env.arn("server-certificate", &certificate.path, &certificate.name),
        upload_date: Some(views::time(certificate.uploaded)),
        expiration: Some(views::time(certificate.expires)),
    }
}

pub(crate) fn upload_server_certificate(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UploadServerCertificateRequest,
) -> Result<wire::UploadServerCertificateResponse, IamError> {
    let wire::UploadServerCertificateRequest {
        path,
        server_certificate_name: name,
        certificate_body,
        private_key,
        certificate_chain,
        tags: given,
    } = request;
    if txn.read(|a| &a.server_certificates, name).is_some() {
        return Err(already(name));
    }
    if account(txn)?.server_certificates.len() >= env.quotas.server_certificates {
        return Err(IamError::quota("ServerCertificatesPerAccount", env.quotas.server_certificates));
    }
    let chain = certificate_chain.as_deref();
    let checked =
        certificate::ServerCertificate::check(certificate_body, chain, private_key.expose(), env.now.0);
    let checked = checked.map_err(signing_certificates::refused)?;
    let id = UniqueId::generate(IdKind::Certificate, env.entropy);
    let sealed =
        txn.master().seal(private_key.expose().as_bytes(), &ServerCertificate::purpose(&id), env.entropy);
    let certificate = ServerCertificate {
        v: Format,
        id,
        name: name.clone(),
        path: path.clone().unwrap_or_else(|| "/".into()),
        uploaded: env.now,
        expires: Timestamp(checked.certificate.not_after()),
        // AWS answers without the line end after the last line, and Terraform compares.
        body: certificate_body.trim().into(),
        chain: chain.map(|chain| chain.trim().into()),
        private_key: sealed,
        tags: tags::at_creation(given, Keys::Exact, env)?,
    };
    txn.put(&certificate);
    Ok(wire::UploadServerCertificateResponse {
        server_certificate_metadata: Some(metadata(env, &certificate)),
        tags: tags::all(&certificate.tags),
    })
}

pub(crate) fn get_server_certificate(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetServerCertificateRequest,
) -> Result<wire::GetServerCertificateResponse, IamError> {
    let wire::GetServerCertificateRequest { server_certificate_name } = request;
    let certificate = find(txn, server_certificate_name)?;
    let server_certificate = wire::ServerCertificate {
        server_certificate_metadata: metadata(env, &certificate),
        certificate_body: certificate.body.clone(),
        certificate_chain: certificate.chain.clone(),
        tags: tags::all(&certificate.tags),
    };
    Ok(wire::GetServerCertificateResponse { server_certificate })
}

pub(crate) fn list_server_certificates(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListServerCertificatesRequest,
) -> Result<wire::ListServerCertificatesResponse, IamError> {
    let wire::ListServerCertificatesRequest { path_prefix, marker, max_items } = request;
    let account = account(txn)?;
    let prefix = path_prefix.as_deref().unwrap_or("/");
    let paging = Paging::new(marker.as_deref(), *max_items)?;
    let certificates = account.server_certificates.iter().filter(|c| c.path.starts_with(prefix));
    let page = paging.take(certificates, |certificate| certificate.key().as_str().to_owned());
    let page = page.map(|certificate| metadata(env, certificate));
    Ok(wire::ListServerCertificatesResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        server_certificate_metadata_list: page.items,
    })
}

pub(crate) fn update_server_certificate(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UpdateServerCertificateRequest,
) -> Result<wire::UpdateServerCertificateResponse, IamError> {
    let wire::UpdateServerCertificateRequest {
        server_certificate_name,
        new_path,
        new_server_certificate_name,
    } = request;
    let old = find(txn, server_certificate_name)?;
    let mut certificate = ServerCertificate::clone(&old);
    if let Some(path) = new_path {
        certificate.path.clone_from(path);
    }
    if let Some(name) = new_server_certificate_name {
        certificate.name.clone_from(name);
    }
    if certificate.key() != old.key() {
        if txn.read(|a| &a.server_certificates, &certificate.name).is_some() {
            return Err(already(&certificate.name));
        }
        txn.delete(&*old.value);
    }
    txn.put(&certificate);
    Ok(wire::UpdateServerCertificateResponse {})
}

pub(crate) fn delete_server_certificate(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteServerCertificateRequest,
) -> Result<wire::DeleteServerCertificateResponse, IamError> {
    let wire::DeleteServerCertificateRequest { server_certificate_name } = request;
    let certificate = find(txn, server_certificate_name)?;
    txn.delete(&*certificate.value);
    Ok(wire::DeleteServerCertificateResponse {})
}

pub(crate) fn list_server_certificate_tags(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::ListServerCertificateTagsRequest,
) -> Result<wire::ListServerCertificateTagsResponse, IamError> {
    let wire::ListServerCertificateTagsRequest { server_certificate_name, marker, max_items } = request;
    let certificate = find(txn, server_certificate_name)?;
    let page = tags::page(&certificate.tags, marker.as_deref(), *max_items)?;
    Ok(wire::ListServerCertificateTagsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        tags: page.items,
    })
}

pub(crate) fn tag_server_certificate(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TagServerCertificateRequest,
) -> Result<wire::TagServerCertificateResponse, IamError> {
    let wire::TagServerCertificateRequest { server_certificate_name, tags: given } = request;
    let mut certificate = ServerCertificate::clone(&*find(txn, server_certificate_name)?);
    tags::add(&mut certificate.tags, given, Keys::Exact, env)?;
    txn.put(&certificate);
    Ok(wire::TagServerCertificateResponse {})
}

pub(crate) fn untag_server_certificate(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::UntagServerCertificateRequest,
) -> Result<wire::UntagServerCertificateResponse, IamError> {
    let wire::UntagServerCertificateRequest { server_certificate_name, tag_keys } = request;
    let mut certificate = ServerCertificate::clone(&*find(txn, server_certificate_name)?);
    tags::remove(&mut certificate.tags, tag_keys, Keys::Exact);
    txn.put(&certificate);
    Ok(wire::UntagServerCertificateResponse {})
}
