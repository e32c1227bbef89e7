//! Where instances are: one default VPC with one subnet and one security group, in every account,
//! and the regions and zones there are.

use rolecall_aws_model::ec2 as wire;
use rolecall_state::{AccountId, Txn};

use crate::env::Env;
use crate::error::Ec2Error;
use crate::filters::{Fixed, keep};
use crate::ids;

/// The addresses of the default VPC, as AWS's.
pub const VPC_CIDR: &str = "172.31.0.0/16";
/// The addresses of its one subnet.
pub const SUBNET_CIDR: &str = "172.31.0.0/20";

/// The regions that are answered for: AWS's that every account has from the beginning.
const REGIONS: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// The fixed places of an account in a region. Their ids follow from the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// `vpc-…`
    pub vpc: String,
    /// `subnet-…`
    pub subnet: String,
    /// `sg-…`, the group `default`.
    pub security_group: String,
    /// `us-east-1a`
    pub zone: String,
    /// `use1-az1`
    pub zone_id: String,
}

impl Places {
    /// Those of this account and region.
    pub fn of(account: AccountId, region: &str) -> Self {
        Self {
            vpc: ids::fixed("vpc", account, region),
            subnet: ids::fixed("subnet", account, region),
            security_group: ids::fixed("sg", account, region),
            zone: format!("{region}a"),
            zone_id: zone_id(region),
        }
    }
}

/// `us-east-1` → `use1-az1`, as AWS abbreviates.
fn zone_id(region: &str) -> String {
    let mut short = String::new();
    for (index, part) in region.split('-').enumerate() {
        let kept = match (index, part) {
            (0, part) => part,
            (_, "northeast") => "ne",
            (_, "southeast") => "se",
            (_, "northwest") => "nw",
            (_, "southwest") => "sw",
            (_, part) => part.get(..1).unwrap_or(part),
        };
        short.push_str(kept);
    }
    format!("{short}-az1")
}

pub(crate) fn describe_regions(
    _txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DescribeRegionsRequest,
) -> Result<wire::DescribeRegionsResult, Ec2Error> {
    let wire::DescribeRegionsRequest { region_names, all_regions: _, dry_run: _, filters } = request;
    if let Some(unknown) = region_names.iter().find(|name| !REGIONS.contains(&name.as_str())) {
        return Err(Ec2Error::client("InvalidParameterValue", format!("Invalid region provided: {unknown}")));
    }
    let wanted = |name: &&&str| region_names.is_empty() || region_names.iter().any(|wanted| wanted == **name);
    let regions = REGIONS.iter().filter(wanted).map(|name| {
        let endpoint = format!("ec2.{name}.amazonaws.com");
        let status = "opt-in-not-required";
        let pairs = vec![
            ("region-name", (*name).to_owned()),
            ("endpoint", endpoint.clone()),
            ("opt-in-status", status.into()),
        ];
        let region = wire::Region {
            opt_in_status: Some(status.into()),
            region_name: Some((*name).into()),
            endpoint: Some(endpoint),
            ..Default::default()
        };
        Fixed::new(region, pairs)
    });
    Ok(wire::DescribeRegionsResult { regions: values(keep(filters, regions)?) })
}

fn values<T>(fixed: Vec<Fixed<'_, T>>) -> Vec<T> {
    fixed.into_iter().map(|fixed| fixed.value).collect()
}

pub(crate) fn describe_availability_zones(
    _txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeAvailabilityZonesRequest,
) -> Result<wire::DescribeAvailabilityZonesResult, Ec2Error> {
    let wire::DescribeAvailabilityZonesRequest {
        zone_names,
        zone_ids,
        all_availability_zones: _,
        dry_run: _,
        filters,
    } = request;
    let places = env.places();
    if let Some(unknown) = zone_names.iter().find(|name| **name != places.zone) {
        return Err(Ec2Error::client(
            "InvalidParameterValue",
            format!("Invalid availability zone: [{unknown}]"),
        ));
    }
    if let Some(unknown) = zone_ids.iter().find(|id| **id != places.zone_id) {
        return Err(Ec2Error::client(
            "InvalidParameterValue",
            format!("Invalid availability zone-id: [{unknown}]"),
        ));
    }
    let pairs = vec![
        ("zone-name", places.zone.clone()),
        ("zone-id", places.zone_id.clone()),
        ("state", "available".into()),
        ("region-name", env.region.into()),
        ("zone-type", "availability-zone".into()),
        ("opt-in-status", "opt-in-not-required".into()),
        ("group-name", format!("{}-zg-1", env.region)),
    ];
    let zone = wire::AvailabilityZone {
        opt_in_status: Some("opt-in-not-required".into()),
        region_name: Some(env.region.into()),
        zone_name: Some(places.zone),
        zone_id: Some(places.zone_id),
        group_name: Some(format!("{}-zg-1", env.region)),
        network_border_group: Some(env.region.into()),
        zone_type: Some("availability-zone".into()),
        state: Some("available".into()),
        ..Default::default()
    };
    Ok(wire::DescribeAvailabilityZonesResult {
        availability_zones: values(keep(filters, [Fixed::new(zone, pairs)])?),
    })
}

