//! `CreateDelegationRequest`: for the accounts of declared product providers.

use rolecall_aws_model::iam as wire;
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::{DelegationParameter, DelegationRequest, DelegationState, Format};
use rolecall_state::{AccountId, Txn, Uuid};

use super::template::PolicyTemplate;
use crate::env::Env;
use crate::error::IamError;

/// The parameter that the customer's account is put in for, where it is known and nothing else is given.
const ACCOUNT: &str = "AccountId";

pub(crate) fn create_delegation_request(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateDelegationRequestRequest,
) -> Result<wire::CreateDelegationRequestResponse, IamError> {
    let wire::CreateDelegationRequestRequest {
        owner_account_id,
        description,
        permissions,
        request_message,
        requestor_workflow_id,
        redirect_url,
        notification_channel,
        session_duration,
        only_send_by_owner,
    } = request;
    // FIDELITY: what AWS tells accounts that were not onboarded.
    let provider = env.providers.of(env.account()).ok_or_else(|| {
        IamError::AccessDenied(
            "The account is not registered as a product provider for temporary delegation.".into(),
        )
    })?;
    check_topic(env, notification_channel)?;
    check_own(txn, env, requestor_workflow_id)?;
    let arn = permissions.policy_template_arn.as_deref().unwrap_or_default();
    let template = provider.templates.iter().find(|template| template.arn() == arn).ok_or_else(|| {
        IamError::InvalidInput(format!("The policy template {arn} is not registered for this account."))
    })?;
    let owner_account = match owner_account_id {
        Some(id) => {
            Some(id.parse().map_err(|_| IamError::InvalidInput(format!("Invalid account id: {id}")))?)
        }
        None => None,
    };
    let parameters = parameters(template, &permissions.parameters, owner_account)?;
    let policy = template.render(&parameters).map_err(|cause| IamError::InvalidInput(cause.to_string()))?;
    let made = DelegationRequest {
        v: Format,
        id: Uuid::random(env.entropy).to_string(),
        requestor: env.account(),
        requestor_name: provider.name.clone(),
        workflow: requestor_workflow_id.clone(),
        owner_account,
        owner: None,
        approver: None,
        description: description.clone(),
        message: request_message.clone(),
        template: arn.to_owned(),
        parameters,
        policy,
        redirect_url: redirect_url.clone(),
        topic: notification_channel.clone(),
        session_seconds: *session_duration,
        only_send_by_owner: only_send_by_owner.unwrap_or(false),
        notes: None,
        rejection_reason: None,
        history: vec![(DelegationState::Unassigned, env.now)],
    };
    txn.create_delegation(&made, env.now);
    // The console has no page for requests that a link could lead to.
    Ok(wire::CreateDelegationRequestResponse {
        console_deep_link: None,
        delegation_request_id: Some(made.id),
    })
}

/// The topic is one of the provider's own account.
fn check_topic(env: &Env<'_>, topic: &str) -> Result<(), IamError> {
    let parts = ArnParts::parse(topic).filter(|parts| parts.service == "sns" && !parts.resource.is_empty());
    match parts.and_then(|parts| parts.account_id()) == Some(env.account()) {
        true => Ok(()),
        false => Err(IamError::InvalidInput(format!(
            "The notification channel {topic} is not the ARN of an SNS topic in the account of the product provider."
        ))),
    }
}

fn check_own(txn: &Txn, env: &Env<'_>, workflow: &str) -> Result<(), IamError> {
    let mut open = 0;
    for known in txn.snapshot().delegations_by(env.account()) {
        if known.workflow == workflow {
            return Err(IamError::EntityAlreadyExists(format!(
                "A delegation request with the workflow id {workflow} already exists."
            )));
        }
        open += usize::from(env.now < known.expires());
    }
    let quota = env.quotas.delegation_requests;
    if open >= quota {
        return Err(IamError::quota("DelegationRequestsPerAccount", quota));
    }
    Ok(())
}

fn parameters(
    template: &PolicyTemplate,
    given: &[wire::PolicyParameter],
    owner: Option<AccountId>,
) -> Result<Vec<DelegationParameter>, IamError> {
    let missing = |what: &str| IamError::InvalidInput(format!("A policy parameter has no {what}."));
    let mut parameters = Vec::with_capacity(given.len());
    for wire::PolicyParameter { name, values, r#type } in given {
        let list = r#type.as_deref().ok_or_else(|| missing("type"))? == "stringList";
        let name = name.clone().ok_or_else(|| missing("name"))?;
        parameters.push(DelegationParameter { name, values: values.clone(), list });
    }
    // FIDELITY: AWS's examples name the customer's account so, and don't say where its value comes from.
    let is_given = parameters.iter().any(|parameter| parameter.name == ACCOUNT);
    if let (Some(owner), true, false) = (owner, template.takes(ACCOUNT), is_given) {
        parameters.push(DelegationParameter {
            name: ACCOUNT.into(),
            values: vec![owner.to_string()],
            list: false,
        });
    }
    Ok(parameters)
}
