//! The URL of an issuer: a provider's name, the first part of its condition keys, and where its keys are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest URL that CreateOpenIDConnectProvider takes.
const MAXIMUM_LENGTH: usize = 255;

/// A URL that AWS takes for a provider: `https`, a host, perhaps a path; no port, query or fragment. A local issuer's
/// may be `http` and have a port, where [`IssuerUrl::parse_local`] is used.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IssuerUrl {
    secure: bool,
    /// Everything after the scheme, as given: a slash at its end counts.
    rest: String,
}

/// Why a URL names no provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerUrlError {
    /// Not `https:`.
    #[error("Invalid Open ID Connect Provider URL: the URL must begin with https://")]
    NotHttps,
    /// No host, characters that no URL has, or a part that a provider's URL can't have.
    #[error("Invalid Open ID Connect Provider URL")]
    Malformed,
}

impl IssuerUrl {
    /// Parses a URL as CreateOpenIDConnectProvider does.
    ///
    /// # Errors
    /// [`IssuerUrlError`].
    pub fn parse(url: &str) -> Result<Self, IssuerUrlError> {
        let parsed = Self::parse_local(url)?;
        match (parsed.secure, parsed.port()) {
            (false, _) => Err(IssuerUrlError::NotHttps),
            (true, Some(_)) => Err(IssuerUrlError::Malformed),
            (true, None) => Ok(parsed),
        }
    }

    /// Like [`IssuerUrl::parse`], but takes a port, and `http` for a host that is this machine.
    ///
    /// # Errors
    /// [`IssuerUrlError`].
    pub fn parse_local(url: &str) -> Result<Self, IssuerUrlError> {
        let (secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(IssuerUrlError::NotHttps),
        };
        let parsed = Self { secure, rest: rest.to_owned() };
        if url.len() > MAXIMUM_LENGTH || !parsed.is_well_formed() {
            return Err(IssuerUrlError::Malformed);
        }
        if !secure && !matches!(parsed.host(), "localhost" | "127.0.0.1" | "[::1]") {
            return Err(IssuerUrlError::NotHttps);
        }
        Ok(parsed)
    }

    /// The URL without its scheme: the end of the provider's ARN (`…:oidc-provider/HERE`), what
    /// GetOpenIDConnectProvider shows, and the start of its condition keys (`HERE:sub`).
    pub fn without_scheme(&self) -> &str {
        &self.rest
    }

    /// Whether a token's `iss` names this issuer: with or without the scheme, else letter for letter, a slash at its
    /// end included.
    pub fn is_named_by(&self, iss: &str) -> bool {
        let named = if self.secure { iss.strip_prefix("https://") } else { iss.strip_prefix("http://") };
        named.unwrap_or(iss) == self.rest
    }

    /// The host, without port.
    pub fn host(&self) -> &str {
        self.host_and_port().0
    }

    /// The port, where the URL has one.
    pub fn port(&self) -> Option<u16> {
        self.host_and_port().1.and_then(|port| port.parse().ok())
    }

    /// Where its discovery document is (OpenID Connect Discovery 1.0, section 4).
    pub fn discovery_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.to_string().trim_end_matches('/'))
    }

    fn host_and_port(&self) -> (&str, Option<&str>) {
        let authority = self.rest.split('/').next().unwrap_or_default();
        match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        }
    }

    fn is_well_formed(&self) -> bool {
        let (host, port) = self.host_and_port();
        let host_letters = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        let bracketed = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host_fits = match bracketed {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.is_empty() && host.bytes().all(host_letters),
        };
        let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
        let path_letters = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\^`{|}@*".contains(&byte);
        host_fits && port_fits && self.rest.bytes().all(path_letters)
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", if self.secure { "https://" } else { "http://" }, self.rest)
    }
}

impl TryFrom<String> for IssuerUrl {
    type Error = IssuerUrlError;

    fn try_from(url: String) -> Result<Self, IssuerUrlError> {
        Self::parse_local(&url)
    }
}

impl From<IssuerUrl> for String {
    fn from(url: IssuerUrl) -> Self {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_names_the_provider_without_its_scheme() {
        let url = IssuerUrl::parse("https://token.actions.githubusercontent.com").unwrap();
        assert_eq!(url.without_scheme(), "token.actions.githubusercontent.com");
        assert_eq!(
            url.discovery_url(),
            "https://token.actions.githubusercontent.com/.well-known/openid-configuration"
        );
        let eks = IssuerUrl::parse("https://oidc.eks.us-east-1.amazonaws.com/id/ABCD").unwrap();
        assert_eq!(
            eks.discovery_url(),
            "https://oidc.eks.us-east-1.amazonaws.com/id/ABCD/.well-known/openid-configuration"
        );
    }

    #[test]
    fn a_slash_at_the_end_counts() {
        let url = IssuerUrl::parse("https://example.auth0.com/").unwrap();
        assert_eq!(url.without_scheme(), "example.auth0.com/");
        assert!(url.is_named_by("https://example.auth0.com/"));
        assert!(url.is_named_by("example.auth0.com/"));
        assert!(!url.is_named_by("https://example.auth0.com"));
        assert!(!url.is_named_by("http://example.auth0.com/"));
        assert!(!url.is_named_by("https://https://example.auth0.com/"));
        assert_eq!(url.discovery_url(), "https://example.auth0.com/.well-known/openid-configuration");
    }

    #[test]
    fn only_https_without_a_port_is_taken() {
        for url in ["http://example.com", "http://localhost:8080", "ftp://example.com", "example.com", ""] {
            assert_eq!(IssuerUrl::parse(url), Err(IssuerUrlError::NotHttps), "{url}");
        }
        let with_query = "https://example.com/?a=b";
        for url in
            ["https://", "https://example.com:443", "https://a b", with_query, "https://user@example.com"]
        {
            assert_eq!(IssuerUrl::parse(url), Err(IssuerUrlError::Malformed), "{url}");
        }
    }

    #[test]
    fn a_local_issuer_may_have_a_port_and_no_tls() {
        for url in
            ["http://localhost:8080", "http://127.0.0.1:9/x", "http://[::1]:80", "https://idp.lan:8443/realm"]
        {
            assert_eq!(IssuerUrl::parse_local(url).unwrap().to_string(), url);
        }
        for url in ["http://example.com", "http://localhost.example.com", "http://127.0.0.1.example.com"] {
            assert_eq!(IssuerUrl::parse_local(url), Err(IssuerUrlError::NotHttps), "{url}");
        }
        assert_eq!(IssuerUrl::parse_local("https://[::1").unwrap_err(), IssuerUrlError::Malformed);
    }
}
