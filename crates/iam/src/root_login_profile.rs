//! The root user's own password, as a root session of its organization's management account sees it.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user-privileged-task.html>

use rolecall_access::session::SessionKind;
use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{AccountRecord, LoginProfile};

use crate::env::Env;
use crate::error::IamError;
use crate::views;

// FIDELITY: how AWS names the root user in these answers.
const ROOT: &str = "root";

/// The account's record, when a root session asks about its root user: whoever has the root user's own keys must
/// name a user.
pub(crate) fn record(
    txn: &mut Txn,
    env: &Env<'_>,
    user_name: Option<&str>,
) -> Result<Option<AccountRecord>, IamError> {
    let kind = env.caller.session.as_ref().map(|session| &session.kind);
    if user_name.is_some() || !matches!(kind, Some(SessionKind::AssumedRoot { .. })) {
        return Ok(None);
    }
    let gone = || IamError::no_such("user", ROOT);
    Ok(Some(AccountRecord::clone(&*txn.read_record().ok_or_else(gone)?)))
}

fn absent() -> IamError {
    IamError::NoSuchEntity(format!("Login Profile for User {ROOT} cannot be found."))
}

fn view(profile: &LoginProfile) -> wire::LoginProfile {
    wire::LoginProfile {
        user_name: ROOT.to_owned(),
        create_date: views::time(profile.created),
        password_reset_required: Some(profile.reset_required),
    }
}

/// Lets the root user have a password again. It has none until then: the profile opens nothing.
pub(crate) fn create(
    txn: &mut Txn,
    env: &Env<'_>,
    mut record: AccountRecord,
) -> Result<wire::CreateLoginProfileResponse, IamError> {
    if record.root.login_profile.is_some() {
        let message = format!("Login Profile for user {ROOT} already exists.");
        return Err(IamError::EntityAlreadyExists(message));
    }
    let profile = LoginProfile {
        // No password has this hash.
        password_hash: String::new(),
        created: env.now,
        password_changed: env.now,
        reset_required: true,
        history: Vec::new(),
    };
    let login_profile = view(&profile);
    record.root.login_profile = Some(profile);
    txn.put_record(&record);
    Ok(wire::CreateLoginProfileResponse { login_profile })
}

pub(crate) fn get(record: &AccountRecord) -> Result<wire::GetLoginProfileResponse, IamError> {
    let profile = record.root.login_profile.as_ref().ok_or_else(absent)?;
    Ok(wire::GetLoginProfileResponse { login_profile: view(profile) })
}

pub(crate) fn delete(
    txn: &mut Txn,
    mut record: AccountRecord,
) -> Result<wire::DeleteLoginProfileResponse, IamError> {
    record.root.login_profile.take().ok_or_else(absent)?;
    txn.put_record(&record);
    Ok(wire::DeleteLoginProfileResponse {})
}
