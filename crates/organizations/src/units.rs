//! Organizational units, and the tree that they make with accounts.

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{Attachments, Format, OrgId, OrganizationalUnit};
use rolecall_state::snapshot::{Organization, Unit};

use crate::env::{Env, changing, organization};
use crate::error::{Constraint, OrganizationsError};
use crate::paging::Paging;
use crate::targets::Target;
use crate::{tags, views};

pub(crate) fn create_organizational_unit(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateOrganizationalUnitRequest,
) -> Result<wire::CreateOrganizationalUnitResponse, OrganizationsError> {
    let wire::CreateOrganizationalUnitRequest { parent_id, name, tags: wanted } = request;
    let found = changing(txn, env)?;
    let parent = parent(&found, parent_id)?;
    if found.units_down_to(&parent).len() >= env.quotas.depth {
        return Err(Constraint::Depth.into());
    }
    if found.unit_count() >= env.quotas.units {
        return Err(Constraint::Units.into());
    }
    let unit = OrganizationalUnit {
        v: Format,
        id: OrgId::unit_under(&found.record.root.id, env.entropy),
        name: name.clone(),
        parent,
        tags: tags::new(env, wanted)?,
        attachments: Attachments::default(),
    };
    is_name_free(&found, &unit)?;
    txn.put_in_organization(&found.record.id, &unit);
    let shown = views::unit(env, &found, &Unit::unstored(unit));
    Ok(wire::CreateOrganizationalUnitResponse { organizational_unit: Some(shown) })
}

/// The id of a root or unit that there is.
fn parent(organization: &Organization, id: &str) -> Result<OrgId, OrganizationsError> {
    let found = Target::parent(organization, id).ok_or(OrganizationsError::ParentNotFound)?;
    Ok(found.id(organization))
}

fn unit<'o>(
    organization: &'o Organization,
    id: &str,
) -> Result<&'o std::sync::Arc<Unit>, OrganizationsError> {
    organization.unit(id).ok_or(OrganizationsError::OrganizationalUnitNotFound)
}

/// Units of one parent have different names.
fn is_name_free(organization: &Organization, wanted: &OrganizationalUnit) -> Result<(), OrganizationsError> {
    let taken = organization
        .units()
        .any(|unit| unit.parent == wanted.parent && unit.name == wanted.name && unit.id != wanted.id);
    if taken { Err(OrganizationsError::DuplicateOrganizationalUnit) } else { Ok(()) }
}

pub(crate) fn update_organizational_unit(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UpdateOrganizationalUnitRequest,
) -> Result<wire::UpdateOrganizationalUnitResponse, OrganizationsError> {
    let wire::UpdateOrganizationalUnitRequest { organizational_unit_id, name } = request;
    let found = changing(txn, env)?;
    let mut changed = OrganizationalUnit::clone(&unit(&found, organizational_unit_id)?.unit);
    if let Some(name) = name {
        changed.name = name.clone();
    }
    is_name_free(&found, &changed)?;
    txn.put_in_organization(&found.record.id, &changed);
    let shown = views::unit(env, &found, &Unit::unstored(changed));
    Ok(wire::UpdateOrganizationalUnitResponse { organizational_unit: Some(shown) })
}

pub(crate) fn delete_organizational_unit(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteOrganizationalUnitRequest,
) -> Result<wire::DeleteOrganizationalUnitResponse, OrganizationsError> {
    let wire::DeleteOrganizationalUnitRequest { organizational_unit_id } = request;
    let found = changing(txn, env)?;
    let gone = unit(&found, organizational_unit_id)?;
    let has_units = found.units().any(|unit| unit.parent == gone.id);
    if has_units || found.members().any(|member| member.parent == gone.id) {
        return Err(OrganizationsError::OrganizationalUnitNotEmpty);
    }
    txn.delete_in_organization(&found.record.id, &*gone.unit);
    Ok(wire::DeleteOrganizationalUnitResponse {})
}

pub(crate) fn describe_organizational_unit(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeOrganizationalUnitRequest,
) -> Result<wire::DescribeOrganizationalUnitResponse, OrganizationsError> {
    let wire::DescribeOrganizationalUnitRequest { organizational_unit_id } = request;
    let found = organization(txn, env)?;
    let shown = views::unit(env, &found, unit(&found, organizational_unit_id)?);
    Ok(wire::DescribeOrganizationalUnitResponse { organizational_unit: Some(shown) })
}

pub(crate) fn list_organizational_units_for_parent(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListOrganizationalUnitsForParentRequest,
) -> Result<wire::ListOrganizationalUnitsForParentResponse, OrganizationsError> {
    let wire::ListOrganizationalUnitsForParentRequest { parent_id, next_token, max_results } = request;
    let found = organization(txn, env)?;
    let parent = parent(&found, parent_id)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let units = found.units().filter(|unit| unit.parent == parent);
    let (units, next_token) = paging.take(units, |unit| unit.id.to_string());
    let organizational_units = units.into_iter().map(|unit| views::unit(env, &found, unit)).collect();
    Ok(wire::ListOrganizationalUnitsForParentResponse { organizational_units, next_token })
}

pub(crate) fn list_children(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListChildrenRequest,
) -> Result<wire::ListChildrenResponse, OrganizationsError> {
    let wire::ListChildrenRequest { parent_id, child_type, next_token, max_results } = request;
    let found = organization(txn, env)?;
    let parent = parent(&found, parent_id)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let ids: Vec<String> = if child_type == "ACCOUNT" {
        let members = found.members().filter(|member| member.parent == parent);
        members.map(|member| member.id.to_string()).collect()
    } else {
        found.units().filter(|unit| unit.parent == parent).map(|unit| unit.id.to_string()).collect()
    };
    let (ids, next_token) = paging.take(ids, String::clone);
    let child = |id| wire::Child { id: Some(id), r#type: Some(child_type.clone()) };
    Ok(wire::ListChildrenResponse { children: ids.into_iter().map(child).collect(), next_token })
}

pub(crate) fn list_parents(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListParentsRequest,
) -> Result<wire::ListParentsResponse, OrganizationsError> {
    let wire::ListParentsRequest { child_id, next_token, max_results } = request;
    let found = organization(txn, env)?;
    let parent = match Target::find(&found, child_id) {
        Some(Target::Unit(unit)) => unit.parent.clone(),
        Some(Target::Account(member)) => member.parent.clone(),
        Some(Target::Root) | None => return Err(OrganizationsError::ChildNotFound),
    };
    let kind = if parent == found.record.root.id { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let (parents, next_token) = paging.take([parent], OrgId::to_string);
    let shown = |id: OrgId| wire::Parent { id: Some(id.to_string()), r#type: Some(kind.to_owned()) };
    Ok(wire::ListParentsResponse { parents: parents.into_iter().map(shown).collect(), next_token })
}