/// Refuses ids that are not the one there is.
fn only(given: &[String], known: &str, code: &'static str, what: &str) -> Result<(), Ec2Error> {
    match given.iter().find(|id| *id != known) {
        Some(id) => Err(Ec2Error::client(code, format!("The {what} ID '{id}' does not exist"))),
        None => Ok(()),
    }
}

pub(crate) fn describe_vpcs(
    _txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeVpcsRequest,
) -> Result<wire::DescribeVpcsResult, Ec2Error> {
    let wire::DescribeVpcsRequest { filters, vpc_ids, next_token: _, max_results: _, dry_run: _ } = request;
    let places = env.places();
    only(vpc_ids, &places.vpc, "InvalidVpcID.NotFound", "vpc")?;
    let owner = env.account().to_string();
    let pairs = vec![
        ("vpc-id", places.vpc.clone()),
        ("cidr", VPC_CIDR.into()),
        ("cidrBlock", VPC_CIDR.into()),
        ("cidr-block", VPC_CIDR.into()),
        ("state", "available".into()),
        ("is-default", "true".into()),
        ("isDefault", "true".into()),
        ("owner-id", owner.clone()),
    ];
    let vpc = wire::Vpc {
        owner_id: Some(owner),
        instance_tenancy: Some("default".into()),
        is_default: Some(true),
        vpc_id: Some(places.vpc),
        state: Some("available".into()),
        cidr_block: Some(VPC_CIDR.into()),
        dhcp_options_id: Some("default".into()),
        ..Default::default()
    };
    Ok(wire::DescribeVpcsResult { next_token: None, vpcs: values(keep(filters, [Fixed::new(vpc, pairs)])?) })
}

pub(crate) fn describe_vpc_attribute(
    _txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeVpcAttributeRequest,
) -> Result<wire::DescribeVpcAttributeResult, Ec2Error> {
    let wire::DescribeVpcAttributeRequest { attribute, vpc_id, dry_run: _ } = request;
    only(std::slice::from_ref(vpc_id), &env.places().vpc, "InvalidVpcID.NotFound", "vpc")?;
    let mut result = wire::DescribeVpcAttributeResult { vpc_id: Some(vpc_id.clone()), ..Default::default() };
    let value = |value| Some(wire::AttributeBooleanValue { value: Some(value) });
    match attribute.as_str() {
        "enableDnsSupport" => result.enable_dns_support = value(true),
        "enableDnsHostnames" => result.enable_dns_hostnames = value(true),
        "enableNetworkAddressUsageMetrics" => result.enable_network_address_usage_metrics = value(false),
        other => return Err(Ec2Error::value(other, "attribute", "Unknown attribute.")),
    }
    Ok(result)
}

pub(crate) fn describe_subnets(
    _txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeSubnetsRequest,
) -> Result<wire::DescribeSubnetsResult, Ec2Error> {
    let wire::DescribeSubnetsRequest { filters, subnet_ids, next_token: _, max_results: _, dry_run: _ } =
        request;
    let places = env.places();
    only(subnet_ids, &places.subnet, "InvalidSubnetID.NotFound", "subnet")?;
    let owner = env.account().to_string();
    let arn = format!("arn:{}:ec2:{}:{owner}:subnet/{}", env.partition(), env.region, places.subnet);
    let pairs = vec![
        ("subnet-id", places.subnet.clone()),
        ("vpc-id", places.vpc.clone()),
        ("state", "available".into()),
        ("availability-zone", places.zone.clone()),
        ("availabilityZone", places.zone.clone()),
        ("availability-zone-id", places.zone_id.clone()),
        ("cidr-block", SUBNET_CIDR.into()),
        ("default-for-az", "true".into()),
        ("defaultForAz", "true".into()),
        ("owner-id", owner.clone()),
        ("subnet-arn", arn.clone()),
        ("map-public-ip-on-launch", "false".into()),
    ];
    let subnet = wire::Subnet {
        availability_zone_id: Some(places.zone_id),
        owner_id: Some(owner),
        assign_ipv6_address_on_creation: Some(false),
        subnet_arn: Some(arn),
        enable_dns64: Some(false),
        ipv6_native: Some(false),
        subnet_id: Some(places.subnet),
        state: Some("available".into()),
        vpc_id: Some(places.vpc),
        cidr_block: Some(SUBNET_CIDR.into()),
        // AWS keeps five addresses of each subnet to itself.
        available_ip_address_count: Some(4_091),
        availability_zone: Some(places.zone),
        default_for_az: Some(true),
        // Nothing here is reached from the internet.
        map_public_ip_on_launch: Some(false),
        ..Default::default()
    };
    Ok(wire::DescribeSubnetsResult {
        next_token: None,
        subnets: values(keep(filters, [Fixed::new(subnet, pairs)])?),
    })
}

