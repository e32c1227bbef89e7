//! Showing instances, and what is fixed about them.

use std::collections::HashSet;
use std::sync::Arc;

use rolecall_aws_model::ec2 as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{Instance, InstanceState};
use rolecall_state::snapshot::Entry;

use crate::env::{Env, account};
use crate::error::Ec2Error;
use crate::filters::{Fixed, holds, keep};
use crate::run_instances::reservation;
use crate::views::{self, Shown};
use crate::{ids, paging};

/// The instance with this id, on which the transaction depends from now on.
pub(crate) fn find(txn: &mut Txn, id: &str) -> Result<Arc<Entry<Instance>>, Ec2Error> {
    ids::check_instance_id(id)?;
    txn.read(|a| &a.instances, id).ok_or_else(|| Ec2Error::no_instance(&[id]))
}

/// All of these instances, in the order asked for; each once.
pub(crate) fn find_all(txn: &mut Txn, ids: &[String]) -> Result<Vec<Arc<Entry<Instance>>>, Ec2Error> {
    ids.iter().try_for_each(|id| ids::check_instance_id(id))?;
    let mut seen = HashSet::new();
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for id in ids.iter().filter(|id| seen.insert(id.as_str())) {
        match txn.read(|a| &a.instances, id) {
            Some(instance) => found.push(instance),
            None => absent.push(id.as_str()),
        }
    }
    if absent.is_empty() { Ok(found) } else { Err(Ec2Error::no_instance(&absent)) }
}

/// The instances that are asked for, in the order of their launches.
fn selected(
    txn: &Txn,
    env: &Env<'_>,
    wanted: &[String],
    filters: &[wire::Filter],
) -> Result<Vec<Arc<Instance>>, Ec2Error> {
    wanted.iter().try_for_each(|id| ids::check_instance_id(id))?;
    let account = account(txn)?;
    let absent: Vec<&str> =
        wanted.iter().map(String::as_str).filter(|id| account.instances.get(id).is_none()).collect();
    if !absent.is_empty() {
        return Err(Ec2Error::no_instance(&absent));
    }
    let mut kept = Vec::new();
    for instance in account.instances.iter() {
        let asked_for = wanted.is_empty() || wanted.iter().any(|id| id == instance.id.as_str());
        if asked_for && holds(filters, &Shown { env, instance })? {
            kept.push(instance.value.clone());
        }
    }
    kept.sort_by_key(|instance| order(instance));
    Ok(kept)
}

/// The order in which instances are shown: reservations stay together.
fn order(instance: &Instance) -> String {
    format!("{:020}/{}/{:08}", instance.launched.0, instance.reservation, instance.launch_index)
}

fn refuse_ids_with_pages(ids: &[String], max_results: Option<i32>) -> Result<(), Ec2Error> {
    if ids.is_empty() || max_results.is_none() {
        return Ok(());
    }
    let words = "The parameter instancesSet cannot be used with the parameter maxResults";
    Err(Ec2Error::client("InvalidParameterCombination", words))
}

pub(crate) fn describe_instances(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeInstancesRequest,
) -> Result<wire::DescribeInstancesResult, Ec2Error> {
    let wire::DescribeInstancesRequest {
        instance_ids,
        include_managed_resources: _,
        dry_run: _,
        filters,
        next_token,
        max_results,
    } = request;
    refuse_ids_with_pages(instance_ids, *max_results)?;
    let all = selected(txn, env, instance_ids, filters)?;
    let page = paging::take(all, *max_results, next_token.as_deref(), 5, |instance| order(instance))?;
    let together = page.items.chunk_by(|a, b| a.reservation == b.reservation);
    Ok(wire::DescribeInstancesResult {
        next_token: page.next_token,
        reservations: together.map(|instances| reservation(env, instances)).collect(),
    })
}

