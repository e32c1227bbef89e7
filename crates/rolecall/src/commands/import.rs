//! `rolecall import`: a real account's authorization details, taken into a data directory of their own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rolecall_account_details::{Details, DetailsError};
use rolecall_state::snapshot::Account;
use rolecall_state::{AccountId, State, StateError, arrival};
use rolecall_store::StoreError;

use super::Failure;
use super::serve::{ServeError, first_account, made_place};
use super::task::Place;
use crate::settings::Settings;

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    /// The file can't be read.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is no good.
    #[error("{path}: {cause}; nothing was imported")]
    Details {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: DetailsError,
    },
    /// The store can't be opened.
    #[error(transparent)]
    Open(#[from] Box<ServeError>),
    /// There are other accounts in the store.
    #[error("the store is in use for other accounts; give a new one by --data")]
    OtherAccount,
    /// There is something in the account already.
    #[error("the account {0} is not empty; give a new data directory by --data")]
    InUse(AccountId),
    /// The account is there, and what is to come into it is more than lands at once.
    #[error(
        "the account {0} is there already, though empty, and so much comes into a new one only; give a new data directory by --data"
    )]
    TooMuch(AccountId),
    /// The state can't be written.
    #[error("the state can't be written: {0}")]
    State(#[from] StateError),
}

/// Imports a file.
pub(crate) fn run(settings: &Settings, path: &Path) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Runtime::new();
    let runtime = runtime.map_err(|cause| Failure::Environment(format!("no runtime: {cause}")))?;
    let details =
        runtime.block_on(import(settings, path)).map_err(|cause| Failure::Environment(cause.to_string()))?;
    super::print(summary(settings, &details))
}

async fn import(settings: &Settings, path: &Path) -> Result<Details, ImportError> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|cause| ImportError::File { path: path.to_owned(), cause })?;
    // Everything is read before anything is made.
    let details =
        Details::parse(&text).map_err(|cause| ImportError::Details { path: path.to_owned(), cause })?;
    let place = made_place(settings).await.map_err(Box::new)?;
    let snapshot = place.state.snapshot();
    let written = match (snapshot.account(details.account), snapshot.accounts().next()) {
        (Some(_), _) => write(&place.state, &details).await,
        (None, Some(_)) => Err(ImportError::OtherAccount),
        (None, None) => bring(&place, &details).await,
    };
    place.store.close().await;
    written.map(|()| details)
}

/// Into a store without accounts: all of it, and then the account.
async fn bring(place: &Place, details: &Details) -> Result<(), ImportError> {
    let arrival = arrival::bring(&place.state, details.account, |txn| details.write(txn)).await?;
    let first = first_account(&place.state, &place.data, details.account, Some(&arrival)).await;
    match first.map_err(Box::new)? {
        true => Ok(()),
        false => Err(ImportError::OtherAccount),
    }
}

/// Into an account that is there, and empty.
async fn write(state: &State, details: &Details) -> Result<(), ImportError> {
    let written = state.write(details.account, |txn| {
        let account = txn.account().ok_or(ImportError::OtherAccount)?;
        if !is_empty(account) {
            return Err(ImportError::InUse(details.account));
        }
        // Whoever else writes to the account meanwhile comes before or after.
        txn.read_record();
        details.write(txn);
        Ok(())
    });
    match written.await {
        Err(ImportError::State(StateError::Store(StoreError::TooLarge { .. }))) => {
            Err(ImportError::TooMuch(details.account))
        }
        written => written,
    }
}

fn is_empty(account: &Account) -> bool {
    account.users.is_empty()
        && account.groups.is_empty()
        && account.roles.is_empty()
        && account.policies.is_empty()
        && account.instance_profiles.is_empty()
}

fn summary(settings: &Settings, details: &Details) -> String {
    let Details { account, partition: _, users, groups, roles, policies, instance_profiles, left_out } =
        details;
    let mut text = format!(
        "account {account}: {} users, {} groups, {} roles, {} policies, {} instance profiles\n",
        users.len(),
        groups.len(),
        roles.len(),
        policies.len(),
        instance_profiles.len()
    );
    for line in left_out {
        text.push_str(&format!("left out: {line}\n"));
    }
    let data = settings.text("data");
    text.push_str(&format!(
        "serve it:  rolecall serve --data {data}\nask it:    eval \"$(rolecall env --data {data})\"\n"
    ));
    text
}