pub(crate) fn describe_security_groups(
    _txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeSecurityGroupsRequest,
) -> Result<wire::DescribeSecurityGroupsResult, Ec2Error> {
    let wire::DescribeSecurityGroupsRequest {
        group_ids,
        group_names,
        next_token: _,
        max_results: _,
        dry_run: _,
        filters,
    } = request;
    let places = env.places();
    let unknown = group_ids.iter().find(|id| **id != places.security_group);
    let unknown = unknown.or_else(|| group_names.iter().find(|name| *name != "default"));
    if let Some(unknown) = unknown {
        let words = format!("The security group '{unknown}' does not exist");
        return Err(Ec2Error::client("InvalidGroup.NotFound", words));
    }
    let owner = env.account().to_string();
    let id = places.security_group;
    let description = "default VPC security group";
    let pairs = vec![
        ("group-id", id.clone()),
        ("group-name", "default".into()),
        ("vpc-id", places.vpc.clone()),
        ("owner-id", owner.clone()),
        ("description", description.into()),
    ];
    let everywhere = wire::IpPermission {
        ip_protocol: Some("-1".into()),
        ip_ranges: vec![wire::IpRange { cidr_ip: Some("0.0.0.0/0".into()), ..Default::default() }],
        ..Default::default()
    };
    let arn = format!("arn:{}:ec2:{}:{owner}:security-group/{id}", env.partition(), env.region);
    let group = wire::SecurityGroup {
        group_id: Some(id),
        ip_permissions_egress: vec![everywhere],
        vpc_id: Some(places.vpc),
        security_group_arn: Some(arn),
        owner_id: Some(owner),
        group_name: Some("default".into()),
        description: Some(description.into()),
        ..Default::default()
    };
    let security_groups = values(keep(filters, [Fixed::new(group, pairs)])?);
    Ok(wire::DescribeSecurityGroupsResult { next_token: None, security_groups })
}

/// The attributes and their values in an account of today: a VPC, and AWS's default limits.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("supported-platforms", "VPC"),
    ("max-instances", "20"),
    ("vpc-max-security-groups-per-interface", "5"),
    ("max-elastic-ips", "5"),
    ("vpc-max-elastic-ips", "5"),
];

pub(crate) fn describe_account_attributes(
    _txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeAccountAttributesRequest,
) -> Result<wire::DescribeAccountAttributesResult, Ec2Error> {
    let wire::DescribeAccountAttributesRequest { dry_run: _, attribute_names } = request;
    let vpc = env.places().vpc;
    let known = ATTRIBUTES.iter().copied().chain([("default-vpc", vpc.as_str())]);
    if let Some(unknown) = attribute_names.iter().find(|name| known.clone().all(|(known, _)| known != **name))
    {
        return Err(Ec2Error::value(unknown, "attributeName", ""));
    }
    let wanted =
        |name: &str| attribute_names.is_empty() || attribute_names.iter().any(|wanted| wanted == name);
    let attribute = |(name, value): (&str, &str)| wire::AccountAttribute {
        attribute_name: Some(name.to_owned()),
        attribute_values: vec![wire::AccountAttributeValue { attribute_value: Some(value.to_owned()) }],
    };
    let account_attributes = known.filter(|(name, _)| wanted(name)).map(attribute).collect();
    Ok(wire::DescribeAccountAttributesResult { account_attributes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_aws_s_short_names() {
        for (region, wanted) in [
            ("us-east-1", "use1-az1"),
            ("ap-northeast-2", "apne2-az1"),
            ("eu-central-1", "euc1-az1"),
            ("us-gov-west-1", "usgw1-az1"),
        ] {
            assert_eq!(zone_id(region), wanted);
        }
    }

    #[test]
    fn ids_are_an_account_s_own() {
        let (one, two) = (AccountId::from_number(1).unwrap(), AccountId::from_number(2).unwrap());
        assert_eq!(Places::of(one, "us-east-1"), Places::of(one, "us-east-1"));
        assert_ne!(Places::of(one, "us-east-1").vpc, Places::of(two, "us-east-1").vpc);
        assert_eq!(Places::of(one, "us-east-1").vpc.len(), 21);
    }
}
