//! Who sends the load: users that `populate` made, each with a role of its account to ask about.

use std::path::Path;

/// A user with an access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The access key's id.
    pub(crate) key: String,
    /// The user's ARN.
    pub(crate) user: String,
    /// The ARN of a role of the same account, where it has one.
    pub(crate) role: Option<String>,
}

impl Caller {
    /// The caller as a line of the callers' file.
    pub(crate) fn line(&self) -> String {
        format!("{} {} {}", self.key, self.user, self.role.as_deref().unwrap_or("-"))
    }

    fn from_line(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let (key, user, role) = (fields.next()?, fields.next()?, fields.next()?);
        let role = (role != "-").then(|| role.to_owned());
        Some(Self { key: key.into(), user: user.into(), role })
    }

    /// The name of the role, without its path.
    pub(crate) fn role_name(&self) -> Option<&str> {
        self.role.as_deref()?.rsplit('/').next()
    }
}

/// Reads the callers' file.
pub(crate) fn read(path: &Path) -> Result<Vec<Caller>, String> {
    let text = std::fs::read_to_string(path).map_err(|cause| format!("{}: {cause}", path.display()))?;
    let callers: Option<Vec<_>> = text.lines().map(Caller::from_line).collect();
    callers
        .filter(|callers| !callers.is_empty())
        .ok_or_else(|| format!("{} is not what `rolecall-load populate` wrote, or is empty", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_comes_back_as_it_was_written() {
        for role in [None, Some("arn:aws:iam::123456789012:role/team1/role-1".to_owned())] {
            let caller =
                Caller { key: "AKIAEXAMPLE".into(), user: "arn:aws:iam::123456789012:user/u".into(), role };
            assert_eq!(Caller::from_line(&caller.line()), Some(caller));
        }
        assert_eq!(Caller::from_line("AKIAEXAMPLE"), None);
    }
}
