//! Console passwords: made and changed by administrators, and by users themselves.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords.html>

use rolecall_access::Identity;
use rolecall_aws_model::iam as wire;
use rolecall_credentials::password::{Cost, PasswordHash};
use rolecall_credentials::password_policy::check_without_policy;
use rolecall_state::Txn;
use rolecall_state::entities::{LoginProfile, User};

use crate::env::Env;
use crate::error::IamError;
use crate::{password_policy, root_login_profile, users, views};

/// As many earlier passwords as a policy can ask to remember.
const REMEMBERED: usize = 24;

fn absent(user: &User) -> IamError {
    IamError::NoSuchEntity(format!("Login Profile for User {} cannot be found.", user.name))
}

fn view(user: &User, profile: &LoginProfile) -> wire::LoginProfile {
    wire::LoginProfile {
        user_name: user.name.clone(),
        create_date: views::time(profile.created),
        password_reset_required: Some(profile.reset_required),
    }
}

/// Checks a new password by the account's policy and hashes it. This takes tens of milliseconds of
/// work: see [`crate::is_slow`].
fn hash(
    txn: &mut Txn,
    env: &Env<'_>,
    user: &User,
    password: &str,
    earlier: &[PasswordHash],
) -> Result<String, IamError> {
    let record = txn.read_record().ok_or_else(|| IamError::no_such("user", &user.name))?;
    let checked = match &record.password_policy {
        Some(policy) => {
            let policy = password_policy::rules(policy);
            policy.check(password).and_then(|()| policy.check_history(password, earlier))
        }
        None => check_without_policy(password, &[&record.name]),
    };
    checked.map_err(|violation| IamError::PasswordPolicyViolation(violation.to_string()))?;
    let hashed = PasswordHash::new(password, Cost::Standard, &|bytes| env.entropy.fill(bytes));
    hashed.map(|hash| hash.as_stored().to_owned()).map_err(|cause| IamError::Failure(cause.to_string()))
}

/// The present password and the earlier ones, newest first.
fn known(profile: &LoginProfile) -> Vec<PasswordHash> {
    let all = std::iter::once(&profile.password_hash).chain(&profile.history);
    all.map(|phc| PasswordHash::from_stored(phc)).collect()
}

fn set_password(profile: &mut LoginProfile, hash: String, env: &Env<'_>) {
    let old = std::mem::replace(&mut profile.password_hash, hash);
    profile.history.insert(0, old);
    profile.history.truncate(REMEMBERED);
    profile.password_changed = env.now;
}

pub(crate) fn create_login_profile(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateLoginProfileRequest,
) -> Result<wire::CreateLoginProfileResponse, IamError> {
    let wire::CreateLoginProfileRequest { user_name, password, password_reset_required } = request;
    if let Some(record) = root_login_profile::record(txn, env, user_name.as_deref())? {
        return root_login_profile::create(txn, env, record);
    }
    let mut user = User::clone(&*users::named_or_caller(txn, env, user_name.as_deref())?);
    if user.login_profile.is_some() {
        let message = format!("Login Profile for user {} already exists.", user.name);
        return Err(IamError::EntityAlreadyExists(message));
    }
    let missing =
        || IamError::Validation("A password must be given when a user's login profile is made.".into());
    let password = password.as_ref().ok_or_else(missing)?;
    let profile = LoginProfile {
        password_hash: hash(txn, env, &user, password.expose(), &[])?,
        created: env.now,
        password_changed: env.now,
        reset_required: password_reset_required.unwrap_or(false),
        history: Vec::new(),
    };
    let login_profile = view(&user, &profile);
    user.login_profile = Some(profile);
    txn.put(&user);
    Ok(wire::CreateLoginProfileResponse { login_profile })
}

pub(crate) fn get_login_profile(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetLoginProfileRequest,
) -> Result<wire::GetLoginProfileResponse, IamError> {
    let wire::GetLoginProfileRequest { user_name } = request;
    if let Some(record) = root_login_profile::record(txn, env, user_name.as_deref())? {
        return root_login_profile::get(&record);
    }
    let user = users::named_or_caller(txn, env, user_name.as_deref())?;
    let profile = user.login_profile.as_ref().ok_or_else(|| absent(&user))?;
    Ok(wire::GetLoginProfileResponse { login_profile: view(&user, profile) })
}

pub(crate) fn update_login_profile(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateLoginProfileRequest,
) -> Result<wire::UpdateLoginProfileResponse, IamError> {
    let wire::UpdateLoginProfileRequest { user_name, password, password_reset_required } = request;
    let mut user = User::clone(&*users::find(txn, user_name)?);
    let mut profile = user.login_profile.take().ok_or_else(|| absent(&user))?;
    if let Some(password) = password {
        let hashed = hash(txn, env, &user, password.expose(), &known(&profile))?;
        set_password(&mut profile, hashed, env);
    }
    if let Some(required) = password_reset_required {
        profile.reset_required = *required;
    }
    user.login_profile = Some(profile);
    txn.put(&user);
    Ok(wire::UpdateLoginProfileResponse {})
}

pub(crate) fn delete_login_profile(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteLoginProfileRequest,
) -> Result<wire::DeleteLoginProfileResponse, IamError> {
    let wire::DeleteLoginProfileRequest { user_name } = request;
    if let Some(record) = root_login_profile::record(txn, env, user_name.as_deref())? {
        return root_login_profile::delete(txn, record);
    }
    let mut user = User::clone(&*users::named_or_caller(txn, env, user_name.as_deref())?);
    user.login_profile.take().ok_or_else(|| absent(&user))?;
    txn.put(&user);
    Ok(wire::DeleteLoginProfileResponse {})
}

pub(crate) fn change_password(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ChangePasswordRequest,
) -> Result<wire::ChangePasswordResponse, IamError> {
    let wire::ChangePasswordRequest { old_password, new_password } = request;
    let Identity::User(caller) = &env.caller.identity else {
        return Err(IamError::InvalidUserType("Only IAM Users can change their own password.".into()));
    };
    let mut user = User::clone(&*users::find(txn, &caller.name)?);
    let mut profile = user.login_profile.take().ok_or_else(|| absent(&user))?;
    // FIDELITY: AWS's own words for a wrong old password are not on the public record.
    if !PasswordHash::from_stored(&profile.password_hash).verify(old_password.expose()) {
        return Err(IamError::AccessDenied("The old password was incorrect.".into()));
    }
    refuse_after_hard_expiry(txn, env, &profile)?;
    let hashed = hash(txn, env, &user, new_password.expose(), &known(&profile))?;
    set_password(&mut profile, hashed, env);
    profile.reset_required = false;
    user.login_profile = Some(profile);
    txn.put(&user);
    Ok(wire::ChangePasswordResponse {})
}

/// Under a hard expiry, only an administrator renews what has expired.
fn refuse_after_hard_expiry(txn: &mut Txn, env: &Env<'_>, profile: &LoginProfile) -> Result<(), IamError> {
    let policy = txn.read_record().and_then(|record| record.password_policy.clone());
    let hard = policy
        .filter(|policy| policy.hard_expiry == Some(true))
        .map(|policy| password_policy::rules(&policy));
    if hard.is_some_and(|rules| rules.is_expired(profile.password_changed.0, env.now.0)) {
        return Err(IamError::AccessDenied(
            "The password has expired; the account's administrator must set a new one.".into(),
        ));
    }
    Ok(())
}
