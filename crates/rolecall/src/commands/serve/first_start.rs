//! The first start: the account, its root user, and the first session key.

use std::path::Path;

use rolecall_iam::sign_in::root_password;
use rolecall_state::arrival::{self, Arrival};
use rolecall_state::entities::AccountRecord;
use rolecall_state::{AccessKeyId, AccountId, Entropy, State, StateError, Timestamp, access_keys};

use zeroize::Zeroizing;

use super::ServeError;
use super::files::{self, RootCredentials};

/// Root credentials that the environment gives, for the first start.
pub(super) struct GivenRoot {
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<String>,
    /// The password for the console; none is made where none is given.
    pub(super) password: Option<Zeroizing<String>>,
}

/// Makes the account, unless there is one already; says whether it did. It may have arrived before its record.
pub(super) async fn make_account(
    state: &State,
    data: &Path,
    account: AccountId,
    arrival: Option<&Arrival>,
    given: GivenRoot,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<bool, ServeError> {
    if state.snapshot().accounts().next().is_some() {
        return Ok(false);
    }
    if arrival.is_none() && arrival::is_begun(&**state.store()).await? {
        return Err(ServeError::HalfImported);
    }
    let mut record = AccountRecord::new(account, "root".to_owned(), now);
    if let Some(password) = &given.password {
        let checked = root_password(&record, password, entropy);
        checked.map_err(|cause| ServeError::RootPassword(cause.to_string()))?.keep(&mut record, now);
    }
    let root = root_credentials(data, account, given, entropy)?;
    // The credentials are kept before the account is made: a start that is cut short in between
    // finds them and goes on with them.
    files::write_root_credentials(data, &root)?;
    let first = state
        .write(account, |txn| {
            // Of several nodes that start at once, one makes the account.
            if txn.snapshot().accounts().next().is_some() {
                return Ok(false);
            }
            let id = AccessKeyId::from_presented(&root.access_key_id);
            let (key, _) = access_keys::import(id, &root.secret_access_key, txn.master(), now, entropy);
            record.root.access_keys = vec![key];
            txn.create_record(&record);
            arrival.into_iter().for_each(|arrival| txn.land(arrival));
            txn.rotate_key_ring(now, entropy);
            Ok::<_, StateError>(true)
        })
        .await?;
    if !first {
        files::forget_root_credentials(data)?;
    }
    Ok(first)
}

fn root_credentials(
    data: &Path,
    account: AccountId,
    given: GivenRoot,
    entropy: &dyn Entropy,
) -> Result<RootCredentials, ServeError> {
    match (given.access_key_id, given.secret_access_key) {
        (Some(access_key_id), Some(secret_access_key)) => {
            let secret_access_key = Zeroizing::new(secret_access_key);
            let good_id = (16..=128).contains(&access_key_id.len())
                && access_key_id.bytes().all(|b| b.is_ascii_alphanumeric());
            if !good_id || secret_access_key.is_empty() || secret_access_key.len() > 256 {
                return Err(ServeError::GivenRoot(
                    "the access key id takes 16 to 128 letters and digits, the secret 1 to 256 characters",
                ));
            }
            return Ok(RootCredentials { access_key_id, secret_access_key });
        }
        (None, None) => {}
        _ => {
            return Err(ServeError::GivenRoot(
                "ROLECALL_ROOT_ACCESS_KEY_ID and ROLECALL_ROOT_SECRET_ACCESS_KEY go together",
            ));
        }
    }
    if let Some(kept) = files::read_root_credentials(data)? {
        return Ok(kept);
    }
    Ok(RootCredentials {
        access_key_id: AccessKeyId::long_term(account, entropy).to_string(),
        secret_access_key: Zeroizing::new(access_keys::random_secret(entropy)),
    })
}
