//! How decisions look in the simulator's answers.

use std::collections::{BTreeMap, BTreeSet};

use rolecall_access::Evidence;
use rolecall_aws_model::iam as wire;
use rolecall_policy::{Effect, Outcome, PolicyKind, Span, StatementRef};

use super::asked::Asked;

fn decision(outcome: Outcome) -> String {
    match outcome {
        Outcome::Allowed => "allowed",
        Outcome::ImplicitlyDenied => "implicitDeny",
        Outcome::ExplicitlyDenied => "explicitDeny",
    }
    .to_owned()
}

/// The result for one action on one resource.
pub(super) fn result(
    evidence: &Evidence,
    asked: &Asked<'_>,
    action: &str,
    resource: &str,
) -> wire::EvaluationResult {
    let statements = statements(evidence);
    let missing = missing(evidence, asked);
    let boundary = evidence.boundary_allows().map(|allowed| wire::PermissionsBoundaryDecisionDetail {
        allowed_by_permissions_boundary: Some(allowed),
    });
    let by_organization = evidence.deciding_kind() != Some(PolicyKind::ServiceControl);
    let organization = evidence
        .is_governed()
        .then_some(wire::OrganizationsDecisionDetail { allowed_by_organizations: Some(by_organization) });
    // The keys that are missing stand with each resource, where resources were named.
    let specific = if asked.resources.is_empty() {
        Vec::new()
    } else {
        vec![wire::ResourceSpecificResult {
            eval_resource_name: resource.to_owned(),
            eval_resource_decision: decision(evidence.outcome),
            matched_statements: statements.clone(),
            missing_context_values: missing.clone(),
            eval_decision_details: BTreeMap::new(),
            permissions_boundary_decision_detail: boundary.clone(),
        }]
    };
    wire::EvaluationResult {
        eval_action_name: action.to_owned(),
        eval_resource_name: Some(resource.to_owned()),
        eval_decision: decision(evidence.outcome),
        matched_statements: statements,
        missing_context_values: missing,
        organizations_decision_detail: organization,
        permissions_boundary_decision_detail: boundary,
        eval_decision_details: BTreeMap::new(),
        resource_specific_results: specific,
    }
}

/// The statements that made the decision: those that deny where one does, else those that allow.
fn statements(evidence: &Evidence) -> Vec<wire::Statement> {
    let wanted = if evidence.outcome == Outcome::ExplicitlyDenied { Effect::Deny } else { Effect::Allow };
    let matching = evidence.matching();
    let kept = matching.iter().filter(|(_, statement)| statement.effect() == Some(wanted));
    kept.map(|(kind, statement)| shown(*kind, *statement)).collect()
}

fn shown(kind: PolicyKind, statement: StatementRef<'_>) -> wire::Statement {
    let document = statement.policy.document();
    let span = statement.statement().map(|statement| statement.span);
    let position = |span: Span| {
        let at = document.position(span);
        Some(wire::Position { line: i32::try_from(at.line).ok(), column: i32::try_from(at.column).ok() })
    };
    let end = span.map(|span| Span { start: span.end, end: span.end });
    wire::Statement {
        source_policy_id: Some(statement.policy.name().to_owned()),
        source_policy_type: Some(source_type(kind, statement).to_owned()),
        start_position: span.and_then(position),
        end_position: end.and_then(position),
    }
}

fn source_type(kind: PolicyKind, statement: StatementRef<'_>) -> &'static str {
    match (kind, statement.policy.arn()) {
        (PolicyKind::Resource | PolicyKind::Trust, _) => "resource",
        (_, Some(arn)) if arn.contains(":iam::aws:") => "aws-managed",
        (_, Some(_)) => "user-managed",
        // FIDELITY: AWS tells `user`, `group` and `role` apart for inline policies, and `none` for given ones.
        (_, None) if statement.policy.name().contains("PolicyInputList.") => "IAM Policy",
        (_, None) => "IAM Policy",
    }
}

/// The keys that the policies ask for and that were neither given nor known of the caller.
fn missing(evidence: &Evidence, asked: &Asked<'_>) -> Vec<String> {
    let wanted: BTreeSet<String> =
        evidence.policies().flat_map(|policy| policy.document().context_keys()).collect();
    let known = |key: &String| asked.has_key(key) || evidence.context().get(key).is_some();
    wanted.into_iter().filter(|key| !known(key)).collect()
}
