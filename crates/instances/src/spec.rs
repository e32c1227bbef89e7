//! What an instance is to be: its id, addresses, environment, user data and limits.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use serde::{Deserialize, Serialize};

/// An instance id: `i-` and 8 or 17 lower-case hexadecimal digits. Safe as a file name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InstanceId(Box<str>);

/// The text is no instance id.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0:?} is not an instance id (i- and 8 or 17 hexadecimal digits)")]
pub struct InvalidInstanceId(pub String);

impl InstanceId {
    /// Reads an instance id.
    ///
    /// # Errors
    /// When the text has another form.
    pub fn parse(text: &str) -> Result<Self, InvalidInstanceId> {
        let digits = text.strip_prefix("i-").unwrap_or_default();
        let hexadecimal = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match digits.len() {
            8 | 17 if hexadecimal => Ok(Self(text.into())),
            _ => Err(InvalidInstanceId(text.to_owned())),
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for InstanceId {
    type Error = InvalidInstanceId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<InstanceId> for String {
    fn from(id: InstanceId) -> Self {
        id.0.into()
    }
}

/// The fixed addresses of an instance.
pub struct Address;

impl Address {
    /// The metadata service, as on AWS.
    pub const METADATA: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 169, 254), 80);

    /// The API endpoint as an instance sees it. An address and not a name, so that the SDKs address
    /// S3 buckets by path; link-local beside the metadata service, so that it can be nothing else's.
    pub const API: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 169, 253), 4566);
}

/// User data, decoded from base64. It often carries secrets, so it never shows in debug output.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserData(pub Vec<u8>);

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserData({} bytes)", self.0.len())
    }
}

/// Bounds on what each process of an instance may take; `None` leaves the server's own bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Processes and threads (`RLIMIT_NPROC`; the kernel does not apply it to the host's root).
    pub processes: Option<u64>,
    /// Open files of one process (`RLIMIT_NOFILE`).
    pub open_files: Option<u64>,
    /// Bytes of private memory of one process (`RLIMIT_DATA`).
    pub memory_bytes: Option<u64>,
    /// Bytes of one file (`RLIMIT_FSIZE`).
    pub file_bytes: Option<u64>,
}

/// Everything a driver needs to start an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceSpec {
    /// Its id; also the name of its directory.
    pub id: InstanceId,
    /// Its host name, for instance `ip-172-31-5-17.ec2.internal`.
    pub hostname: String,
    /// Its private address, put on the loopback interface of its network namespace.
    pub private_ip: Ipv4Addr,
    /// Its hardware address, for the record (the namespace has no interface that bears it).
    pub mac: String,
    /// Where the API listens inside the instance: [`Address::API`] unless there is a reason.
    pub api: SocketAddrV4,
    /// Environment of every program, for instance `AWS_ENDPOINT_URL` and `AWS_REGION`.
    pub env: Vec<(String, String)>,
    /// User data; a `#!` script is run once, at the first boot.
    pub user_data: Option<UserData>,
    /// Public keys (OpenSSH form) that may log in.
    pub authorized_keys: Vec<String>,
    /// The loopback port of the host where `sshd` is reached; any free one when `None`.
    pub ssh_port: Option<u16>,
    /// Bounds on its processes.
    pub limits: Limits,
}

impl InstanceSpec {
    /// A spec with `env` pointing the SDKs at this server, and nothing optional set.
    #[must_use]
    pub fn new(id: InstanceId, private_ip: Ipv4Addr, region: &str) -> Self {
        let [a, b, c, d] = private_ip.octets();
        let api = Address::API;
        let env = [
            ("AWS_ENDPOINT_URL", format!("http://{api}")),
            ("AWS_REGION", region.to_owned()),
            ("AWS_DEFAULT_REGION", region.to_owned()),
        ];
        Self {
            id,
            hostname: format!("ip-{a}-{b}-{c}-{d}.ec2.internal"),
            private_ip,
            mac: format!("0a:ff:{a:02x}:{b:02x}:{c:02x}:{d:02x}"),
            api,
            env: env.map(|(name, value)| (name.to_owned(), value)).into(),
            user_data: None,
            authorized_keys: Vec::new(),
            ssh_port: None,
            limits: Limits::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_id_is_a_safe_file_name() {
        assert!(InstanceId::parse("i-0123456789abcdef0").is_ok());
        assert!(InstanceId::parse("i-01234567").is_ok());
        for bad in
            ["", "i-", "i-../../../../etc/p", "i-0123456789ABCDEF0", "i-0123456789abcdef", "x-01234567"]
        {
            assert!(InstanceId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn user_data_is_not_in_debug_output() {
        let mut spec =
            InstanceSpec::new(InstanceId::parse("i-01234567").unwrap(), Ipv4Addr::LOCALHOST, "us-east-1");
        spec.user_data = Some(UserData(b"#!/bin/sh\nPASSWORD=hunter2".to_vec()));
        assert!(!format!("{spec:?}").contains("hunter2"));
    }
}
