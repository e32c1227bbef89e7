//! What follows from who a caller is, worked out once for all the requests of its connection.

use std::sync::{Arc, OnceLock};

use rolecall_policy::{Context, NotAPrincipal, Principal};

use crate::caller::{Caller, Identity};
use crate::context::caller_keys;

/// What follows from a caller's identity and session alone.
pub(crate) struct Known {
    pub(crate) arn: Box<str>,
    pub(crate) principal_arn: Box<str>,
    pub(crate) user_id: Box<str>,
    principal: OnceLock<Result<Arc<Principal>, NotAPrincipal>>,
    keys: OnceLock<Context>,
}

impl Known {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self {
            arn: caller.make_arn().into(),
            principal_arn: caller.make_principal_arn().into(),
            user_id: caller.make_user_id().into(),
            principal: OnceLock::new(),
            keys: OnceLock::new(),
        }
    }
}

impl Caller {
    /// The caller as policies name it.
    pub(crate) fn principal(&self) -> Result<Arc<Principal>, NotAPrincipal> {
        self.known().principal.get_or_init(|| principal(self).map(Arc::new)).clone()
    }

    /// The context keys that say who the caller is, but for those that change with the time.
    pub(crate) fn keys(&self) -> &Context {
        self.known().keys.get_or_init(|| caller_keys(self))
    }
}

fn principal(caller: &Caller) -> Result<Principal, NotAPrincipal> {
    let principal = Principal::from_arn(caller.arn())?;
    Ok(match &caller.identity {
        Identity::Root => principal,
        Identity::User(user) => principal.with_unique_id(user.id.as_str()),
        Identity::AssumedRole(role, _) => {
            principal.with_unique_id(role.id.as_str()).with_issuer_arn(caller.principal_arn())
        }
        Identity::FederatedUser(user, _) => match user {
            None => principal,
            Some(user) => {
                let (path, name) = (&user.path, &user.name);
                principal.with_issuer_arn(&rolecall_state::arn::iam(
                    caller.partition,
                    caller.account,
                    "user",
                    path,
                    name,
                ))
            }
        },
    })
}
