//! What a policy's document must be, by its type.

use rolecall_policy::{Document, Effect, Grammar, PolicyKind, Statement};
use rolecall_state::entities::PolicyType;
use serde_json::Value;

use crate::env::Env;
use crate::error::{Constraint, OrganizationsError};

/// Checks a document that is to be stored.
pub(crate) fn check(env: &Env<'_>, kind: PolicyType, content: &str) -> Result<(), OrganizationsError> {
    if content.chars().count() > env.quotas.document_size(kind) {
        return Err(Constraint::PolicyContent.into());
    }
    match kind {
        PolicyType::ServiceControl => parse(content, PolicyKind::ServiceControl).map(drop),
        PolicyType::ResourceControl => {
            let document = parse(content, PolicyKind::ResourceControl)?;
            document.statements().iter().try_for_each(|statement| only_denies(&document, statement))
        }
        _ => management(kind, content),
    }
}

fn parse(content: &str, kind: PolicyKind) -> Result<Document, OrganizationsError> {
    Document::parse(content, Grammar::managed(kind)).map_err(|error| {
        let place = format!("line {}, column {}", error.position.line, error.position.column);
        OrganizationsError::MalformedPolicyDocument(format!("{place}: {}", error.message()))
    })
}

/// Resource control policies take away from everyone, and give nothing: only AWS's own allows.
///
/// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html>
fn only_denies(document: &Document, statement: &Statement) -> Result<(), OrganizationsError> {
    let fail = |words: &str| Err(OrganizationsError::MalformedPolicyDocument(words.to_owned()));
    if statement.effect != Effect::Deny {
        return fail("the Effect must be Deny");
    }
    if statement.action.negated {
        return fail("NotAction is not supported");
    }
    if statement.action.values.iter().any(|action| document.text(action) == "*") {
        return fail("the Action must name a service");
    }
    let everyone = statement.principal.as_ref().is_some_and(|principal| {
        let mut values = principal.entries.iter().flat_map(|entry| entry.values.iter());
        !principal.negated && values.all(|value| document.text(value) == "*")
    });
    if everyone { Ok(()) } else { fail("the Principal must be *") }
}

/// Policies that set something: JSON whose outermost key belongs to the type.
fn management(kind: PolicyType, content: &str) -> Result<(), OrganizationsError> {
    let fail = |words: String| Err(OrganizationsError::MalformedPolicyDocument(words));
    let parsed: Value = match serde_json::from_str(content) {
        Ok(parsed) => parsed,
        Err(cause) => return fail(cause.to_string()),
    };
    let Value::Object(object) = parsed else { return fail("a JSON object is expected".to_owned()) };
    let Some(wanted) = outermost_key(kind) else { return Ok(()) };
    // FIDELITY: what AWS checks of the contents of these policies, beyond their outermost key.
    match object.keys().find(|key| *key != wanted && !key.starts_with("@@")) {
        None => Ok(()),
        Some(key) => fail(format!("{key} stands where {wanted} is expected")),
    }
}

/// The key under which everything of a policy of this type stands, where it is known.
fn outermost_key(kind: PolicyType) -> Option<&'static str> {
    Some(match kind {
        PolicyType::Tag => "tags",
        PolicyType::Backup => "plans",
        PolicyType::AiServicesOptOut => "services",
        PolicyType::Chatbot => "chatbots",
        PolicyType::DeclarativeEc2 => "ec2_attributes",
        PolicyType::SecurityHub => "securityhub",
        PolicyType::Inspector => "inspector",
        PolicyType::UpgradeRollout => "upgrade_rollout",
        PolicyType::Bedrock => "bedrock",
        PolicyType::S3 => "s3_attributes",
        PolicyType::ServiceControl
        | PolicyType::ResourceControl
        | PolicyType::NetworkSecurityDirector
        | PolicyType::GuardDuty
        | PolicyType::SecurityHubCspm => return None,
    })
}
