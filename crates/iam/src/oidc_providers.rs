//! OpenID Connect providers whose tokens an account takes.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>

use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_federation::oidc::IssuerUrl;
use rolecall_federation::thumbprint;
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::{Format, ISSUERS, OidcProvider};
use rolecall_state::snapshot::Entry;
use rolecall_state::{IdKind, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::tags::Keys;
use crate::{tags, views};

/// How many thumbprints a provider may have.
const MAX_THUMBPRINTS: usize = 5;

fn arn(env: &Env<'_>, provider: &OidcProvider) -> String {
    env.arn("oidc-provider", "/", &provider.name)
}

/// Finds a provider by its ARN and makes the transaction depend on it.
fn find(txn: &mut Txn, env: &Env<'_>, arn: &str) -> Result<Arc<Entry<OidcProvider>>, IamError> {
    let absent = || IamError::NoSuchEntity(format!("OpenIDConnect Provider not found for arn {arn}"));
    let parts = ArnParts::parse(arn).filter(|parts| parts.account_id() == Some(env.account()));
    let name = parts.and_then(|parts| parts.resource.strip_prefix("oidc-provider/")).ok_or_else(absent)?;
    txn.read(|a| &a.oidc_providers, name).ok_or_else(absent)
}

fn check_thumbprints(thumbprints: &[String]) -> Result<(), IamError> {
    if thumbprints.len() > MAX_THUMBPRINTS {
        let message = format!("Thumbprint list must contain fewer than {MAX_THUMBPRINTS} entries.");
        return Err(IamError::InvalidInput(message));
    }
    match thumbprints.iter().find(|thumbprint| !thumbprint::is_well_formed(thumbprint)) {
        Some(other) => {
            Err(IamError::InvalidInput(format!("Thumbprint {other} must be 40 hexadecimal digits.")))
        }
        None => Ok(()),
    }
}

fn refuse_too_many_clients(env: &Env<'_>, clients: usize) -> Result<(), IamError> {
    let quota = env.quotas.client_ids_per_oidc_provider;
    if clients > quota { Err(IamError::quota("ClientIdsPerOpenIdConnectProvider", quota)) } else { Ok(()) }
}

pub(crate) fn create_open_id_connect_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateOpenIDConnectProviderRequest,
) -> Result<wire::CreateOpenIDConnectProviderResponse, IamError> {
    let wire::CreateOpenIDConnectProviderRequest { url, client_id_list, thumbprint_list, tags: given } =
        request;
    let issuer = if env.local_issuers { IssuerUrl::parse_local(url) } else { IssuerUrl::parse(url) };
    let issuer = issuer.map_err(|cause| IamError::Validation(cause.to_string()))?;
    // What an account signs is for services elsewhere: it opens no role.
    if url.starts_with(&format!("{}{ISSUERS}", env.public_url)) {
        return Err(IamError::InvalidInput(format!("The issuer {url} can't be a provider here.")));
    }
    if txn.read(|a| &a.oidc_providers, issuer.without_scheme()).is_some() {
        return Err(IamError::EntityAlreadyExists(format!("Provider with url {url} already exists.")));
    }
    if account(txn)?.oidc_providers.len() >= env.quotas.oidc_providers {
        return Err(IamError::quota("OpenIdConnectProvidersPerAccount", env.quotas.oidc_providers));
    }
    refuse_too_many_clients(env, client_id_list.len())?;
    check_thumbprints(thumbprint_list)?;
    let mut provider = OidcProvider {
        v: Format,
        id: UniqueId::generate(IdKind::OidcProvider, env.entropy),
        url: url.clone(),
        name: issuer.without_scheme().to_owned(),
        client_ids: Vec::new(),
        // FIDELITY: AWS fetches a thumbprint when none is given; here there is none until one is set.
        thumbprints: thumbprint_list.iter().map(|thumbprint| thumbprint.to_ascii_lowercase()).collect(),
        created: env.now,
        tags: tags::at_creation(given, Keys::Exact, env)?,
    };
    for client in client_id_list {
        if !provider.client_ids.contains(client) {
            provider.client_ids.push(client.clone());
        }
    }
    txn.put(&provider);
    Ok(wire::CreateOpenIDConnectProviderResponse {
        openid_connect_provider_arn: Some(arn(env, &provider)),
        tags: tags::all(&provider.tags),
    })
}

pub(crate) fn get_open_id_connect_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetOpenIDConnectProviderRequest,
) -> Result<wire::GetOpenIDConnectProviderResponse, IamError> {
    let wire::GetOpenIDConnectProviderRequest { openid_connect_provider_arn } = request;
    let provider = find(txn, env, openid_connect_provider_arn)?;
    Ok(wire::GetOpenIDConnectProviderResponse {
        // AWS shows it without the scheme.
        url: Some(provider.name.clone()),
        client_id_list: provider.client_ids.clone(),
        thumbprint_list: provider.thumbprints.clone(),
        create_date: Some(views::time(provider.created)),
        tags: tags::all(&provider.tags),
    })
}

