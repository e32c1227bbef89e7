//! Temporary delegation: a product provider asks for permissions in a customer's account for a while, and someone
//! there passes them on.
//!
//! AWS registers providers and their policy templates by hand, and publishes none; here the operator declares them.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-temporary-delegation.html>

mod check;
mod create;
mod demands;
mod guidelines;
mod json;
mod lifecycle;
mod list;
mod summary;
mod template;
mod views;

use std::sync::Arc;

use rolecall_state::AccountId;
use rolecall_state::Txn;
use rolecall_state::entities::{DelegationRequest, DelegationState};
use rolecall_state::snapshot::StoredDelegation;

pub(crate) use create::create_delegation_request;
pub(crate) use demands::demand;
pub(crate) use lifecycle::{
    accept_delegation_request, associate_delegation_request, reject_delegation_request,
    send_delegation_token, update_delegation_request,
};
pub(crate) use list::{get_delegation_request, list_delegation_requests};
pub(crate) use summary::get_human_readable_summary;
pub use template::{PolicyTemplate, RenderError, TemplateError};
pub(crate) use template::{fill_document, fill_text};

use crate::env::Env;
use crate::error::IamError;

/// A product provider that was declared.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The account that makes its requests.
    pub account: AccountId,
    /// Its name, for people.
    pub name: String,
    /// Its policy templates.
    pub templates: Vec<PolicyTemplate>,
}

/// The product providers that may make requests.
#[derive(Clone, Debug, Default)]
pub struct Providers(Vec<Provider>);

impl Providers {
    /// These providers; of several with one account the first counts.
    pub fn new(providers: Vec<Provider>) -> Self {
        Self(providers)
    }

    fn of(&self, account: AccountId) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.account == account)
    }
}

// FIDELITY: AWS's words are not documented.
fn absent(id: &str) -> IamError {
    IamError::NoSuchEntity(format!("The delegation request with id {id} cannot be found."))
}

/// Whether an account may know of a request: its customer's may, and any while it has none.
fn is_visible(request: &DelegationRequest, account: AccountId) -> bool {
    request.owner_account.is_none_or(|owner| owner == account)
}

/// The request that a caller asks about, on which the transaction then depends.
fn find(txn: &mut Txn, env: &Env<'_>, id: &str) -> Result<Arc<StoredDelegation>, IamError> {
    let found = txn.read_delegation(id).filter(|request| is_visible(request, env.account()));
    found.filter(|request| env.now < request.kept_until()).ok_or_else(|| absent(id))
}

/// Refuses what is not for a request in this state.
/// FIDELITY: AWS documents which states follow which, and no message for the others.
fn require(request: &DelegationRequest, env: &Env<'_>, wanted: &[DelegationState]) -> Result<(), IamError> {
    let state = request.state(env.now);
    match wanted.contains(&state) {
        true => Ok(()),
        false => {
            let id = &request.id;
            Err(IamError::InvalidInput(format!(
                "The delegation request {id} is in the state {}.",
                state.as_str()
            )))
        }
    }
}
