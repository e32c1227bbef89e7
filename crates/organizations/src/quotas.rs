//! How many of everything there may be.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html>

use rolecall_state::entities::PolicyType;

/// How many of everything there may be.
#[derive(Clone, Debug)]
pub struct Quotas {
    /// Accounts in an organization, invited ones included. AWS begins with 10 and raises it on request
    /// to what stands here.
    pub accounts: usize,
    /// Organizational units in an organization.
    pub units: usize,
    /// How deep units may stand under the root.
    pub depth: usize,
    /// Service control policies in an organization.
    pub service_control_policies: usize,
    /// Policies of any other type in an organization.
    pub other_policies: usize,
    /// Tags of one thing.
    pub tags: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            accounts: 10_000,
            units: 2_000,
            depth: 5,
            service_control_policies: 10_000,
            other_policies: 1_000,
            tags: 50,
        }
    }
}

impl Quotas {
    /// How many policies of a type there may be.
    pub(crate) fn policies(&self, kind: PolicyType) -> usize {
        match kind {
            PolicyType::ServiceControl => self.service_control_policies,
            _ => self.other_policies,
        }
    }

    /// How many policies of a type may be attached to one root, unit or account.
    pub(crate) fn attached(&self, kind: PolicyType) -> usize {
        match kind {
            PolicyType::ServiceControl | PolicyType::ResourceControl | PolicyType::Chatbot => 5,
            _ => 10,
        }
    }

    /// How many characters a document of a type may have.
    pub(crate) fn document_size(&self, kind: PolicyType) -> usize {
        match kind {
            PolicyType::ResourceControl => 5_120,
            PolicyType::AiServicesOptOut => 2_500,
            PolicyType::ServiceControl => 10_240,
            _ => 10_000,
        }
    }
}
