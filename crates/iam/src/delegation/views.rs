//! How delegation requests look in answers.

use rolecall_aws_model::Timestamp as WireTimestamp;
use rolecall_aws_model::iam as wire;
use rolecall_policy::{Document, Grammar, PolicyKind};
use rolecall_state::Timestamp;
use rolecall_state::entities::{DelegationParameter, DelegationRequest};

use super::guidelines::role_restrictions;

pub(super) fn request(request: &DelegationRequest, now: Timestamp) -> wire::DelegationRequest {
    let time = |at: Timestamp| Some(WireTimestamp::from_seconds(at.0));
    wire::DelegationRequest {
        delegation_request_id: Some(request.id.clone()),
        owner_account_id: request.owner_account.map(|account| account.to_string()),
        description: Some(request.description.clone()),
        request_message: request.message.clone(),
        permissions: Some(wire::DelegationPermission {
            policy_template_arn: Some(request.template.clone()),
            parameters: request.parameters.iter().map(parameter).collect(),
        }),
        permission_policy: Some(request.policy.clone()),
        role_permission_restriction_arns: restrictions(&request.policy),
        owner_id: request.owner.clone(),
        approver_id: request.approver.as_ref().map(|approver| approver.arn.clone()),
        state: Some(request.state(now).as_str().to_owned()),
        expiration_time: time(request.expires()),
        requestor_id: Some(request.requestor.to_string()),
        requestor_name: Some(request.requestor_name.clone()),
        create_date: time(request.created()),
        session_duration: Some(request.session_seconds),
        redirect_url: request.redirect_url.clone(),
        notes: request.notes.clone(),
        rejection_reason: request.rejection_reason.clone(),
        only_send_by_owner: Some(request.only_send_by_owner),
        updated_time: time(request.updated()),
    }
}

fn parameter(parameter: &DelegationParameter) -> wire::PolicyParameter {
    wire::PolicyParameter {
        name: Some(parameter.name.clone()),
        values: parameter.values.clone(),
        r#type: Some(if parameter.list { "stringList" } else { "string" }.to_owned()),
    }
}

fn restrictions(policy: &str) -> Vec<String> {
    let parsed = Document::parse(policy, Grammar::evaluated(PolicyKind::Session));
    parsed.map(|document| role_restrictions(&document)).unwrap_or_default()
}
