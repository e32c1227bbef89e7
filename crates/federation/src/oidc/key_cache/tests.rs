use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::super::tests::{ISSUER, Issuer, NOW, claims};
use super::*;

/// A web of documents that can be changed, and counts how often it is asked.
#[derive(Default)]
struct Web {
    documents: Mutex<HashMap<String, Result<Vec<u8>, FetchError>>>,
    asked: AtomicUsize,
}

impl Web {
    fn publishing(issuer: &Issuer) -> Self {
        let web = Self::default();
        let discovery = json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/keys")});
        web.put("/.well-known/openid-configuration", Ok(discovery.to_string().into_bytes()));
        web.put("/keys", Ok(issuer.jwks().to_string().into_bytes()));
        web
    }

    fn put(&self, path: &str, document: Result<Vec<u8>, FetchError>) {
        self.documents.lock().unwrap().insert(format!("{ISSUER}{path}"), document);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl KeyFetcher for &Web {
    fn fetch<'a>(&'a self, url: &'a str, _thumbprints: &'a [String]) -> FetchFuture<'a> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let document = self.documents.lock().unwrap().get(url).cloned();
        Box::pin(async move {
            tokio::task::yield_now().await;
            document.unwrap_or(Err(FetchError::Status(404)))
        })
    }
}

async fn verify(cache: &KeyCache<&Web>, token: &str, now: i64) -> Result<VerifiedToken, TokenError> {
    let url = IssuerUrl::parse(ISSUER).unwrap();
    let client_ids = ["sts.amazonaws.com".to_owned()];
    let provider = Provider { url: &url, client_ids: &client_ids, thumbprints: &[], inline_keys: None };
    cache.verify(UnverifiedToken::parse(token)?, &provider, now).await
}

fn token(issuer: &Issuer) -> String {
    issuer.token("RS256", &claims(json!({"exp": NOW + 1_000_000})))
}

fn cache(web: &Web) -> KeyCache<&Web> {
    KeyCache::new(web, CacheSettings::default())
}

#[tokio::test]
async fn keys_are_found_by_discovery_and_kept() {
    let issuer = Issuer::one();
    let web = Web::publishing(&issuer);
    let cache = cache(&web);
    for now in [NOW, NOW + 1, NOW + 3_599] {
        verify(&cache, &token(&issuer), now).await.unwrap();
    }
    assert_eq!(web.asked(), 2, "the document and the keys, once");
    verify(&cache, &token(&issuer), NOW + 3_600).await.unwrap();
    assert_eq!(web.asked(), 4, "again when their time is over");
}

#[tokio::test]
async fn an_issuer_that_rotates_its_keys_is_asked_again() {
    let (old, new) = (Issuer::one(), Issuer::two());
    let web = Web::publishing(&old);
    let cache = cache(&web);
    verify(&cache, &token(&old), NOW).await.unwrap();
    web.put("/keys", Ok(new.jwks().to_string().into_bytes()));
    // At once would let anyone make the server ask at will.
    assert_eq!(verify(&cache, &token(&new), NOW + 9).await.unwrap_err(), TokenError::NoVerificationKey);
    verify(&cache, &token(&new), NOW + 10).await.unwrap();
    // The old key is gone with the old set.
    assert_eq!(verify(&cache, &token(&old), NOW + 11).await.unwrap_err(), TokenError::NoVerificationKey);
    assert_eq!(web.asked(), 4);
}

#[tokio::test]
async fn a_failing_issuer_is_asked_less_and_less_often() {
    let issuer = Issuer::one();
    let web = Web::publishing(&issuer);
    let cache = cache(&web);
    let discovery = "/.well-known/openid-configuration";
    let good = web.documents.lock().unwrap()[&format!("{ISSUER}{discovery}")].clone();
    web.put(discovery, Err(FetchError::TimedOut));
    let mut asked = Vec::new();
    for second in 0..20 {
        let refused = verify(&cache, &token(&issuer), NOW + second).await.unwrap_err();
        assert_eq!(refused.code(), "IDPCommunicationError");
        asked.push(web.asked());
    }
    // Asked at 0, 1, 3, 7 and 15 seconds.
    assert_eq!(asked, [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 5]);
    web.put(discovery, good);
    verify(&cache, &token(&issuer), NOW + 31).await.unwrap();
}

#[tokio::test]
async fn known_keys_go_on_while_the_issuer_fails() {
    let (issuer, forger) = (Issuer::one(), Issuer::two());
    let web = Web::publishing(&issuer);
    let cache = cache(&web);
    verify(&cache, &token(&issuer), NOW).await.unwrap();
    web.put("/keys", Err(FetchError::TimedOut));
    assert_eq!(verify(&cache, &token(&forger), NOW + 60).await.unwrap_err(), TokenError::Communication);
    verify(&cache, &token(&issuer), NOW + 60).await.unwrap();
}

#[tokio::test]
async fn waiting_requests_share_one_fetch() {
    let issuer = Issuer::one();
    let web = Web::publishing(&issuer);
    let cache = cache(&web);
    let token = token(&issuer);
    let (first, second, third) =
        tokio::join!(verify(&cache, &token, NOW), verify(&cache, &token, NOW), verify(&cache, &token, NOW));
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!(web.asked(), 2);
}

#[tokio::test]
async fn a_document_that_speaks_for_another_issuer_does_not_count() {
    let issuer = Issuer::one();
    let web = Web::publishing(&issuer);
    let document = json!({"issuer": "https://forger.example", "jwks_uri": format!("{ISSUER}/keys")});
    web.put("/.well-known/openid-configuration", Ok(document.to_string().into_bytes()));
    assert_eq!(verify(&cache(&web), &token(&issuer), NOW).await.unwrap_err(), TokenError::NoVerificationKey);
}

#[tokio::test]
async fn a_token_of_someone_else_makes_nobody_ask() {
    let issuer = Issuer::one();
    let web = Web::publishing(&issuer);
    let foreign = issuer.token("RS256", &claims(json!({"iss": "https://forger.example"})));
    assert_eq!(verify(&cache(&web), &foreign, NOW).await.unwrap_err().code(), "InvalidIdentityToken");
    assert_eq!(web.asked(), 0);
}

#[tokio::test]
async fn registered_keys_are_used_without_asking() {
    let issuer = Issuer::one();
    let web = Web::default();
    let (url, keys) = (IssuerUrl::parse(ISSUER).unwrap(), issuer.keys());
    let client_ids = ["sts.amazonaws.com".to_owned()];
    let provider =
        Provider { url: &url, client_ids: &client_ids, thumbprints: &[], inline_keys: Some(&keys) };
    let token = token(&issuer);
    let verified = cache(&web).verify(UnverifiedToken::parse(&token).unwrap(), &provider, NOW).await;
    assert!(verified.is_ok());
    assert_eq!(web.asked(), 0);
}
