//! `RunInstances`.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::sync::Arc;

use ring::digest;
use rolecall_aws_model::ec2 as wire;
use rolecall_state::entities::{
    ClientToken, Disk, Format, Instance, InstanceMetadataOptions, InstanceProfile, InstanceState, KeyPair,
    ProfileAssociation, StateReason, Tags,
};
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{Txn, UniqueId, hex};

use crate::env::{Env, account};
use crate::error::Ec2Error;
use crate::{associations, disks, ids, images, metadata_options, tags, user_data, views};

/// How many instances of an account may be there at one time, terminated ones aside.
const MAX_INSTANCES: usize = 256;
/// The type where none is given, as AWS's.
const DEFAULT_TYPE: &str = "m1.small";

/// What all instances of a launch have in common.
struct Launch<'a> {
    reservation: String,
    image: String,
    instance_type: String,
    key: Option<Arc<Entry<KeyPair>>>,
    profile: Option<(Arc<Entry<InstanceProfile>>, String)>,
    metadata: InstanceMetadataOptions,
    tags: Tags,
    disk: Disk,
    client_token: Option<ClientToken>,
    request: &'a wire::RunInstancesRequest,
}

pub(crate) fn run_instances(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::RunInstancesRequest,
) -> Result<wire::Reservation, Ec2Error> {
    refuse_what_is_not_built(request)?;
    // Launches of an account go one after the other: addresses and client tokens are each used once.
    if let Some(record) = txn.read_record() {
        txn.put_record(&record);
    }
    let account = account(txn)?;
    let client_token = client_token(env, request)?;
    if let Some(token) = &client_token
        && let Some(launched) = launched_before(&account, token)?
    {
        return Ok(reservation(env, &launched));
    }
    check_network(env, request)?;
    let count = count(&account, request)?;
    let launch = launch(txn, env, request, &account, client_token)?;
    let mut taken = addresses(&account);
    let mut made = Vec::with_capacity(count);
    for index in 0..count {
        let instance = instance(txn, env, &launch, u32::try_from(index).unwrap_or(u32::MAX), &mut taken)?;
        txn.put(&instance);
        made.push(Arc::new(instance));
    }
    Ok(reservation(env, &made))
}

fn refuse_what_is_not_built(request: &wire::RunInstancesRequest) -> Result<(), Ec2Error> {
    let given = [
        (request.launch_template.is_some(), "LaunchTemplate"),
        (request.instance_market_options.is_some(), "InstanceMarketOptions"),
        (!request.elastic_gpu_specification.is_empty(), "ElasticGpuSpecification"),
        (!request.elastic_inference_accelerators.is_empty(), "ElasticInferenceAccelerator"),
        (!request.license_specifications.is_empty(), "LicenseSpecification"),
        (
            !request.ipv6_addresses.is_empty() || request.ipv6_address_count.is_some_and(|n| n > 0),
            "Ipv6Address",
        ),
        (request.hibernation_options.as_ref().and_then(|o| o.configured) == Some(true), "HibernationOptions"),
        (request.enclave_options.as_ref().and_then(|o| o.enabled) == Some(true), "EnclaveOptions"),
        (!request.secondary_interfaces.is_empty(), "SecondaryInterface"),
        (request.network_interfaces.len() > 1, "More than one NetworkInterface"),
    ];
    match given.iter().find(|(given, _)| *given) {
        Some((_, what)) => Err(Ec2Error::unsupported(what)),
        None => Ok(()),
    }
}

/// The client's token, with what the request asks for as a hash.
fn client_token(env: &Env<'_>, request: &wire::RunInstancesRequest) -> Result<Option<ClientToken>, Ec2Error> {
    let Some(token) = request.client_token.as_deref().filter(|token| !token.is_empty()) else {
        return Ok(None);
    };
    if token.len() > 64 || !token.is_ascii() {
        return Err(Ec2Error::client(
            "InvalidParameterValue",
            "Client token must be at most 64 ASCII characters.",
        ));
    }
    // The debug form has every parameter but the user data, whose text does not show there.
    let mut asked = format!("{request:?}/{}/", env.region);
    asked.push_str(request.user_data.as_ref().map_or("", |data| data.expose()));
    let hash = digest::digest(&digest::SHA256, asked.as_bytes());
    let request = hex(hash.as_ref());
    Ok(Some(ClientToken { token: token.to_owned(), request }))
}

/// The instances that a request with this token has started already.
fn launched_before(account: &Account, token: &ClientToken) -> Result<Option<Vec<Arc<Instance>>>, Ec2Error> {
    let with_token = |instance: &&Arc<Entry<Instance>>| {
        instance.client_token.as_ref().is_some_and(|known| known.token == token.token)
    };
    let mut found: Vec<_> =
        account.instances.iter().filter(with_token).map(|entry| entry.value.clone()).collect();
    if found.iter().any(|instance| instance.client_token.as_ref() != Some(token)) {
        let words = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).";
        return Err(Ec2Error::client("IdempotentParameterMismatch", words));
    }
    found.sort_by_key(|instance| instance.launch_index);
    Ok(if found.is_empty() { None } else { Some(found) })
}

