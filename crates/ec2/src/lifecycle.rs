//! Starting, stopping, rebooting and terminating.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>

use std::sync::Arc;

use rolecall_aws_model::ec2 as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{Instance, InstanceState as State, StateReason};
use rolecall_state::snapshot::Entry;

use crate::env::Env;
use crate::error::Ec2Error;
use crate::instances::find_all;
use crate::views;

/// What an operation makes of an instance.
enum Next {
    /// It comes to this state, for this reason.
    Becomes(State, Option<StateReason>),
    /// It is what was asked for already.
    Stays,
}

fn user_initiated() -> Option<StateReason> {
    Some(StateReason {
        code: "Client.UserInitiatedShutdown".into(),
        message: "Client.UserInitiatedShutdown: User initiated shutdown".into(),
    })
}

/// Changes all, or none when one can't be.
fn change(
    txn: &mut Txn,
    env: &Env<'_>,
    ids: &[String],
    next: impl Fn(&Instance) -> Result<Next, Ec2Error>,
) -> Result<Vec<wire::InstanceStateChange>, Ec2Error> {
    let found = find_all(txn, ids)?;
    let decided: Vec<(Arc<Entry<Instance>>, Next)> = found
        .into_iter()
        .map(|instance| Ok((instance.clone(), next(&instance)?)))
        .collect::<Result<_, Ec2Error>>()?;
    let mut changes = Vec::with_capacity(decided.len());
    for (before, next) in decided {
        let mut after = Instance::clone(&before);
        if let Next::Becomes(state, reason) = next {
            if state == State::Pending {
                after.launched = env.now;
            }
            (after.state, after.reason, after.changed) = (state, reason, env.now);
            txn.put(&after);
        }
        changes.push(wire::InstanceStateChange {
            instance_id: Some(before.id.to_string()),
            current_state: views::state(after.state),
            previous_state: views::state(before.state),
        });
    }
    Ok(changes)
}

fn incorrect(instance: &Instance, what: &str) -> Ec2Error {
    let words = format!("The instance '{}' is not in a state from which it can be {what}.", instance.id);
    Ec2Error::client("IncorrectInstanceState", words)
}

fn protected(instance: &Instance, what: &str, attribute: &str) -> Ec2Error {
    let words = format!(
        "The instance '{}' may not be {what}. Modify its '{attribute}' instance attribute and try again.",
        instance.id
    );
    Ec2Error::client("OperationNotPermitted", words)
}

pub(crate) fn start_instances(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::StartInstancesRequest,
) -> Result<wire::StartInstancesResult, Ec2Error> {
    let wire::StartInstancesRequest { instance_ids, additional_info: _, dry_run: _ } = request;
    let starting_instances = change(txn, env, instance_ids, |instance| match instance.state {
        State::Stopped => Ok(Next::Becomes(
            State::Pending,
            Some(StateReason { code: "pending".into(), message: "pending".into() }),
        )),
        State::Pending | State::Running => Ok(Next::Stays),
        State::Stopping | State::ShuttingDown | State::Terminated => Err(incorrect(instance, "started")),
    })?;
    Ok(wire::StartInstancesResult { starting_instances })
}

pub(crate) fn stop_instances(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::StopInstancesRequest,
) -> Result<wire::StopInstancesResult, Ec2Error> {
    let wire::StopInstancesRequest { instance_ids, hibernate, skip_os_shutdown: _, dry_run: _, force: _ } =
        request;
    if *hibernate == Some(true) {
        let words = "The instance does not support hibernation because it was not configured for it when it was launched.";
        return Err(Ec2Error::client("UnsupportedHibernationConfiguration", words));
    }
    let stopping_instances = change(txn, env, instance_ids, |instance| match instance.state {
        State::Pending | State::Running if instance.stop_protected => {
            Err(protected(instance, "stopped", "disableApiStop"))
        }
        State::Pending | State::Running => Ok(Next::Becomes(State::Stopping, user_initiated())),
        State::Stopping | State::Stopped => Ok(Next::Stays),
        State::ShuttingDown | State::Terminated => Err(incorrect(instance, "stopped")),
    })?;
    Ok(wire::StopInstancesResult { stopping_instances })
}

pub(crate) fn terminate_instances(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TerminateInstancesRequest,
) -> Result<wire::TerminateInstancesResult, Ec2Error> {
    let wire::TerminateInstancesRequest { instance_ids, force: _, skip_os_shutdown: _, dry_run: _ } = request;
    let terminating_instances = change(txn, env, instance_ids, |instance| match instance.state {
        State::ShuttingDown | State::Terminated => Ok(Next::Stays),
        _ if instance.termination_protected => {
            Err(protected(instance, "terminated", "disableApiTermination"))
        }
        _ => Ok(Next::Becomes(State::ShuttingDown, user_initiated())),
    })?;
    Ok(wire::TerminateInstancesResult { terminating_instances })
}

pub(crate) fn reboot_instances(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::RebootInstancesRequest,
) -> Result<wire::RebootInstancesResponse, Ec2Error> {
    let wire::RebootInstancesRequest { instance_ids, dry_run: _ } = request;
    let found = find_all(txn, instance_ids)?;
    if let Some(instance) =
        found.iter().find(|instance| !matches!(instance.state, State::Running | State::Pending))
    {
        return Err(incorrect(instance, "rebooted"));
    }
    for instance in found {
        let mut after = Instance::clone(&instance);
        after.reboots = after.reboots.wrapping_add(1);
        txn.put(&after);
    }
    Ok(wire::RebootInstancesResponse {})
}
