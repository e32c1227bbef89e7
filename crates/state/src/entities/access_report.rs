//! Reports of what was last accessed: who asked for one, and about what.

use serde::{Deserialize, Serialize};

use super::{Format, NameKey, Packed};
use crate::ids::UniqueId;
use crate::time::Timestamp;

/// A report of what was last accessed, for whoever asked for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessReport {
    /// The stored form.
    pub v: Format,
    /// The job's id: a UUID.
    pub id: UniqueId,
    /// The user or role that asked; the root user goes by its account's id.
    pub asked_by: String,
    /// When.
    pub created: Timestamp,
    /// What it is about.
    pub about: AccessReportSubject,
    /// What it says: it was made when it was asked for. None when there is more to say than is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Packed>,
}

/// What a report is about.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessReportSubject {
    /// A user, group, role or managed policy.
    Resource {
        /// Its ARN.
        arn: String,
        /// Whether actions are told of, too.
        actions: bool,
    },
    /// A part of an organization.
    Organization {
        /// `o-…/r-…/ou-…/111122223333`, from the organization down.
        path: String,
        /// The service control policy by which services are left out, if one was named.
        policy: Option<String>,
    },
}

impl AccessReport {
    /// The key under which the report is found.
    pub fn key(&self) -> NameKey {
        NameKey::of(self.id.as_str())
    }
}
