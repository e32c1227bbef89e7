//! Making signatures, for our own client and for tests.

use http::header::{AUTHORIZATION, HOST, HeaderName, HeaderValue, InvalidHeaderValue};
use http::{HeaderMap, Method, Uri};

use crate::canonical::{Canonical, Spelling, push_joined, string_to_sign};
use crate::encoding::encode;
use crate::error::{Family, SigError};
use crate::header_form::ALGORITHM;
use crate::key::SecretKey;
use crate::payload::{CONTENT_SHA256, PayloadHash};
use crate::presented::Request;
use crate::scope::Scope;
use crate::signature::Signature;
use crate::timestamp::Timestamp;

/// Why a request can't be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// No `Host` header and no authority.
    #[error("the request names no host")]
    NoHost,
    /// The path or query has a malformed escape.
    #[error("the path or query can't be signed: {0}")]
    Uri(#[from] SigError),
    /// The signed address is no URI.
    #[error("the signed address is no URI: {0}")]
    BadUri(#[from] http::uri::InvalidUri),
    /// A token or key id has characters that a header can't carry.
    #[error("a credential can't stand in a header: {0}")]
    BadHeader(#[from] InvalidHeaderValue),
    /// The cryptographic library refused.
    #[error("no signature could be made")]
    Crypto,
}

/// Signs requests with one set of credentials for one region and service.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// `AKIA…` or `ASIA…`.
    pub access_key_id: &'a str,
    /// Its secret.
    pub secret: &'a SecretKey,
    /// The session token of temporary credentials.
    pub token: Option<&'a str>,
    /// For instance `us-east-1`.
    pub region: &'a str,
    /// The signing name, for instance `sts`; `s3` has rules of its own.
    pub service: &'a str,
}

impl Signer<'_> {
    /// Adds `x-amz-date`, the token, S3's `x-amz-content-sha256`, and `Authorization`. All headers
    /// are signed but those that proxies change.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn sign(
        &self,
        parts: &mut http::request::Parts,
        payload: &PayloadHash,
        now: Timestamp,
    ) -> Result<(), SignError> {
        let headers = &mut parts.headers;
        headers.remove(AUTHORIZATION);
        headers.insert("x-amz-date", HeaderValue::try_from(now.basic())?);
        if let Some(token) = self.token {
            headers.insert("x-amz-security-token", HeaderValue::try_from(token)?);
        }
        if self.family() == Family::S3 {
            headers.insert(CONTENT_SHA256, HeaderValue::try_from(payload.to_text())?);
        }
        let names = names_to_sign(headers);
        let request = Request::from(&*parts);
        request.host().ok_or(SignError::NoHost)?;
        let (scope, signature) = self.signature(request, &names, payload, false, now)?;
        let mut value = format!("{ALGORITHM} Credential={}/{scope}, SignedHeaders=", self.access_key_id);
        push_joined(&mut value, &names);
        value.push_str(", Signature=");
        value.push_str(&signature.to_hex());
        parts.headers.insert(AUTHORIZATION, HeaderValue::try_from(value)?);
        Ok(())
    }

    /// A presigned address, good for `expires_seconds`. `headers` (at least `Host`, if `uri` has no
    /// authority) must be sent as they are.
    ///
    /// # Errors
    /// See [`SignError`].
    pub fn presign(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        expires_seconds: u32,
        now: Timestamp,
    ) -> Result<Uri, SignError> {
        let names = names_to_sign(headers);
        Request { method, uri, headers }.host().ok_or(SignError::NoHost)?;
        let mut unsigned = uri.to_string();
        let scope = self.scope(now);
        let credential = format!("{}/{scope}", self.access_key_id);
        let mut signed_headers = String::new();
        push_joined(&mut signed_headers, &names);
        let (date, expires) = (now.basic(), expires_seconds.to_string());
        let mut parameters = vec![
            ("X-Amz-Algorithm", ALGORITHM),
            ("X-Amz-Credential", &credential),
            ("X-Amz-Date", &date),
            ("X-Amz-Expires", &expires),
            ("X-Amz-SignedHeaders", &signed_headers),
        ];
        parameters.extend(self.token.map(|token| ("X-Amz-Security-Token", token)));
        for (name, value) in parameters {
            unsigned.push(if unsigned.contains('?') { '&' } else { '?' });
            unsigned.push_str(name);
            unsigned.push('=');
            encode(&mut unsigned, value.as_bytes());
        }
        let payload = if self.family() == Family::S3 { PayloadHash::Unsigned } else { PayloadHash::of(b"") };
        let uri: Uri = unsigned.parse()?;
        let request = Request { method, uri: &uri, headers };
        let (_, signature) = self.signature(request, &names, &payload, true, now)?;
        unsigned.push_str("&X-Amz-Signature=");
        unsigned.push_str(&signature.to_hex());
        Ok(unsigned.parse()?)
    }

    fn signature(
        &self,
        request: Request<'_>,
        names: &[HeaderName],
        payload: &PayloadHash,
        presigned: bool,
        now: Timestamp,
    ) -> Result<(Scope, Signature), SignError> {
        let (canonical, _) = Canonical {
            request,
            family: self.family(),
            signed_headers: names,
            payload,
            presigned,
            path: Spelling::Normalised,
            query: Spelling::Normalised,
        }
        .text()?;
        let scope = self.scope(now);
        let to_sign = string_to_sign(now, &scope, &canonical);
        let signature = self.secret.signing_key(&scope).sign(to_sign.as_bytes()).ok_or(SignError::Crypto)?;
        Ok((scope, signature))
    }

    fn scope(&self, now: Timestamp) -> Scope {
        Scope::new(&now.date(), self.region, self.service)
    }

    fn family(&self) -> Family {
        if self.service == "s3" { Family::S3 } else { Family::Query }
    }
}

fn names_to_sign(headers: &HeaderMap) -> Vec<HeaderName> {
    const CHANGED_BY_PROXIES: [&str; 6] =
        ["authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"];
    let mut names: Vec<HeaderName> =
        headers.keys().filter(|name| !CHANGED_BY_PROXIES.contains(&name.as_str())).cloned().collect();
    if !names.contains(&HOST) {
        names.push(HOST);
    }
    names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    names
}
