//! What instances are made of: one image, the host's own system; and the types, which say what a
//! machine of AWS's would have and bound nothing here.

use rolecall_aws_model::ec2 as wire;
use rolecall_state::Txn;
use rolecall_state::entities::Disk;

use crate::env::Env;
use crate::error::Ec2Error;
use crate::filters::{Fixed, keep};
use crate::paging;
use crate::views::{ROOT_DEVICE, image_architecture};

/// A name under which the one image is found, the system that the server runs on.
struct Listed {
    id: &'static str,
    /// Before and behind the architecture, if the name tells it.
    name: (&'static str, Option<&'static str>),
    owner: &'static str,
    alias: Option<&'static str>,
}

/// When all of them are said to have been made.
const CREATED: &str = "2026-01-01T00:00:00.000Z";

const AMAZON: &str = "137112412989";
const CANONICAL: &str = "099720109477";
const DEBIAN: &str = "136693071363";

const fn amazon(id: &'static str, before: &'static str, behind: Option<&'static str>) -> Listed {
    Listed { id, name: (before, behind), owner: AMAZON, alias: Some("amazon") }
}

const fn of(id: &'static str, owner: &'static str, before: &'static str, behind: &'static str) -> Listed {
    Listed { id, name: (before, Some(behind)), owner, alias: None }
}

/// Declarations look images up by the names of the best known publishers. As any id does, any of these starts the
/// one image.
const LISTED: &[Listed] = &[
    amazon("ami-00000000000000001", "rolecall-host-system", None),
    amazon("ami-00000000000000002", "al2023-ami-2023.0.20260101.0-kernel-6.1-", Some("")),
    amazon("ami-00000000000000003", "amzn2-ami-hvm-2.0.20260101.0-", Some("-gp2")),
    amazon("ami-00000000000000004", "amzn2-ami-kernel-5.10-hvm-2.0.20260101.0-", Some("-gp2")),
    of("ami-00000000000000005", CANONICAL, "ubuntu/images/hvm-ssd/ubuntu-focal-20.04-", "-server-20260101"),
    of("ami-00000000000000006", CANONICAL, "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-", "-server-20260101"),
    of(
        "ami-00000000000000007",
        CANONICAL,
        "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-",
        "-server-20260101",
    ),
    of("ami-00000000000000008", DEBIAN, "debian-12-", "-20260101-1"),
];

impl Listed {
    fn name(&self) -> String {
        let (before, behind) = self.name;
        let architecture = match (self.owner, image_architecture()) {
            (AMAZON, architecture) => architecture,
            // Debian and its like call it so.
            (_, "x86_64") => "amd64",
            (_, other) => other,
        };
        behind.map_or_else(|| before.to_owned(), |behind| format!("{before}{architecture}{behind}"))
    }
}

