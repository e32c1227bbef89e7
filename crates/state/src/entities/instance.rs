//! EC2 instances and key pairs.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::{Format, NameKey, Tags};
use crate::ids::UniqueId;
use crate::seal::Sealed;
use crate::time::Timestamp;

/// What an instance is doing.
///
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstanceState {
    /// It is to be started.
    Pending,
    /// It runs.
    Running,
    /// It is to be stopped.
    Stopping,
    /// It is stopped, and keeps its disk.
    Stopped,
    /// It is to be removed.
    ShuttingDown,
    /// It is gone; its record stays for an hour.
    Terminated,
}

impl InstanceState {
    /// EC2's name and number of the state.
    pub fn name_and_code(self) -> (&'static str, i32) {
        match self {
            Self::Pending => ("pending", 0),
            Self::Running => ("running", 16),
            Self::ShuttingDown => ("shutting-down", 32),
            Self::Terminated => ("terminated", 48),
            Self::Stopping => ("stopping", 64),
            Self::Stopped => ("stopped", 80),
        }
    }
}

/// Why an instance came to its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateReason {
    /// Such as `Client.UserInitiatedShutdown`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// How an instance's metadata service behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceMetadataOptions {
    /// `HttpEndpoint`
    pub enabled: bool,
    /// `HttpTokens=required`
    pub tokens_required: bool,
    /// `HttpPutResponseHopLimit`, 1 to 64.
    pub hop_limit: u8,
    /// `InstanceMetadataTags`
    pub tags: bool,
}

impl Default for InstanceMetadataOptions {
    fn default() -> Self {
        Self { enabled: true, tokens_required: false, hop_limit: 1, tags: false }
    }
}

/// The instance profile that an instance has, and since when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileAssociation {
    /// `iip-assoc-…`
    pub id: String,
    /// The profile's unique id; it may be gone since.
    pub profile: UniqueId,
    /// The profile's ARN when it was associated.
    pub arn: String,
    /// Since when.
    pub since: Timestamp,
}

/// A client's own name for a request to start instances, so that it can be sent twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientToken {
    /// What the client sent.
    pub token: String,
    /// What the request asked for, as a hash: the same token must ask for the same.
    pub request: String,
}

/// The one disk of an instance, as it was declared: nothing of it bounds the instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// `VolumeSize`, in GiB.
    pub size: u32,
    /// Such as `gp3`.
    pub kind: String,
    /// `Iops`, of the kinds that have them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iops: Option<u32>,
    /// `Throughput` in MiB a second, of `gp3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<u32>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

impl Default for Disk {
    /// The disk of an image of AWS's.
    fn default() -> Self {
        Self { size: 8, kind: "gp3".into(), iops: Some(3_000), throughput: Some(125), tags: Tags::default() }
    }
}

/// An EC2 instance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Instance {
    /// The stored form.
    pub v: Format,
    /// `i-…`, 17 hexadecimal digits.
    pub id: UniqueId,
    /// The node that runs it.
    pub host: String,
    /// `r-…`
    pub reservation: String,
    /// When it was launched, or started last.
    pub launched: Timestamp,
    /// Its number within the launch.
    pub launch_index: u32,
    /// `ClientToken`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_token: Option<ClientToken>,
    /// What it is doing.
    pub state: InstanceState,
    /// Why, where there is a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<StateReason>,
    /// When its state changed last.
    pub changed: Timestamp,
    /// `ami-…`
    pub image: String,
    /// Such as `t3.micro`.
    pub instance_type: String,
    /// The name of its key pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_name: Option<String>,
    /// The public key that may log in, in OpenSSH's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Its address in the default subnet.
    pub private_ip: Ipv4Addr,
    /// User data as sent (Base64), sealed: it often carries secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<Sealed>,
    /// Its metadata service.
    pub metadata: InstanceMetadataOptions,
    /// Its instance profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileAssociation>,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
    /// Its disk.
    #[serde(default)]
    pub disk: Disk,
    /// `CpuCredits`, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_credits: Option<String>,
    /// `DisableApiTermination`
    #[serde(default)]
    pub termination_protected: bool,
    /// `DisableApiStop`
    #[serde(default)]
    pub stop_protected: bool,
    /// `InstanceInitiatedShutdownBehavior=terminate`
    #[serde(default)]
    pub terminates_itself: bool,
    /// How often a reboot was asked for.
    #[serde(default)]
    pub reboots: u32,
}

impl Instance {
    /// The key under which the instance is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(self.id.as_str())
    }

    /// What its user data is sealed for.
    pub fn purpose(id: &UniqueId) -> String {
        format!("user-data/{id}")
    }
}

/// A key pair; its private half is kept by no one but its owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyPair {
    /// The stored form.
    pub v: Format,
    /// `key-…`
    pub id: UniqueId,
    /// At most 255 ASCII characters; unique, and case counts in AWS.
    pub name: String,
    /// `rsa` or `ed25519`.
    pub key_type: String,
    /// The fingerprint that EC2 shows.
    pub fingerprint: String,
    /// The public key in OpenSSH's form.
    pub public_key: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its tags.
    #[serde(default)]
    pub tags: Tags,
}

impl KeyPair {
    /// The key under which the key pair is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(&self.name)
    }
}
