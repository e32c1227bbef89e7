//! Policies of AWS Organizations: service control policies and resource control policies.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html>

use rolecall_policy::PolicyKind;

use crate::code::IssueCode;
use crate::document::Policy;
use crate::report::Report;
use crate::statement::{Condition, Effect, Statement};

/// The services that RCPs can protect:
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html#rcp-supported-services>
const RCP_SERVICES: [&str; 62] = [
    "aoss",
    "appconfig",
    "appstream",
    "autoscaling",
    "autoscaling-plans",
    "budgets",
    "clouddirectory",
    "cloudfront",
    "cloudsearch",
    "cloudtrail-data",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codepipeline",
    "cognito-identity",
    "cognito-idp",
    "comprehend",
    "comprehendmedical",
    "compute-optimizer",
    "cost-optimization-hub",
    "dax",
    "dsql",
    "dynamodb",
    "ecr",
    "ecr-public",
    "events",
    "firehose",
    "fis",
    "fms",
    "gamelift",
    "health",
    "inspector-scan",
    "kendra",
    "kinesisvideo",
    "kms",
    "logs",
    "memorydb",
    "networkmonitor",
    "notifications",
    "opensearch",
    "pca-connector-ad",
    "personalize",
    "polly",
    "pricing",
    "resource-groups",
    "rolesanywhere",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "signin",
    "sqs",
    "sts",
    "support",
    "swf",
    "textract",
    "timestream-influxdb",
    "transcribe",
    "transfer",
    "translate",
    "wafv2",
    "workspaces",
    "xray",
];
/// Keys that describe the caller, which a service principal lacks.
const PRINCIPAL_KEYS: [&str; 5] = [
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalTag/",
];
/// Keys that say for whom a service calls.
const SOURCE_KEYS: [&str; 4] =
    ["aws:SourceOrgID", "aws:SourceOrgPaths", "aws:SourceAccount", "aws:SourceArn"];

pub(crate) fn check(policy: &Policy<'_>, statement: &Statement<'_>, report: &mut Report) {
    match policy.kind {
        PolicyKind::ServiceControl => check_wildcards(statement, report),
        PolicyKind::ResourceControl => {
            check_wildcards_and_services(statement, report);
            check_principal(statement, report);
            check_allow(statement, report);
            check_related_keys(statement, report);
        }
        _ => {}
    }
}

/// A star may only end an action of a service control policy.
fn check_wildcards(statement: &Statement<'_>, report: &mut Report) {
    for (text, cursor) in statement.action.iter().flat_map(|element| element.texts()) {
        let body = text.strip_suffix('*').unwrap_or(text);
        if body.contains(['*', '?']) {
            let details = format!(
                "In a service control policy a star may only end an action; {text} has a wildcard elsewhere."
            );
            report.add(IssueCode::ScpSyntaxErrorActionWildcard, details, &cursor.place());
        }
    }
}

fn check_wildcards_and_services(statement: &Statement<'_>, report: &mut Report) {
    let Some(element) = &statement.action else { return };
    if element.negated {
        let details = "A resource control policy has no NotAction. List the actions with Action.";
        report.add(IssueCode::RcpSyntaxErrorNotaction, details, &element.key_place);
    }
    // Only AWS's own RCPFullAWSAccess, which allows, is about every action.
    for (text, cursor) in element.texts() {
        let prefix = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let supported = RCP_SERVICES.contains(&prefix.as_str()) || (text == "*" && statement.allows());
        if !supported {
            let details = format!("Resource control policies do not protect the service of {text}.");
            report.add(IssueCode::RcpSyntaxErrorAction, details, &cursor.place());
        }
    }
}

fn check_principal(statement: &Statement<'_>, report: &mut Report) {
    let Some(element) = &statement.principal else { return };
    if element.negated || element.value.text() != Some("*") {
        let details =
            "A resource control policy is about everyone: its Principal is \"*\". Narrow it with conditions.";
        report.add(IssueCode::RcpSyntaxErrorPrincipal, details, &element.key_place);
    }
}

fn check_allow(statement: &Statement<'_>, report: &mut Report) {
    let all_resources = statement
        .resource
        .as_ref()
        .is_none_or(|element| !element.negated && element.texts().iter().all(|(text, _)| *text == "*"));
    if statement.effect == Some(Effect::Allow) && (!all_resources || statement.condition.is_some()) {
        let details = "A resource control policy may allow only everything: Principal \"*\", Resource \"*\" and no Condition.";
        report.add(IssueCode::RcpSyntaxErrorAllow, details, &statement.cursor.place());
    }
}

/// RCPs bind services as well as people, and a key of one kind is missing with the other.
fn check_related_keys(statement: &Statement<'_>, report: &mut Report) {
    if statement.effect != Some(Effect::Deny) {
        return;
    }
    let find = |keys: &[&str]| {
        let uses = |condition: &&Condition<'_>| keys.iter().any(|key| condition.is_key(key));
        statement.conditions.iter().find(|condition| uses(condition) && !is_null(condition))
    };
    let tests_service = |wanted: &str| {
        statement.conditions.iter().any(|condition| {
            condition.is_key("aws:PrincipalIsAWSService")
                && condition.values().iter().any(|(value, _)| value == wanted)
        })
    };
    if let Some(condition) = find(&PRINCIPAL_KEYS)
        && !tests_service("false")
    {
        let details = format!(
            "This also binds AWS services, which do not carry {}. Add \"BoolIfExists\": {{\"aws:PrincipalIsAWSService\": \"false\"}}.",
            condition.key
        );
        report.add(IssueCode::RcpMissingRelatedPrincipalConditionKey, details, &condition.key_place);
    }
    let Some(condition) = find(&SOURCE_KEYS) else { return };
    if !tests_service("true") {
        let details = format!(
            "This also binds people and roles, who do not carry {}. Add \"BoolIfExists\": {{\"aws:PrincipalIsAWSService\": \"true\"}}.",
            condition.key
        );
        report.add(IssueCode::RcpMissingRelatedServicePrincipalConditionKey, details, &condition.key_place);
    }
    let checks_presence = statement.conditions.iter().any(|condition| {
        is_null(condition) && (condition.is_key("aws:SourceAccount") || condition.is_key("aws:SourceArn"))
    });
    if !checks_presence {
        let details = format!(
            "Some services call without {}. Add \"Null\": {{\"aws:SourceAccount\": \"false\"}}.",
            condition.key
        );
        report.add(IssueCode::RcpMissingServiceConditionKeyNullCheck, details, &condition.key_place);
    }
}

fn is_null(condition: &Condition<'_>) -> bool {
    condition.operator.is_some_and(|operator| operator.name == "Null")
}