/// Types, with their processors and MiB of memory, as AWS documents them.
const TYPES: &[(&str, i32, i64)] = &[
    ("t2.nano", 1, 512),
    ("t2.micro", 1, 1_024),
    ("t2.small", 1, 2_048),
    ("t2.medium", 2, 4_096),
    ("t2.large", 2, 8_192),
    ("t2.xlarge", 4, 16_384),
    ("t2.2xlarge", 8, 32_768),
    ("t3.nano", 2, 512),
    ("t3.micro", 2, 1_024),
    ("t3.small", 2, 2_048),
    ("t3.medium", 2, 4_096),
    ("t3.large", 2, 8_192),
    ("t3.xlarge", 4, 16_384),
    ("t3.2xlarge", 8, 32_768),
    ("t3a.nano", 2, 512),
    ("t3a.micro", 2, 1_024),
    ("t3a.small", 2, 2_048),
    ("t3a.medium", 2, 4_096),
    ("t3a.large", 2, 8_192),
    ("t3a.xlarge", 4, 16_384),
    ("t3a.2xlarge", 8, 32_768),
    ("t4g.nano", 2, 512),
    ("t4g.micro", 2, 1_024),
    ("t4g.small", 2, 2_048),
    ("t4g.medium", 2, 4_096),
    ("t4g.large", 2, 8_192),
    ("t4g.xlarge", 4, 16_384),
    ("t4g.2xlarge", 8, 32_768),
    ("m1.small", 1, 1_740),
    ("m5.large", 2, 8_192),
    ("m5.xlarge", 4, 16_384),
    ("m5.2xlarge", 8, 32_768),
    ("m5.4xlarge", 16, 65_536),
    ("m6i.large", 2, 8_192),
    ("m6i.xlarge", 4, 16_384),
    ("m6i.2xlarge", 8, 32_768),
    ("m6i.4xlarge", 16, 65_536),
    ("m6g.large", 2, 8_192),
    ("m6g.xlarge", 4, 16_384),
    ("m6g.2xlarge", 8, 32_768),
    ("m6g.4xlarge", 16, 65_536),
    ("m7i.large", 2, 8_192),
    ("m7i.xlarge", 4, 16_384),
    ("m7i.2xlarge", 8, 32_768),
    ("m7i.4xlarge", 16, 65_536),
    ("m7g.large", 2, 8_192),
    ("m7g.xlarge", 4, 16_384),
    ("m7g.2xlarge", 8, 32_768),
    ("m7g.4xlarge", 16, 65_536),
    ("c5.large", 2, 4_096),
    ("c5.xlarge", 4, 8_192),
    ("c5.2xlarge", 8, 16_384),
    ("c5.4xlarge", 16, 32_768),
    ("c6i.large", 2, 4_096),
    ("c6i.xlarge", 4, 8_192),
    ("c6i.2xlarge", 8, 16_384),
    ("c6i.4xlarge", 16, 32_768),
    ("c6g.large", 2, 4_096),
    ("c6g.xlarge", 4, 8_192),
    ("c6g.2xlarge", 8, 16_384),
    ("c6g.4xlarge", 16, 32_768),
    ("c7i.large", 2, 4_096),
    ("c7i.xlarge", 4, 8_192),
    ("c7i.2xlarge", 8, 16_384),
    ("c7i.4xlarge", 16, 32_768),
    ("c7g.large", 2, 4_096),
    ("c7g.xlarge", 4, 8_192),
    ("c7g.2xlarge", 8, 16_384),
    ("c7g.4xlarge", 16, 32_768),
    ("r5.large", 2, 16_384),
    ("r5.xlarge", 4, 32_768),
    ("r5.2xlarge", 8, 65_536),
    ("r5.4xlarge", 16, 131_072),
    ("r6i.large", 2, 16_384),
    ("r6i.xlarge", 4, 32_768),
    ("r6i.2xlarge", 8, 65_536),
    ("r6i.4xlarge", 16, 131_072),
    ("r6g.large", 2, 16_384),
    ("r6g.xlarge", 4, 32_768),
    ("r6g.2xlarge", 8, 65_536),
    ("r6g.4xlarge", 16, 131_072),
    ("r7i.large", 2, 16_384),
    ("r7i.xlarge", 4, 32_768),
    ("r7i.2xlarge", 8, 65_536),
    ("r7i.4xlarge", 16, 131_072),
    ("r7g.large", 2, 16_384),
    ("r7g.xlarge", 4, 32_768),
    ("r7g.2xlarge", 8, 65_536),
    ("r7g.4xlarge", 16, 131_072),
];

/// Refuses an image that there is none of.
///
/// Any well-formed id starts the one image: files that name an image of AWS's work as they are.
pub(crate) fn check(id: &str) -> Result<(), Ec2Error> {
    let digits = id.strip_prefix("ami-").unwrap_or_default();
    match matches!(digits.len(), 8 | 17) && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        true => Ok(()),
        false => Err(Ec2Error::client(
            "InvalidAMIID.Malformed",
            format!("Invalid id: \"{id}\" (expecting \"ami-...\")"),
        )),
    }
}

/// Refuses a type that there is none of.
pub(crate) fn check_type(name: &str) -> Result<(), Ec2Error> {
    match TYPES.iter().any(|(known, ..)| *known == name) {
        true => Ok(()),
        false => Err(Ec2Error::client(
            "InvalidParameterValue",
            format!("Invalid value '{name}' for InstanceType."),
        )),
    }
}

