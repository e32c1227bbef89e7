//! The master key: which one is in use, and the way to another.

use rolecall_state::sealing::{self, Sealing, SealingError};
use rolecall_state::{Entropy, KeyId, MasterKey, Timestamp};
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
    let given = place.source.read(false, entropy)?;
    place.state.master().learn(&given);
    let sealing = in_use(place).await?;
    let is_alone = place.settings.text("store") == "embedded";
    let (to, is_ours) = match (to, &place.source) {
        (Some(to), _) => (to, is_alone),
        // One that was broken off goes on.
        (None, _) if !sealing.former.is_empty() => (sealing.key, is_alone),
        (None, KeySource::File(path)) if is_alone && given.known() == [sealing.key] => {
            let new = add_key(path, entropy)?;
            place.state.master().learn(&place.source.read(false, entropy)?);
            (new, true)
        }
        (None, _) => (the_other(&given, &sealing, &place.source)?, is_alone),
    };
    let rotated = sealing::rotate(&*place.store, place.state.master(), to, now, entropy).await?;
    let values = rotated.values;
    match &place.source {
        KeySource::File(path) if is_ours => {
            leave_key(path, to)?;
            Ok(format!(
                "{values} values were sealed anew; {} holds the master key {to} alone",
                place.source.name()
            ))
        }
        _ => Ok(format!(
            "{values} values were sealed anew under the master key {to}; take the former key out of {} on every node",
            place.source.name()
        )),
    }
}

/// The one key besides the one in use.
fn the_other(given: &MasterKey, sealing: &Sealing, source: &KeySource) -> Result<KeyId, TaskError> {
    let others: Vec<KeyId> = given.known().into_iter().filter(|id| *id != sealing.key).collect();
    let name = source.name();
    match others[..] {
        [one] => Ok(one),
        [] => Err(TaskError::Refused(format!(
            "{name} has the master key that is in use and no other: make one by `rolecall master-key new`, \
             add it behind the first on every node, and run this again"
        ))),
        _ => Err(TaskError::Refused(format!(
            "{name} has several keys besides the one in use: say which by --to"
        ))),
    }
}

async fn in_use(place: &Place) -> Result<Sealing, TaskError> {
    let (_, sealing) = sealing::sealing(&*place.store).await?.ok_or(SealingError::Unused)?;
    Ok(sealing)
}
