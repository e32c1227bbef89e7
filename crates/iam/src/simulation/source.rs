//! Whose policies are simulated, and as whom.

use rolecall_access::{Caller, Identity};
use rolecall_policy::Policy;
use rolecall_state::arn::{self, ArnParts};
use rolecall_state::entities::{Format, Tags, User};
use rolecall_state::{AccessKeyId, Txn, UniqueId};

use crate::env::{Env, account};
use crate::error::IamError;

/// A user, role or group whose policies are simulated.
pub(super) struct Source {
    /// Who makes the simulated requests.
    pub(super) caller: Caller,
    /// Whether the source itself makes them: a group makes none.
    pub(super) is_principal: bool,
    /// The policies of a group.
    pub(super) policies: Vec<Policy>,
}

fn absent(arn: &str) -> IamError {
    IamError::NoSuchEntity(format!("{arn} does not exist"))
}

fn invalid(arn: &str) -> IamError {
    IamError::InvalidInput(format!("Invalid Entity Arn: {arn}"))
}

fn caller(env: &Env<'_>, identity: Identity) -> Caller {
    Caller::new(env.account(), env.partition(), identity, AccessKeyId::from_presented(""), None)
}

impl Source {
    /// The user, role or group with this ARN.
    pub(super) fn find(txn: &Txn, env: &Env<'_>, source: &str) -> Result<Self, IamError> {
        let parts =
            ArnParts::parse(source).filter(|parts| parts.service == "iam").ok_or_else(|| invalid(source))?;
        if parts.account_id() != Some(env.account()) {
            return Err(absent(source));
        }
        let account = account(txn)?;
        let name = parts.resource.rsplit('/').next().unwrap_or_default();
        let (kind, _) = parts.resource.split_once('/').ok_or_else(|| invalid(source))?;
        let is =
            |path: &str, name: &str| arn::iam(env.partition(), env.account(), kind, path, name) == source;
        match kind {
            "user" => {
                let user = account.users.get(name).filter(|user| is(&user.path, &user.name));
                let identity = Identity::User(user.ok_or_else(|| absent(source))?.clone());
                Ok(Self { caller: caller(env, identity), is_principal: true, policies: Vec::new() })
            }
            "role" => {
                let role = account.roles.get(name).filter(|role| is(&role.path, &role.name));
                let identity =
                    Identity::AssumedRole(role.ok_or_else(|| absent(source))?.clone(), "simulation".into());
                Ok(Self { caller: caller(env, identity), is_principal: true, policies: Vec::new() })
            }
            "group" => {
                let group = account.groups.get(name).filter(|group| is(&group.path, &group.name));
                let group = group.ok_or_else(|| absent(source))?;
                let policies = account
                    .group_policies(group)
                    .map_err(|cause| IamError::PolicyEvaluation(cause.to_string()))?;
                Ok(Self { caller: nobody_in_particular(env), is_principal: false, policies })
            }
            _ => Err(invalid(source)),
        }
    }

    /// A user, as whom a simulation may be made.
    pub(super) fn user(txn: &Txn, env: &Env<'_>, user: &str) -> Result<Self, IamError> {
        match ArnParts::parse(user).is_some_and(|parts| parts.resource.starts_with("user/")) {
            true => Self::find(txn, env, user),
            false => {
                Err(IamError::InvalidInput(format!("Invalid CallerArn: {user} is not the ARN of a user.")))
            }
        }
    }
}

/// A user of the account who is none of those there are, and has no policies.
pub(super) fn nobody_in_particular(env: &Env<'_>) -> Caller {
    let user = User {
        v: Format,
        id: UniqueId::from_stored("AIDASIMULATION"),
        name: "simulation".into(),
        path: "/".into(),
        created: env.now,
        tags: Tags::default(),
        groups: Default::default(),
        boundary: None,
        inline: Default::default(),
        attached: Default::default(),
        access_keys: Vec::new(),
        login_profile: None,
        ssh_keys: Vec::new(),
        signing_certificates: Vec::new(),
        service_credentials: Vec::new(),
    };
    caller(env, Identity::User(rolecall_state::snapshot::Entry::unstored(user)))
}

/// The names of the caller's own policies: a simulation of given policies leaves them out.
pub(super) fn own_policies(txn: &Txn, caller: &Caller) -> Result<Vec<String>, IamError> {
    let account = account(txn)?;
    let set = match &caller.identity {
        Identity::User(user) => account.user_policies(user),
        Identity::AssumedRole(role, _) => account.role_policies(role),
        Identity::Root | Identity::FederatedUser(..) => return Ok(Vec::new()),
    };
    let set = set.map_err(|cause| IamError::PolicyEvaluation(cause.to_string()))?;
    Ok(set.policies().iter().map(|policy| policy.arn().unwrap_or(policy.name()).to_owned()).collect())
}
