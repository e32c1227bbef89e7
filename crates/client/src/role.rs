//! Which role is meant: an ARN as it is, a name as a role of the caller's own account.

use crate::ClientError;

/// What stands for the role on the command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Complete.
    Arn(String),
    /// A name, with its path but without the leading slash, in the caller's account.
    InCallersAccount(String),
}

impl Role {
    pub(crate) fn parse(text: &str) -> Result<Self, ClientError> {
        if text.starts_with("arn:") {
            return Ok(Self::Arn(text.to_owned()));
        }
        let name = text.strip_prefix('/').unwrap_or(text);
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-/".contains(c);
        if name.is_empty() || name.ends_with('/') || !name.chars().all(allowed) {
            return Err(ClientError::NotARole(text.to_owned()));
        }
        Ok(Self::InCallersAccount(name.to_owned()))
    }
}

/// The ARN of a role in the partition and account of this caller.
pub(crate) fn arn_beside(caller: &str, name: &str) -> Option<String> {
    let mut fields = caller.split(':');
    let partition = fields.nth(1)?;
    let account = fields.nth(2)?;
    Some(format!("arn:{partition}:iam::{account}:role/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_stays_as_it_is() {
        let arn = "arn:aws-cn:iam::123456789012:role/auto/robot";
        assert_eq!(Role::parse(arn).unwrap(), Role::Arn(arn.into()));
    }

    #[test]
    fn a_name_may_have_a_path() {
        for text in ["auto/robot", "/auto/robot"] {
            assert_eq!(Role::parse(text).unwrap(), Role::InCallersAccount("auto/robot".into()));
        }
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "/", "robot/", "ro bot", "role:robot", "röle"] {
            assert!(Role::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn partition_and_account_come_from_the_caller() {
        let caller = "arn:aws-us-gov:sts::210987654321:assumed-role/first/session";
        assert_eq!(
            arn_beside(caller, "auto/robot").as_deref(),
            Some("arn:aws-us-gov:iam::210987654321:role/auto/robot")
        );
        assert_eq!(arn_beside("nonsense", "robot"), None);
    }
}
