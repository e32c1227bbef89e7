//! Why EC2's operations fail.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>

use rolecall_state::StateError;

/// Why an EC2 operation fails.
#[derive(Debug, thiserror::Error)]
pub enum Ec2Error {
    /// One of EC2's own codes, with its words. All of them are answered with status 400.
    #[error("{message}")]
    Client {
        /// The code.
        code: &'static str,
        /// The words.
        message: String,
    },
    /// Nothing was done because only the permission was asked for, and it is there.
    #[error("Request would have succeeded, but DryRun flag is set.")]
    DryRun,
    /// The operation is not built.
    #[error("The operation {0} of ec2 is not built in Rolecall yet.")]
    NotImplemented(&'static str),
    /// The caller's account is gone.
    #[error("the account cannot be found")]
    NoAccount,
    /// A key could not be made.
    #[error("a key pair could not be made")]
    NoKey,
    /// The state could not be changed.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Ec2Error {
    /// An error of EC2's own.
    pub(crate) fn client(code: &'static str, message: impl Into<String>) -> Self {
        Self::Client { code, message: message.into() }
    }

    /// A parameter's value that is not possible.
    pub(crate) fn value(value: &str, parameter: &str, more: &str) -> Self {
        let more = if more.is_empty() { String::new() } else { format!(" {more}") };
        Self::client(
            "InvalidParameterValue",
            format!("Value ({value}) for parameter {parameter} is invalid.{more}"),
        )
    }

    /// A parameter that is not built.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self::client("UnsupportedOperation", format!("{what} is not built in Rolecall."))
    }

    /// Ids of instances that there are none with.
    pub(crate) fn no_instance(ids: &[&str]) -> Self {
        let message = match ids {
            [one] => format!("The instance ID '{one}' does not exist"),
            many => format!("The instance IDs '{}' do not exist", many.join(", ")),
        };
        Self::client("InvalidInstanceID.NotFound", message)
    }

    /// The error's code and status; none for what is this program's own fault.
    pub fn code(&self) -> Option<(&'static str, u16)> {
        match self {
            Self::Client { code, .. } => Some((code, 400)),
            Self::DryRun => Some(("DryRunOperation", 412)),
            Self::NotImplemented(_) => Some(("NotImplemented", 400)),
            Self::NoAccount | Self::NoKey | Self::State(_) => None,
        }
    }
}
