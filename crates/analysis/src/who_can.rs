//! Who can do something: every user and role is asked about, as it would be enforced.

mod held;
mod outsiders;
mod text;

use rolecall_access::Evidence;
use rolecall_policy::{Change, Effect, Outcome, PolicyKind};
use rolecall_sts::reach::Who;
use serde::Serialize;

use crate::question::{known_action, known_resource};
use crate::reached::Becoming;
use crate::{AnalysisError, Asker, Because, Question, World};

pub use outsiders::Outsider;

/// What is asked for beside who can.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// Those who nearly can, with what keeps them from it.
    pub why_not: bool,
}

/// Who can do something.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhoCan {
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
    /// The users and roles that can.
    pub allowed: Vec<Able>,
    /// Services, other accounts and strangers whom the resource's policy names.
    pub outside: Vec<Outsider>,
    /// Whether the account's root user can; it is not counted.
    pub root: bool,
    /// Those whom a policy allows it and something else does not, and those whom a condition keeps from it. Only where
    /// it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearly: Option<Vec<Nearly>>,
    /// Users and roles about whom it can't be decided, and why.
    pub undecided: Vec<(String, String)>,
    /// How many users and roles were asked about.
    pub asked: usize,
    /// Whether all was asked about who may become whom.
    pub complete: bool,
    /// What is not known, a sentence each.
    pub unknown: Vec<String>,
}

/// A user or role that can.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Able {
    /// Kind, path and name, as `role/jobs/worker`.
    pub principal: String,
    /// The ARN.
    pub arn: String,
    /// What allows it.
    pub because: Because,
    /// The groups that give the policy, of a user that has it by them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// Who may become it, of a role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub becoming: Option<Becoming>,
}

/// A user or role that nearly can.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Nearly {
    /// Kind, path and name.
    pub principal: String,
    /// The ARN.
    pub arn: String,
    /// The statement that would allow it, in words; none where only a condition stands in the way.
    pub allowed_by: Option<String>,
    /// What keeps it from it.
    pub because: Because,
    /// A context key and value with which it could, where one is enough.
    pub with: Option<(String, String)>,
}

impl WhoCan {
    /// Whether anyone can.
    #[must_use]
    pub fn anyone(&self) -> bool {
        !self.allowed.is_empty() || !self.outside.is_empty()
    }
}

/// Asks who can do something.
///
/// # Errors
/// When the question is none.
pub fn who_can(world: &World, question: &Question, wish: Wish) -> Result<WhoCan, AnalysisError> {
    known_action(&question.action)?;
    known_resource(&question.resource)?;
    let root = world.ask(&Asker::Root, question)?.outcome == Outcome::Allowed;
    let mut found = WhoCan {
        action: question.action.clone(),
        resource: question.resource.clone(),
        allowed: Vec::new(),
        outside: world.outsiders(question)?,
        root,
        nearly: wish.why_not.then(Vec::new),
        undecided: Vec::new(),
        asked: 0,
        complete: true,
        unknown: world.unknown.clone(),
    };
    let mut roles = Vec::new();
    for who in world.principals() {
        found.asked += 1;
        let asker = Asker::Principal(who);
        match world.ask(&asker, question) {
            Err(cause) => found.undecided.push((asker.label(), cause.to_string())),
            Ok(evidence) => {
                let Asker::Principal(who) = asker else { continue };
                found.take(world, &who, &evidence);
                if let (Who::Role(role), Outcome::Allowed) = (&who, evidence.outcome) {
                    roles.push((found.allowed.len() - 1, role.clone()));
                }
            }
        }
    }
    let entries: Vec<_> = roles.iter().map(|(_, role)| role.clone()).collect();
    let reached = world.reached(&entries)?;
    found.complete = reached.complete;
    for (at, role) in &roles {
        if let Some(able) = found.allowed.get_mut(*at) {
            able.becoming = Some(reached.of(role, world));
        }
    }
    Ok(found)
}

impl WhoCan {
    fn take(&mut self, world: &World, who: &Who, evidence: &Evidence) {
        let (principal, arn) = (crate::principal::label(who), world.arn_of(who));
        if evidence.outcome == Outcome::Allowed {
            let because = Because::of(evidence);
            let groups = world.groups_with(who, &because);
            self.allowed.push(Able { principal, arn, because, groups, becoming: None });
        } else if let Some(nearly) = &mut self.nearly {
            nearly.extend(near(principal, arn, evidence));
        }
    }
}

/// Someone whom a policy allows it, or whom a condition alone keeps from it.
fn near(principal: String, arn: String, evidence: &Evidence) -> Option<Nearly> {
    let gives =
        |kind: PolicyKind| matches!(kind, PolicyKind::Identity | PolicyKind::Resource | PolicyKind::Trust);
    let matching = evidence.matching();
    let allowed_by = matching
        .iter()
        .find(|(kind, statement)| gives(*kind) && statement.effect() == Some(Effect::Allow))
        .map(|(kind, statement)| rolecall_policy::cite(*kind, *statement));
    let with = evidence.explain(|explanation| match &explanation.change {
        Some(Change::Context { key, value, .. }) => Some(((*key).to_owned(), value.clone())),
        _ => None,
    });
    if allowed_by.is_none() && with.is_none() {
        return None;
    }
    Some(Nearly { principal, arn, allowed_by, because: Because::of(evidence), with })
}

#[cfg(test)]
mod tests;