pub(crate) fn list_open_id_connect_providers(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListOpenIDConnectProvidersRequest,
) -> Result<wire::ListOpenIDConnectProvidersResponse, IamError> {
    let wire::ListOpenIDConnectProvidersRequest {} = request;
    let account = account(txn)?;
    let entry = |arn| wire::OpenIDConnectProviderListEntry { arn: Some(arn) };
    let entries = account.oidc_providers.iter().map(|provider| entry(arn(env, provider)));
    Ok(wire::ListOpenIDConnectProvidersResponse { openid_connect_provider_list: entries.collect() })
}

pub(crate) fn add_client_id(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AddClientIDToOpenIDConnectProviderRequest,
) -> Result<wire::AddClientIDToOpenIDConnectProviderResponse, IamError> {
    let wire::AddClientIDToOpenIDConnectProviderRequest { openid_connect_provider_arn, client_id } = request;
    let mut provider = OidcProvider::clone(&*find(txn, env, openid_connect_provider_arn)?);
    // Adding one that is there already succeeds and changes nothing.
    if !provider.client_ids.contains(client_id) {
        provider.client_ids.push(client_id.clone());
        refuse_too_many_clients(env, provider.client_ids.len())?;
        txn.put(&provider);
    }
    Ok(wire::AddClientIDToOpenIDConnectProviderResponse {})
}

pub(crate) fn remove_client_id(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::RemoveClientIDFromOpenIDConnectProviderRequest,
) -> Result<wire::RemoveClientIDFromOpenIDConnectProviderResponse, IamError> {
    let wire::RemoveClientIDFromOpenIDConnectProviderRequest { openid_connect_provider_arn, client_id } =
        request;
    let mut provider = OidcProvider::clone(&*find(txn, env, openid_connect_provider_arn)?);
    // Removing one that is not there succeeds too.
    provider.client_ids.retain(|own| own != client_id);
    txn.put(&provider);
    Ok(wire::RemoveClientIDFromOpenIDConnectProviderResponse {})
}

pub(crate) fn update_thumbprint(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateOpenIDConnectProviderThumbprintRequest,
) -> Result<wire::UpdateOpenIDConnectProviderThumbprintResponse, IamError> {
    let wire::UpdateOpenIDConnectProviderThumbprintRequest { openid_connect_provider_arn, thumbprint_list } =
        request;
    let mut provider = OidcProvider::clone(&*find(txn, env, openid_connect_provider_arn)?);
    check_thumbprints(thumbprint_list)?;
    provider.thumbprints = thumbprint_list.iter().map(|thumbprint| thumbprint.to_ascii_lowercase()).collect();
    txn.put(&provider);
    Ok(wire::UpdateOpenIDConnectProviderThumbprintResponse {})
}

pub(crate) fn delete_open_id_connect_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteOpenIDConnectProviderRequest,
) -> Result<wire::DeleteOpenIDConnectProviderResponse, IamError> {
    let wire::DeleteOpenIDConnectProviderRequest { openid_connect_provider_arn } = request;
    let provider = find(txn, env, openid_connect_provider_arn)?;
    txn.delete(&*provider.value);
    Ok(wire::DeleteOpenIDConnectProviderResponse {})
}

pub(crate) fn list_open_id_connect_provider_tags(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListOpenIDConnectProviderTagsRequest,
) -> Result<wire::ListOpenIDConnectProviderTagsResponse, IamError> {
    let wire::ListOpenIDConnectProviderTagsRequest { openid_connect_provider_arn, marker, max_items } =
        request;
    let provider = find(txn, env, openid_connect_provider_arn)?;
    let page = tags::page(&provider.tags, marker.as_deref(), *max_items)?;
    Ok(wire::ListOpenIDConnectProviderTagsResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        tags: page.items,
    })
}

pub(crate) fn tag_open_id_connect_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TagOpenIDConnectProviderRequest,
) -> Result<wire::TagOpenIDConnectProviderResponse, IamError> {
    let wire::TagOpenIDConnectProviderRequest { openid_connect_provider_arn, tags: given } = request;
    let mut provider = OidcProvider::clone(&*find(txn, env, openid_connect_provider_arn)?);
    tags::add(&mut provider.tags, given, Keys::Exact, env)?;
    txn.put(&provider);
    Ok(wire::TagOpenIDConnectProviderResponse {})
}

pub(crate) fn untag_open_id_connect_provider(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UntagOpenIDConnectProviderRequest,
) -> Result<wire::UntagOpenIDConnectProviderResponse, IamError> {
    let wire::UntagOpenIDConnectProviderRequest { openid_connect_provider_arn, tag_keys } = request;
    let mut provider = OidcProvider::clone(&*find(txn, env, openid_connect_provider_arn)?);
    tags::remove(&mut provider.tags, tag_keys, Keys::Exact);
    txn.put(&provider);
    Ok(wire::UntagOpenIDConnectProviderResponse {})
}
