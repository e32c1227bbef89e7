//! What a report is about: whose accesses count, and by which policies.

use std::sync::Arc;

use rolecall_state::arn::ArnParts;
use rolecall_state::entities::{Role, User};
use rolecall_state::snapshot::{Account, Entry, HolderKind};
use rolecall_state::{PolicyRef, Txn};

use super::content::Entity;
use super::granted::Granted;
use super::held::Identity;
use crate::env::{Env, account};
use crate::error::IamError;
use crate::policies;

/// A user, group, role or managed policy.
pub(super) enum Subject {
    Identity(Identity),
    Policy(PolicyRef),
}

impl Subject {
    /// The user, group, role or policy with this ARN.
    pub(super) fn find(txn: &mut Txn, env: &Env<'_>, arn: &str) -> Result<Self, IamError> {
        let is_policy = ArnParts::parse(arn).is_some_and(|parts| parts.resource.starts_with("policy/"));
        match is_policy {
            true => policies::resolve(txn, env, arn).map(Self::Policy),
            false => Identity::find(&*account(txn)?, env, arn).map(Self::Identity),
        }
    }

    /// What its policies grant.
    pub(super) fn granted(&self, account: &Account, env: &Env<'_>) -> Result<Granted, IamError> {
        let mut granted = Granted::default();
        match self {
            Self::Identity(identity) => {
                identity.policies(account, env)?.iter().for_each(|held| granted.add(&held.document));
            }
            Self::Policy(policy) => {
                let policy = account.managed_policy(policy);
                let policy = policy.map_err(|cause| IamError::PolicyEvaluation(cause.to_string()))?;
                granted.add(policy.document());
            }
        }
        Ok(granted)
    }

    /// Whose accesses count: itself, a group's members, or those who hold the policy, by groups too.
    pub(super) fn principals(&self, account: &Account, env: &Env<'_>) -> Vec<Entity> {
        let mut all = Vec::new();
        match self {
            Self::Identity(Identity::User(user)) => all.push(of_user(env, user)),
            Self::Identity(Identity::Role(role)) => all.push(of_role(env, role)),
            Self::Identity(Identity::Group(group)) => {
                all.extend(account.members(&group.id).into_iter().map(|user| of_user(env, user)));
            }
            Self::Policy(policy) => {
                for holder in account.attached_to(policy) {
                    match holder.kind {
                        HolderKind::User => {
                            all.extend(account.users.by_id(&holder.id).map(|user| of_user(env, user)));
                        }
                        HolderKind::Role => {
                            all.extend(account.roles.by_id(&holder.id).map(|role| of_role(env, role)));
                        }
                        HolderKind::Group => {
                            let members = account.members(&holder.id).into_iter();
                            all.extend(members.map(|user| of_user(env, user)));
                        }
                    }
                }
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all.dedup_by(|a, b| a.id == b.id);
        all
    }
}

fn of_user(env: &Env<'_>, user: &Arc<Entry<User>>) -> Entity {
    Entity {
        arn: env.arn("user", &user.path, &user.name),
        kind: "USER".to_owned(),
        name: user.name.clone(),
        path: user.path.clone(),
        id: user.id.to_string(),
    }
}

fn of_role(env: &Env<'_>, role: &Arc<Entry<Role>>) -> Entity {
    Entity {
        arn: env.arn("role", &role.path, &role.name),
        kind: "ROLE".to_owned(),
        name: role.name.clone(),
        path: role.path.clone(),
        id: role.id.to_string(),
    }
}
