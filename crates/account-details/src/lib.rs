//! An account's authorization details, as `GetAccountAuthorizationDetails` tells them of a real account, read into
//! entities of the same names, ids and dates, or written as Terraform.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html>

mod answer;
mod file;
mod hcl;
mod json;
mod read;
mod terraform;
mod write;

pub use answer::{NoAnswer, Pages};
pub use json::Json;
pub use terraform::terraform;

use rolecall_state::entities::{Group, InstanceProfile, ManagedPolicy, Role, User};
use rolecall_state::{AccountId, Partition};

/// What is in an account, ready to be written.
#[derive(Debug)]
pub struct Details {
    /// The account that the ARNs name.
    pub account: AccountId,
    /// The partition that they are of.
    pub partition: Partition,
    /// Users, without credentials.
    pub users: Vec<User>,
    /// Groups.
    pub groups: Vec<Group>,
    /// Roles.
    pub roles: Vec<Role>,
    /// Customer managed policies.
    pub policies: Vec<ManagedPolicy>,
    /// The instance profiles that hold a role; others are not told of.
    pub instance_profiles: Vec<InstanceProfile>,
    /// What could not be taken over, a line each: AWS managed policies that are not known here.
    pub left_out: Vec<String>,
}

impl Details {
    /// Details of an account that has nothing.
    #[must_use]
    pub fn empty(account: AccountId, partition: Partition) -> Self {
        Self {
            account,
            partition,
            users: Vec::new(),
            groups: Vec::new(),
            roles: Vec::new(),
            policies: Vec::new(),
            instance_profiles: Vec::new(),
            left_out: Vec::new(),
        }
    }
}

/// Why details can't be read.
#[derive(Debug, thiserror::Error)]
pub enum DetailsError {
    /// The text is not what the operation answers with.
    #[error("it is no answer of GetAccountAuthorizationDetails: {0}")]
    Form(#[from] serde_json::Error),
    /// There is nothing in it.
    #[error("there is nothing in it")]
    Empty,
    /// Something in it is no good.
    #[error("{what}: {cause}")]
    Entity {
        /// Its ARN.
        what: String,
        /// What is wrong.
        cause: String,
    },
    /// It is of several accounts.
    #[error("{what} is not of the account {account}")]
    OtherAccount {
        /// An ARN.
        what: String,
        /// The account of those before it.
        account: AccountId,
    },
}
