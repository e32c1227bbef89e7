//! OpenID Connect tokens and sets of keys: nobody but the issuer makes a token that counts.
//!
//! The first byte chooses: a token as it came, claims that the issuer signs, or a set of keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rolecall_federation::oidc::{IssuerUrl, JwkSet, Provider, TokenError, UnverifiedToken, VerifiedToken};

use crate::Run;

const KEY: &[u8] = include_bytes!("../../federation/testdata/issuer-one.rsa.pk8");
const ISSUER: &str = "https://token.actions.githubusercontent.com";
const AUDIENCE: &str = "sts.amazonaws.com";
/// When every token is looked at.
const NOW: i64 = 1_700_000_000;

struct Issuer {
    key: RsaKeyPair,
    keys: JwkSet,
    url: IssuerUrl,
    client_ids: [String; 1],
}

/// See the module.
pub(crate) fn start() -> Run {
    let key = RsaKeyPair::from_pkcs8(KEY).expect("a key");
    let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
    let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
    let keys =
        format!(r#"{{"keys": [{{"kty": "RSA", "kid": "one", "use": "sig", "n": "{n}", "e": "{e}"}}]}}"#);
    let issuer = Issuer {
        key,
        keys: JwkSet::from_json(keys.as_bytes()).expect("a set of keys"),
        url: IssuerUrl::parse(ISSUER).expect("a URL"),
        client_ids: [AUDIENCE.to_owned()],
    };
    Box::new(move |input| match input.split_first() {
        Some((0..=63 | b't', rest)) => issuer.refuses(rest),
        Some((64..=191, rest)) => issuer.signs(rest),
        Some((_, rest)) => drop(JwkSet::from_json(rest).map(|keys| assert!(keys.len() <= 200))),
        None => {}
    })
}

impl Issuer {
    fn verify(&self, token: &str) -> Result<VerifiedToken, TokenError> {
        let provider =
            Provider { url: &self.url, client_ids: &self.client_ids, thumbprints: &[], inline_keys: None };
        UnverifiedToken::parse(token)?.verify(&provider, &self.keys, NOW)
    }

    /// The issuer signed nothing that a fuzzer has, so nothing may pass.
    fn refuses(&self, input: &[u8]) {
        let Ok(token) = std::str::from_utf8(input) else { return };
        match self.verify(token) {
            Ok(verified) => panic!("a forged token was taken for one of {}", verified.subject()),
            Err(error) => assert!((400..500).contains(&error.http_status()) && !error.code().is_empty()),
        }
    }

    /// Whatever the issuer says, what comes of it is what it said.
    fn signs(&self, claims: &[u8]) {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg": "RS256", "kid": "one"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        self.key.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).expect("a signature");
        let token = format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature));
        let Ok(verified) = self.verify(&token) else { return };
        let said: serde_json::Value = serde_json::from_slice(claims).expect("claims are JSON");
        let text = |name: &str| said.get(name).and_then(serde_json::Value::as_str);
        let named = text("iss").map(|iss| iss.strip_prefix("https://").unwrap_or(iss));
        assert_eq!(named, Some(self.url.without_scheme()));
        assert_eq!(text("sub"), Some(verified.subject()));
        assert_eq!(verified.audience(), AUDIENCE);
        assert!(!verified.subject().is_empty() && verified.expiration() > NOW);
    }
}
