//! What an instance's metadata service can say about it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures::future::BoxFuture;

/// Where facts come from. Asked at every request, so that a changed profile, tag or option shows at
/// once; answer from memory.
pub trait InstanceSource: Send + Sync + 'static {
    /// The facts of this instance now; `None` when it is no longer there.
    fn facts<'a>(&'a self, instance_id: &'a str) -> BoxFuture<'a, Option<Arc<InstanceFacts>>>;
}

/// Everything the metadata tree shows. Text is shown as it is given.
#[derive(Clone, Debug)]
pub struct InstanceFacts {
    /// `i-…`
    pub instance_id: String,
    /// The account that owns it.
    pub account_id: String,
    /// The region, for instance `us-east-1`.
    pub region: String,
    /// The zone, for instance `us-east-1a`.
    pub availability_zone: String,
    /// The zone's id, for instance `use1-az1`.
    pub availability_zone_id: String,
    /// `aws`, `aws-cn`, `aws-us-gov`.
    pub partition: String,
    /// The domain of the partition's services, `amazonaws.com`.
    pub services_domain: String,
    /// `ami-…`
    pub image_id: String,
    /// Its number within the launch.
    pub ami_launch_index: u32,
    /// For instance `t3.micro`.
    pub instance_type: String,
    /// `x86_64` or `arm64`, as the image has it.
    pub architecture: String,
    /// `r-…`
    pub reservation_id: String,
    /// When it was launched (the identity document's `pendingTime`).
    pub launched: SystemTime,
    /// The private DNS name: `hostname` and `local-hostname`.
    pub private_dns_name: String,
    /// The network it is in.
    pub network: Network,
    /// The names of its security groups.
    pub security_groups: Vec<SecurityGroup>,
    /// Its key pair, when started with one.
    pub key_pair: Option<KeyPair>,
    /// Its tags, in the order shown.
    pub tags: Vec<(String, String)>,
    /// User data, decoded.
    pub user_data: Option<Bytes>,
    /// The root device's name, for instance `/dev/xvda`.
    pub root_device_name: String,
    /// Its instance profile.
    pub profile: Option<InstanceProfile>,
    /// Its metadata options.
    pub options: MetadataOptions,
}

/// The one network interface.
#[derive(Clone, Debug)]
pub struct Network {
    /// Hardware address.
    pub mac: String,
    /// Private address.
    pub private_ip: Ipv4Addr,
    /// `eni-…`
    pub interface_id: String,
    /// `subnet-…`
    pub subnet_id: String,
    /// For instance `172.31.0.0/20`.
    pub subnet_cidr: String,
    /// `vpc-…`
    pub vpc_id: String,
    /// For instance `172.31.0.0/16`.
    pub vpc_cidr: String,
}

/// A security group.
#[derive(Clone, Debug)]
pub struct SecurityGroup {
    /// `sg-…`
    pub id: String,
    /// Its name.
    pub name: String,
}

/// A key pair's public half.
#[derive(Clone, Debug)]
pub struct KeyPair {
    /// The key pair's name.
    pub name: String,
    /// `ssh-ed25519 AAAA… name`
    pub openssh: String,
}

/// The instance profile now associated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InstanceProfile {
    /// Its ARN.
    pub arn: String,
    /// Its unique id, `AIPA…`.
    pub id: String,
    /// The name of its role, when it has one.
    pub role_name: Option<String>,
    /// The unique id of that role: a role deleted and made again is another one, and credentials
    /// kept for the old one are not given out for the new.
    pub role_id: Option<String>,
}

/// `MetadataOptions` of the EC2 API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataOptions {
    /// `HttpEndpoint`: whether the service answers at all.
    pub enabled: bool,
    /// `HttpTokens=required`: no IMDSv1.
    pub tokens_required: bool,
    /// `HttpPutResponseHopLimit`, 1 to 64.
    pub hop_limit: u8,
    /// `InstanceMetadataTags`: whether the tags are shown.
    pub tags: bool,
}

impl Default for MetadataOptions {
    /// What `RunInstances` gives when nothing is said and no account default is set.
    fn default() -> Self {
        Self { enabled: true, tokens_required: false, hop_limit: 1, tags: false }
    }
}
