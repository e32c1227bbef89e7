//! The keys of issuers, by discovery, kept for a while and asked for anew when an issuer rotates them.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;

use super::jwk::JwkSet;
use super::token::{UnverifiedToken, VerifiedToken};
use super::{IssuerUrl, Provider, TokenError};

/// How many issuers' keys are kept.
const MAXIMUM_ISSUERS: usize = 4_096;

/// What a fetch comes to.
pub type FetchFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, FetchError>> + Send + 'a>>;

/// Fetches documents from issuers. `rolecall_federation::http::HttpFetcher` does over HTTP(S).
pub trait KeyFetcher: Send + Sync {
    /// The body of `url`, whose server may be vouched for by an authority with one of `thumbprints`. Limits on time and
    /// size are the fetcher's; a redirect is a failure.
    fn fetch<'a>(&'a self, url: &'a str, thumbprints: &'a [String]) -> FetchFuture<'a>;
}

/// Why a fetch failed; for the log, not for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The URL is not one that may be fetched.
    #[error("{0} may not be fetched")]
    Forbidden(String),
    /// The server could not be reached, or broke off.
    #[error("the connection failed: {0}")]
    Connection(String),
    /// It took too long.
    #[error("no answer in time")]
    TimedOut,
    /// An answer that is no success.
    #[error("the answer's status was {0}")]
    Status(u16),
    /// The answer was too long.
    #[error("the answer was too long")]
    TooLong,
    /// The answer was not what it should be.
    #[error("the answer was malformed: {0}")]
    Malformed(&'static str),
}

/// How long keys are kept and how often an issuer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheSettings {
    /// For how many seconds keys count without asking anew.
    pub ttl_seconds: i64,
    /// How many seconds at least lie between two fetches for keys that are not in the set.
    pub unknown_key_seconds: i64,
    /// After a failure: how many seconds until the next try. Doubles with each further failure.
    pub first_backoff_seconds: i64,
    /// The longest such wait.
    pub longest_backoff_seconds: i64,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            ttl_seconds: 3_600,
            unknown_key_seconds: 10,
            first_backoff_seconds: 1,
            longest_backoff_seconds: 60,
        }
    }
}

/// Verifies tokens with keys that it fetches and keeps.
pub struct KeyCache<F> {
    fetcher: F,
    settings: CacheSettings,
    issuers: Mutex<HashMap<CacheKey, Arc<Entry>>>,
}

/// The thumbprints are part of it: keys fetched under other trust don't count.
type CacheKey = (IssuerUrl, Vec<String>);

#[derive(Default)]
struct Entry {
    /// Read without waiting for a fetch: tokens with a known key are never held up by others.
    fetched: Mutex<Option<Fetched>>,
    /// Held while fetching, so that an issuer is asked once for all who wait.
    failures: tokio::sync::Mutex<Failures>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<JwkSet>,
    at: i64,
}

#[derive(Default)]
struct Failures {
    count: u32,
    last: i64,
}

impl<F: KeyFetcher> KeyCache<F> {
    /// An empty cache.
    pub fn new(fetcher: F, settings: CacheSettings) -> Self {
        Self { fetcher, settings, issuers: Mutex::default() }
    }

    /// Verifies a token with the provider's registered keys, or else with those its issuer publishes.
    ///
    /// # Errors
    /// [`TokenError`].
    pub async fn verify(
        &self,
        token: UnverifiedToken<'_>,
        provider: &Provider<'_>,
        now: i64,
    ) -> Result<VerifiedToken, TokenError> {
        if let Some(keys) = provider.inline_keys {
            return token.verify(provider, keys, now);
        }
        // Nobody is asked for the keys of a token that names someone else.
        if !provider.url.is_named_by(token.issuer()) {
            return Err(TokenError::NoProvider(token.issuer().to_owned()));
        }
        let keys = self.keys_for(&token, provider, now).await?;
        token.verify(provider, &keys, now)
    }

    async fn keys_for(
        &self,
        token: &UnverifiedToken<'_>,
        provider: &Provider<'_>,
        now: i64,
    ) -> Result<Arc<JwkSet>, TokenError> {
        let entry = self.entry(provider);
        if let Some(keys) = entry.usable(token, &self.settings, now) {
            return Ok(keys);
        }
        let mut failures = entry.failures.lock().await;
        // Another request may have fetched while this one waited.
        if let Some(keys) = entry.usable(token, &self.settings, now) {
            return Ok(keys);
        }
        if failures.must_wait(&self.settings, now) {
            return Err(TokenError::Communication);
        }
        match discover(&self.fetcher, provider).await {
            Ok(keys) => {
                let keys = Arc::new(keys);
                *entry.fetched.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(Fetched { keys: keys.clone(), at: now });
                *failures = Failures::default();
                Ok(keys)
            }
            Err(error) => {
                *failures = Failures { count: failures.count.saturating_add(1), last: now };
                Err(error)
            }
        }
    }

    fn entry(&self, provider: &Provider<'_>) -> Arc<Entry> {
        let key = (provider.url.clone(), provider.thumbprints.to_vec());
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        if issuers.len() >= MAXIMUM_ISSUERS && !issuers.contains_key(&key) {
            issuers.clear();
        }
        issuers.entry(key).or_default().clone()
    }
}

impl Entry {
    /// The keys at hand, where they may be used for the token without asking the issuer again.
    fn usable(&self, token: &UnverifiedToken<'_>, settings: &CacheSettings, now: i64) -> Option<Arc<JwkSet>> {
        let fetched = self.fetched.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let age = now.saturating_sub(fetched.at);
        let known = fetched.keys.has_key(token.key_id.as_deref(), token.algorithm);
        let settled = known || age < settings.unknown_key_seconds;
        (age < settings.ttl_seconds && settled).then_some(fetched.keys)
    }
}

impl Failures {
    fn must_wait(&self, settings: &CacheSettings, now: i64) -> bool {
        let Some(doublings) = self.count.checked_sub(1) else { return false };
        let wait = settings.first_backoff_seconds.saturating_mul(1 << doublings.min(30));
        now.saturating_sub(self.last) < wait.min(settings.longest_backoff_seconds)
    }
}

/// The discovery document's members that count.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

async fn discover(fetcher: &impl KeyFetcher, provider: &Provider<'_>) -> Result<JwkSet, TokenError> {
    let document = fetcher.fetch(&provider.url.discovery_url(), provider.thumbprints).await;
    let document = document.map_err(|error| failure(&error))?;
    let document: Discovery = serde_json::from_slice(&document).map_err(|_| TokenError::NoVerificationKey)?;
    // A document that speaks for another issuer does not count (OpenID Connect Discovery, section 4.3).
    if !provider.url.is_named_by(&document.issuer) {
        return Err(TokenError::NoVerificationKey);
    }
    let keys =
        fetcher.fetch(&document.jwks_uri, provider.thumbprints).await.map_err(|error| failure(&error))?;
    JwkSet::from_json(&keys).map_err(|_| TokenError::NoVerificationKey)
}

/// What could not be reached is worth another try; what answered wrongly is not.
fn failure(error: &FetchError) -> TokenError {
    match error {
        FetchError::Connection(_) | FetchError::TimedOut => TokenError::Communication,
        FetchError::Forbidden(_) | FetchError::Status(_) | FetchError::TooLong | FetchError::Malformed(_) => {
            TokenError::NoVerificationKey
        }
    }
}

#[cfg(test)]
mod tests;
