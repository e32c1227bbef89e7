//! How instances and what belongs to them are shown.

use std::net::Ipv4Addr;

use rolecall_aws_model::Timestamp as WireTime;
use rolecall_aws_model::ec2 as wire;
use rolecall_state::Timestamp;
use rolecall_state::entities::{
    Instance, InstanceMetadataOptions, InstanceState, ProfileAssociation, Tag, Tags,
};

use crate::env::Env;
use crate::filters::Filtered;
use crate::ids;
use crate::places::Places;

/// `x86_64` or `arm64`: the host's own.
pub fn image_architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }
}

/// `ip-172-31-5-17.ec2.internal`
pub fn private_dns_name(ip: Ipv4Addr, region: &str) -> String {
    let [a, b, c, d] = ip.octets();
    match region {
        "us-east-1" => format!("ip-{a}-{b}-{c}-{d}.ec2.internal"),
        _ => format!("ip-{a}-{b}-{c}-{d}.{region}.compute.internal"),
    }
}

/// The hardware address of the instance with this private address.
pub fn mac_address(ip: Ipv4Addr) -> String {
    let [a, b, c, d] = ip.octets();
    format!("0a:ff:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

/// The id of an instance's network interface.
pub fn interface_id(instance_id: &str) -> String {
    ids::of_instance("eni", instance_id)
}

pub(crate) fn volume_id(instance_id: &str) -> String {
    ids::of_instance("vol", instance_id)
}

pub(crate) const ROOT_DEVICE: &str = "/dev/xvda";

pub(crate) fn time(at: Timestamp) -> Option<WireTime> {
    Some(WireTime::from_seconds(at.0))
}

pub(crate) fn tags(tags: &Tags) -> Vec<wire::Tag> {
    tags.iter().map(tag).collect()
}

fn tag(tag: &Tag) -> wire::Tag {
    wire::Tag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) }
}

pub(crate) fn state(state: InstanceState) -> Option<wire::InstanceState> {
    let (name, code) = state.name_and_code();
    Some(wire::InstanceState { code: Some(code), name: Some(name.into()) })
}

pub(crate) fn metadata_options(options: &InstanceMetadataOptions) -> wire::InstanceMetadataOptionsResponse {
    let on = |value| Some(if value { "enabled" } else { "disabled" }.to_owned());
    wire::InstanceMetadataOptionsResponse {
        state: Some("applied".into()),
        http_tokens: Some(if options.tokens_required { "required" } else { "optional" }.into()),
        http_put_response_hop_limit: Some(i32::from(options.hop_limit)),
        http_endpoint: on(options.enabled),
        http_protocol_ipv6: on(false),
        instance_metadata_tags: on(options.tags),
    }
}

pub(crate) fn profile(association: &ProfileAssociation) -> wire::IamInstanceProfile {
    wire::IamInstanceProfile { arn: Some(association.arn.clone()), id: Some(association.profile.to_string()) }
}

pub(crate) fn association(
    instance: &Instance,
    association: &ProfileAssociation,
    state: &str,
) -> wire::IamInstanceProfileAssociation {
    wire::IamInstanceProfileAssociation {
        association_id: Some(association.id.clone()),
        instance_id: Some(instance.id.to_string()),
        iam_instance_profile: Some(profile(association)),
        state: Some(state.into()),
        timestamp: time(association.since),
    }
}

fn security_groups(places: &Places) -> Vec<wire::GroupIdentifier> {
    vec![wire::GroupIdentifier {
        group_id: Some(places.security_group.clone()),
        group_name: Some("default".into()),
    }]
}

/// Whether the instance still has its disk and its address.
fn has_parts(instance: &Instance) -> bool {
    instance.state != InstanceState::Terminated
}

