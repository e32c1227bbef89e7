//! Where etcd is, and how it is talked to.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

/// Where etcd is, and how it is talked to.
#[derive(Clone, Debug)]
pub struct EtcdSettings {
    /// The members, as `http://` or `https://` URLs.
    pub endpoints: Vec<String>,
    /// What every key begins with, so that others can use the same etcd.
    pub prefix: String,
    /// A name that no other process has, and none had before: random, made at each start.
    pub node: String,
    /// Who to sign in as, where etcd asks for that.
    pub credentials: Option<Credentials>,
    /// For `https://`.
    pub tls: Tls,
    /// How long one request to one member may take.
    pub request_timeout: Duration,
    /// How long to go on, with other members too, before an answer that something is wrong.
    pub deadline: Duration,
}

/// Who to sign in to etcd as.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Certificates, as PEM.
#[derive(Clone, Default)]
pub struct Tls {
    /// Who signs the members' certificates.
    pub authority: Option<Vec<u8>>,
    /// The client's own certificate and private key, where etcd asks for them.
    pub identity: Option<(Vec<u8>, Zeroizing<Vec<u8>>)>,
    /// The name that the members' certificates have, when it is not the endpoint's.
    pub server_name: Option<String>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (authority, identity) = (self.authority.is_some(), self.identity.is_some());
        f.debug_struct("Tls")
            .field("authority", &authority)
            .field("identity", &identity)
            .finish_non_exhaustive()
    }
}

/// An address of etcd that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not etcd://HOST:PORT,…/PREFIX (or etcds:// for TLS): {fault}")]
pub struct SettingsError {
    given: String,
    fault: &'static str,
}

impl EtcdSettings {
    /// The port where the address names none.
    const PORT: &'static str = "2379";

    /// Reads `etcd://HOST:PORT,…/PREFIX`, or `etcds://…` for TLS.
    ///
    /// # Errors
    /// When the address is not so.
    pub fn parse(address: &str, node: String) -> Result<Self, SettingsError> {
        let (tls, rest) = match (address.strip_prefix("etcd://"), address.strip_prefix("etcds://")) {
            (Some(rest), _) => (false, rest),
            (_, Some(rest)) => (true, rest),
            _ => return Err(SettingsError { given: address.into(), fault: "it begins otherwise" }),
        };
        let (hosts, prefix) = rest.split_once('/').unwrap_or((rest, "rolecall"));
        if hosts.contains('@') {
            // Nothing of it is repeated: there may be a password in it.
            let given = "etcd://…@…".to_owned();
            return Err(SettingsError { given, fault: "a user and a password have settings of their own" });
        }
        let refuse = |fault| SettingsError { given: address.into(), fault };
        let endpoints: Option<Vec<String>> = hosts.split(',').map(|host| endpoint(host, tls)).collect();
        let endpoints = endpoints.ok_or_else(|| refuse("a host is missing or its port is no number"))?;
        let prefix = prefix.trim_matches('/');
        if prefix.is_empty() {
            return Err(refuse("the prefix is empty"));
        }
        Ok(Self {
            endpoints,
            prefix: format!("/{prefix}"),
            node,
            credentials: None,
            tls: Tls::default(),
            request_timeout: Duration::from_secs(3),
            deadline: Duration::from_secs(10),
        })
    }
}

fn endpoint(host: &str, tls: bool) -> Option<String> {
    let scheme = if tls { "https" } else { "http" };
    let (name, port) = match host.rsplit_once(':') {
        // The colons of an IPv6 address stand in brackets.
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, EtcdSettings::PORT),
    };
    let valid = !name.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0);
    valid.then(|| format!("{scheme}://{name}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str) -> Result<(Vec<String>, String), String> {
        let settings = EtcdSettings::parse(address, "n".into());
        settings.map(|it| (it.endpoints, it.prefix)).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_are_read() {
        let (endpoints, prefix) = parse("etcd://a:1,b,[::1]:2,[::2]/x/y/").unwrap();
        assert_eq!(endpoints, ["http://a:1", "http://b:2379", "http://[::1]:2", "http://[::2]:2379"]);
        assert_eq!(prefix, "/x/y");
        assert_eq!(parse("etcds://a").unwrap(), (vec!["https://a:2379".into()], "/rolecall".into()));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for address in ["", "http://a", "etcd://", "etcd://a,,b", "etcd://a:x", "etcd://a:0", "etcd://a/"] {
            assert!(parse(address).unwrap_err().contains("etcd://HOST:PORT"), "{address}");
        }
        assert!(!parse("etcd://root:hunter2@a:1/x").unwrap_err().contains("hunter2"));
    }
}