pub(crate) fn describe_instance_status(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeInstanceStatusRequest,
) -> Result<wire::DescribeInstanceStatusResult, Ec2Error> {
    let wire::DescribeInstanceStatusRequest {
        instance_ids,
        max_results,
        next_token,
        include_managed_resources: _,
        dry_run: _,
        filters,
        include_all_instances,
    } = request;
    refuse_ids_with_pages(instance_ids, *max_results)?;
    let mut all = selected(txn, env, instance_ids, filters)?;
    if *include_all_instances != Some(true) {
        all.retain(|instance| instance.state == InstanceState::Running);
    }
    let page = paging::take(all, *max_results, next_token.as_deref(), 5, |instance| order(instance))?;
    let instance_statuses = page.items.iter().map(|instance| status(env, instance)).collect();
    Ok(wire::DescribeInstanceStatusResult { instance_statuses, next_token: page.next_token })
}

fn status(env: &Env<'_>, instance: &Instance) -> wire::InstanceStatus {
    let running = instance.state == InstanceState::Running;
    let summary = || {
        let passed = wire::InstanceStatusDetails {
            name: Some("reachability".into()),
            status: Some("passed".into()),
            ..Default::default()
        };
        Some(wire::InstanceStatusSummary {
            details: if running { vec![passed] } else { Vec::new() },
            status: Some(if running { "ok" } else { "not-applicable" }.into()),
        })
    };
    let places = env.places();
    wire::InstanceStatus {
        availability_zone: Some(places.zone),
        availability_zone_id: Some(places.zone_id),
        instance_id: Some(instance.id.to_string()),
        instance_state: views::state(instance.state),
        instance_status: summary(),
        system_status: summary(),
        ..Default::default()
    }
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
            let words = format!("The volume '{id}' does not exist.");
            return Err(Ec2Error::client("InvalidVolume.NotFound", words));
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

/// The one disk of an instance. Its size is that of an image of AWS's; nothing bounds it here.
fn volume<'a>(env: &Env<'_>, instance: &Instance) -> Fixed<'a, wire::Volume> {
    let (id, places) = (views::volume_id(instance.id.as_str()), env.places());
    let pairs = vec![
        ("volume-id", id.clone()),
        ("attachment.instance-id", instance.id.to_string()),
        ("attachment.device", views::ROOT_DEVICE.to_owned()),
        ("attachment.status", "attached".to_owned()),
        ("attachment.delete-on-termination", "true".to_owned()),
        ("status", "in-use".to_owned()),
        ("availability-zone", places.zone.clone()),
        ("volume-type", "gp3".to_owned()),
        ("encrypted", "false".to_owned()),
    ];
    let attachment = wire::VolumeAttachment {
        delete_on_termination: Some(true),
        volume_id: Some(id.clone()),
        instance_id: Some(instance.id.to_string()),
        device: Some(views::ROOT_DEVICE.into()),
        state: Some("attached".into()),
        attach_time: views::time(instance.launched),
        ..Default::default()
    };
    let volume = wire::Volume {
        iops: Some(3_000),
        volume_type: Some("gp3".into()),
        multi_attach_enabled: Some(false),
        throughput: Some(125),
        volume_id: Some(id),
        size: Some(8),
        snapshot_id: Some(String::new()),
        availability_zone: Some(places.zone),
        availability_zone_id: Some(places.zone_id),
        state: Some("in-use".into()),
        create_time: views::time(instance.launched),
        attachments: vec![attachment],
        encrypted: Some(false),
        ..Default::default()
    };
    Fixed::new(volume, pairs)
}

pub(crate) fn describe_instance_credit_specifications(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DescribeInstanceCreditSpecificationsRequest,
) -> Result<wire::DescribeInstanceCreditSpecificationsResult, Ec2Error> {
    let wire::DescribeInstanceCreditSpecificationsRequest { instance_ids, .. } = request;
    let instance_credit_specifications = find_all(txn, instance_ids)?
        .iter()
        .filter(|instance| instance.instance_type.starts_with('t'))
        .map(|instance| wire::InstanceCreditSpecification {
            instance_id: Some(instance.id.to_string()),
            cpu_credits: Some(
                if instance.instance_type.starts_with("t2.") { "standard" } else { "unlimited" }.into(),
            ),
        })
        .collect();
    Ok(wire::DescribeInstanceCreditSpecificationsResult { instance_credit_specifications, next_token: None })
}