/// Of places there is one of each.
fn check_network(env: &Env<'_>, request: &wire::RunInstancesRequest) -> Result<(), Ec2Error> {
    let places = env.places();
    let interface = request.network_interfaces.first();
    if interface.is_some_and(|_| request.subnet_id.is_some() || !request.security_group_ids.is_empty()) {
        let words = "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request";
        return Err(Ec2Error::client("InvalidParameterCombination", words));
    }
    let subnet =
        request.subnet_id.as_ref().or_else(|| interface.and_then(|interface| interface.subnet_id.as_ref()));
    if let Some(subnet) = subnet.filter(|subnet| **subnet != places.subnet) {
        let words = format!("The subnet ID '{subnet}' does not exist");
        return Err(Ec2Error::client("InvalidSubnetID.NotFound", words));
    }
    let mut groups =
        request.security_group_ids.iter().chain(interface.iter().flat_map(|interface| &interface.groups));
    if let Some(group) = groups.find(|group| **group != places.security_group) {
        return Err(Ec2Error::client(
            "InvalidGroup.NotFound",
            format!("The security group '{group}' does not exist in VPC '{}'", places.vpc),
        ));
    }
    if let Some(group) = request.security_groups.iter().find(|name| *name != "default") {
        let words = format!("The security group '{group}' does not exist in default VPC '{}'", places.vpc);
        return Err(Ec2Error::client("InvalidGroup.NotFound", words));
    }
    let zone = request.placement.as_ref().and_then(|placement| placement.availability_zone.as_deref());
    match zone.filter(|zone| !zone.is_empty() && *zone != places.zone) {
        Some(zone) => {
            Err(Ec2Error::client("InvalidParameterValue", format!("Invalid availability zone: [{zone}]")))
        }
        None => Ok(()),
    }
}

fn count(account: &Account, request: &wire::RunInstancesRequest) -> Result<usize, Ec2Error> {
    let (min, max) = (request.min_count, request.max_count);
    if min < 1 || max < 1 || min > max {
        let words = match min > max && max >= 1 {
            true => {
                "Invalid value for MinCount and MaxCount: MinCount must be less than or equal to MaxCount"
                    .to_owned()
            }
            false => format!(
                "Value ({}) for parameter {} is invalid. Minimum value is 1.",
                min.min(max),
                if min < 1 { "minCount" } else { "maxCount" }
            ),
        };
        return Err(Ec2Error::client("InvalidParameterValue", words));
    }
    let there = account.instances.iter().filter(|i| i.state != InstanceState::Terminated).count();
    let room = MAX_INSTANCES.saturating_sub(there).min(100);
    let (min, max) = (usize::try_from(min).unwrap_or(usize::MAX), usize::try_from(max).unwrap_or(usize::MAX));
    if min > room {
        let words = format!(
            "You have requested more instances ({}) than your current instance limit of {MAX_INSTANCES} allows for the specified instance type.",
            there.saturating_add(min)
        );
        return Err(Ec2Error::client("InstanceLimitExceeded", words));
    }
    Ok(max.min(room))
}

fn launch<'a>(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &'a wire::RunInstancesRequest,
    account: &Account,
    client_token: Option<ClientToken>,
) -> Result<Launch<'a>, Ec2Error> {
    let image = request.image_id.as_deref().filter(|image| !image.is_empty());
    let image = image.ok_or_else(|| {
        Ec2Error::client("MissingParameter", "The request must contain the parameter ImageId")
    })?;
    images::check(image)?;
    let instance_type = request.instance_type.as_deref().unwrap_or(DEFAULT_TYPE);
    images::check_type(instance_type)?;
    let key = match request.key_name.as_deref().filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => {
            let found = txn.read(|a| &a.key_pairs, name).filter(|key| key.name == name);
            let absent = || {
                Ec2Error::client("InvalidKeyPair.NotFound", format!("The key pair '{name}' does not exist"))
            };
            Some(found.ok_or_else(absent)?)
        }
    };
    let profile = match &request.iam_instance_profile {
        Some(given) if given.arn.is_some() || given.name.is_some() => {
            Some(associations::resolve(txn, env, account, given)?)
        }
        _ => None,
    };
    let tags = tags::of_specifications(
        &request.tag_specifications,
        "instance",
        &["volume", "network-interface", "spot-instances-request"],
    )?;
    let metadata = metadata_options::at_launch(request.metadata_options.as_ref())?;
    metadata_options::check_tags(&metadata, &tags)?;
    let reservation = ids::new("r", env.entropy);
    Ok(Launch {
        reservation,
        image: image.to_owned(),
        instance_type: instance_type.to_owned(),
        key,
        profile,
        metadata,
        tags,
        disk: disks::at_launch(request)?,
        client_token,
        request,
    })
}