pub(crate) fn instance(env: &Env<'_>, instance: &Instance) -> wire::Instance {
    let places = env.places();
    let parts = has_parts(instance);
    let there = |value: String| if parts { Some(value) } else { None };
    let reason = |reason: &rolecall_state::entities::StateReason| wire::StateReason {
        code: Some(reason.code.clone()),
        message: Some(reason.message.clone()),
    };
    wire::Instance {
        architecture: Some(image_architecture().into()),
        block_device_mappings: if parts { vec![root_device(instance)] } else { Vec::new() },
        client_token: Some(
            instance.client_token.as_ref().map_or_else(String::new, |token| token.token.clone()),
        ),
        ebs_optimized: Some(false),
        ena_support: Some(true),
        hypervisor: Some("xen".into()),
        iam_instance_profile: instance.profile.as_ref().map(profile),
        network_interfaces: if parts { vec![interface(env, instance, &places)] } else { Vec::new() },
        root_device_name: Some(ROOT_DEVICE.into()),
        root_device_type: Some("ebs".into()),
        security_groups: if parts { security_groups(&places) } else { Vec::new() },
        source_dest_check: parts.then_some(true),
        state_reason: instance.reason.as_ref().map(reason),
        tags: tags(&instance.tags),
        virtualization_type: Some("hvm".into()),
        metadata_options: Some(metadata_options(&instance.metadata)),
        platform_details: Some("Linux/UNIX".into()),
        usage_operation: Some("RunInstances".into()),
        instance_id: Some(instance.id.to_string()),
        image_id: Some(instance.image.clone()),
        state: state(instance.state),
        private_dns_name: Some(if parts {
            private_dns_name(instance.private_ip, env.region)
        } else {
            String::new()
        }),
        public_dns_name: Some(String::new()),
        state_transition_reason: Some(transition_reason(instance)),
        key_name: instance.key_name.clone(),
        ami_launch_index: i32::try_from(instance.launch_index).ok(),
        instance_type: Some(instance.instance_type.clone()),
        launch_time: time(instance.launched),
        placement: Some(placement(&places)),
        monitoring: Some(wire::Monitoring { state: Some("disabled".into()), ..Default::default() }),
        subnet_id: there(places.subnet),
        vpc_id: there(places.vpc),
        private_ip_address: there(instance.private_ip.to_string()),
        ..Default::default()
    }
}

fn placement(places: &Places) -> wire::Placement {
    wire::Placement {
        availability_zone: Some(places.zone.clone()),
        availability_zone_id: Some(places.zone_id.clone()),
        group_name: Some(String::new()),
        tenancy: Some("default".into()),
        ..Default::default()
    }
}

/// `User initiated (2026-01-01 12:00:00 GMT)`, as EC2 tells a stop or an end that was asked for.
fn transition_reason(instance: &Instance) -> String {
    let user = instance.reason.as_ref().is_some_and(|reason| reason.code.starts_with("Client.UserInitiated"));
    if !user {
        return instance.reason.as_ref().map_or_else(String::new, |reason| reason.message.clone());
    }
    let at = WireTime::from_seconds(instance.changed.0).to_string();
    format!("User initiated ({} GMT)", at.replace('T', " ").trim_end_matches('Z'))
}

fn root_device(instance: &Instance) -> wire::InstanceBlockDeviceMapping {
    wire::InstanceBlockDeviceMapping {
        device_name: Some(ROOT_DEVICE.into()),
        ebs: Some(wire::EbsInstanceBlockDevice {
            attach_time: time(instance.launched),
            delete_on_termination: Some(true),
            status: Some("attached".into()),
            volume_id: Some(volume_id(instance.id.as_str())),
            ..Default::default()
        }),
    }
}

fn interface(env: &Env<'_>, instance: &Instance, places: &Places) -> wire::InstanceNetworkInterface {
    let (ip, dns) = (instance.private_ip.to_string(), private_dns_name(instance.private_ip, env.region));
    wire::InstanceNetworkInterface {
        attachment: Some(wire::InstanceNetworkInterfaceAttachment {
            attach_time: time(instance.launched),
            attachment_id: Some(ids::of_instance("eni-attach", instance.id.as_str())),
            delete_on_termination: Some(true),
            device_index: Some(0),
            status: Some("attached".into()),
            network_card_index: Some(0),
            ..Default::default()
        }),
        description: Some(String::new()),
        groups: security_groups(places),
        mac_address: Some(mac_address(instance.private_ip)),
        network_interface_id: Some(interface_id(instance.id.as_str())),
        owner_id: Some(env.account().to_string()),
        private_dns_name: Some(dns.clone()),
        private_ip_address: Some(ip.clone()),
        private_ip_addresses: vec![wire::InstancePrivateIpAddress {
            primary: Some(true),
            private_dns_name: Some(dns),
            private_ip_address: Some(ip),
            ..Default::default()
        }],
        source_dest_check: Some(true),
        status: Some("in-use".into()),
        subnet_id: Some(places.subnet.clone()),
        vpc_id: Some(places.vpc.clone()),
        interface_type: Some("interface".into()),
        ..Default::default()
    }
}

