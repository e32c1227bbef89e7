//! The accounts' issuers: what others verify tokens with that STS signed. Public, like all of its kind.
//!
//! <https://openid.net/specs/openid-connect-discovery-1_0.html>

use http::{HeaderValue, Response, StatusCode, header};
use rolecall_state::entities::{ISSUERS, OutboundFederation};
use serde_json::{Value, json};

use crate::body::{Body, full};
use crate::endpoint::Endpoint;

/// Which document of an issuer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Document {
    Configuration,
    Keys,
}

const DOCUMENTS: [(&str, Document); 2] = [
    ("/.well-known/openid-configuration", Document::Configuration),
    ("/.well-known/jwks.json", Document::Keys),
];

/// Whether a path is one of an issuer.
pub(crate) fn is_issuers(path: &str) -> bool {
    path.starts_with(ISSUERS)
}

/// Answers with a document, or that there is none.
pub(crate) fn answer(endpoint: &Endpoint, path: &str) -> Response<Body> {
    let document = find(endpoint, path);
    let status = if document.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let body = document.unwrap_or_else(|| json!({"error": "not_found"}));
    let mut response = Response::new(full(format!("{body}\n")));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::OK {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    }
    response
}

fn find(endpoint: &Endpoint, path: &str) -> Option<Value> {
    let rest = path.strip_prefix(ISSUERS)?;
    let (id, document) =
        DOCUMENTS.iter().find_map(|(end, document)| Some((rest.strip_suffix(end)?, *document)))?;
    let snapshot = endpoint.state().snapshot();
    let outbound = snapshot.accounts().find_map(|account| {
        account
            .record
            .outbound
            .as_ref()
            .filter(|outbound| outbound.id == id && account.record.closed.is_none())
    })?;
    Some(match document {
        Document::Configuration => configuration(&outbound.issuer(&endpoint.parts().public_url)),
        Document::Keys => keys(outbound),
    })
}

fn configuration(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES384"],
        "claims_supported": ["iss", "aud", "sub", "iat", "exp", "jti", "https://sts.amazonaws.com/"],
    })
}

fn keys(outbound: &OutboundFederation) -> Value {
    let keys = outbound.keys.iter().map(|key| {
        let mut shown: Value = json!(key.public);
        if let Some(members) = shown.as_object_mut() {
            members.insert("kid".into(), json!(key.id));
            members.insert("use".into(), json!("sig"));
        }
        shown
    });
    json!({ "keys": keys.collect::<Vec<_>>() })
}
