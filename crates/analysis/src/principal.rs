//! Who asks: users and roles of the account by name or pattern, its root user, services, strangers.

use rolecall_service_reference::{closest, glob_matches};
use rolecall_state::arn;
use rolecall_sts::reach::Who;

use crate::{AnalysisError, World};

/// Someone who makes a request.
#[derive(Clone)]
pub enum Asker {
    /// A user, or a session of a role.
    Principal(Who),
    /// The account's root user.
    Root,
    /// An AWS service acting for itself.
    Service(String),
    /// Someone without credentials.
    Anonymous,
}

impl Asker {
    /// How people call them: `user/jane`, `role/jobs/worker`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Principal(who) => label(who),
            Self::Root => "root".to_owned(),
            Self::Service(name) => format!("service/{name}"),
            Self::Anonymous => "anonymous".to_owned(),
        }
    }
}

fn parts(who: &Who) -> (&'static str, &str, &str) {
    match who {
        Who::User(user) => ("user", &user.path, &user.name),
        Who::Role(role) => ("role", &role.path, &role.name),
    }
}

/// Kind, path and name, as at the end of an ARN.
pub(crate) fn label(who: &Who) -> String {
    let (kind, path, name) = parts(who);
    format!("{kind}{path}{name}")
}

impl World {
    pub(crate) fn arn_of(&self, who: &Who) -> String {
        let (kind, path, name) = parts(who);
        arn::iam(self.partition, self.account.id(), kind, path, name)
    }

    /// Everyone whom a text means: `user/NAME`, `role/NAME`, an ARN, each with `*` and `?`; `group/NAME` for its
    /// members, `root`, `anonymous`, `service/NAME`.
    ///
    /// # Errors
    /// When it means nobody.
    pub fn askers(&self, text: &str) -> Result<Vec<Asker>, AnalysisError> {
        if let Some(name) = text.strip_prefix("service/") {
            return Ok(vec![Asker::Service(name.to_owned())]);
        }
        if text == "anonymous" {
            return Ok(vec![Asker::Anonymous]);
        }
        if text == "root" || *text == arn::root(self.partition, self.account.id()) {
            return Ok(vec![Asker::Root]);
        }
        if let Some(name) = text.strip_prefix("group/") {
            return self.members(name);
        }
        let found: Vec<Asker> = self.matching(text).into_iter().map(Asker::Principal).collect();
        if found.is_empty() { Err(AnalysisError::Principal(self.nobody(text))) } else { Ok(found) }
    }

    /// The members of a group.
    fn members(&self, name: &str) -> Result<Vec<Asker>, AnalysisError> {
        let group = self.account.groups.get(name.rsplit('/').next().unwrap_or_default());
        let users = group.map(|group| self.account.members(&group.id)).unwrap_or_default();
        match (group, users.is_empty()) {
            (None, _) => {
                let names: Vec<&str> = self.account.groups.iter().map(|group| group.name.as_str()).collect();
                let near = closest(name, names)
                    .map_or_else(String::new, |near| format!("; did you mean group/{near}?"));
                Err(AnalysisError::Principal(format!("there is no group {name}{near}")))
            }
            (_, true) => Err(AnalysisError::Principal(format!("the group {name} has no members"))),
            _ => Ok(users.into_iter().map(|user| Asker::Principal(Who::User(user.clone()))).collect()),
        }
    }

    /// The one user or role that a text means.
    ///
    /// # Errors
    /// When it means nobody, or several.
    pub fn one(&self, text: &str) -> Result<Who, AnalysisError> {
        let mut found = self.matching(text);
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(AnalysisError::Principal(format!("{text} means several users or roles"))),
            (None, _) => Err(AnalysisError::Principal(self.nobody(text))),
        }
    }

    /// The users and roles whom a text means.
    pub(crate) fn matching(&self, text: &str) -> Vec<Who> {
        // Names are found ignoring case at AWS; here they are meant as they are written.
        let exact = !text.contains(['*', '?']);
        if let (true, Some((kind, name))) = (exact && !text.starts_with("arn:"), text.split_once('/')) {
            let name = name.rsplit('/').next().unwrap_or_default();
            let found = match kind {
                "user" => self.account.users.get(name).cloned().map(Who::User),
                "role" => self.account.roles.get(name).cloned().map(Who::Role),
                _ => None,
            };
            return found.into_iter().filter(|who| means(text, who)).collect();
        }
        let fits = |who: &Who| match text.starts_with("arn:") {
            true => glob_matches(text, &self.arn_of(who)),
            false => means(text, who),
        };
        self.principals().into_iter().filter(fits).collect()
    }

    fn nobody(&self, text: &str) -> String {
        let labels: Vec<String> = self.principals().iter().map(short).collect();
        let near = closest(text, labels.iter().map(String::as_str));
        let near = near.map_or_else(
            || "write user/NAME, role/NAME or an ARN".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        format!("there is no user or role {text} in the account {}; {near}", self.account.id())
    }
}

fn short(who: &Who) -> String {
    let (kind, _, name) = parts(who);
    format!("{kind}/{name}")
}

fn means(text: &str, who: &Who) -> bool {
    glob_matches(text, &short(who)) || glob_matches(text, &label(who))
}
