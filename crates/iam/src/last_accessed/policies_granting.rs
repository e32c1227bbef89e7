//! `ListPoliciesGrantingServiceAccess`.

use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;

use super::granted::Granted;
use super::held::{Held, Identity, Origin};
use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;

pub(crate) fn list_policies_granting_service_access(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListPoliciesGrantingServiceAccessRequest,
) -> Result<wire::ListPoliciesGrantingServiceAccessResponse, IamError> {
    let wire::ListPoliciesGrantingServiceAccessRequest { marker, arn, service_namespaces } = request;
    let account = account(txn)?;
    let held = Identity::find(&account, env, arn)?.policies(&account, env)?;
    let held: Vec<(Granted, Held)> =
        held.into_iter().map(|held| (Granted::by(&held.document), held)).collect();
    let mut asked = service_namespaces.clone();
    asked.sort();
    asked.dedup();
    let page = Paging::new(marker.as_deref(), None)?.take(asked, Clone::clone);
    let page = page.map(|service| {
        let granting = held.iter().filter(|(granted, _)| granted.has_service(&service));
        wire::ListPoliciesGrantingServiceAccessEntry {
            policies: granting.map(|(_, held)| view(held)).collect(),
            service_namespace: Some(service),
        }
    });
    Ok(wire::ListPoliciesGrantingServiceAccessResponse {
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        policies_granting_service_access: page.items,
    })
}

fn view(held: &Held) -> wire::PolicyGrantingServiceAccess {
    let (policy_type, policy_arn, entity) = match &held.origin {
        Origin::Managed(arn) => ("MANAGED", Some(arn.clone()), None),
        Origin::Inline(kind, name) => ("INLINE", None, Some(((*kind).to_owned(), name.clone()))),
    };
    let (entity_type, entity_name) = entity.unzip();
    wire::PolicyGrantingServiceAccess {
        policy_name: held.name.clone(),
        policy_type: policy_type.into(),
        policy_arn,
        entity_type,
        entity_name,
    }
}
