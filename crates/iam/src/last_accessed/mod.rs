//! What was last accessed: reports by user, group, role, policy or part of an organization, and the policies that
//! grant access to a service.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html>
//!
//! FIDELITY: AWS makes a report once and keeps it; here it tells of the moment at which it is read. AWS's data is
//! some hours old and goes back 400 days; here it is of now, and goes back to when the principal was made.

mod by_service;
mod granted;
mod held;
mod jobs;
mod policies_granting;
mod report;
mod subject;

pub use by_service::{ServiceAccess, access_by_service};
pub(crate) use jobs::generate_service_last_accessed_details;
pub(crate) use policies_granting::list_policies_granting_service_access;
pub(crate) use report::{get_service_last_accessed_details, get_service_last_accessed_details_with_entities};
