//! IAM Toolbox on the line: why a request was denied, told by its id.
//!
//! The authorization id of a request is the request id that its answer carried, without the dashes.
//! Beyond AWS, allowed requests are told of as well while they are recorded.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Response;
use http::request::Parts;
use rolecall_access::{Caller, Demand, Evidence};
use rolecall_aws_model::iam_toolbox::{
    AttachedTo, Check, Evaluation, GetRequestAuthorizationDetailsOutput, GetRequestAuthorizationPolicyOutput,
    MatchedPolicy, MatchedStatement, Operation, PolicyInfo, Request, Response as Answer,
};
use rolecall_aws_model::{JsonInput, WireError};
use rolecall_policy::{Effect, Outcome, Policy, PolicyKind, StatementRef};
use serde_json::Value;

use super::json::{permitted, respond};
use crate::body::Body;
use crate::line::Passage;
use crate::record::Record;

/// Where IAM's own endpoint has it.
pub(crate) const PATH: &str = "/authorization-details/";

/// The kinds of requirement, in the order in which AWS lists them.
const CHECKS: [(PolicyKind, &str, &str); 6] = [
    (PolicyKind::ResourceControl, "RESOURCE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"),
    (PolicyKind::ServiceControl, "SERVICE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"),
    (PolicyKind::Resource, "RESOURCE", "RESOURCE_BASED_POLICY"),
    (PolicyKind::Identity, "PRINCIPAL", "IDENTITY_BASED_POLICY"),
    (PolicyKind::PermissionsBoundary, "PERMISSIONS_BOUNDARY", "PERMISSIONS_BOUNDARY"),
    (PolicyKind::Session, "SESSION", "SESSION_POLICY"),
];

