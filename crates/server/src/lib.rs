//! The way of a request, one straight line: accept, route, authenticate, parse, authorize, handle,
//! render; and, beside it, record. No step knows the rules of any one service.

mod accept;
mod attempts;
mod authenticate;
mod body;
mod console;
mod endpoint;
mod failure;
mod issuers;
mod line;
mod metrics;
mod own_pages;
mod rate;
pub mod record;
mod request_id;
mod route;
mod services;
mod tls;
mod turns;

pub use accept::{Arrival, Limits, Serving, serve, serve_connection, serve_instance};
pub use body::{Body, full};
pub use console::Front;
pub use endpoint::{Clock, Endpoint, Parts, ServiceCall, SystemClock};
pub use metrics::Metrics;
pub use rate::RateLimits;
pub use services::{GivenKeys, IssuerKeys};
pub use tls::{Tls, TlsError, TlsFiles};
pub use turns::worker_rests;
