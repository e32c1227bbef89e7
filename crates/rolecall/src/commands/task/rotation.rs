//! The master key: which one is in use, and the way to another.

use std::path::Path;

use rolecall_state::sealing::{self, Sealing, SealingError};
use rolecall_state::{Entropy, KeyId, Timestamp};
use serde_json::json;

use super::{Place, TaskError};
use crate::commands::serve::{KeySource, add_key, leave_key};

/// Tells which key is in use, which are known here, and how much is sealed under each. JSON, which the
/// command makes a table of.
pub(super) async fn status(place: &Place) -> Result<String, TaskError> {
    let sealing = in_use(place).await?;
    let census = sealing::census(&*place.store).await?;
    let known = place.state.master().known();
    let mut ids: Vec<KeyId> = known.iter().chain(census.keys()).copied().collect();
    ids.sort();
    ids.dedup();
    let keys = ids.iter().map(|id| {
        json!({"id": id, "inUse": *id == sealing.key, "known": known.contains(id),
            "values": census.get(id).copied().unwrap_or(0)})
    });
    let (source, finished) = (place.source.name(), sealing.former.is_empty());
    Ok(json!({"source": source, "finished": finished, "keys": keys.collect::<Vec<_>>()}).to_string())
}

/// Seals everything under another key. Where the key is in a file of this one server's, a new one is made, and the former goes
/// when nothing needs it any more.
pub(super) async fn rotate(
    place: &Place,
    to: Option<KeyId>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<String, TaskError> {
    let to = match to {
        Some(to) => to,
        None => next_key(place, entropy).await?,
    };
    place.state.master().learn(&place.source.read(false, entropy)?);
    let rotated = sealing::rotate(&*place.store, place.state.master(), to, now, entropy).await?;
    let (values, source) = (rotated.values, place.source.name());
    let Some(file) = own_file(place) else {
        return Ok(format!(
            "{values} values were sealed anew under the master key {to}; take the former key out of {source} on every node"
        ));
    };
    leave_key(file, to)?;
    Ok(format!(
        "{values} values were sealed anew; {source} holds the master key {to} alone. \
         Backups from before open with the former key only: make a new one"
    ))
}

/// The key file, where it is this one server's alone.
fn own_file(place: &Place) -> Option<&Path> {
    match &place.source {
        KeySource::File(path) if place.settings.text("store") == "embedded" => Some(path),
        _ => None,
    }
}

/// The key that comes after the one in use. In a file of one's own it is made where there is none.
async fn next_key(place: &Place, entropy: &dyn Entropy) -> Result<KeyId, TaskError> {
    let sealing = in_use(place).await?;
    if !sealing.former.is_empty() {
        // One that was broken off goes on.
        return Ok(sealing.key);
    }
    // Those before the one in use are former keys, that a rotation which was cut short has left.
    let known = place.source.read(false, entropy)?.known();
    let behind = known.rsplit(|id| *id == sealing.key).next().unwrap_or_default();
    let name = place.source.name();
    match (behind, own_file(place)) {
        ([one], _) => Ok(*one),
        ([], Some(file)) => Ok(add_key(file, entropy)?),
        ([], None) => Err(TaskError::Refused(format!(
            "{name} has no master key behind the one that is in use: make one by `rolecall master-key new`, \
             add it behind the first on every node, and run this again"
        ))),
        _ => Err(TaskError::Refused(format!(
            "{name} has several keys behind the one in use: say which by --to"
        ))),
    }
}

async fn in_use(place: &Place) -> Result<Sealing, TaskError> {
    let (_, sealing) = sealing::sealing(&*place.store).await?.ok_or(SealingError::Unused)?;
    Ok(sealing)
}
