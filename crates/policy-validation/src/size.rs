//! Size against quota.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>

use rolecall_policy::PolicyKind;

use crate::code::IssueCode;
use crate::cursor::Place;
use crate::report::Report;

/// Of a managed policy, without white space.
const IDENTITY: usize = 6_144;
/// Of a trust policy, without white space, unless raised.
const TRUST: usize = 2_048;
/// Of a policy of AWS Organizations, as stored.
const ORGANIZATION: usize = 5_120;

pub(crate) fn check(text: &str, kind: PolicyKind, whole: &Place, report: &mut Report) {
    let dense = text.chars().filter(|character| !character.is_whitespace()).count();
    let all = text.chars().count();
    let (size, quota, code) = match kind {
        PolicyKind::Identity | PolicyKind::PermissionsBoundary | PolicyKind::Session => {
            (dense, IDENTITY, IssueCode::PolicySizeExceedsIdentityPolicyQuota)
        }
        PolicyKind::Trust => (dense, TRUST, IssueCode::PolicySizeExceedsRoleTrustPolicyQuota),
        PolicyKind::ServiceControl => (all, ORGANIZATION, IssueCode::PolicySizeExceedsScpQuota),
        PolicyKind::ResourceControl => (all, ORGANIZATION, IssueCode::PolicySizeExceedsRcpQuota),
        // Each service has its own.
        PolicyKind::Resource | PolicyKind::VpcEndpoint => return,
    };
    if size > quota {
        let counted = if size == all { "characters" } else { "characters without white space" };
        let details = format!("The {} has {size} {counted}; the quota is {quota}. Split it.", kind.name());
        report.add(code, details, whole);
    }
}