fn instance(
    txn: &mut Txn,
    env: &Env<'_>,
    launch: &Launch<'_>,
    index: u32,
    taken: &mut HashSet<Ipv4Addr>,
) -> Result<Instance, Ec2Error> {
    let request = launch.request;
    let id = UniqueId::from_stored(&ids::new("i", env.entropy));
    let user_data = request.user_data.as_ref().filter(|data| !data.expose().is_empty());
    let user_data =
        user_data.map(|data| user_data::seal(data.expose(), &id, txn.master(), env.entropy)).transpose()?;
    let profile = launch.profile.as_ref().map(|(profile, arn)| ProfileAssociation {
        id: ids::new("iip-assoc", env.entropy),
        profile: profile.id.clone(),
        arn: arn.clone(),
        since: env.now,
    });
    Ok(Instance {
        v: Format,
        host: env.host.to_owned(),
        reservation: launch.reservation.clone(),
        launched: env.now,
        launch_index: index,
        client_token: launch.client_token.clone(),
        state: InstanceState::Pending,
        reason: Some(StateReason { code: "pending".into(), message: "pending".into() }),
        changed: env.now,
        image: launch.image.clone(),
        instance_type: launch.instance_type.clone(),
        key_name: launch.key.as_ref().map(|key| key.name.clone()),
        public_key: launch.key.as_ref().map(|key| key.public_key.clone()),
        private_ip: address(env, request, taken)?,
        user_data,
        metadata: launch.metadata.clone(),
        profile,
        tags: launch.tags.clone(),
        disk: launch.disk.clone(),
        cpu_credits: cpu_credits(request)?,
        termination_protected: request.disable_api_termination == Some(true),
        stop_protected: request.disable_api_stop == Some(true),
        terminates_itself: request.instance_initiated_shutdown_behavior.as_deref() == Some("terminate"),
        reboots: 0,
        id,
    })
}

fn cpu_credits(request: &wire::RunInstancesRequest) -> Result<Option<String>, Ec2Error> {
    match request.credit_specification.as_ref().map(|given| given.cpu_credits.as_str()) {
        None => Ok(None),
        Some(known @ ("standard" | "unlimited")) => Ok(Some(known.to_owned())),
        Some(other) => Err(Ec2Error::value(other, "CreditSpecification.CpuCredits", "")),
    }
}

fn addresses(account: &Account) -> HashSet<Ipv4Addr> {
    let there = account.instances.iter().filter(|instance| instance.state != InstanceState::Terminated);
    there.map(|instance| instance.private_ip).collect()
}

/// A free address of 172.31.0.0/20: the one asked for, or one at random.
fn address(
    env: &Env<'_>,
    request: &wire::RunInstancesRequest,
    taken: &mut HashSet<Ipv4Addr>,
) -> Result<Ipv4Addr, Ec2Error> {
    let interface =
        request.network_interfaces.first().and_then(|interface| interface.private_ip_address.as_deref());
    if let Some(wanted) = request.private_ip_address.as_deref().or(interface) {
        let parsed: Option<Ipv4Addr> = wanted.parse().ok();
        let inside = parsed.filter(|ip| matches!(ip.octets(), [172, 31, 0..=15, _]));
        let ip = inside.ok_or_else(|| {
            Ec2Error::client(
                "InvalidParameterValue",
                format!("Address {wanted} does not fall within the subnet's address range"),
            )
        })?;
        return match taken.insert(ip) {
            true => Ok(ip),
            false => Err(Ec2Error::client("InvalidIPAddress.InUse", format!("Address {wanted} is in use."))),
        };
    }
    let [high, low] = env.entropy.bytes::<2>();
    let start = u16::from_be_bytes([high & 0x0f, low]);
    // The first four addresses of a subnet and its last are AWS's own.
    let free =
        (0..4_096_u16).map(|step| (start + step) % 4_096).filter(|n| (4..4_095).contains(n)).find_map(|n| {
            let [high, low] = n.to_be_bytes();
            let ip = Ipv4Addr::new(172, 31, high, low);
            (low != 0 && low != 255 && !taken.contains(&ip)).then_some(ip)
        });
    let free = free.ok_or_else(|| {
        Ec2Error::client(
            "InsufficientFreeAddressesInSubnet",
            "There are not enough free addresses in the subnet.",
        )
    })?;
    taken.insert(free);
    Ok(free)
}

/// A reservation with these of its instances.
pub(crate) fn reservation(env: &Env<'_>, instances: &[Arc<Instance>]) -> wire::Reservation {
    wire::Reservation {
        reservation_id: instances.first().map(|instance| instance.reservation.clone()),
        owner_id: Some(env.account().to_string()),
        instances: instances.iter().map(|instance| views::instance(env, instance)).collect(),
        ..Default::default()
    }
}
