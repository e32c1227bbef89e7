//! Answers: pages, files, and the way to another page.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{Either, Full};
use maud::Markup;

use crate::backend::Body;

/// Nothing is loaded from elsewhere, nothing runs, and nobody frames a page.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";

const SECURITY: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Sets what every answer of the console carries.
pub(crate) fn secure(headers: &mut HeaderMap) {
    for (name, value) in SECURITY {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// A body that is whole in memory.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    Either::Left(Full::new(bytes.into()))
}

/// A page.
pub(crate) fn html(status: StatusCode, page: Markup) -> Response<Body> {
    let mut response = Response::new(full(page.into_string()));
    *response.status_mut() = status;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    response
}

/// The way to another page of the console. Where the path can't be one, to its front page.
pub(crate) fn redirect(path: &str) -> Response<Body> {
    let mut response = Response::new(full(Bytes::new()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    let path = if is_own(path) { path } else { "/console/" };
    let value = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/console/"));
    response.headers_mut().insert(header::LOCATION, value);
    response
}

/// Lets the forms of a page lead to one more address, which a browser would else refuse to follow.
pub(crate) fn leading_to(mut response: Response<Body>, address: &str) -> Response<Body> {
    let wider =
        CONTENT_SECURITY_POLICY.replace("form-action 'self'", &format!("form-action 'self' {address}"));
    if let Ok(value) = HeaderValue::from_str(&wider) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value);
    }
    response
}

/// The way to an address that is not of the console. Only for one that was checked before.
pub(crate) fn away(address: &str) -> Response<Body> {
    let mut response = redirect("/console/");
    if let Ok(value) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response
}

/// Adds a cookie.
pub(crate) fn with_cookie(mut response: Response<Body>, cookie: Option<HeaderValue>) -> Response<Body> {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Whether a path is one of the console's, so that nobody is sent elsewhere by a link to it.
pub(crate) fn is_own(path: &str) -> bool {
    let plain = !path.contains(['\\', '\r', '\n', '\t']) && path.is_ascii();
    plain && (path == "/console" || path.starts_with("/console/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for path in ["//evil.example", "https://evil.example", "/console\\evil", "/consolex", "/other", ""] {
            assert!(!is_own(path), "{path}");
            assert_eq!(redirect(path).headers().get(header::LOCATION).unwrap(), "/console/");
        }
        assert!(is_own("/console/s3/bucket?prefix=a%2Fb"));
    }
}
