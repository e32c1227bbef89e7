//! The one disk of an instance: what is declared of it is kept and shown, and bounds nothing.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html>

use rolecall_aws_model::ec2 as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{Disk, Instance, InstanceState, Tags};

use crate::env::{Env, account};
use crate::error::Ec2Error;
use crate::filters::{Fixed, keep};
use crate::views::{self, ROOT_DEVICE};
use crate::{paging, tags};

/// The largest disk of the kinds that there are, in GiB.
const LARGEST: u32 = 65_536;

/// The disk that a launch declares.
pub(crate) fn at_launch(request: &wire::RunInstancesRequest) -> Result<Disk, Ec2Error> {
    let others = ["instance", "network-interface", "spot-instances-request"];
    let tags = tags::of_specifications(&request.tag_specifications, "volume", &others)?;
    let mut disk = Disk { tags, ..Disk::default() };
    for mapping in &request.block_device_mappings {
        let Some(ebs) = &mapping.ebs else { continue };
        match mapping.device_name.as_deref() {
            // Images of AWS's name their root device in either of these ways.
            None | Some(ROOT_DEVICE | "/dev/sda1") => disk = declared(ebs, disk.tags)?,
            Some(other) => return Err(Ec2Error::unsupported(&format!("A second disk ({other})"))),
        }
    }
    Ok(disk)
}

fn declared(ebs: &wire::EbsBlockDevice, tags: Tags) -> Result<Disk, Ec2Error> {
    if ebs.encrypted == Some(true) || ebs.kms_key_id.is_some() {
        return Err(Ec2Error::unsupported("An encrypted disk"));
    }
    if ebs.delete_on_termination == Some(false) {
        return Err(Ec2Error::unsupported("A disk that outlives its instance"));
    }
    // What is left out is as the image has it.
    let image = Disk::default();
    let kind = ebs.volume_type.as_deref().unwrap_or(&image.kind);
    let size = number(ebs.volume_size, "volumeSize")?.unwrap_or(image.size);
    if size > LARGEST {
        return Err(Ec2Error::value(&size.to_string(), "volumeSize", ""));
    }
    if size < image.size {
        let words = format!(
            "Volume of size {size}GB is smaller than snapshot 'snap-00000000000000001', expect size >= {}GB",
            image.size
        );
        return Err(Ec2Error::client("InvalidBlockDeviceMapping", words));
    }
    let iops = iops(kind, size, number(ebs.iops, "iops")?)?;
    let throughput = match (kind, number(ebs.throughput, "throughput")?) {
        ("gp3", given) => Some(given.unwrap_or(125)),
        (_, None) => None,
        (other, Some(_)) => return Err(not_of("throughput", other)),
    };
    Ok(Disk { size, kind: kind.to_owned(), iops, throughput, tags })
}

fn number(given: Option<i32>, parameter: &str) -> Result<Option<u32>, Ec2Error> {
    let parsed = given.map(|n| u32::try_from(n).map_err(|_| Ec2Error::value(&n.to_string(), parameter, "")));
    parsed.transpose()
}

/// What a disk does in a second: its own number, or the one that follows from its kind and size.
fn iops(kind: &str, size: u32, given: Option<u32>) -> Result<Option<u32>, Ec2Error> {
    match (kind, given) {
        ("gp3", given) => Ok(Some(given.unwrap_or(3_000))),
        ("io1" | "io2", Some(given)) => Ok(Some(given)),
        ("io1" | "io2", None) => {
            let words = format!("The parameter iops must be specified for {kind} volumes.");
            Err(Ec2Error::client("MissingParameter", words))
        }
        ("gp2", None) => Ok(Some(size.saturating_mul(3).clamp(100, 16_000))),
        ("standard" | "st1" | "sc1", None) => Ok(None),
        ("gp2" | "standard" | "st1" | "sc1", Some(_)) => Err(not_of("iops", kind)),
        (other, _) => Err(Ec2Error::value(other, "volumeType", "")),
    }
}

fn not_of(parameter: &str, kind: &str) -> Ec2Error {
    let words = format!("The parameter {parameter} is not supported for {kind} volumes.");
    Ec2Error::client("InvalidParameterCombination", words)
}

/// The instance whose disk this is.
pub(crate) fn holder<'a>(
    mut instances: impl Iterator<Item = &'a Instance>,
    id: &str,
) -> Option<&'a Instance> {
    instances.find(|instance| {
        instance.state != InstanceState::Terminated && views::volume_id(instance.id.as_str()) == id
    })
}

pub(crate) fn no_volume(id: &str) -> Ec2Error {
    Ec2Error::client("InvalidVolume.NotFound", format!("The volume '{id}' does not exist."))
}

