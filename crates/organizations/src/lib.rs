//! AWS Organizations: accounts, the tree they stand in, and the policies over it.
//!
//! [`demands`] says what an operation needs permission for, and refuses who may not call it at all;
//! [`handle`] carries it out on a transaction, and takes nothing that was not authorized.

mod account_creation;
mod accounts;
mod attachments;
mod creations;
mod delegation;
mod demands;
mod dispatch;
mod documents;
mod effective;
mod entitlement;
mod env;
mod error;
mod features;
mod handshakes;
mod moves;
mod organization;
mod paging;
mod policies;
mod policy_types;
mod quotas;
mod resource_policy;
mod tags;
mod targets;
mod trusted_services;
mod units;
mod validation;
mod validity;
mod views;

pub use account_creation::{NewAccount, email_of, is_email_taken, new_account};
pub use demands::demands;
pub use dispatch::{handle, is_handled};
pub use env::Env;
pub use error::OrganizationsError;
pub use quotas::Quotas;
pub use validation::refusal;