/// An instance with what its filters need to know of its surroundings.
pub(crate) struct Shown<'a> {
    pub(crate) env: &'a Env<'a>,
    pub(crate) instance: &'a Instance,
}

impl Filtered for Shown<'_> {
    fn values(&self, name: &str) -> Option<Vec<String>> {
        let (instance, places) = (self.instance, self.env.places());
        let (state, code) = instance.state.name_and_code();
        let option = |value: Option<&str>| value.map(str::to_owned).into_iter().collect::<Vec<_>>();
        let profile = instance.profile.as_ref();
        Some(match name {
            "instance-id" => vec![instance.id.to_string()],
            "instance-state-name" => vec![state.into()],
            "instance-state-code" => vec![code.to_string()],
            "instance-type" => vec![instance.instance_type.clone()],
            "image-id" => vec![instance.image.clone()],
            "key-name" => option(instance.key_name.as_deref()),
            "reservation-id" => vec![instance.reservation.clone()],
            "owner-id" | "network-interface.owner-id" => vec![self.env.account().to_string()],
            "client-token" => option(instance.client_token.as_ref().map(|token| token.token.as_str())),
            "private-ip-address" | "network-interface.addresses.private-ip-address" => {
                vec![instance.private_ip.to_string()]
            }
            "private-dns-name" | "network-interface.private-dns-name" => {
                vec![private_dns_name(instance.private_ip, self.env.region)]
            }
            "subnet-id" | "network-interface.subnet-id" => vec![places.subnet],
            "vpc-id" | "network-interface.vpc-id" => vec![places.vpc],
            "availability-zone" => vec![places.zone],
            "availability-zone-id" => vec![places.zone_id],
            "instance.group-id" | "group-id" | "network-interface.group-id" => vec![places.security_group],
            "instance.group-name" | "group-name" | "network-interface.group-name" => vec!["default".into()],
            "network-interface.network-interface-id" => vec![interface_id(instance.id.as_str())],
            "block-device-mapping.volume-id" => vec![volume_id(instance.id.as_str())],
            "block-device-mapping.device-name" | "root-device-name" => vec![ROOT_DEVICE.into()],
            "root-device-type" => vec!["ebs".into()],
            "architecture" => vec![image_architecture().into()],
            "virtualization-type" => vec!["hvm".into()],
            "hypervisor" => vec!["xen".into()],
            "tenancy" => vec!["default".into()],
            "monitoring-state" => vec!["disabled".into()],
            "launch-index" => vec![instance.launch_index.to_string()],
            "launch-time" => vec![WireTime::from_seconds(instance.launched.0).to_string()],
            "iam-instance-profile.arn" => option(profile.map(|profile| profile.arn.as_str())),
            "iam-instance-profile.id" => option(profile.map(|profile| profile.profile.as_str())),
            "iam-instance-profile.name" => option(profile.and_then(|profile| profile.arn.rsplit('/').next())),
            "state-reason-code" => option(instance.reason.as_ref().map(|reason| reason.code.as_str())),
            "reason" | "state-reason-message" => {
                option(instance.reason.as_ref().map(|reason| reason.message.as_str()))
            }
            "metadata-options.http-tokens" => {
                vec![if instance.metadata.tokens_required { "required" } else { "optional" }.into()]
            }
            "metadata-options.http-endpoint" => {
                vec![if instance.metadata.enabled { "enabled" } else { "disabled" }.into()]
            }
            "metadata-options.http-put-response-hop-limit" => vec![instance.metadata.hop_limit.to_string()],
            "ip-address"
            | "dns-name"
            | "platform"
            | "spot-instance-request-id"
            | "placement-group-name"
            | "instance-lifecycle"
            | "host-id" => Vec::new(),
            _ => return None,
        })
    }

    fn tags(&self) -> &Tags {
        &self.instance.tags
    }
}
