//! What can go wrong, in words for the person at the terminal, and the exit code that says it.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use aws_credential_types::provider::error::CredentialsError::{self, CredentialsNotLoaded};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;

/// Why a command of the client side failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server answered, and the answer is no.
    #[error("{operation}: {code}: {message}{}", in_request(.request_id))]
    Refused {
        /// The operation that was asked for.
        operation: &'static str,
        /// AWS's error code.
        code: String,
        /// AWS's words.
        message: String,
        /// What to look for in the server's log.
        request_id: Option<String>,
    },
    /// No answer: no credentials, no such host, a connection refused.
    #[error("{operation} was not answered by {endpoint}: {cause}")]
    Unanswered {
        /// The operation that was asked for.
        operation: &'static str,
        /// Who was asked.
        endpoint: String,
        /// The chain of causes.
        cause: String,
    },
    /// Nobody to sign as: the chain of variables, files and services holds no credentials.
    #[error(
        "no credentials for {operation}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile \
         with --profile, or run eval \"$(rolecall env)\" for a server of one's own"
    )]
    NoCredentials {
        /// The operation that was asked for.
        operation: &'static str,
    },
    /// The answer lacks what it must have.
    #[error("{operation} answered without {missing}")]
    Incomplete {
        /// The operation that was asked for.
        operation: &'static str,
        /// The field that is missing.
        missing: &'static str,
    },
    /// A role that is neither an ARN nor a name.
    #[error("'{0}' is neither the ARN nor the name of a role; give arn:aws:iam::ACCOUNT:role/NAME or NAME")]
    NotARole(String),
    /// An MFA code is needed, and nobody is there to type it.
    #[error("{0} needs a code, and there is no terminal to ask on; give --mfa-code")]
    NoMfaCode(String),
    /// The format or option needs a variable that GitHub's runner sets.
    #[error("{variable} is not set; {purpose} works inside a GitHub Actions {wanted}")]
    NotInGithub {
        /// The variable that is missing.
        variable: &'static str,
        /// What needed it.
        purpose: &'static str,
        /// Where it would be set.
        wanted: &'static str,
    },
    /// The OIDC token could not be had.
    #[error("no OIDC token from {source_name}: {reason}")]
    NoToken {
        /// Where it was looked for.
        source_name: String,
        /// Why it was not there.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{path}: {cause}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The command given after `--` could not be started.
    #[error("could not run '{program}': {cause}")]
    Command {
        /// Its name.
        program: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The endpoint that lends credentials can't be served.
    #[error("no credentials endpoint on {address}: {cause}")]
    Endpoint {
        /// Where it was to listen.
        address: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// Standard output or standard error is gone.
    #[error("could not write the answer: {0}")]
    Output(#[from] io::Error),
}

impl ClientError {
    /// 1 when the answer is no, 2 when the question could not be asked properly.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused { code, .. } if code == "AccessDenied" => 1,
            Self::Refused { .. }
            | Self::Unanswered { .. }
            | Self::NoCredentials { .. }
            | Self::Incomplete { .. }
            | Self::NotARole(_)
            | Self::NoMfaCode(_)
            | Self::NotInGithub { .. }
            | Self::NoToken { .. }
            | Self::File { .. }
            | Self::Command { .. }
            | Self::Endpoint { .. }
            | Self::Output(_) => 2,
        }
    }

    /// From an SDK's error, which is either an answer of the server or the lack of one.
    pub(crate) fn of_sdk<E>(operation: &'static str, endpoint: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
        SdkError<E>: RequestId,
    {
        match error {
            SdkError::ServiceError(answer) => Self::Refused {
                operation,
                code: answer.err().code().unwrap_or("unknown error").to_owned(),
                message: answer.err().message().unwrap_or("no message").to_owned(),
                request_id: error.request_id().map(str::to_owned),
            },
            _ if lacks_credentials(error) => Self::NoCredentials { operation },
            _ => Self::Unanswered { operation, endpoint: endpoint.to_owned(), cause: chain(error) },
        }
    }
}

/// The error and what caused it, outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut of_provider = causes(error).filter_map(|cause| cause.downcast_ref::<CredentialsError>());
    of_provider.any(|cause| matches!(cause, CredentialsNotLoaded(_)))
}

fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn in_request(id: &Option<String>) -> String {
    id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> ClientError {
        ClientError::Refused {
            operation: "AssumeRole",
            code: code.into(),
            message: "no".into(),
            request_id: None,
        }
    }

    #[test]
    fn only_a_denial_is_an_answer_of_no() {
        assert_eq!(refused("AccessDenied").exit_code(), 1);
        assert_eq!(refused("ExpiredToken").exit_code(), 2);
        assert_eq!(ClientError::NotARole("?".into()).exit_code(), 2);
    }

    #[derive(Debug, thiserror::Error)]
    #[error("no connection")]
    struct Outer(#[source] io::Error);

    #[test]
    fn every_cause_is_told() {
        assert_eq!(chain(&Outer(io::Error::other("refused"))), "no connection: refused");
    }
}