pub(crate) fn describe_images(
    _txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DescribeImagesRequest,
) -> Result<wire::DescribeImagesResult, Ec2Error> {
    let wire::DescribeImagesRequest {
        executable_users: _,
        image_ids,
        owners,
        filters,
        max_results,
        next_token,
        ..
    } = request;
    image_ids.iter().try_for_each(|id| check(id))?;
    let owned = |listed: &&Listed| {
        let is = |owner: &String| owner == listed.owner || Some(owner.as_str()) == listed.alias;
        owners.is_empty() || owners.iter().any(is)
    };
    let all: Vec<_> = match image_ids.is_empty() {
        true => LISTED.iter().filter(owned).map(|listed| image(listed.id, listed)).collect(),
        false => image_ids
            .iter()
            .filter_map(|id| of_id(id).filter(owned).map(|listed| image(id, listed)))
            .collect(),
    };
    let found: Vec<_> = keep(filters, all)?.into_iter().map(|fixed| fixed.value).collect();
    let page = paging::take(found, *max_results, next_token.as_deref(), 1, |image| {
        image.image_id.clone().unwrap_or_default()
    })?;
    Ok(wire::DescribeImagesResult { next_token: page.next_token, images: page.items })
}

/// What an id stands for: itself, where it is listed, or the host's system.
fn of_id(id: &str) -> Option<&'static Listed> {
    LISTED.iter().find(|listed| listed.id == id).or(LISTED.first())
}

fn image<'a>(id: &str, listed: &Listed) -> Fixed<'a, wire::Image> {
    let (name, owner) = (listed.name(), listed.owner);
    let mut pairs = vec![
        ("image-id", id.to_owned()),
        ("name", name.clone()),
        ("owner-id", owner.to_owned()),
        ("state", "available".to_owned()),
        ("is-public", "true".to_owned()),
        ("architecture", image_architecture().to_owned()),
        ("root-device-type", "ebs".to_owned()),
        ("root-device-name", ROOT_DEVICE.to_owned()),
        ("virtualization-type", "hvm".to_owned()),
        ("hypervisor", "xen".to_owned()),
        ("image-type", "machine".to_owned()),
        ("ena-support", "true".to_owned()),
        ("block-device-mapping.device-name", ROOT_DEVICE.to_owned()),
        ("block-device-mapping.volume-type", Disk::default().kind),
        ("creation-date", CREATED.to_owned()),
        ("platform-details", "Linux/UNIX".to_owned()),
        ("description", "The system that the server runs on".to_owned()),
    ];
    // A filter that finds nothing must not be taken for one that there is none of.
    pairs.push(("owner-alias", listed.alias.unwrap_or_default().to_owned()));
    let image = wire::Image {
        platform_details: Some("Linux/UNIX".into()),
        usage_operation: Some("RunInstances".into()),
        description: Some("The system that the server runs on".into()),
        ena_support: Some(true),
        hypervisor: Some("xen".into()),
        image_owner_alias: listed.alias.map(Into::into),
        root_device_name: Some(ROOT_DEVICE.into()),
        root_device_type: Some("ebs".into()),
        virtualization_type: Some("hvm".into()),
        image_id: Some(id.to_owned()),
        image_location: Some(format!("{}/{name}", listed.alias.unwrap_or(owner))),
        name: Some(name),
        state: Some("available".into()),
        owner_id: Some(owner.into()),
        creation_date: Some(CREATED.into()),
        public: Some(true),
        architecture: Some(image_architecture().into()),
        image_type: Some("machine".into()),
        ..Default::default()
    };
    Fixed::new(image, pairs)
}

