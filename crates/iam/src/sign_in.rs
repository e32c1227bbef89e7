//! Signing in with a password: what the console asks before it makes a session.

use std::sync::Arc;

use rolecall_credentials::password::{Cost, PasswordHash};
use rolecall_credentials::password_policy::check_without_policy;
use rolecall_state::entities::{AccountRecord, LoginProfile, User};
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{Entropy, Snapshot, Timestamp};

use crate::error::IamError;
use crate::password_policy;

/// A user of whom the password was shown. Private field: [`check_password`] is the only maker.
#[derive(Clone)]
pub struct ShownPassword {
    user: Arc<Entry<User>>,
    due: bool,
}

impl ShownPassword {
    /// Whose password it was.
    pub fn user(&self) -> &Arc<Entry<User>> {
        &self.user
    }

    /// Whether it must be changed before anything else: an administrator asked for that, or it expired.
    pub fn must_change(&self) -> bool {
        self.due
    }
}

/// Checks a password. This takes tens of milliseconds of work, as long for a user who is not there or
/// has none as for a wrong one: hand it to a thread that may block.
pub fn check_password(
    account: Option<&Arc<Account>>,
    name: &str,
    password: &str,
    now: Timestamp,
) -> Option<ShownPassword> {
    let user = account.filter(|account| account.record.closed.is_none());
    let user = user.and_then(|account| account.users.get(name));
    let Some((user, profile)) = user.and_then(|user| Some((user, user.login_profile.as_ref()?))) else {
        PasswordHash::verify_nobody(password, Cost::Standard);
        return None;
    };
    if !PasswordHash::from_stored(&profile.password_hash).verify(password) {
        return None;
    }
    let policy = account.and_then(|account| account.record.password_policy.as_ref());
    let expired = policy
        .is_some_and(|policy| password_policy::rules(policy).is_expired(profile.password_changed.0, now.0));
    Some(ShownPassword { user: user.clone(), due: profile.reset_required || expired })
}

/// The account that a sign-in form names, by its id or its alias.
pub fn named_account<'s>(snapshot: &'s Snapshot, named: &str) -> Option<&'s Arc<Account>> {
    let id = named.parse().ok().or_else(|| snapshot.account_by_alias(named))?;
    snapshot.account(id)
}

/// The account whose root user a sign-in form names, by its id, its alias or its owner's address.
pub fn named_root<'s>(snapshot: &'s Snapshot, named: &str) -> Option<&'s Arc<Account>> {
    let owned = |account: &&Arc<Account>| {
        account.record.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(named))
    };
    match named.contains('@') {
        true => snapshot.accounts().find(owned),
        false => named_account(snapshot, named),
    }
}

/// Whether this is the password of an account's root user. It takes as long where there is none: see
/// [`check_password`].
pub fn check_root_password(account: Option<&Arc<Account>>, password: &str) -> bool {
    let account = account.filter(|account| account.record.closed.is_none());
    let profile = account.and_then(|account| account.record.root.login_profile.as_ref());
    // A profile that AssumeRoot's task made has no password yet.
    match profile.filter(|profile| !profile.password_hash.is_empty()) {
        Some(profile) => PasswordHash::from_stored(&profile.password_hash).verify(password),
        None => PasswordHash::verify_nobody(password, Cost::Standard),
    }
}

/// A root user's password, fit to be kept. Private field: [`root_password`] is the only maker.
pub struct RootPassword(String);

/// Checks a root user's new password by the rules that hold without a policy, and hashes it. This takes tens of
/// milliseconds of work.
///
/// # Errors
/// When it is too weak, or can't be hashed.
pub fn root_password(
    record: &AccountRecord,
    password: &str,
    entropy: &dyn Entropy,
) -> Result<RootPassword, IamError> {
    let names = [record.name.as_str(), record.email.as_deref().unwrap_or_default()];
    check_without_policy(password, &names)
        .map_err(|violation| IamError::PasswordPolicyViolation(violation.to_string()))?;
    let hashed = PasswordHash::new(password, Cost::Standard, &|bytes| entropy.fill(bytes));
    let hashed = hashed.map_err(|cause| IamError::Failure(cause.to_string()))?;
    Ok(RootPassword(hashed.as_stored().to_owned()))
}

impl RootPassword {
    /// Makes it the password of a root user from `now` on.
    pub fn keep(&self, record: &mut AccountRecord, now: Timestamp) {
        let created = record.root.login_profile.as_ref().map_or(now, |profile| profile.created);
        record.root.login_profile = Some(LoginProfile {
            password_hash: self.0.clone(),
            created,
            password_changed: now,
            reset_required: false,
            history: Vec::new(),
        });
    }
}

#[cfg(test)]
mod tests {
    use rolecall_state::SystemEntropy;

    use super::*;

    fn record() -> AccountRecord {
        let id = rolecall_state::AccountId::from_number(123_456_789_012).unwrap();
        let email = Some("Queen-1@example.com".into());
        AccountRecord { email, ..AccountRecord::new(id, "Wonderland-1".into(), Timestamp(1)) }
    }

    #[test]
    fn a_root_users_password_is_neither_weak_nor_a_name_of_its_account() {
        let record = record();
        for weak in ["short-1", "alllowercase", "wonderland-1", "queen-1@example.com"] {
            assert!(root_password(&record, weak, &SystemEntropy).is_err(), "{weak}");
        }
        assert!(root_password(&record, "Correct-Horse-9", &SystemEntropy).is_ok());
    }

    #[test]
    fn a_new_password_of_a_root_user_keeps_when_it_first_had_one() {
        let mut record = record();
        let password = root_password(&record, "Correct-Horse-9", &SystemEntropy).unwrap();
        password.keep(&mut record, Timestamp(5));
        password.keep(&mut record, Timestamp(9));
        let profile = record.root.login_profile.unwrap();
        assert_eq!((profile.created, profile.password_changed), (Timestamp(5), Timestamp(9)));
        assert!(PasswordHash::from_stored(&profile.password_hash).verify("Correct-Horse-9"));
    }
}
