//! How OpenID Connect issuers are asked for their keys.

use rolecall_federation::http::{FetchRules, HttpFetcher};
use rolecall_federation::oidc::CacheSettings;
use rolecall_server::IssuerKeys;
use rustls::RootCertStore;

use super::ServeError;
use crate::settings::Settings;

/// What may be fetched.
pub(super) fn rules(settings: &Settings) -> Result<FetchRules, ServeError> {
    Ok(FetchRules {
        allow_loopback: settings.get("oidc.allow_loopback_http")?,
        allow_private_networks: settings.get("oidc.allow_private_networks")?,
        ..FetchRules::default()
    })
}

/// The issuers' keys; servers are trusted by the authorities that the machine trusts.
pub(super) fn keys(rules: FetchRules) -> IssuerKeys {
    IssuerKeys::new(HttpFetcher::new(machine_roots, rules), CacheSettings::default())
}

/// The authorities of this machine, without those that can't be read.
fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (added, refused) = roots.add_parsable_certificates(found.certs);
    for cause in found.errors {
        tracing::warn!(%cause, "some of the machine's certificate authorities can't be read");
    }
    tracing::debug!(added, refused, "certificate authorities of the machine");
    roots
}
