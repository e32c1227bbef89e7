//! IAM: the rules of each operation, and nothing of how requests come in.
//!
//! [`demands`] says what an operation needs permission for; [`handle`] carries it out on a
//! transaction, and takes nothing that was not authorized.

mod access_keys;
mod account;
mod account_properties;
mod attachments;
mod authorization_details;
mod boundaries;
mod credential_report;
pub mod delegation;
mod demands;
mod dispatch;
mod documents;
mod env;
mod error;
mod groups;
mod inline;
mod instance_profiles;
mod last_accessed;
mod login_profiles;
mod mfa;
mod oidc_providers;
mod outbound_federation;
mod paging;
mod password_policy;
mod policies;
mod policy_lists;
mod quotas;
pub mod role_templates;
mod roles;
mod root_access;
mod root_login_profile;
mod saml_providers;
mod server_certificates;
mod service_credentials;
mod service_linked_roles;
pub mod sign_in;
mod signing_certificates;
mod simulation;
mod ssh_keys;
mod tags;
mod users;
mod views;

pub use demands::demands;
pub use dispatch::{handle, is_handled, is_slow};
pub use env::Env;
pub use error::IamError;
pub use last_accessed::{ServiceAccess, access_by_service};
pub use outbound_federation::{rotate_token_keys, token_keys_are_due};
pub use quotas::Quotas;
