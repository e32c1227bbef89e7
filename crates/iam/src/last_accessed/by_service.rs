//! What a user, group or role can do, service by service: its policies, within its boundary and its organization's.

use rolecall_policy::PolicySet;
use rolecall_service_reference::{self as reference, AccessLevel};
use rolecall_state::Snapshot;

use super::granted::{Granted, Reach};
use super::held::Identity;
use crate::env::Env;
use crate::error::IamError;

/// What can be done with a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccess {
    /// The prefix of its actions.
    pub prefix: &'static str,
    /// Its name.
    pub name: &'static str,
    /// How many actions can be taken on something.
    pub allowed: usize,
    /// How many actions there are.
    pub actions: usize,
    /// Whether all that can be done can be done on every resource, without conditions.
    pub everywhere: bool,
    /// The classes of what can be done, in AWS's words.
    pub levels: Vec<&'static str>,
}

/// Of each service that can be used at all, what can be done with it, in the order of the services' names.
///
/// # Errors
/// When there is no such user, group or role, or a policy can't be read.
pub fn access_by_service(
    env: &Env<'_>,
    snapshot: &Snapshot,
    arn: &str,
) -> Result<Vec<ServiceAccess>, IamError> {
    let gone = || IamError::NoSuchEntity(format!("ARN {arn} does not exist."));
    let account = snapshot.account(env.account()).ok_or_else(gone)?;
    let unevaluable = |cause: rolecall_state::Unevaluable| IamError::PolicyEvaluation(cause.to_string());
    let identity = Identity::find(account, env, arn)?;
    let mut own = Granted::default();
    identity.policies(account, env)?.iter().for_each(|held| own.add(&held.document));
    let boundary = match &identity {
        Identity::User(user) => account.user_boundary(user).map_err(unevaluable)?,
        Identity::Role(role) => account.role_boundary(role).map_err(unevaluable)?,
        Identity::Group(_) => None,
    };
    let governance = snapshot.governance(env.account()).map_err(unevaluable)?;
    let levels = governance.and_then(|governance| governance.service_control.as_deref()).unwrap_or_default();
    let within: Vec<Granted> = boundary.into_iter().chain(levels).map(by_set).collect();
    let mut all: Vec<_> = own.services().filter_map(|(prefix, _)| with(prefix, &own, &within)).collect();
    all.sort_by_key(|access| access.name.to_ascii_lowercase());
    Ok(all)
}

fn by_set(set: &PolicySet) -> Granted {
    let mut granted = Granted::default();
    set.policies().iter().for_each(|policy| granted.add(policy.document()));
    granted
}

fn with(prefix: &str, own: &Granted, within: &[Granted]) -> Option<ServiceAccess> {
    let service = reference::service(prefix)?;
    let (mut allowed, mut everywhere, mut levels) = (0, true, Vec::<AccessLevel>::new());
    for action in &service.actions {
        let reaches = std::iter::once(own).chain(within).map(|granted| granted.action(action));
        let Some(reach) = reaches.min().flatten() else { continue };
        allowed += 1;
        everywhere &= reach == Reach::Everywhere;
        if !levels.contains(&action.access_level) {
            levels.push(action.access_level);
        }
    }
    levels.sort();
    let levels = levels.into_iter().map(AccessLevel::as_str).collect();
    let (prefix, name, actions) = (service.prefix, service.name, service.actions.len());
    (allowed > 0).then_some(ServiceAccess { prefix, name, allowed, actions, everywhere, levels })
}

#[cfg(test)]
mod tests {
    use rolecall_policy::{Document, Grammar, PolicyKind};

    use super::*;

    fn granted(action: &str, resource: &str) -> Granted {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}}}"#
        );
        Granted::by(&Document::parse(text, Grammar::evaluated(PolicyKind::Identity)).unwrap())
    }

    #[test]
    fn a_boundary_leaves_what_both_allow_and_reaches_no_further() {
        let all = with("sts", &granted("sts:*", "*"), &[]).unwrap();
        assert_eq!((all.allowed, all.everywhere), (all.actions, true));
        let some = with("sts", &granted("sts:*", "*"), &[granted("sts:AssumeRole", "arn:aws:iam::1:role/r")]);
        let some = some.unwrap();
        assert_eq!((some.allowed, some.everywhere, some.levels), (1, false, vec!["Write"]));
        assert_eq!(with("sts", &granted("sts:*", "*"), &[granted("s3:*", "*")]), None);
    }
}
