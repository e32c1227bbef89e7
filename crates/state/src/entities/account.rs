//! An account and its root user.

use serde::{Deserialize, Serialize};

use super::{AccessKey, Format, LoginProfile, OutboundFederation, PasswordPolicy};
use crate::ids::AccountId;
use crate::time::Timestamp;

/// An account: the unit of isolation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccountRecord {
    /// The stored form.
    pub v: Format,
    /// Its id.
    pub id: AccountId,
    /// Its name, for people.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// The address of its owner: no two accounts have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// When it was closed: nobody gets into a closed account, and nothing in it can be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Timestamp>,
    /// The account's alias, if it has one: unique over all accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// What the account asks of its users' passwords, where it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_policy: Option<PasswordPolicy>,
    /// The version of the tokens that STS's global endpoint gives it (1 or 2), where it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_endpoint_token_version: Option<u8>,
    /// Whether its role manager is turned on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub role_manager: bool,
    /// What it signs tokens for others with, once it was asked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound: Option<OutboundFederation>,
    /// The root user's credentials.
    pub root: RootUser,
}

impl AccountRecord {
    /// An account of which nothing is set yet.
    pub fn new(id: AccountId, name: String, created: Timestamp) -> Self {
        Self {
            v: Format,
            id,
            name,
            created,
            email: None,
            closed: None,
            alias: None,
            password_policy: None,
            global_endpoint_token_version: None,
            role_manager: false,
            outbound: None,
            root: RootUser::default(),
        }
    }
}

/// The root user of an account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RootUser {
    /// At most two, as for users.
    #[serde(default)]
    pub access_keys: Vec<AccessKey>,
    /// The root user's console password, where one was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_profile: Option<LoginProfile>,
}
