//! Proofs that a client holds the key that a token is bound to (DPoP, RFC 9449): a JWT of its own, signed anew for
//! each request by ES256, with the public key in its header.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// How far a proof's time may be from ours, in seconds.
const WINDOW_SECONDS: i64 = 300;
/// No proof is longer than this.
const MAX_LEN: usize = 4_096;

/// A proof is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DpopError {
    /// It is no JWT of the right type, algorithm and key.
    #[error("The DPoP proof is malformed.")]
    Malformed,
    /// The signature is not its key's.
    #[error("The signature of the DPoP proof is invalid.")]
    BadSignature,
    /// It was made for another request.
    #[error("The DPoP proof was made for another request.")]
    OtherRequest,
    /// It was made too long ago, or in the future.
    #[error("The DPoP proof was not made about now.")]
    NotNow,
}

/// The thumbprint (RFC 7638) of a key of which its holder has shown the possession. Private field: [`verify`] is the
/// only maker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbprint(String);

impl Thumbprint {
    /// `cnf.jkt`
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The header's members. A `d` would be the private key: whoever sends it does not keep it.
#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct Claims {
    htm: String,
    htu: String,
    iat: i64,
    jti: String,
}

/// The request that a proof must be for.
#[derive(Clone, Copy, Debug)]
pub struct ProvenRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// The `Host` that it was sent to.
    pub host: &'a str,
    /// Its path.
    pub path: &'a str,
}

/// Verifies a proof.
///
/// # Errors
/// [`DpopError`].
pub fn verify(proof: &str, request: ProvenRequest<'_>, now: i64) -> Result<Thumbprint, DpopError> {
    if proof.len() > MAX_LEN {
        return Err(DpopError::Malformed);
    }
    let (signed, signature) = proof.rsplit_once('.').ok_or(DpopError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(DpopError::Malformed)?;
    let header: Header = part(header)?;
    let claims: Claims = part(claims)?;
    let kind = (header.typ.as_str(), header.alg.as_str(), header.jwk.kty.as_str(), header.jwk.crv.as_str());
    if kind != ("dpop+jwt", "ES256", "EC", "P-256") || claims.jti.is_empty() {
        return Err(DpopError::Malformed);
    }
    let mut point = vec![4];
    for coordinate in [&header.jwk.x, &header.jwk.y] {
        point.extend(decoded(coordinate).filter(|bytes| bytes.len() == 32).ok_or(DpopError::Malformed)?);
    }
    let signature = decoded(signature).ok_or(DpopError::Malformed)?;
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(signed.as_bytes(), &signature).map_err(|_| DpopError::BadSignature)?;
    if !claims.htm.eq_ignore_ascii_case(request.method) || !is_for(&claims.htu, request) {
        return Err(DpopError::OtherRequest);
    }
    if claims.iat.saturating_sub(now).saturating_abs() > WINDOW_SECONDS {
        return Err(DpopError::NotNow);
    }
    let Jwk { x, y, .. } = &header.jwk;
    let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    Ok(Thumbprint(URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))))
}

/// Whether an address is that of the request. Whether it was reached by TLS only the client knows: a proxy may end it.
fn is_for(address: &str, request: ProvenRequest<'_>) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    let Some(rest) = rest else { return false };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    host.eq_ignore_ascii_case(request.host) && path == request.path
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, DpopError> {
    let bytes = decoded(text).ok_or(DpopError::Malformed)?;
    serde_json::from_slice(&bytes).map_err(|_| DpopError::Malformed)
}

#[cfg(test)]
mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
    use serde_json::{Value, json};

    use super::*;

    const REQUEST: ProvenRequest<'_> =
        ProvenRequest { method: "POST", host: "127.0.0.1:4566", path: "/v1/token" };

    struct Client(EcdsaKeyPair);

    impl Client {
        fn new() -> Self {
            let random = SystemRandom::new();
            let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
            Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref(), &random).unwrap())
        }

        fn proof(&self, header: Value, claims: Value) -> String {
            let point = self.0.public_key().as_ref();
            let of = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let mut all = json!({"typ": "dpop+jwt", "alg": "ES256",
                "jwk": {"kty": "EC", "crv": "P-256", "x": of(&point[1..33]), "y": of(&point[33..])}});
            let mut said =
                json!({"htm": "POST", "htu": "http://127.0.0.1:4566/v1/token", "iat": 1_000, "jti": "1"});
            for (to, from) in [(&mut all, header), (&mut said, claims)] {
                to.as_object_mut().unwrap().extend(from.as_object().unwrap().clone());
            }
            let signed = format!("{}.{}", of(all.to_string().as_bytes()), of(said.to_string().as_bytes()));
            let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
            format!("{signed}.{}", of(signature.as_ref()))
        }
    }

    #[test]
    fn a_proof_holds_for_its_request_about_its_time() {
        let client = Client::new();
        let proof = client.proof(json!({}), json!({}));
        let first = verify(&proof, REQUEST, 1_300).unwrap();
        assert_eq!(first, verify(&client.proof(json!({}), json!({"jti": "2"})), REQUEST, 700).unwrap());
        assert_ne!(first, verify(&Client::new().proof(json!({}), json!({})), REQUEST, 1_000).unwrap());
        for now in [699, 1_301] {
            assert_eq!(verify(&proof, REQUEST, now), Err(DpopError::NotNow));
        }
        for other in [
            ProvenRequest { method: "GET", ..REQUEST },
            ProvenRequest { host: "127.0.0.1", ..REQUEST },
            ProvenRequest { path: "/v1/token/", ..REQUEST },
        ] {
            assert_eq!(verify(&proof, other, 1_000), Err(DpopError::OtherRequest));
        }
    }

    #[test]
    fn what_is_not_signed_by_its_own_key_is_refused() {
        let client = Client::new();
        let proof = client.proof(json!({}), json!({}));
        let other = Client::new().proof(json!({}), json!({}));
        let (signed, _) = proof.rsplit_once('.').unwrap();
        let (_, signature) = other.rsplit_once('.').unwrap();
        assert_eq!(verify(&format!("{signed}.{signature}"), REQUEST, 1_000), Err(DpopError::BadSignature));
        for header in
            [json!({"alg": "none"}), json!({"typ": "JWT"}), json!({"jwk": {"kty": "oct", "k": "AAAA"}})]
        {
            assert_eq!(verify(&client.proof(header, json!({})), REQUEST, 1_000), Err(DpopError::Malformed));
        }
        for nonsense in ["", ".", "..", "a.b.c", &signed[1..]] {
            assert_eq!(verify(nonsense, REQUEST, 1_000), Err(DpopError::Malformed));
        }
    }
}
