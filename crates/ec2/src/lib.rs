//! EC2, as far as it is built: what Terraform's provider asks before anything else. Every operation
//! of the model is authorized; those without a handler answer that they are not built.

mod account_attributes;

use rolecall_access::{Authorized, Caller, Demand};
use rolecall_aws_model::ec2::{Operation, Request, Response};

/// Why an EC2 operation fails.
#[derive(Debug, thiserror::Error)]
pub enum Ec2Error {
    /// A parameter's value is not possible.
    #[error("{0}")]
    InvalidParameterValue(String),
    /// Nothing was done because only the permission was asked for, and it is there.
    #[error("Request would have succeeded, but DryRun flag is set.")]
    DryRun,
    /// The operation is not built.
    #[error("The operation {0} of ec2 is not built in Rolecall yet.")]
    NotImplemented(&'static str),
}

impl Ec2Error {
    /// The error's code and status.
    pub fn code(&self) -> (&'static str, u16) {
        match self {
            Self::InvalidParameterValue(_) => ("InvalidParameterValue", 400),
            Self::DryRun => ("DryRunOperation", 412),
            Self::NotImplemented(_) => ("NotImplemented", 400),
        }
    }
}

/// What an operation needs permission for.
// FIDELITY: operations that act on resources are asked for on `*` until they are built, which is
// the stricter reading: a policy that names resources does not allow them.
pub fn demands(operation: Operation, _caller: &Caller) -> Vec<Demand> {
    vec![Demand::new(format!("ec2:{}", operation.name()), "*")]
}

/// Carries an authorized operation out.
///
/// # Errors
/// The operation's own, in AWS's words.
pub fn handle(request: &Authorized<Request>) -> Result<Response, Ec2Error> {
    match request.input() {
        Request::DescribeAccountAttributes(request) => {
            account_attributes::describe_account_attributes(request).map(Into::into)
        }
        other => Err(Ec2Error::NotImplemented(other.operation().name())),
    }
}

/// Whether there is a handler for an operation.
pub fn is_handled(operation: Operation) -> bool {
    operation == Operation::DescribeAccountAttributes
}
