//! The URLs that are fetched.

use std::fmt;

use ::http::Uri;

use super::FetchRules;
use crate::oidc::FetchError;

/// A URL that may be fetched, as far as its letters tell.
pub(super) struct FetchUrl {
    pub(super) secure: bool,
    /// The host's name or address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query.
    pub(super) path: String,
}

impl FetchUrl {
    pub(super) fn parse(text: &str, rules: &FetchRules) -> Result<Self, FetchError> {
        let forbidden = || FetchError::Forbidden(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| forbidden())?;
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(forbidden)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let secure = match uri.scheme_str() {
            Some("https") => true,
            // Without TLS, whoever is on the way could put in keys of his own.
            Some("http")
                if rules.allow_loopback && matches!(host.as_str(), "localhost" | "127.0.0.1" | "::1") =>
            {
                false
            }
            _ => return Err(forbidden()),
        };
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self { secure, host, port, path })
    }

    /// Host and port as the request's header has them.
    pub(super) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == if self.secure { 443 } else { 80 } { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for FetchUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "https" } else { "http" };
        write!(formatter, "{scheme}://{}{}", self.authority(), self.path)
    }
}
