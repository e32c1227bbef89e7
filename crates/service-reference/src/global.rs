//! The [global condition keys]: those of `aws:`, and those that only a role session of a given kind carries.
//!
//! [global condition keys]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html

use crate::model::ValueType::{Arn, Bool, Date, IpAddress, Numeric, String};
use crate::model::{ConditionKey, ValueType};

const fn one(name: &'static str, value_type: ValueType) -> ConditionKey {
    ConditionKey { name, value_type, multivalued: false }
}

const fn many(name: &'static str, value_type: ValueType) -> ConditionKey {
    ConditionKey { name, value_type, multivalued: true }
}

/// In the page's order: of the principal, of the role session, of the network, of the resource, of the request.
const GLOBAL: &[ConditionKey] = &[
    one("aws:PrincipalArn", Arn),
    one("aws:PrincipalAccount", String),
    many("aws:PrincipalOrgPaths", String),
    one("aws:PrincipalOrgID", String),
    one("aws:PrincipalTag/${TagKey}", String),
    one("aws:PrincipalIsAWSService", Bool),
    one("aws:PrincipalServiceName", String),
    many("aws:PrincipalServiceNamesList", String),
    one("aws:PrincipalType", String),
    one("aws:userid", String),
    one("aws:username", String),
    one("aws:AssumedRoot", Bool),
    one("aws:FederatedProvider", String),
    one("aws:TokenIssueTime", Date),
    one("aws:MultiFactorAuthAge", Numeric),
    one("aws:MultiFactorAuthPresent", Bool),
    one("aws:ChatbotSourceArn", Arn),
    one("aws:Ec2InstanceSourceVpc", String),
    one("aws:Ec2InstanceSourcePrivateIPv4", IpAddress),
    one("aws:SourceIdentity", String),
    one("aws:SignInSessionArn", Arn),
    one("ec2:RoleDelivery", Numeric),
    one("ec2:SourceInstanceArn", Arn),
    one("glue:RoleAssumedBy", String),
    one("glue:CredentialIssuingService", String),
    one("codebuild:BuildArn", Arn),
    one("codebuild:ProjectArn", Arn),
    one("lambda:SourceFunctionArn", Arn),
    one("ssm:SourceInstanceArn", Arn),
    one("identitystore:UserId", String),
    one("aws:SourceIp", IpAddress),
    one("aws:SourceVpc", String),
    one("aws:SourceVpcArn", Arn),
    one("aws:SourceVpce", String),
    one("aws:VpceAccount", String),
    one("aws:VpceOrgID", String),
    many("aws:VpceOrgPaths", String),
    one("aws:VpcSourceIp", IpAddress),
    one("aws:ResourceAccount", String),
    one("aws:ResourceOrgID", String),
    many("aws:ResourceOrgPaths", String),
    one("aws:ResourceTag/${TagKey}", String),
    many("aws:CalledVia", String),
    one("aws:CalledViaFirst", String),
    one("aws:CalledViaLast", String),
    one("aws:ViaAWSService", Bool),
    one("aws:CalledViaAWSMCP", String),
    one("aws:ViaAWSMCPService", Bool),
    one("aws:IsMcpServiceAction", Bool),
    one("aws:CurrentTime", Date),
    one("aws:EpochTime", Date),
    one("aws:referer", String),
    one("aws:RequestedRegion", String),
    one("aws:RequestTag/${TagKey}", String),
    many("aws:TagKeys", String),
    one("aws:SecureTransport", Bool),
    one("aws:SourceAccount", String),
    one("aws:SourceArn", Arn),
    one("aws:SourceOrgID", String),
    many("aws:SourceOrgPaths", String),
    one("aws:SourceOwner", String),
    one("aws:UserAgent", String),
];

/// Keys of `aws:` that only some actions carry, although they are global: an action's own list says which.
const NOT_EVERYWHERE: &[&str] = &["aws:RequestTag/", "aws:TagKeys", "aws:ResourceTag/"];

/// Every global condition key.
#[must_use]
pub fn global_condition_keys() -> &'static [ConditionKey] {
    GLOBAL
}

/// The global condition key that `key` is or instantiates, whatever its case.
#[must_use]
pub fn global_condition_key(key: &str) -> Option<ConditionKey> {
    GLOBAL.iter().copied().find(|known| known.matches(key))
}

/// Whether a request for any action may carry this key: a global one that no action's list need name.
#[must_use]
pub fn is_in_every_request(key: &str) -> bool {
    let listed = NOT_EVERYWHERE
        .iter()
        .any(|start| key.get(..start.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(start)));
    !listed && global_condition_key(key).is_some()
}
