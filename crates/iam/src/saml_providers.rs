//! SAML 2.0 providers whose assertions an account takes.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml.html>

use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_federation::saml::Metadata;
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::{Format, SamlProvider};
use rolecall_state::snapshot::Entry;
use rolecall_state::{IdKind, Timestamp, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::tags::Keys;
use crate::{tags, views};

/// How long metadata is valid that does not say: a hundred years.
const UNLIMITED_SECONDS: i64 = 100 * 365 * 86_400;

fn arn(env: &Env<'_>, provider: &SamlProvider) -> String {
    env.arn("saml-provider", "/", &provider.name)
}

/// Finds a provider by its ARN and makes the transaction depend on it.
fn find(txn: &mut Txn, env: &Env<'_>, arn: &str) -> Result<Arc<Entry<SamlProvider>>, IamError> {
    let absent = || IamError::NoSuchEntity(format!("Manifest not found for arn {arn}"));
    let parts = ArnParts::parse(arn).filter(|parts| parts.account_id() == Some(env.account()));
    let name = parts.and_then(|parts| parts.resource.strip_prefix("saml-provider/")).ok_or_else(absent)?;
    txn.read(|a| &a.saml_providers, name).ok_or_else(absent)
}

fn check(document: &str, now: Timestamp) -> Result<Timestamp, IamError> {
    let metadata = Metadata::parse(document).map_err(|cause| IamError::InvalidInput(cause.to_string()))?;
    Ok(metadata.valid_until().map_or(now.plus_seconds(UNLIMITED_SECONDS), Timestamp))
}

pub(crate) fn create_saml_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateSAMLProviderRequest,
) -> Result<wire::CreateSAMLProviderResponse, IamError> {
    let wire::CreateSAMLProviderRequest {
        saml_metadata_document,
        name,
        tags: given,
        assertion_encryption_mode,
        add_private_key,
    } = request;
    if assertion_encryption_mode.is_some() || add_private_key.is_some() {
        return Err(IamError::NotImplemented("CreateSAMLProvider with encrypted assertions"));
    }
    if txn.read(|a| &a.saml_providers, name).is_some() {
        return Err(IamError::EntityAlreadyExists(format!("SAMLProvider with name {name} already exists.")));
    }
    if account(txn)?.saml_providers.len() >= env.quotas.saml_providers {
        return Err(IamError::quota("SAMLProvidersPerAccount", env.quotas.saml_providers));
    }
    let provider = SamlProvider {
        v: Format,
        id: UniqueId::generate(IdKind::SamlProvider, env.entropy),
        name: name.clone(),
        metadata: saml_metadata_document.clone(),
        valid_until: check(saml_metadata_document, env.now)?,
        created: env.now,
        tags: tags::at_creation(given, Keys::Exact, env)?,
    };
    txn.put(&provider);
    Ok(wire::CreateSAMLProviderResponse {
        saml_provider_arn: Some(arn(env, &provider)),
        tags: tags::all(&provider.tags),
    })
}

pub(crate) fn get_saml_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetSAMLProviderRequest,
) -> Result<wire::GetSAMLProviderResponse, IamError> {
    let wire::GetSAMLProviderRequest { saml_provider_arn } = request;
    let provider = find(txn, env, saml_provider_arn)?;
    Ok(wire::GetSAMLProviderResponse {
        saml_provider_uuid: Some(provider.id.to_string()),
        saml_metadata_document: Some(provider.metadata.clone()),
        create_date: Some(views::time(provider.created)),
        valid_until: Some(views::time(provider.valid_until)),
        tags: tags::all(&provider.tags),
        assertion_encryption_mode: None,
        private_key_list: Vec::new(),
    })
}

pub(crate) fn list_saml_providers(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListSAMLProvidersRequest,
) -> Result<wire::ListSAMLProvidersResponse, IamError> {
    let wire::ListSAMLProvidersRequest {} = request;
    let account = account(txn)?;
    let entries = account.saml_providers.iter().map(|provider| wire::SAMLProviderListEntry {
        arn: Some(arn(env, provider)),
        valid_until: Some(views::time(provider.valid_until)),
        create_date: Some(views::time(provider.created)),
    });
    Ok(wire::ListSAMLProvidersResponse { saml_provider_list: entries.collect() })
}

pub(crate) fn update_saml_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateSAMLProviderRequest,
) -> Result<wire::UpdateSAMLProviderResponse, IamError> {
    let wire::UpdateSAMLProviderRequest {
        saml_metadata_document,
        saml_provider_arn,
        assertion_encryption_mode,
        add_private_key,
        remove_private_key,
    } = request;
    if assertion_encryption_mode.is_some() || add_private_key.is_some() || remove_private_key.is_some() {
        return Err(IamError::NotImplemented("UpdateSAMLProvider with encrypted assertions"));
    }
    let mut provider = SamlProvider::clone(&*find(txn, env, saml_provider_arn)?);
    if let Some(document) = saml_metadata_document {
        provider.valid_until = check(document, env.now)?;
        provider.metadata.clone_from(document);
        txn.put(&provider);
    }
    Ok(wire::UpdateSAMLProviderResponse { saml_provider_arn: Some(saml_provider_arn.clone()) })
}

pub(crate) fn delete_saml_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteSAMLProviderRequest,
) -> Result<wire::DeleteSAMLProviderResponse, IamError> {
    let wire::DeleteSAMLProviderRequest { saml_provider_arn } = request;
    let provider = find(txn, env, saml_provider_arn)?;
    txn.delete(&*provider.value);
    Ok(wire::DeleteSAMLProviderResponse {})
}

pub(crate) fn list_saml_provider_tags(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListSAMLProviderTagsRequest,
) -> Result<wire::ListSAMLProviderTagsResponse, IamError> {
    let wire::ListSAMLProviderTagsRequest { saml_provider_arn, marker, max_items } = request;
    let provider = find(txn, env, saml_provider_arn)?;
    let page = tags::page(&provider.tags, marker.as_deref(), *max_items)?;
    Ok(wire::ListSAMLProviderTagsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        tags: page.items,
    })
}

pub(crate) fn tag_saml_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TagSAMLProviderRequest,
) -> Result<wire::TagSAMLProviderResponse, IamError> {
    let wire::TagSAMLProviderRequest { saml_provider_arn, tags: given } = request;
    let mut provider = SamlProvider::clone(&*find(txn, env, saml_provider_arn)?);
    tags::add(&mut provider.tags, given, Keys::Exact, env)?;
    txn.put(&provider);
    Ok(wire::TagSAMLProviderResponse {})
}

pub(crate) fn untag_saml_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UntagSAMLProviderRequest,
) -> Result<wire::UntagSAMLProviderResponse, IamError> {
    let wire::UntagSAMLProviderRequest { saml_provider_arn, tag_keys } = request;
    let mut provider = SamlProvider::clone(&*find(txn, env, saml_provider_arn)?);
    tags::remove(&mut provider.tags, tag_keys, Keys::Exact);
    txn.put(&provider);
    Ok(wire::UntagSAMLProviderResponse {})
}
