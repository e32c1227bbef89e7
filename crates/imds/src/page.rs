//! Responses as the metadata service frames them.

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, CONTENT_TYPE, HeaderName, HeaderValue, SERVER};
use http::{Response, StatusCode};
use http_body_util::Full;

/// A response of the service.
pub type Page = Response<Full<Bytes>>;

/// Says how long a token is good for.
pub(crate) const TOKEN_TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");

/// A page with content.
pub(crate) fn content(kind: &'static str, body: impl Into<Bytes>) -> Page {
    framed(StatusCode::OK, kind, body.into())
}

/// A page that says what is wrong, in the form that people know from AWS.
pub(crate) fn error(status: StatusCode) -> Page {
    let title = format!("{} - {}", status.as_u16(), status.canonical_reason().unwrap_or("Error"));
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>\n\
         <html xmlns=\"http://www.w3.org/1999/xhtml\" xml:lang=\"en\" lang=\"en\">\n \
         <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n </body>\n</html>\n"
    );
    framed(status, "text/html", body.into())
}

fn framed(status: StatusCode, kind: &'static str, body: Bytes) -> Page {
    let mut page = Response::new(Full::new(body));
    *page.status_mut() = status;
    let headers = page.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(SERVER, HeaderValue::from_static("EC2ws"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("none"));
    page
}