pub(crate) fn describe_instance_types(
    _txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DescribeInstanceTypesRequest,
) -> Result<wire::DescribeInstanceTypesResult, Ec2Error> {
    let wire::DescribeInstanceTypesRequest { instance_types, filters, max_results, next_token, .. } = request;
    let unknown: Vec<&str> = instance_types
        .iter()
        .map(String::as_str)
        .filter(|name| TYPES.iter().all(|(known, ..)| known != name))
        .collect();
    if !unknown.is_empty() {
        let words = format!("The following supplied instance types do not exist: [{}]", unknown.join(", "));
        return Err(Ec2Error::client("InvalidInstanceType", words));
    }
    let wanted = |name: &str| instance_types.is_empty() || instance_types.iter().any(|wanted| wanted == name);
    let all = TYPES
        .iter()
        .filter(|(name, ..)| wanted(name))
        .map(|(name, cpus, memory)| type_info(name, *cpus, *memory));
    let mut found: Vec<_> = keep(filters, all)?.into_iter().map(|fixed| fixed.value).collect();
    let key = |info: &wire::InstanceTypeInfo| info.instance_type.clone().unwrap_or_default();
    found.sort_by_key(key);
    let page = paging::take(found, *max_results, next_token.as_deref(), 5, key)?;
    Ok(wire::DescribeInstanceTypesResult { instance_types: page.items, next_token: page.next_token })
}

fn type_info<'a>(name: &str, cpus: i32, memory: i64) -> Fixed<'a, wire::InstanceTypeInfo> {
    let burstable = name.starts_with('t');
    let pairs = vec![
        ("instance-type", name.to_owned()),
        ("vcpu-info.default-vcpus", cpus.to_string()),
        ("memory-info.size-in-mib", memory.to_string()),
        ("current-generation", "true".to_owned()),
        ("burstable-performance-supported", burstable.to_string()),
        ("bare-metal", "false".to_owned()),
        ("processor-info.supported-architecture", image_architecture().to_owned()),
    ];
    let info = wire::InstanceTypeInfo {
        instance_type: Some(name.to_owned()),
        current_generation: Some(true),
        supported_usage_classes: vec!["on-demand".into()],
        supported_root_device_types: vec!["ebs".into()],
        supported_virtualization_types: vec!["hvm".into()],
        bare_metal: Some(false),
        processor_info: Some(wire::ProcessorInfo {
            supported_architectures: vec![image_architecture().into()],
            ..Default::default()
        }),
        v_cpu_info: Some(wire::VCpuInfo { default_v_cpus: Some(cpus), ..Default::default() }),
        memory_info: Some(wire::MemoryInfo { size_in_mi_b: Some(memory) }),
        instance_storage_supported: Some(false),
        hibernation_supported: Some(false),
        burstable_performance_supported: Some(burstable),
        dedicated_hosts_supported: Some(false),
        ..Default::default()
    };
    Fixed::new(info, pairs)
}

pub(crate) fn describe_instance_type_offerings(
    _txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeInstanceTypeOfferingsRequest,
) -> Result<wire::DescribeInstanceTypeOfferingsResult, Ec2Error> {
    let wire::DescribeInstanceTypeOfferingsRequest {
        dry_run: _,
        location_type,
        filters,
        max_results,
        next_token,
    } = request;
    let places = env.places();
    let kind = location_type.as_deref().unwrap_or("region");
    let location = match kind {
        "region" => env.region.to_owned(),
        "availability-zone" => places.zone,
        "availability-zone-id" => places.zone_id,
        other => return Err(Ec2Error::value(other, "LocationType", "")),
    };
    let all = TYPES.iter().map(|(name, ..)| {
        let pairs = vec![("instance-type", (*name).to_owned()), ("location", location.clone())];
        let offering = wire::InstanceTypeOffering {
            instance_type: Some((*name).to_owned()),
            location_type: Some(kind.to_owned()),
            location: Some(location.clone()),
        };
        Fixed::new(offering, pairs)
    });
    let mut found: Vec<_> = keep(filters, all)?.into_iter().map(|fixed| fixed.value).collect();
    let key = |offering: &wire::InstanceTypeOffering| offering.instance_type.clone().unwrap_or_default();
    found.sort_by_key(key);
    let page = paging::take(found, *max_results, next_token.as_deref(), 5, key)?;
    Ok(wire::DescribeInstanceTypeOfferingsResult {
        instance_type_offerings: page.items,
        next_token: page.next_token,
    })
}
