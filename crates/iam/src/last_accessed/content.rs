//! What a report says, in the form in which it is kept.

use rolecall_state::Timestamp;
use rolecall_state::entities::Packed;
use serde::{Deserialize, Serialize};

use crate::error::IamError;

/// The largest report that is kept, packed; etcd takes values of a megabyte and a half.
const MAX_PACKED: usize = 1024 * 1024;

/// A report of what was last accessed.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Content {
    /// Whose accesses count: users and roles, or an organization's accounts.
    pub(super) entities: Vec<Entity>,
    /// The services that are granted, in the order of their prefixes.
    pub(super) services: Vec<Service>,
}

/// A user or role whose accesses count, or an account of an organization.
#[derive(Serialize, Deserialize)]
pub(super) struct Entity {
    /// `USER`, `ROLE` or `ACCOUNT`.
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) id: String,
    /// Of a user or role in its account, of an account in its organization.
    pub(super) path: String,
    /// Empty for an account.
    pub(super) arn: String,
}

/// A service that is granted.
#[derive(Serialize, Deserialize)]
pub(super) struct Service {
    pub(super) prefix: String,
    pub(super) name: String,
    /// By whom it was accessed, the latest first.
    pub(super) accesses: Vec<Access>,
    /// Its actions, where they are told of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) actions: Vec<Action>,
}

/// An action that is granted.
#[derive(Serialize, Deserialize)]
pub(super) struct Action {
    pub(super) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<Access>,
}

/// The last access of somebody.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Access {
    /// Their place among the entities.
    pub(super) by: usize,
    pub(super) at: Timestamp,
    pub(super) region: String,
}

impl Content {
    /// Whoever accessed something.
    pub(super) fn entity(&self, access: &Access) -> Option<&Entity> {
        self.entities.get(access.by)
    }

    /// The form in which it is kept; none when it is too large to be.
    pub(super) fn pack(&self) -> Result<Option<Packed>, IamError> {
        let text = serde_json::to_vec(self).map_err(|cause| IamError::Failure(cause.to_string()))?;
        Ok(Some(Packed::pack(&text)).filter(|packed| packed.size() <= MAX_PACKED))
    }

    /// What was kept.
    pub(super) fn unpack(packed: &Packed) -> Result<Self, IamError> {
        let unreadable = || IamError::Failure("the report can't be read".into());
        serde_json::from_slice(&packed.unpack().ok_or_else(unreadable)?).map_err(|_| unreadable())
    }
}
