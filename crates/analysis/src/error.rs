//! Why a question has no answer.

use rolecall_access::AccessError;
use rolecall_account_details::DetailsError;
use rolecall_state::{StateError, Unevaluable};
use rolecall_sts::StsError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// The account's details are no good.
    #[error("the account's details: {0}")]
    Details(#[from] DetailsError),
    /// What is supposed can't be put together.
    #[error("the account can't be put together: {0}")]
    State(#[from] StateError),
    /// A policy can't be evaluated.
    #[error("a policy can't be evaluated: {0}")]
    Unevaluable(#[from] Unevaluable),
    /// A decision can't be taken.
    #[error("it can't be decided: {0}")]
    Access(#[from] AccessError),
    /// Who may assume a role can't be decided.
    #[error("it can't be decided: {0}")]
    Sts(#[from] StsError),
    /// The action is none.
    #[error("{0}")]
    Action(String),
    /// The resource is none.
    #[error("{0:?} is no resource: give an ARN, or *")]
    Resource(String),
    /// There is no such user or role.
    #[error("{0}")]
    Principal(String),
    /// A policy document is no good.
    #[error("{0}")]
    Document(String),
}
