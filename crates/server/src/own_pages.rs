//! `/health`, `/metrics` and the accounts' issuers.

use http::request::Parts;
use http::{HeaderValue, Response, StatusCode, header};

use crate::accept::Arrival;
use crate::body::{Body, full};
use crate::endpoint::Endpoint;
use crate::issuers;
use crate::route::OwnPage;

/// Answers a page of the program itself.
pub(crate) fn answer(endpoint: &Endpoint, page: OwnPage, parts: &Parts, arrival: &Arrival) -> Response<Body> {
    match page {
        OwnPage::Health => health(endpoint),
        OwnPage::Issuer => issuers::answer(endpoint, parts.uri.path()),
        OwnPage::Metrics if may_see_metrics(endpoint, parts, arrival) => metrics(endpoint),
        OwnPage::Metrics => {
            text(StatusCode::FORBIDDEN, "text/plain", "metrics are for loopback or a bearer token\n".into())
        }
    }
}

fn health(endpoint: &Endpoint) -> Response<Body> {
    let following = endpoint.state().is_following();
    let status = if following { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({
        "status": if following { "ok" } else { "stale" },
        "revision": endpoint.state().snapshot().revision.0,
        "version": env!("CARGO_PKG_VERSION"),
    });
    text(status, "application/json", format!("{body}\n"))
}

fn metrics(endpoint: &Endpoint) -> Response<Body> {
    let snapshot = endpoint.state().snapshot();
    let (mut users, mut roles) = (0, 0);
    for account in snapshot.accounts() {
        users += account.users.len() as u64;
        roles += account.roles.len() as u64;
    }
    let gauges = [
        ("rolecall_store_revision", snapshot.revision.0),
        ("rolecall_accounts", snapshot.accounts().count() as u64),
        ("rolecall_users", users),
        ("rolecall_roles", roles),
        ("rolecall_audit_records_written", endpoint.recorder().written()),
    ];
    text(StatusCode::OK, "text/plain; version=0.0.4", endpoint.metrics().text(&gauges))
}

fn may_see_metrics(endpoint: &Endpoint, parts: &Parts, arrival: &Arrival) -> bool {
    let given = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.strip_prefix("Bearer "));
    arrival.peer.ip().is_loopback() || token.is_some_and(|token| endpoint.is_metrics_token(token))
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(full(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
