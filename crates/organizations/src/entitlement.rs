//! Who may call which operation at all, before any policy is asked.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_delegated_admin.html>

use rolecall_access::Caller;
use rolecall_aws_model::organizations::Operation;
use rolecall_state::snapshot::Organization;

/// By what right an account calls an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Right {
    /// Its own: any account has it, or it manages the organization.
    Own,
    /// The organization's resource policy must give it as well.
    ByResourcePolicy,
    /// None.
    No,
}

/// Operations that are about the calling account itself.
const OF_ANY_ACCOUNT: [Operation; 8] = [
    Operation::AcceptHandshake,
    Operation::CreateOrganization,
    Operation::DeclineHandshake,
    Operation::DescribeEffectivePolicy,
    Operation::DescribeHandshake,
    Operation::DescribeOrganization,
    Operation::LeaveOrganization,
    Operation::ListHandshakesForAccount,
];

/// Changes that an organization's resource policy can give to members.
///
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html>
const DELEGABLE_CHANGES: [&str; 9] = [
    "AttachPolicy",
    "CreatePolicy",
    "DeletePolicy",
    "DetachPolicy",
    "DisablePolicyType",
    "EnablePolicyType",
    "TagResource",
    "UntagResource",
    "UpdatePolicy",
];

/// By what right `caller` calls `operation`.
pub(crate) fn right(operation: Operation, caller: &Caller, organization: Option<&Organization>) -> Right {
    let Some(organization) = organization else { return Right::Own };
    if OF_ANY_ACCOUNT.contains(&operation) || organization.is_managed_by(caller.account) {
        return Right::Own;
    }
    let administrator =
        organization.member(caller.account).is_some_and(|member| !member.delegated.is_empty());
    if administrator && is_read(operation.name()) {
        return Right::Own;
    }
    let has_policy = organization.record.resource_policy.is_some();
    let delegable = is_read(operation.name()) || DELEGABLE_CHANGES.contains(&operation.name());
    if has_policy && delegable { Right::ByResourcePolicy } else { Right::No }
}

fn is_read(name: &str) -> bool {
    name.starts_with("Describe") || name.starts_with("List")
}

/// Whether a resource policy may allow this action, which may have wildcards.
pub(crate) fn can_be_delegated(action: &str) -> bool {
    let Some((service, name)) = action.split_once(':') else { return false };
    if !service.eq_ignore_ascii_case("organizations") {
        return false;
    }
    let starts = |with: &str| name.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
    starts("Describe") || starts("List") || DELEGABLE_CHANGES.iter().any(|it| it.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_policies_and_reading_can_be_delegated() {
        for good in ["organizations:ListAccounts", "organizations:Describe*", "Organizations:attachpolicy"] {
            assert!(can_be_delegated(good), "{good}");
        }
        for bad in
            ["organizations:*", "*", "organizations:CloseAccount", "iam:ListUsers", "organizations:Attach*"]
        {
            assert!(!can_be_delegated(bad), "{bad}");
        }
    }
}
