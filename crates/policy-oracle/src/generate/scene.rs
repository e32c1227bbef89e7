//! Who asks for what, and with which context.

use serde_json::{Map, Value, json};

use super::random::Random;

pub(super) const HERE: &str = "111122223333";
pub(super) const THERE: &str = "444455556666";

/// Principals of two accounts: ARN, and the keys that AWS sets for each.
const ARNS: [&str; 10] = [
    "arn:aws:iam::111122223333:user/alice",
    "arn:aws:iam::111122223333:user/team/bob",
    "arn:aws:sts::111122223333:assumed-role/reader/s1",
    "arn:aws:sts::111122223333:assumed-role/admin/deploy@ci",
    "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/x",
    "arn:aws:sts::111122223333:federated-user/fred",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::444455556666:user/alice",
    "arn:aws:sts::444455556666:assumed-role/reader/s1",
    "arn:aws:iam::444455556666:root",
];

const SERVICES: [&str; 2] = ["ec2.amazonaws.com", "cloudtrail.amazonaws.com"];

/// Actions with resources that they act on.
const TARGETS: [(&str, &[&str]); 15] = [
    (
        "s3:GetObject",
        &["arn:aws:s3:::data/alice/a.txt", "arn:aws:s3:::data/reader/x:y", "arn:aws:s3:::data/*"],
    ),
    ("s3:PutObject", &["arn:aws:s3:::data/alice/a.txt", "arn:aws:s3:::logs/2024/01?/é"]),
    ("s3:ListBucket", &["arn:aws:s3:::data", "arn:aws:s3:::logs"]),
    ("sqs:SendMessage", &["arn:aws:sqs:eu-west-1:111122223333:orders"]),
    ("kms:Decrypt", &["arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]),
    ("secretsmanager:GetSecretValue", &["arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-a1b2c3"]),
    (
        "sts:AssumeRole",
        &["arn:aws:iam::111122223333:role/reader", "arn:aws:iam::111122223333:role/ops/admin"],
    ),
    ("sts:TagSession", &["arn:aws:iam::111122223333:role/reader"]),
    ("kms:ListKeys", &["*"]),
    ("kms:RetireGrant", &["arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"]),
    ("sts:GetFederationToken", &["arn:aws:sts::111122223333:federated-user/fred"]),
    ("iam:PassRole", &["arn:aws:iam::111122223333:role/reader"]),
    ("ec2:StopInstances", &["arn:aws:ec2:eu-west-1:111122223333:instance/i-0123456789abcdef0"]),
    ("ec2:DescribeInstances", &["*"]),
    ("dynamodb:GetItem", &["arn:aws:dynamodb:eu-west-1:111122223333:table/orders"]),
];

/// Context keys beside those of the principal, each with sets of values that a request may carry.
pub(super) const KEYS: [(&str, &[&[&str]]); 14] = [
    (
        "aws:SourceIp",
        &[&["203.0.113.7"], &["203.0.113.8"], &["198.51.100.4"], &["2001:db8:1234:5678::1"], &["nowhere"]],
    ),
    ("aws:CurrentTime", &[&["2024-05-01T12:00:00Z"], &["2020-01-01T00:00:00Z"], &["1714564800"], &["noon"]]),
    ("aws:EpochTime", &[&["1714564800"], &["0"]]),
    ("aws:MultiFactorAuthPresent", &[&["true"], &["false"], &["True"]]),
    ("aws:MultiFactorAuthAge", &[&["120"], &["3600"], &["x"], &["-1"], &["120.5"]]),
    ("aws:SecureTransport", &[&["true"], &["false"]]),
    ("aws:PrincipalTag/team", &[&["red"], &["Red"], &["blue"], &["r*d"]]),
    ("aws:ResourceTag/team", &[&["red"], &["blue"]]),
    ("aws:TagKeys", &[&["team"], &["team", "cost"], &["cost", "owner", "Team"], &[]]),
    (
        "aws:CalledVia",
        &[&["athena.amazonaws.com"], &["cloudformation.amazonaws.com", "dynamodb.amazonaws.com"]],
    ),
    (
        "aws:SourceArn",
        &[
            &["arn:aws:sns:eu-west-1:111122223333:topic"],
            &["arn:aws:sns:eu-west-1:444455556666:store/abc:111122223333:topic"],
            &["no-arn"],
        ],
    ),
    ("s3:prefix", &[&["alice/"], &["alice/2024"], &["*"]]),
    ("s3:max-keys", &[&["10"], &["1000"], &["010"]]),
    ("sts:ExternalId", &[&["QmluYXJ5"], &["QQ=="], &["!"]]),
];

/// One request without its policies.
pub(super) struct Scene {
    pub(super) action: &'static str,
    pub(super) resource: &'static str,
    pub(super) resource_account: Option<&'static str>,
    pub(super) principal: Value,
    pub(super) context: Map<String, Value>,
}

impl Scene {
    pub(super) fn new(random: &mut Random) -> Self {
        let (action, resources) = TARGETS.get(random.below(TARGETS.len())).copied().unwrap_or(("", &[]));
        let resource = random.pick(resources);
        let principal = match random.below(20) {
            0 => json!("*"),
            1 | 2 => json!({"service": random.pick(&SERVICES)}),
            _ => json!(random.pick(&ARNS)),
        };
        // S3's ARNs name no account, so the bucket may be anybody's.
        let elsewhere = resource.starts_with("arn:aws:s3") && random.chance(15);
        let resource_account = if elsewhere { THERE } else { HERE };
        let resource_account = (!random.chance(3)).then_some(resource_account);
        let context = context(random, &principal);
        let action = if random.chance(2) { "sts:GetCallerIdentity" } else { action };
        Self { action, resource, resource_account, principal, context }
    }

    pub(super) fn arn(&self) -> Option<&str> {
        self.principal.as_str().filter(|text| *text != "*")
    }

    pub(super) fn is_session(&self) -> bool {
        self.arn().is_some_and(|arn| arn.contains(":sts:"))
    }

    pub(super) fn is_federated_user(&self) -> bool {
        self.arn().is_some_and(|arn| arn.contains(":federated-user/"))
    }

    pub(super) fn is_session_or_user(&self) -> bool {
        self.arn().is_some_and(|arn| !arn.ends_with(":root"))
    }

    pub(super) fn is_principal_with_policies(&self) -> bool {
        self.is_session_or_user()
    }

    pub(super) fn needs_resource_policy(&self) -> bool {
        matches!(self.action, "sts:AssumeRole" | "sts:TagSession" | "kms:Decrypt") || self.arn().is_none()
    }
}

fn context(random: &mut Random, principal: &Value) -> Map<String, Value> {
    let mut context = Map::new();
    if let Some(arn) = principal.as_str().filter(|text| *text != "*") {
        principal_keys(arn, &mut context);
    }
    for (key, choices) in KEYS {
        if random.chance(60) {
            let values = random.pick(choices);
            // Keys are case-insensitive.
            let key = if random.chance(15) { key.to_ascii_uppercase() } else { key.to_owned() };
            context.insert(key, json!(values));
        }
    }
    context
}

/// What AWS sets for a principal, as far as its ARN tells.
fn principal_keys(arn: &str, context: &mut Map<String, Value>) {
    let account = arn.split(':').nth(4).unwrap_or_default();
    let resource = arn.split(':').nth(5).unwrap_or_default();
    let last = resource.rsplit('/').next().unwrap_or_default();
    let role = resource.split('/').nth(1).unwrap_or_default();
    let principal_arn = match resource.split('/').next() {
        // The admin role has a path, which its sessions' ARNs leave out.
        Some("assumed-role") if role == "admin" => format!("arn:aws:iam::{account}:role/ops/admin"),
        Some("assumed-role") if role.starts_with("AWSServiceRole") => {
            format!("arn:aws:iam::{account}:role/aws-service-role/x.amazonaws.com/{role}")
        }
        Some("assumed-role") => format!("arn:aws:iam::{account}:role/{role}"),
        _ => arn.to_owned(),
    };
    context.insert("aws:PrincipalArn".into(), json!([principal_arn]));
    context.insert("aws:PrincipalAccount".into(), json!([account]));
    match resource.split('/').next() {
        Some("user") => {
            context.insert("aws:username".into(), json!([last]));
            context.insert("aws:userid".into(), json!(["AIDAEXAMPLEEXAMPLE123"]));
        }
        Some("assumed-role") => {
            context.insert("aws:userid".into(), json!([format!("AROAEXAMPLEEXAMPLE123:{last}")]));
            context.insert("aws:TokenIssueTime".into(), json!(["2024-05-01T11:00:00Z"]));
        }
        _ => {}
    }
}
