//! Tokens of a test issuer, right ones and forged ones.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaKeyPair,
};
use serde_json::{Value, json};

use super::*;

mod attacks;
mod contents;
mod vectors;

pub(super) const NOW: i64 = 1_700_000_000;
pub(super) const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// Keys that sign, and the set that shows them.
pub(super) struct Issuer {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    prefix: &'static str,
}

impl Issuer {
    pub(super) fn one() -> Self {
        Self::new(include_bytes!("../../testdata/issuer-one.rsa.pk8"), "one")
    }

    pub(super) fn two() -> Self {
        Self::new(include_bytes!("../../testdata/issuer-two.rsa.pk8"), "two")
    }

    fn new(rsa: &[u8], prefix: &'static str) -> Self {
        let random = SystemRandom::new();
        let curve = |algorithm: &'static EcdsaSigningAlgorithm| {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
        };
        Self {
            rsa: RsaKeyPair::from_pkcs8(rsa).unwrap(),
            p256: curve(&ECDSA_P256_SHA256_FIXED_SIGNING),
            p384: curve(&ECDSA_P384_SHA384_FIXED_SIGNING),
            prefix,
        }
    }

    fn key_id(&self, algorithm: &str) -> String {
        format!("{}-{}", self.prefix, &algorithm[..2])
    }

    pub(super) fn jwks(&self) -> Value {
        let public = PublicKeyComponents::<Vec<u8>>::from(self.rsa.public());
        let (n, e) = (URL_SAFE_NO_PAD.encode(public.n), URL_SAFE_NO_PAD.encode(public.e));
        let curve = |key: &EcdsaKeyPair, name: &str| {
            let point = &key.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
            json!({"kty": "EC", "kid": self.key_id("ES"), "use": "sig", "crv": name, "x": x, "y": y})
        };
        json!({"keys": [
            {"kty": "RSA", "kid": self.key_id("RS"), "use": "sig", "n": n, "e": e},
            curve(&self.p256, "P-256"),
            curve(&self.p384, "P-384"),
        ]})
    }

    pub(super) fn keys(&self) -> JwkSet {
        JwkSet::from_json(self.jwks().to_string().as_bytes()).unwrap()
    }

    pub(super) fn token(&self, algorithm: &str, claims: &Value) -> String {
        self.token_with(&json!({"typ": "JWT", "alg": algorithm, "kid": self.key_id(algorithm)}), claims)
    }

    /// A token with any header; signed by the algorithm that the header names, where there is such a one.
    pub(super) fn token_with(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.sign(header["alg"].as_str().unwrap_or_default(), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let rsa = |encoding: &'static dyn ring::signature::RsaEncoding| {
            let mut signature = vec![0; self.rsa.public().modulus_len()];
            self.rsa.sign(encoding, &random, message, &mut signature).unwrap();
            signature
        };
        match algorithm {
            "RS256" => rsa(&RSA_PKCS1_SHA256),
            "RS384" => rsa(&RSA_PKCS1_SHA384),
            "RS512" => rsa(&RSA_PKCS1_SHA512),
            "ES256" => self.p256.sign(&random, message).unwrap().as_ref().to_vec(),
            "ES384" => self.p384.sign(&random, message).unwrap().as_ref().to_vec(),
            // The public key as a shared secret: what a confused verifier would check against.
            "HS256" => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, self.rsa.public_key().as_ref());
                hmac::sign(&key, message).as_ref().to_vec()
            }
            _ => Vec::new(),
        }
    }
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A GitHub token's claims, some replaced or added; those set to null are left out.
pub(super) fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER,
        "sub": "repo:acme/infra:ref:refs/heads/main",
        "aud": "sts.amazonaws.com",
        "iat": NOW - 10,
        "nbf": NOW - 10,
        "exp": NOW + 300,
        "repository": "acme/infra",
        "repository_id": "74",
        "actor": "octocat",
        "ref": "refs/heads/main",
        "job_workflow_ref": "acme/infra/.github/workflows/deploy.yml@refs/heads/main",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            other => claims.as_object_mut().unwrap().insert(name.clone(), other.clone()),
        };
    }
    claims
}

pub(super) fn verify_at(token: &str, keys: &JwkSet, now: i64) -> Result<VerifiedToken, TokenError> {
    let url = IssuerUrl::parse(ISSUER).unwrap();
    let client_ids = ["sts.amazonaws.com".to_owned(), "other".to_owned()];
    let provider = Provider { url: &url, client_ids: &client_ids, thumbprints: &[], inline_keys: None };
    UnverifiedToken::parse(token)?.verify(&provider, keys, now)
}

pub(super) fn verify(token: &str, keys: &JwkSet) -> Result<VerifiedToken, TokenError> {
    verify_at(token, keys, NOW)
}

/// Verifies a right token whose claims have been changed.
fn verify_claims(changes: Value) -> Result<VerifiedToken, TokenError> {
    let issuer = Issuer::one();
    verify(&issuer.token("ES256", &claims(changes)), &issuer.keys())
}
