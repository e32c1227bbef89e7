//! What became of instances, as whoever runs them saw it. Each is a small transaction of its own;
//! an observation that comes too late (the instance was asked for something else meanwhile) changes
//! nothing.

use rolecall_state::entities::{Instance, InstanceState as State, StateReason};
use rolecall_state::{Timestamp, Txn};

fn change(txn: &mut Txn, id: &str, to: impl FnOnce(&mut Instance) -> bool) {
    let Some(found) = txn.read(|a| &a.instances, id) else { return };
    let mut instance = Instance::clone(&found);
    if to(&mut instance) {
        txn.put(&instance);
    }
}

/// It runs.
pub fn running(txn: &mut Txn, id: &str, now: Timestamp) {
    change(txn, id, |instance| {
        let pending = instance.state == State::Pending;
        if pending {
            (instance.state, instance.reason, instance.changed) = (State::Running, None, now);
        }
        pending
    });
}

/// It was stopped as asked.
pub fn stopped(txn: &mut Txn, id: &str, now: Timestamp) {
    change(txn, id, |instance| {
        let stopping = instance.state == State::Stopping;
        if stopping {
            (instance.state, instance.changed) = (State::Stopped, now);
        }
        stopping
    });
}

/// It is gone, as asked, or because it could not be started: then `reason` says why.
pub fn terminated(txn: &mut Txn, id: &str, reason: Option<StateReason>, now: Timestamp) {
    change(txn, id, |instance| {
        let living = instance.state != State::Terminated;
        if living {
            (instance.state, instance.changed) = (State::Terminated, now);
            instance.reason = reason.or_else(|| instance.reason.take());
            (instance.profile, instance.user_data) = (None, None);
        }
        living
    });
}

/// It ended without being asked to, for this reason: what that makes of it is its own choice.
pub fn gone(txn: &mut Txn, id: &str, reason: StateReason, now: Timestamp) {
    change(txn, id, |instance| {
        let ran = matches!(instance.state, State::Pending | State::Running);
        if ran {
            let state = if instance.terminates_itself { State::ShuttingDown } else { State::Stopped };
            (instance.state, instance.reason, instance.changed) = (state, Some(reason), now);
        }
        ran
    });
}

/// It ended while nobody watched: it is stopped, whatever its own choice would have been.
pub fn lost(txn: &mut Txn, id: &str, now: Timestamp) {
    change(txn, id, |instance| {
        let ran = matches!(instance.state, State::Running);
        if ran {
            let message = "Server.InternalError: the instance ended while its server was away".to_owned();
            let reason = StateReason { code: "Server.InternalError".into(), message };
            (instance.state, instance.reason, instance.changed) = (State::Stopped, Some(reason), now);
        }
        ran
    });
}

/// Its record has been kept long enough.
pub fn forget(txn: &mut Txn, id: &str) {
    let Some(found) = txn.read(|a| &a.instances, id) else { return };
    if found.state == State::Terminated {
        txn.delete(&*found.value);
    }
}
