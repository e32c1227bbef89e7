//! What was last accessed: reports by user, group, role, policy or part of an organization, and the policies that
//! grant access to a service. A report is made when it is asked for, and stays as it was made.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html>
//!
//! FIDELITY: AWS's data is some hours old and goes back 400 days; here it is of the moment at which the report was
//! made, and goes back to when the principal was made.

mod by_service;
mod content;
mod granted;
mod held;
mod jobs;
mod organization;
mod policies_granting;
mod report;
mod subject;

pub use by_service::{ServiceAccess, access_by_service};
pub(crate) use jobs::generate_service_last_accessed_details;
pub(crate) use organization::{generate_organizations_access_report, get_organizations_access_report};
pub(crate) use policies_granting::list_policies_granting_service_access;
pub(crate) use report::{get_service_last_accessed_details, get_service_last_accessed_details_with_entities};
