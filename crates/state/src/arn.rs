//! Taking ARNs apart and putting IAM's together.

use crate::entities::PolicyType;
use crate::ids::{AccountId, Partition};

/// The six fields of an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArnParts<'a> {
    /// Such as `aws`.
    pub partition: &'a str,
    /// Such as `iam`.
    pub service: &'a str,
    /// Empty for global services.
    pub region: &'a str,
    /// Twelve digits, `aws`, or empty.
    pub account: &'a str,
    /// All the rest, colons included.
    pub resource: &'a str,
}

impl<'a> ArnParts<'a> {
    /// The fields of `arn`; none unless it starts with `arn:` and has six fields.
    pub fn parse(arn: &'a str) -> Option<Self> {
        let mut fields = arn.splitn(6, ':');
        if fields.next()? != "arn" {
            return None;
        }
        Some(Self {
            partition: fields.next()?,
            service: fields.next()?,
            region: fields.next()?,
            account: fields.next()?,
            resource: fields.next()?,
        })
    }

    /// The account field as an account id.
    pub fn account_id(&self) -> Option<AccountId> {
        self.account.parse().ok()
    }
}

/// The ARN of an IAM entity: `kind` is `user`, `role`, `group`, `policy`, `instance-profile`, …
pub fn iam(partition: Partition, account: AccountId, kind: &str, path: &str, name: &str) -> String {
    joined(partition, ":iam::", Some(account), &[":", kind, path, name])
}

/// The ARN of an AWS managed policy, from its path and name (`service-role/X`).
pub fn aws_managed_policy(partition: Partition, path_and_name: &str) -> String {
    joined(partition, ":iam::aws:policy/", None, &[path_and_name])
}

/// The ARN of an account's root user, which also stands for the account in policies.
pub fn root(partition: Partition, account: AccountId) -> String {
    joined(partition, ":iam::", Some(account), &[":root"])
}

/// The ARN of a role session.
pub fn assumed_role(partition: Partition, account: AccountId, role: &str, session: &str) -> String {
    joined(partition, ":sts::", Some(account), &[":assumed-role/", role, "/", session])
}

/// The ARN of a federated user session.
pub fn federated_user(partition: Partition, account: AccountId, name: &str) -> String {
    joined(partition, ":sts::", Some(account), &[":federated-user/", name])
}

/// The ARN of something in an organization, which lies in its management account: `resource` is
/// `account/o-…/…`, `ou/o-…/…`, ….
pub fn organizations(partition: Partition, management: AccountId, resource: &str) -> String {
    joined(partition, ":organizations::", Some(management), &[":", resource])
}

/// The ARN of a policy of AWS's own for organizations.
pub fn organizations_managed_policy(partition: Partition, kind: PolicyType, id: &str) -> String {
    joined(partition, ":organizations::aws:policy/", None, &[kind.segment(), "/", id])
}

// Every request names its caller by ARN several times: one allocation each, and no formatting.
fn joined(partition: Partition, service: &str, account: Option<AccountId>, rest: &[&str]) -> String {
    let length = rest.iter().map(|part| part.len()).sum::<usize>();
    let mut arn = String::with_capacity(4 + 10 + service.len() + 12 + length);
    arn.push_str("arn:");
    arn.push_str(partition.as_str());
    arn.push_str(service);
    if let Some(account) = account {
        account.push_to(&mut arn);
    }
    for part in rest {
        arn.push_str(part);
    }
    arn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_keeps_its_colons() {
        let parts = ArnParts::parse("arn:aws:logs:us-east-1:123456789012:log-group:a:*").unwrap();
        assert_eq!((parts.service, parts.resource), ("logs", "log-group:a:*"));
        assert!(ArnParts::parse("arn:aws:s3").is_none());
        assert!(ArnParts::parse("123456789012").is_none());
    }
}
