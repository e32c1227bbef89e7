//! `AcquireRole`

use std::sync::Arc;

use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{Role, RoleSource};

use super::find;
use super::values::{Rendered, render};
use crate::env::{Env, account};
use crate::error::IamError;
use crate::{boundaries, documents, policies, roles, views};

pub(crate) fn acquire_role(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AcquireRoleRequest,
) -> Result<wire::AcquireRoleResponse, IamError> {
    let wire::AcquireRoleRequest { template_arn, template_minor_version, replacement_values } = request;
    let version = find(env.role_templates, template_arn, *template_minor_version)?;
    if !version.enabled {
        return Err(IamError::RoleTemplateDisabled(format!("The role template {template_arn} is disabled.")));
    }
    let Rendered { request, inline, managed } = render(version, replacement_values, env.account())?;
    let mut role = roles::new_role(txn, env, &request).map_err(|error| match error {
        IamError::EntityAlreadyExists(message) => IamError::NameConflict(message),
        other => other,
    })?;
    role.source = Some(RoleSource { template: template_arn.clone(), minor: version.minor_version });
    embed(&mut role, inline, env)?;
    attach(txn, env, &mut role, &managed)?;
    boundaries::refer(txn, &role);
    txn.put(&role);
    let shown = views::role(env, &*account(txn)?, &role, views::Detail::Created);
    Ok(wire::AcquireRoleResponse { role: shown })
}

fn embed(role: &mut Role, inline: Vec<(String, String)>, env: &Env<'_>) -> Result<(), IamError> {
    for (name, document) in inline {
        documents::check_identity(&document)?;
        role.inline.insert(name, Arc::from(document));
    }
    let size: usize = role.inline.values().map(|document| documents::size(document)).sum();
    let quota = env.quotas.role_policy_size;
    match size > quota {
        false => Ok(()),
        true => Err(IamError::LimitExceeded(format!(
            "Maximum policy size of {quota} bytes exceeded for role {}",
            role.name
        ))),
    }
}

fn attach(txn: &mut Txn, env: &Env<'_>, role: &mut Role, arns: &[String]) -> Result<(), IamError> {
    for arn in arns {
        let policy = policies::resolve(txn, env, arn)?;
        if let Some(id) = policies::customer_id(txn, &policy) {
            txn.refer(&id, "attached", &role.id);
        }
        role.attached.insert(policy);
    }
    let quota = env.quotas.attached_policies_per_role;
    match role.attached.len() > quota {
        false => Ok(()),
        true => Err(IamError::quota("PoliciesPerRole", quota)),
    }
}
