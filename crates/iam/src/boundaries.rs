//! Permissions boundaries of users and roles.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>

use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{Role, User};
use rolecall_state::{Bounded, PolicyRef, Txn};

use crate::env::Env;
use crate::error::IamError;
use crate::{policies, roles, users};

/// The policy that a boundary's ARN means; it must exist.
pub(crate) fn resolve(
    txn: &mut Txn,
    env: &Env<'_>,
    arn: Option<&str>,
) -> Result<Option<PolicyRef>, IamError> {
    let Some(arn) = arn else { return Ok(None) };
    match policies::resolve(txn, env, arn) {
        Ok(policy) => Ok(Some(policy)),
        Err(IamError::NoSuchEntity(_)) => {
            Err(IamError::NoSuchEntity(format!("Scope ARN: {arn} does not exist or is not attachable.")))
        }
        Err(other) => Err(other),
    }
}

/// Marks that the entity's boundary is in use.
pub(crate) fn refer<T: Bounded>(txn: &mut Txn, entity: &T) {
    if let Some(policy) = entity.boundary().and_then(|policy| policies::customer_id(txn, policy)) {
        txn.refer(&policy, "boundary", entity.id());
    }
}

/// Takes that mark away.
pub(crate) fn unrefer<T: Bounded>(txn: &mut Txn, entity: &T) {
    if let Some(policy) = entity.boundary().and_then(|policy| policies::customer_id(txn, policy)) {
        txn.unrefer(&policy, "boundary", entity.id());
    }
}

fn replace<T: Bounded>(txn: &mut Txn, mut entity: T, boundary: Option<PolicyRef>) {
    unrefer(txn, &entity);
    *entity.boundary_mut() = boundary;
    refer(txn, &entity);
    txn.put(&entity);
}

pub(crate) fn put_user_permissions_boundary(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::PutUserPermissionsBoundaryRequest,
) -> Result<wire::PutUserPermissionsBoundaryResponse, IamError> {
    let wire::PutUserPermissionsBoundaryRequest { user_name, permissions_boundary } = request;
    let user = User::clone(&*users::find(txn, user_name)?);
    let boundary = resolve(txn, env, Some(permissions_boundary))?;
    replace(txn, user, boundary);
    Ok(wire::PutUserPermissionsBoundaryResponse {})
}

pub(crate) fn delete_user_permissions_boundary(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteUserPermissionsBoundaryRequest,
) -> Result<wire::DeleteUserPermissionsBoundaryResponse, IamError> {
    let wire::DeleteUserPermissionsBoundaryRequest { user_name } = request;
    let user = User::clone(&*users::find(txn, user_name)?);
    if user.boundary.is_none() {
        return Err(none_set("User", user_name));
    }
    replace(txn, user, None);
    Ok(wire::DeleteUserPermissionsBoundaryResponse {})
}

pub(crate) fn put_role_permissions_boundary(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::PutRolePermissionsBoundaryRequest,
) -> Result<wire::PutRolePermissionsBoundaryResponse, IamError> {
    let wire::PutRolePermissionsBoundaryRequest { role_name, permissions_boundary } = request;
    let role = Role::clone(&*roles::find_modifiable(txn, role_name)?);
    let boundary = resolve(txn, env, Some(permissions_boundary))?;
    replace(txn, role, boundary);
    Ok(wire::PutRolePermissionsBoundaryResponse {})
}

pub(crate) fn delete_role_permissions_boundary(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteRolePermissionsBoundaryRequest,
) -> Result<wire::DeleteRolePermissionsBoundaryResponse, IamError> {
    let wire::DeleteRolePermissionsBoundaryRequest { role_name } = request;
    let role = Role::clone(&*roles::find_modifiable(txn, role_name)?);
    if role.boundary.is_none() {
        return Err(none_set("Role", role_name));
    }
    replace(txn, role, None);
    Ok(wire::DeleteRolePermissionsBoundaryResponse {})
}

fn none_set(kind: &str, name: &str) -> IamError {
    IamError::NoSuchEntity(format!("{kind} {name} does not have a permission boundary."))
}
