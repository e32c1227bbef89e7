//! The console's one script, on the pages that have a part which is kept up to date: it asks for that part as the
//! page's own form would. A page names it by its hash, so that no other script can run there.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use maud::{Markup, PreEscaped, html};

use crate::backend::{Backend, Body};
use crate::reply::{self, CONTENT_SECURITY_POLICY};
use crate::visit::Visit;

const SCRIPT: &str = include_str!("live.js");

/// The script, as a page has it.
pub(crate) fn script() -> Markup {
    html! { script { (PreEscaped(SCRIPT)) } }
}

/// Lets the script of a page run, and ask this host.
pub(crate) fn allowed(mut response: Response<Body>) -> Response<Body> {
    static POLICY: OnceLock<Option<HeaderValue>> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        let hash = STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, SCRIPT.as_bytes()));
        let wider = format!("{CONTENT_SECURITY_POLICY}; script-src 'sha256-{hash}'; connect-src 'self'");
        HeaderValue::try_from(wider).ok()
    });
    if let Some(policy) = policy {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    }
    response
}

/// A part of a page, alone.
pub(crate) fn part(status: StatusCode, content: Markup) -> Response<Body> {
    reply::html(status, content)
}

/// Whether a request is one of the script's. The form's mark, which another page of this host can't know, is looked at
/// like that of every form.
pub(crate) fn asks(parts: &Parts) -> bool {
    let below = parts.uri.path().strip_prefix("/console/").unwrap_or_default();
    let path: Vec<&str> = below.split('/').collect();
    parts.method == Method::POST && matches!(path.as_slice(), ["iam", "check"] | ["instances", _, "output"])
}

/// A form that asks for its part every so many milliseconds.
pub(crate) fn every<B: Backend>(visit: &Visit<'_, B>, path: &str, place: &str, milliseconds: u32) -> Markup {
    html! {
        form hidden data-live=(path) data-place=(place) data-every=(milliseconds) { (crate::layout::hidden(visit)) }
    }
}
