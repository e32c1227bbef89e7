//! The root user's console password, which IAM has no operation for: AWS sets it on its own pages.

use http::Response;
use http::request::Parts;
use rolecall_access::session::SessionKind;
use rolecall_access::{Caller, Demand, Subject, authorize};
use rolecall_aws_model::{Protocol, WireError};
use rolecall_iam::IamError;
use rolecall_iam::sign_in::{check_root_password, root_password};
use rolecall_state::entities::AccountRecord;
use rolecall_state::{AccountId, StateError, Txn, arn};
use serde::Deserialize;
use serde_json::json;

use super::iam::{aside, denied};
use super::json::respond;
use crate::body::Body;
use crate::line::Passage;

/// Where it is asked for.
pub(crate) const PATH: &str = "/rolecall/root-password";

/// What is asked. No `Debug`: there are passwords in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// The account; the caller's own where unset.
    account: Option<String>,
    /// The present password, which a session of the console must show.
    old: Option<String>,
    /// The new one; none takes the present one away.
    password: Option<String>,
}

/// `POST /rolecall/root-password`
pub(crate) async fn answer_root_password(
    passage: &mut Passage<'_>,
    caller: &Caller,
    parts: &Parts,
    body: &[u8],
) -> Response<Body> {
    if parts.method != http::Method::POST {
        let unknown = WireError::new("UnknownOperation", 404, "There is no such operation.");
        return passage.fail(&unknown, Protocol::Json);
    }
    passage.trace.operation = "PutRootPassword".into();
    let answered = answer(passage, caller, body).await;
    respond(passage, answered.map(|()| json!({})))
}

async fn answer(passage: &mut Passage<'_>, caller: &Caller, body: &[u8]) -> Result<(), WireError> {
    let malformed = |_| WireError::new("ValidationException", 400, "The body is not what is asked for.");
    let asked: Asked = serde_json::from_slice(body).map_err(malformed)?;
    let account = match &asked.account {
        None => caller.account,
        Some(text) => text
            .parse()
            .map_err(|_| WireError::new("ValidationException", 400, "The account is twelve digits."))?,
    };
    let demands = vec![Demand::new("rolecall:PutRootPassword", arn::root(caller.partition, account))];
    let ruling = authorize((), Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    ruling.result.map_err(|error| denied(passage, &error))?;
    may_set(passage, caller, account, &asked)?;
    write(passage, account, &asked).await
}

/// Only a root user sets a root user's password: its own, or a member's that was allowed one.
fn may_set(
    passage: &Passage<'_>,
    caller: &Caller,
    account: AccountId,
    asked: &Asked,
) -> Result<(), WireError> {
    let refuse = |message: &str| Err(WireError::new("AccessDenied", 403, message));
    let in_console = match caller.session.as_ref().map(|session| &session.kind) {
        _ if !caller.is_root() => return refuse("Only the root user may set the root user's password."),
        None => false,
        Some(SessionKind::Console { .. }) => true,
        Some(_) => return refuse("Cannot call this operation with session credentials"),
    };
    let target = passage.snapshot.account(account);
    let profile = target.and_then(|target| target.record.root.login_profile.as_ref());
    if account != caller.account {
        let organization = passage.snapshot.organization_of(account);
        let manages = organization.is_some_and(|organization| organization.is_managed_by(caller.account));
        // That a member's root user may have a password is said by CreateLoginProfile, in a root session.
        return match manages && profile.is_some() {
            true => Ok(()),
            false => refuse("The account is no member whose root user was allowed a password."),
        };
    }
    let known = profile.is_some_and(|profile| !profile.password_hash.is_empty());
    if in_console && known && !aside(|| check_root_password(target, asked.old.as_deref().unwrap_or_default()))
    {
        return refuse("The old password was incorrect.");
    }
    Ok(())
}

async fn write(passage: &Passage<'_>, account: AccountId, asked: &Asked) -> Result<(), WireError> {
    let (endpoint, now) = (passage.endpoint, passage.facts.now);
    let gone = || WireError::new("ResourceNotFound", 404, "There is no such account.");
    let record = passage.snapshot.account(account).map(|account| account.record.clone()).ok_or_else(gone)?;
    let hash = |password: &String| aside(|| root_password(&record, password, endpoint.entropy()));
    let hashed = asked.password.as_ref().map(hash).transpose().map_err(|error| weak(passage, &error))?;
    let change = |txn: &mut Txn| {
        let Some(present) = txn.read_record() else { return Ok(()) };
        let mut record = AccountRecord::clone(&present);
        match &hashed {
            Some(hashed) => hashed.keep(&mut record, now),
            None => record.root.login_profile = None,
        }
        txn.put_record(&record);
        Ok::<_, StateError>(())
    };
    endpoint.state().write(account, change).await.map_err(|cause| {
        tracing::error!(request_id = passage.id.as_str(), %cause, "the state could not be changed");
        WireError::internal()
    })
}

fn weak(passage: &Passage<'_>, error: &IamError) -> WireError {
    if let IamError::Failure(cause) = error {
        tracing::error!(request_id = passage.id.as_str(), %cause, "a password could not be hashed");
    }
    let code = error.code();
    WireError::new(code.code(), code.status(), error.to_string())
}
