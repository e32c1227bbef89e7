//! Signing in with a password: what the console asks before it makes a session.

use std::sync::Arc;

use rolecall_credentials::password::{Cost, PasswordHash};
use rolecall_state::entities::User;
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{Snapshot, Timestamp};

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