/// Answers a request.
pub(crate) fn answer_toolbox(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Response<Body> {
    let answered = answer(passage, caller, parts);
    respond(passage, answered)
}

fn answer(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Result<Value, WireError> {
    let unknown = || WireError::new("UnknownOperationException", 404, "There is no such operation.");
    let (operation, labels) =
        Operation::route(parts.method.as_str(), parts.uri.path()).ok_or_else(unknown)?;
    passage.trace.operation = operation.name().into();
    let input = JsonInput::rest(labels, parts.uri.query().unwrap_or_default(), b"")?;
    let request = Request::parse(operation, &input).map_err(|error| error.wire())?.ok_or_else(unknown)?;
    permitted(passage, caller, Demand::new(operation.action(), "*"))?;
    let answer: Answer = match request {
        Request::GetRequestAuthorizationDetails(asked) => {
            details(&*find(passage, caller, &asked.authorization_id)?).into()
        }
        Request::GetRequestAuthorizationPolicy(asked) => {
            document(&*find(passage, caller, &asked.authorization_id)?, &asked.policy_uri)?.into()
        }
    };
    serde_json::from_str(&answer.to_json()).map_err(|_| WireError::internal())
}

/// The record of a request of the caller's own account. Others are not told apart from none.
fn find(passage: &Passage<'_>, caller: &Caller, id: &str) -> Result<Arc<Record>, WireError> {
    let parts = [id.get(..8), id.get(8..12), id.get(12..16), id.get(16..20), id.get(20..)];
    let request_id = parts.map(Option::unwrap_or_default).join("-");
    let found = passage.endpoint.recorder().find(&request_id);
    let own = found.filter(|record| record.caller.as_ref().is_some_and(|c| c.account == caller.account));
    own.ok_or_else(|| {
        let words = format!("There are no details of a request {id} of this account.");
        WireError::new("ResourceNotFoundException", 404, words)
    })
}

fn details(record: &Record) -> GetRequestAuthorizationDetailsOutput {
    GetRequestAuthorizationDetailsOutput {
        request_context: record.evidence.first().map(context).unwrap_or_default(),
        evaluations: record.evidence.iter().map(evaluation).collect(),
        policies: policies(record),
        next_token: None,
    }
}

fn context(evidence: &Evidence) -> BTreeMap<String, Value> {
    let value = |values: rolecall_policy::Values<'_>| match values.single() {
        Some(one) => Value::from(one),
        None => values.iter().collect(),
    };
    evidence.context().iter().map(|(key, values)| (key.to_owned(), value(values))).collect()
}

fn effect(outcome: Outcome) -> String {
    match outcome {
        Outcome::Allowed => "ALLOW",
        Outcome::ImplicitlyDenied => "IMPLICIT_DENY",
        Outcome::ExplicitlyDenied => "EXPLICIT_DENY",
    }
    .to_owned()
}

fn evaluation(evidence: &Evidence) -> Evaluation {
    let matching = evidence.matching();
    let there = |kind: PolicyKind| evidence.kinds().any(|known| same(known, kind));
    let checks = CHECKS.iter().filter(|(kind, ..)| there(*kind));
    Evaluation {
        action: evidence.action.to_string(),
        resource: evidence.resource.to_string(),
        context: BTreeMap::new(),
        evaluated_effect: Some(effect(evidence.outcome)),
        matched_policies: matched(&matching.iter().map(|(_, statement)| *statement).collect::<Vec<_>>()),
        checks: checks
            .map(|(kind, check, policy_type)| self::check(*kind, check, policy_type, &matching))
            .collect(),
    }
}

/// A role's trust policy is the policy of a resource.
fn same(known: PolicyKind, kind: PolicyKind) -> bool {
    known == kind || (known == PolicyKind::Trust && kind == PolicyKind::Resource)
}

fn check(
    kind: PolicyKind,
    name: &str,
    policy_type: &str,
    matching: &[(PolicyKind, StatementRef<'_>)],
) -> Check {
    let own: Vec<_> =
        matching.iter().filter(|(known, _)| same(*known, kind)).map(|(_, statement)| *statement).collect();
    let has = |effect| own.iter().any(|statement| statement.effect() == Some(effect));
    // FIDELITY: when AWS calls a resource policy without an allow NO_IMPACT and when IMPLICIT_DENY.
    let evaluated = match (has(Effect::Deny), has(Effect::Allow), kind) {
        (true, ..) => "EXPLICIT_DENY",
        (false, true, _) => "ALLOW",
        (false, false, PolicyKind::Resource) => "NO_IMPACT",
        (false, false, _) => "IMPLICIT_DENY",
    };
    Check {
        check_type: name.to_owned(),
        evaluated_effect: evaluated.to_owned(),
        target_arn: None,
        relevant_policy_types: vec![policy_type.to_owned()],
        matched_policies: matched(&own),
    }
}

fn matched(statements: &[StatementRef<'_>]) -> Vec<MatchedPolicy> {
    let mut found: Vec<MatchedPolicy> = Vec::new();
    for statement in statements {
        let uri = uri(statement.policy);
        let shown = MatchedStatement {
            // A statement without a Sid goes by its place.
            sid: Some(statement.sid().map_or_else(|| format!("Statement{}", statement.index), str::to_owned)),
            evaluated_effect: statement.effect().map(|effect| match effect {
                Effect::Allow => "ALLOW".to_owned(),
                Effect::Deny => "DENY".to_owned(),
            }),
        };
        match found.iter_mut().find(|policy| policy.uri == uri) {
            Some(policy) => policy.matched_statements.push(shown),
            None => found.push(MatchedPolicy { uri, matched_statements: vec![shown] }),
        }
    }
    found
}

/// The ARN of a managed policy, else its name.
fn uri(policy: &Policy) -> String {
    policy.arn().map_or_else(|| format!("inline:{}", policy.name()), str::to_owned)
}

fn policies(record: &Record) -> Vec<PolicyInfo> {
    let mut shown: Vec<PolicyInfo> = Vec::new();
    for evidence in &record.evidence {
        for (kind, policy) in evidence.policies_by_kind() {
            let policy_type = CHECKS.iter().find(|(known, ..)| same(kind, *known)).map(|(_, _, name)| *name);
            let uri = uri(policy);
            if shown
                .iter()
                .any(|known| known.uri.as_ref() == Some(&uri) && known.r#type.as_deref() == policy_type)
            {
                continue;
            }
            let attached = match kind {
                PolicyKind::Resource | PolicyKind::Trust => evidence.resource.to_string(),
                _ => record.caller.as_ref().map(|caller| caller.arn.to_string()).unwrap_or_default(),
            };
            shown.push(PolicyInfo {
                r#type: policy_type.map(str::to_owned),
                inline: Some(policy.arn().is_none()),
                uri: Some(uri),
                attached_to: vec![AttachedTo { arn: Some(attached) }],
                policy_source: BTreeMap::new(),
            });
        }
    }
    shown
}

fn document(record: &Record, wanted: &str) -> Result<GetRequestAuthorizationPolicyOutput, WireError> {
    let mut all = record.evidence.iter().flat_map(Evidence::policies);
    let absent =
        || WireError::new("ResourceNotFoundException", 404, "The request was not decided on such a policy.");
    let policy = all.find(|policy| uri(policy) == wanted).ok_or_else(absent)?;
    let policy_document =
        serde_json::from_str(policy.document().source()).map_err(|_| WireError::internal())?;
    Ok(GetRequestAuthorizationPolicyOutput { policy_document })
}
