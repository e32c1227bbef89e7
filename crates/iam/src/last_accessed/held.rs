//! The policies that a user, group or role holds, each with where it comes from.

use std::sync::Arc;

use rolecall_policy::{Document, Grammar, PolicyKind};
use rolecall_state::arn::{self, ArnParts};
use rolecall_state::entities::{AttachedPolicies, Group, InlinePolicies, Role, User};
use rolecall_state::snapshot::{Account, Entry};

use crate::env::Env;
use crate::error::IamError;
use crate::policies;

/// A policy that an entity holds, itself or by a group.
pub(super) struct Held {
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) document: Arc<Document>,
}

/// Where a policy comes from.
pub(super) enum Origin {
    /// A managed policy, by its ARN.
    Managed(String),
    /// An inline policy of this kind of entity (`USER`, `GROUP`, `ROLE`) with this name.
    Inline(&'static str, String),
}

/// A user, group or role of the account.
pub(super) enum Identity {
    User(Arc<Entry<User>>),
    Group(Arc<Entry<Group>>),
    Role(Arc<Entry<Role>>),
}

impl Identity {
    /// The user, group or role with this ARN.
    pub(super) fn find(account: &Account, env: &Env<'_>, arn: &str) -> Result<Self, IamError> {
        let absent = || IamError::NoSuchEntity(format!("ARN {arn} does not exist."));
        let parts = ArnParts::parse(arn).ok_or_else(|| invalid(arn))?;
        let (kind, path) = parts.resource.split_once('/').ok_or_else(|| invalid(arn))?;
        let name = path.rsplit('/').next().unwrap_or_default();
        let is = |path: &str, name: &str| arn::iam(env.partition(), env.account(), kind, path, name) == arn;
        let found = match kind {
            "user" => {
                account.users.get(name).filter(|user| is(&user.path, &user.name)).cloned().map(Self::User)
            }
            "role" => {
                account.roles.get(name).filter(|role| is(&role.path, &role.name)).cloned().map(Self::Role)
            }
            "group" => account
                .groups
                .get(name)
                .filter(|group| is(&group.path, &group.name))
                .cloned()
                .map(Self::Group),
            _ => return Err(invalid(arn)),
        };
        found.ok_or_else(absent)
    }

    /// Its policies; for a user, those of its groups too.
    pub(super) fn policies(&self, account: &Account, env: &Env<'_>) -> Result<Vec<Held>, IamError> {
        let mut all = Collected { account, env, held: Vec::new() };
        match self {
            Self::User(user) => {
                all.add("USER", &user.name, &user.inline, &user.attached)?;
                for group in account.groups_of(user) {
                    all.add("GROUP", &group.name, &group.inline, &group.attached)?;
                }
            }
            Self::Group(group) => all.add("GROUP", &group.name, &group.inline, &group.attached)?,
            Self::Role(role) => all.add("ROLE", &role.name, &role.inline, &role.attached)?,
        }
        Ok(all.held)
    }
}

pub(super) fn invalid(arn: &str) -> IamError {
    IamError::InvalidInput(format!("Invalid ARN: {arn}"))
}

struct Collected<'a> {
    account: &'a Account,
    env: &'a Env<'a>,
    held: Vec<Held>,
}

impl Collected<'_> {
    fn add(
        &mut self,
        kind: &'static str,
        entity: &str,
        inline: &InlinePolicies,
        attached: &AttachedPolicies,
    ) -> Result<(), IamError> {
        let unevaluable = |cause: &dyn std::fmt::Display| IamError::PolicyEvaluation(cause.to_string());
        for reference in attached {
            let Some((arn, name)) = policies::arn_and_name(self.env, self.account, reference) else {
                continue;
            };
            // A user may hold it itself and by groups, too; it is one policy.
            if self.held.iter().any(|held| matches!(&held.origin, Origin::Managed(known) if *known == arn)) {
                continue;
            }
            let policy = self.account.managed_policy(reference).map_err(|cause| unevaluable(&cause))?;
            self.held.push(Held { name, origin: Origin::Managed(arn), document: policy.document().clone() });
        }
        for (name, text) in inline {
            let document = Document::parse(text.clone(), Grammar::evaluated(PolicyKind::Identity))
                .map_err(|cause| unevaluable(&cause))?;
            let origin = Origin::Inline(kind, entity.to_owned());
            self.held.push(Held { name: name.clone(), origin, document: Arc::new(document) });
        }
        Ok(())
    }
}