pub(crate) fn describe_volumes(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeVolumesRequest,
) -> Result<wire::DescribeVolumesResult, Ec2Error> {
    let wire::DescribeVolumesRequest {
        volume_ids,
        include_managed_resources: _,
        dry_run: _,
        filters,
        next_token,
        max_results,
    } = request;
    let account = account(txn)?;
    let there = account.instances.iter().filter(|instance| instance.state != InstanceState::Terminated);
    let all: Vec<_> = there.map(|instance| volume(env, instance)).collect();
    for id in volume_ids {
        if !all.iter().any(|volume| volume.value.volume_id.as_ref() == Some(id)) {
            return Err(no_volume(id));
        }
    }
    let mut kept = keep(filters, all)?;
    kept.retain(|volume| {
        volume_ids.is_empty() || volume.value.volume_id.as_ref().is_some_and(|id| volume_ids.contains(id))
    });
    let volumes: Vec<_> = kept.into_iter().map(|fixed| fixed.value).collect();
    let key = |volume: &wire::Volume| volume.volume_id.clone().unwrap_or_default();
    let page = paging::take(volumes, *max_results, next_token.as_deref(), 5, key)?;
    Ok(wire::DescribeVolumesResult { next_token: page.next_token, volumes: page.items })
}

fn volume<'a>(env: &Env<'_>, instance: &Instance) -> Fixed<'a, wire::Volume> {
    let (id, places, disk) = (views::volume_id(instance.id.as_str()), env.places(), &instance.disk);
    let pairs = vec![
        ("volume-id", id.clone()),
        ("attachment.instance-id", instance.id.to_string()),
        ("attachment.device", ROOT_DEVICE.to_owned()),
        ("attachment.status", "attached".to_owned()),
        ("attachment.delete-on-termination", "true".to_owned()),
        ("status", "in-use".to_owned()),
        ("availability-zone", places.zone.clone()),
        ("volume-type", disk.kind.clone()),
        ("size", disk.size.to_string()),
        ("encrypted", "false".to_owned()),
    ];
    let attachment = wire::VolumeAttachment {
        delete_on_termination: Some(true),
        volume_id: Some(id.clone()),
        instance_id: Some(instance.id.to_string()),
        device: Some(ROOT_DEVICE.into()),
        state: Some("attached".into()),
        attach_time: views::time(instance.launched),
        ..Default::default()
    };
    let number = |n: u32| i32::try_from(n).ok();
    let volume = wire::Volume {
        iops: disk.iops.and_then(number),
        tags: views::tags(&disk.tags),
        volume_type: Some(disk.kind.clone()),
        multi_attach_enabled: Some(false),
        throughput: disk.throughput.and_then(number),
        volume_id: Some(id),
        size: number(disk.size),
        snapshot_id: Some(String::new()),
        availability_zone: Some(places.zone),
        availability_zone_id: Some(places.zone_id),
        state: Some("in-use".into()),
        create_time: views::time(instance.launched),
        attachments: vec![attachment],
        encrypted: Some(false),
        ..Default::default()
    };
    Fixed::tagged(volume, pairs, disk.tags.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(ebs: wire::EbsBlockDevice) -> Result<Disk, &'static str> {
        declared(&ebs, Tags::default()).map_err(|error| error.code().unwrap().0)
    }

    #[test]
    fn kinds_have_their_own_numbers() {
        let of = |kind: &str, iops, throughput| wire::EbsBlockDevice {
            volume_type: Some(kind.into()),
            volume_size: Some(100),
            iops,
            throughput,
            ..Default::default()
        };
        let numbers = |ebs| disk(ebs).map(|disk| (disk.iops, disk.throughput));
        assert_eq!(numbers(of("gp2", None, None)), Ok((Some(300), None)));
        assert_eq!(numbers(of("gp3", None, None)), Ok((Some(3_000), Some(125))));
        assert_eq!(numbers(of("gp3", Some(4_000), Some(250))), Ok((Some(4_000), Some(250))));
        assert_eq!(numbers(of("io1", Some(500), None)), Ok((Some(500), None)));
        assert_eq!(numbers(of("standard", None, None)), Ok((None, None)));
        assert_eq!(numbers(of("io2", None, None)), Err("MissingParameter"));
        assert_eq!(numbers(of("gp2", Some(100), None)), Err("InvalidParameterCombination"));
        assert_eq!(numbers(of("st1", None, Some(1))), Err("InvalidParameterCombination"));
        assert_eq!(numbers(of("fast", None, None)), Err("InvalidParameterValue"));
    }

    #[test]
    fn what_can_t_be_is_refused() {
        assert_eq!(disk(wire::EbsBlockDevice::default()).map(|disk| disk.size), Ok(8));
        let small = wire::EbsBlockDevice { volume_size: Some(4), ..Default::default() };
        assert_eq!(disk(small), Err("InvalidBlockDeviceMapping"));
        let large = wire::EbsBlockDevice { volume_size: Some(70_000), ..Default::default() };
        assert_eq!(disk(large), Err("InvalidParameterValue"));
        let negative = wire::EbsBlockDevice { volume_size: Some(-1), ..Default::default() };
        assert_eq!(disk(negative), Err("InvalidParameterValue"));
        let encrypted = wire::EbsBlockDevice { encrypted: Some(true), ..Default::default() };
        assert_eq!(disk(encrypted), Err("UnsupportedOperation"));
        let kept = wire::EbsBlockDevice { delete_on_termination: Some(false), ..Default::default() };
        assert_eq!(disk(kept), Err("UnsupportedOperation"));
    }
}
