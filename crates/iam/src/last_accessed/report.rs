//! Reports about users, groups, roles and policies.

use std::collections::{BTreeMap, HashMap};

use rolecall_aws_model::iam as wire;
use rolecall_service_reference as reference;
use rolecall_state::entities::AccessReportSubject;
use rolecall_state::snapshot::Account;
use rolecall_state::{LastUse, Timestamp, Txn};

use super::content::{Access, Action, Content, Entity, Service};
use super::jobs;
use super::subject::Subject;
use crate::env::Env;
use crate::error::IamError;
use crate::paging::Paging;
use crate::views;

/// The last accesses of some principals.
struct Accesses(Vec<(Entity, BTreeMap<Box<str>, LastUse>)>);

impl Accesses {
    fn of(principals: Vec<Entity>, account: &Account, env: &Env<'_>) -> Self {
        let known = |principal: Entity| {
            let accesses = env.last_used.accesses(&principal.id, account);
            (principal, accesses)
        };
        Self(principals.into_iter().map(known).collect())
    }

    /// Who accessed a service or an action, the latest first.
    fn to(&self, what: &str) -> Vec<Access> {
        let known =
            self.0.iter().enumerate().filter_map(|(by, (_, accesses))| Some((by, accesses.get(what)?)));
        let mut all: Vec<_> =
            known.map(|(by, last)| Access { by, at: last.at, region: last.region.clone() }).collect();
        all.sort_by_key(|access| std::cmp::Reverse(access.at));
        all
    }

    fn of_action(&self, action: &reference::Action) -> Action {
        Action { name: action.name.to_owned(), last: self.to(&action.full_name()).into_iter().next() }
    }
}

/// Makes the report about a user, group, role or policy.
pub(super) fn make(
    subject: &Subject,
    account: &Account,
    env: &Env<'_>,
    actions: bool,
) -> Result<Content, IamError> {
    let granted = subject.granted(account, env)?;
    let accesses = Accesses::of(subject.principals(account, env), account, env);
    let told = |prefix| granted.actions(prefix).filter(|action| actions && is_tracked(action));
    let services = granted.services().map(|(prefix, name)| Service {
        prefix: prefix.to_owned(),
        name: name.to_owned(),
        accesses: accesses.to(prefix),
        actions: told(prefix).map(|action| accesses.of_action(action)).collect(),
    });
    let services = services.collect();
    Ok(Content { services, entities: accesses.0.into_iter().map(|(principal, _)| principal).collect() })
}

/// A report about a resource that was kept, and whether it tells of actions.
fn kept(txn: &Txn, env: &Env<'_>, job: &str) -> Result<(Timestamp, bool, Option<Content>), IamError> {
    let report = jobs::find(txn, env, job)?;
    match &report.about {
        AccessReportSubject::Resource { actions, .. } => {
            let content = report.content.as_ref().map(Content::unpack).transpose()?;
            Ok((report.created, *actions, content))
        }
        AccessReportSubject::Organization { .. } => {
            Err(IamError::NoSuchEntity(format!("Job {job} does not exist.")))
        }
    }
}

pub(crate) fn get_service_last_accessed_details(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetServiceLastAccessedDetailsRequest,
) -> Result<wire::GetServiceLastAccessedDetailsResponse, IamError> {
    let wire::GetServiceLastAccessedDetailsRequest { job_id, max_items, marker } = request;
    let (created, actions, content) = kept(txn, env, job_id)?;
    let failed = content.is_none();
    let content = content.unwrap_or_default();
    let page = Paging::new(marker.as_deref(), *max_items)?
        .take(&content.services, |service| service.prefix.clone())
        .map(|service| view(service, &content));
    Ok(wire::GetServiceLastAccessedDetailsResponse {
        job_status: if failed { "FAILED" } else { "COMPLETED" }.into(),
        job_type: Some(if actions { "ACTION_LEVEL" } else { "SERVICE_LEVEL" }.into()),
        job_creation_date: views::time(created),
        job_completion_date: views::time(created),
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        services_last_accessed: page.items,
        error: failed.then(jobs::too_large),
    })
}

fn view(service: &Service, content: &Content) -> wire::ServiceLastAccessed {
    let last = service.accesses.first();
    let arn = |access: &Access| content.entity(access).map(|entity| entity.arn.clone());
    let action = |action: &Action| wire::TrackedActionLastAccessed {
        action_name: Some(action.name.clone()),
        last_accessed_entity: action.last.as_ref().and_then(arn),
        last_accessed_time: action.last.as_ref().map(|last| views::time(last.at)),
        last_accessed_region: action.last.as_ref().map(|last| last.region.clone()),
    };
    wire::ServiceLastAccessed {
        service_name: service.name.clone(),
        service_namespace: service.prefix.clone(),
        last_authenticated: last.map(|last| views::time(last.at)),
        last_authenticated_entity: last.and_then(arn),
        last_authenticated_region: last.map(|last| last.region.clone()),
        total_authenticated_entities: Some(i32::try_from(service.accesses.len()).unwrap_or(i32::MAX)),
        tracked_actions_last_accessed: service.actions.iter().map(action).collect(),
    }
}

/// Actions on data are not told of, as on AWS; here that is S3's on objects.
/// FIDELITY: AWS lists the tracked actions of each service on a page of its documentation.
fn is_tracked(action: &reference::Action) -> bool {
    action.service != "s3" || !action.resource_types.iter().any(|resource| resource.resource_type == "object")
}

pub(crate) fn get_service_last_accessed_details_with_entities(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetServiceLastAccessedDetailsWithEntitiesRequest,
) -> Result<wire::GetServiceLastAccessedDetailsWithEntitiesResponse, IamError> {
    let wire::GetServiceLastAccessedDetailsWithEntitiesRequest {
        job_id,
        service_namespace,
        max_items,
        marker,
    } = request;
    let (created, _, content) = kept(txn, env, job_id)?;
    let failed = content.is_none();
    let content = content.unwrap_or_default();
    let service = content.services.iter().find(|service| service.prefix == *service_namespace);
    if service.is_none() && !failed {
        return Err(IamError::InvalidInput(format!(
            "The service {service_namespace} is none that the report is about."
        )));
    }
    let accesses: HashMap<usize, &Access> =
        service.iter().flat_map(|service| &service.accesses).map(|access| (access.by, access)).collect();
    let mut entities: Vec<(&Entity, Option<&Access>)> = content
        .entities
        .iter()
        .enumerate()
        .map(|(at, entity)| (entity, accesses.get(&at).copied()))
        .collect();
    // The latest comes first, and those who never accessed the service last.
    entities.sort_by_key(|(_, last)| std::cmp::Reverse(last.map(|last| last.at)));
    let place = |n: usize| format!("{n:010}");
    let numbered = entities.into_iter().enumerate();
    let page = Paging::new(marker.as_deref(), *max_items)?.take(numbered, |(n, _)| place(*n));
    let page = page.map(|(_, (entity, last))| wire::EntityDetails {
        entity_info: wire::EntityInfo {
            arn: entity.arn.clone(),
            name: entity.name.clone(),
            r#type: entity.kind.clone(),
            id: entity.id.clone(),
            path: Some(entity.path.clone()),
        },
        last_authenticated: last.map(|last| views::time(last.at)),
    });
    Ok(wire::GetServiceLastAccessedDetailsWithEntitiesResponse {
        job_status: if failed { "FAILED" } else { "COMPLETED" }.into(),
        job_creation_date: views::time(created),
        job_completion_date: views::time(created),
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        entity_details_list: page.items,
        error: failed.then(jobs::too_large),
    })
}
