//! Showing instances, and what is fixed about them.

use std::collections::HashSet;
use std::sync::Arc;

use rolecall_aws_model::ec2 as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{Instance, InstanceState};
use rolecall_state::snapshot::Entry;

use crate::env::{Env, account};
use crate::error::Ec2Error;
use crate::filters::holds;
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
            cpu_credits: Some(instance.cpu_credits.clone().unwrap_or_else(|| {
                if instance.instance_type.starts_with("t2.") { "standard" } else { "unlimited" }.into()
            })),
        })
        .collect();
    Ok(wire::DescribeInstanceCreditSpecificationsResult { instance_credit_specifications, next_token: None })
}
