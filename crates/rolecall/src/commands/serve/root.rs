//! A new access key for the root user. The new credentials are kept before they count, so that a rotation that is
//! cut short leaves credentials that work: the next start, or the next rotation, sees which ones do.

use std::path::Path;

use rolecall_state::snapshot::{KeyOwner, Snapshot};
use rolecall_state::{AccessKeyId, AccountId, Entropy, StateError, Timestamp, access_keys};
use zeroize::Zeroizing;

use super::files::{self, RootCredentials};
use crate::commands::task::{Place, TaskError};

/// Replaces the root user's access keys by a new one, and the file with them.
pub(crate) async fn rotate(
    place: &Place,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<String, TaskError> {
    settle(&place.data, &place.state.snapshot())?;
    let account = account(place)?;
    let id = AccessKeyId::long_term(account, entropy);
    let secret = Zeroizing::new(access_keys::random_secret(entropy));
    let new = RootCredentials { access_key_id: id.to_string(), secret_access_key: secret };
    files::write_next_root_credentials(&place.data, &new)?;
    let former = place
        .state
        .write(account, |txn| {
            let record = txn.read_record();
            let mut record =
                rolecall_state::entities::AccountRecord::clone(&*record.ok_or(StateError::Stale)?);
            let (key, _) =
                access_keys::import(id.clone(), &new.secret_access_key, txn.master(), now, entropy);
            let former = std::mem::replace(&mut record.root.access_keys, vec![key]);
            former.iter().for_each(|key| txn.forget_last_use(key.id.as_str()));
            txn.put_record(&record);
            Ok::<_, StateError>(former.len())
        })
        .await?;
    settle(&place.data, &place.state.snapshot())?;
    let file = place.data.join(files::ROOT_CREDENTIALS);
    Ok(format!(
        "account {account}: {former} access keys of the root user ended; the new one, {}, is in {}",
        id.as_str(),
        file.display()
    ))
}

/// Whose root user: the one whose key the data directory has, else the first account's.
fn account(place: &Place) -> Result<AccountId, TaskError> {
    let snapshot = place.state.snapshot();
    let kept = files::read_root_credentials(&place.data)?;
    let owner = kept.and_then(|root| match snapshot.access_key(&root.access_key_id)?.owner {
        KeyOwner::Root(account) => Some(account),
        KeyOwner::User(..) => None,
    });
    let named = place.settings.get("account").map_err(|cause| TaskError::Refused(cause.to_string()))?;
    let account = owner.unwrap_or(named);
    match snapshot.account(account) {
        Some(_) => Ok(account),
        None => Err(TaskError::Refused(format!("there is no account {account}; say which by --account"))),
    }
}

/// What a rotation that was cut short has left: the new credentials take their place if they count, else they go.
pub(super) fn settle(data: &Path, snapshot: &Snapshot) -> Result<(), files::FileError> {
    let Some(next) = files::read_next_root_credentials(data)? else { return Ok(()) };
    let counts = snapshot.access_key(&next.access_key_id).is_some();
    files::settle_root_credentials(data, counts)
}
