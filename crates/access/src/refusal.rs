//! What is told to whoever may not, in AWS's words.

use rolecall_policy::{Decision, NotAPrincipal, Reason};
use rolecall_state::Unevaluable;

use crate::authorize::Subject;
use crate::caller::Caller;
use crate::demand::Demand;
use crate::evidence::Evidence;
use crate::session::SessionKind;

/// Why a request does not go on to its handler.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// A demand was denied. The text is AWS's message.
    #[error("{message}")]
    Denied {
        /// AWS's message.
        message: String,
    },
    /// The session is of a kind that may not call this service at all.
    #[error("The security token included in the request is invalid")]
    SessionNotAccepted,
    /// A policy can't be evaluated, so nothing can be decided.
    #[error(transparent)]
    Unevaluable(#[from] Unevaluable),
    /// The caller's ARN is none that the engine knows.
    #[error(transparent)]
    NotAPrincipal(#[from] NotAPrincipal),
}

/// Nothing in a closed account can be used, and it is not told why.
pub(crate) fn closed(subject: Subject<'_>, demand: &Demand) -> AccessError {
    let Subject::Caller(caller) = subject else {
        return AccessError::Denied { message: "Access Denied".to_owned() };
    };
    let (arn, Demand { action, resource, .. }) = (caller.arn(), demand);
    let message = format!("User: {arn} is not authorized to perform: {action} on resource: {resource}");
    AccessError::Denied { message }
}

/// The end of AWS's denial message; empty for an allow.
pub(crate) fn reason_text(decision: &Decision<'_>, action: &str) -> String {
    match decision.reason {
        _ if decision.is_allowed() => String::new(),
        Reason::RootMayNotAssumeRoles => "because roles may not be assumed by root accounts".into(),
        _ => decision.denial_reason(action).to_string(),
    }
}

/// The whole message.
pub(crate) fn denial(subject: Subject<'_>, evidence: &Evidence) -> AccessError {
    let Evidence { action, resource, reason, .. } = evidence;
    if reason.starts_with("because roles may not") {
        return AccessError::Denied { message: "Roles may not be assumed by root accounts.".into() };
    }
    let message = match subject {
        // Whoever has no credentials is told no more than that.
        Subject::Federated { .. } => format!("Not authorized to perform {action}"),
        Subject::Anonymous => "Access Denied".to_owned(),
        Subject::Service(name) => {
            format!("Service: {name} is not authorized to perform: {action} on resource: {resource}")
        }
        Subject::Caller(caller) => {
            let arn = caller.arn();
            format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {reason}")
        }
    };
    AccessError::Denied { message: message.trim_end().to_owned() }
}

/// `GetSessionToken` and `GetFederationToken` sessions may not call everything.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_request.html>
pub(crate) fn session_may_call(subject: Subject<'_>, action: &str) -> Result<(), AccessError> {
    let Subject::Caller(Caller { session: Some(session), .. }) = subject else { return Ok(()) };
    let (service, operation) = action.split_once(':').unwrap_or((action, ""));
    let accepted = match (&session.kind, service) {
        (SessionKind::SessionToken { .. }, "iam") => session.mfa.is_some(),
        (SessionKind::SessionToken { .. }, "sts") => {
            matches!(operation, "AssumeRole" | "GetCallerIdentity" | "TagSession" | "SetSourceIdentity")
        }
        (SessionKind::FederatedUser { .. }, "iam") => false,
        (SessionKind::FederatedUser { .. }, "sts") => operation == "GetCallerIdentity",
        (
            SessionKind::AssumedRole { .. } | SessionKind::Console { .. } | SessionKind::Delegated { .. },
            "sts",
        ) if matches!(operation, "GetSessionToken" | "GetFederationToken") => {
            return Err(AccessError::Denied {
                message: format!("Cannot call {operation} with session credentials"),
            });
        }
        _ => true,
    };
    match (accepted, service) {
        (true, _) => Ok(()),
        (false, "iam") => Err(AccessError::SessionNotAccepted),
        (false, _) => {
            Err(AccessError::Denied { message: format!("Cannot call {operation} with session credentials") })
        }
    }
}
