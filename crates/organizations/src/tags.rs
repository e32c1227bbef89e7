//! Tags of roots, units, accounts and policies.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_tagging.html>

use std::collections::BTreeSet;

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{
    MemberAccount, OrganizationPolicy, OrganizationRecord, OrganizationalUnit, Tag, Tags,
};
use rolecall_state::snapshot::Organization;

use crate::env::{Env, changing, organization};
use crate::error::{Constraint, InvalidInput, OrganizationsError};
use crate::paging::Paging;
use crate::targets::Target;
use crate::views;

/// The tags that something new is made with.
pub(crate) fn new(env: &Env<'_>, wanted: &[wire::Tag]) -> Result<Tags, OrganizationsError> {
    let mut tags = Tags::default();
    set(env, &mut tags, wanted)?;
    Ok(tags)
}

// FIDELITY: AWS tells keys apart by case here; these don't, like the other tags of this program.
fn set(env: &Env<'_>, tags: &mut Tags, wanted: &[wire::Tag]) -> Result<(), OrganizationsError> {
    let keys: BTreeSet<_> = wanted.iter().map(|tag| tag.key.to_lowercase()).collect();
    if keys.len() < wanted.len() {
        return Err(InvalidInput::DuplicateTagKey.into());
    }
    if keys.iter().any(|key| key.starts_with("aws:")) {
        return Err(InvalidInput::SystemTags.into());
    }
    for wire::Tag { key, value } in wanted {
        tags.set(Tag { key: key.clone(), value: value.clone() });
    }
    if tags.len() > env.quotas.tags { Err(Constraint::Tags.into()) } else { Ok(()) }
}

/// The tags of what has this id: none when there is no such thing.
pub(crate) fn find<'o>(organization: &'o Organization, id: &str) -> Option<&'o Tags> {
    if let Some(policy) = organization.policy(id) {
        return Some(&policy.policy.tags);
    }
    let resource_policy = organization.record.resource_policy.as_ref();
    if let Some(policy) = resource_policy.filter(|policy| policy.id.as_str() == id) {
        return Some(&policy.tags);
    }
    Some(match Target::find(organization, id)? {
        Target::Root => &organization.record.root.tags,
        Target::Unit(unit) => &unit.unit.tags,
        Target::Account(member) => &member.account.tags,
    })
}

fn store(txn: &mut Txn, organization: &Organization, id: &str, tags: Tags) {
    let own = &organization.record.id;
    if let Some(policy) = organization.policy(id) {
        return txn.put_in_organization(own, &OrganizationPolicy { tags, ..policy.policy.as_ref().clone() });
    }
    match Target::find(organization, id) {
        Some(Target::Unit(unit)) => {
            txn.put_in_organization(own, &OrganizationalUnit { tags, ..unit.unit.as_ref().clone() });
        }
        Some(Target::Account(member)) => {
            txn.put_in_organization(own, &MemberAccount { tags, ..member.account.as_ref().clone() });
        }
        at => {
            let mut record = OrganizationRecord::clone(&organization.record);
            match (at, &mut record.resource_policy) {
                (None, Some(policy)) => policy.tags = tags,
                _ => record.root.tags = tags,
            }
            txn.put_organization(&record);
        }
    }
}

pub(crate) fn tag_resource(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::TagResourceRequest,
) -> Result<wire::TagResourceResponse, OrganizationsError> {
    let wire::TagResourceRequest { resource_id, tags: wanted } = request;
    let organization = changing(txn, env)?;
    let mut tags = find(&organization, resource_id).ok_or(OrganizationsError::TargetNotFound)?.clone();
    set(env, &mut tags, wanted)?;
    store(txn, &organization, resource_id, tags);
    Ok(wire::TagResourceResponse {})
}

pub(crate) fn untag_resource(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::UntagResourceRequest,
) -> Result<wire::UntagResourceResponse, OrganizationsError> {
    let wire::UntagResourceRequest { resource_id, tag_keys } = request;
    let organization = changing(txn, env)?;
    let mut tags = find(&organization, resource_id).ok_or(OrganizationsError::TargetNotFound)?.clone();
    if tag_keys.iter().any(|key| key.to_lowercase().starts_with("aws:")) {
        return Err(InvalidInput::SystemTags.into());
    }
    tag_keys.iter().for_each(|key| tags.remove(key));
    store(txn, &organization, resource_id, tags);
    Ok(wire::UntagResourceResponse {})
}

pub(crate) fn list_tags_for_resource(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListTagsForResourceRequest,
) -> Result<wire::ListTagsForResourceResponse, OrganizationsError> {
    let wire::ListTagsForResourceRequest { resource_id, next_token } = request;
    let organization = organization(txn, env)?;
    let tags = find(&organization, resource_id).ok_or(OrganizationsError::TargetNotFound)?;
    // At most fifty: they always fit on one page.
    let paging = Paging::new(next_token.as_deref(), Some(1_000))?;
    let numbered = views::tags(tags).into_iter().enumerate();
    let (tags, next_token) = paging.take(numbered, |(at, _)| format!("{at:04}"));
    Ok(wire::ListTagsForResourceResponse { tags: tags.into_iter().map(|(_, tag)| tag).collect(), next_token })
}
