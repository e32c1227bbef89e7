//! Reading a report.

use std::collections::BTreeMap;

use rolecall_aws_model::iam as wire;
use rolecall_service_reference as reference;
use rolecall_state::entities::AccessReportSubject;
use rolecall_state::snapshot::Account;
use rolecall_state::{LastUse, Timestamp, Txn};

use super::granted::Granted;
use super::jobs;
use super::subject::{Principal, Subject};
use crate::env::{Env, account};
use crate::error::IamError;
use crate::paging::Paging;
use crate::views;

/// The last accesses of some principals.
struct Accesses(Vec<(Principal, BTreeMap<Box<str>, LastUse>)>);

impl Accesses {
    fn of(principals: Vec<Principal>, account: &Account, env: &Env<'_>) -> Self {
        let known = |principal: Principal| {
            let accesses = env.last_used.accesses(principal.id.as_str(), account);
            (principal, accesses)
        };
        Self(principals.into_iter().map(known).collect())
    }

    /// Who accessed a service or an action, the latest first.
    fn to(&self, what: &str) -> Vec<(&Principal, &LastUse)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .filter_map(|(principal, accesses)| Some((principal, accesses.get(what)?)))
            .collect();
        all.sort_by_key(|(_, last)| std::cmp::Reverse(last.at));
        all
    }
}

/// A report about a resource, as its job says: what it is about, and whether actions are told of.
fn resource(txn: &mut Txn, env: &Env<'_>, job: &str) -> Result<(Subject, bool, Timestamp), IamError> {
    let report = jobs::find(txn, env, job)?;
    match &report.about {
        AccessReportSubject::Resource { arn, actions } => {
            Ok((Subject::find(txn, env, arn)?, *actions, report.created))
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
    let (subject, actions, created) = resource(txn, env, job_id)?;
    let account = account(txn)?;
    let granted = subject.granted(&account, env)?;
    let accesses = Accesses::of(subject.principals(&account, env), &account, env);
    let page = Paging::new(marker.as_deref(), *max_items)?
        .take(granted.services(), |(prefix, _)| (*prefix).to_owned());
    let page = page.map(|service| view(service, &granted, &accesses, actions));
    Ok(wire::GetServiceLastAccessedDetailsResponse {
        job_status: "COMPLETED".into(),
        job_type: Some(if actions { "ACTION_LEVEL" } else { "SERVICE_LEVEL" }.into()),
        job_creation_date: views::time(created),
        job_completion_date: views::time(created),
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        services_last_accessed: page.items,
        error: None,
    })
}

fn view(
    (prefix, name): (&'static str, &'static str),
    granted: &Granted,
    accesses: &Accesses,
    actions: bool,
) -> wire::ServiceLastAccessed {
    let who = accesses.to(prefix);
    let last = who.first();
    let tracked = granted.actions(prefix).filter(|action| actions && is_tracked(action));
    wire::ServiceLastAccessed {
        service_name: name.to_owned(),
        service_namespace: prefix.to_owned(),
        last_authenticated: last.map(|(_, last)| views::time(last.at)),
        last_authenticated_entity: last.map(|(principal, _)| principal.arn.clone()),
        last_authenticated_region: last.map(|(_, last)| last.region.clone()),
        total_authenticated_entities: Some(i32::try_from(who.len()).unwrap_or(i32::MAX)),
        tracked_actions_last_accessed: tracked.map(|action| action_view(action, accesses)).collect(),
    }
}

/// Actions on data are not told of, as on AWS; here that is S3's on objects.
/// FIDELITY: AWS lists the tracked actions of each service on a page of its documentation.
fn is_tracked(action: &reference::Action) -> bool {
    action.service != "s3" || !action.resource_types.iter().any(|resource| resource.resource_type == "object")
}

fn action_view(action: &reference::Action, accesses: &Accesses) -> wire::TrackedActionLastAccessed {
    let who = accesses.to(&action.full_name());
    let last = who.first();
    wire::TrackedActionLastAccessed {
        action_name: Some(action.name.to_owned()),
        last_accessed_entity: last.map(|(principal, _)| principal.arn.clone()),
        last_accessed_time: last.map(|(_, last)| views::time(last.at)),
        last_accessed_region: last.map(|(_, last)| last.region.clone()),
    }
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
    let (subject, _, created) = resource(txn, env, job_id)?;
    let account = account(txn)?;
    if !subject.granted(&account, env)?.has_service(service_namespace) {
        return Err(IamError::InvalidInput(format!(
            "The service {service_namespace} is none that the report is about."
        )));
    }
    let accesses = Accesses::of(subject.principals(&account, env), &account, env);
    let mut entities: Vec<(&Principal, Option<&LastUse>)> = accesses
        .0
        .iter()
        .map(|(principal, known)| (principal, known.get(service_namespace.as_str())))
        .collect();
    // The latest comes first, and those who never accessed the service last.
    entities.sort_by_key(|(_, last)| std::cmp::Reverse(last.map(|last| last.at)));
    let place = |n: usize| format!("{n:010}");
    let numbered = entities.into_iter().enumerate();
    let page = Paging::new(marker.as_deref(), *max_items)?.take(numbered, |(n, _)| place(*n));
    let page = page.map(|(_, (principal, last))| wire::EntityDetails {
        entity_info: wire::EntityInfo {
            arn: principal.arn.clone(),
            name: principal.name.clone(),
            r#type: principal.kind.into(),
            id: principal.id.to_string(),
            path: Some(principal.path.clone()),
        },
        last_authenticated: last.map(|last| views::time(last.at)),
    });
    Ok(wire::GetServiceLastAccessedDetailsWithEntitiesResponse {
        job_status: "COMPLETED".into(),
        job_creation_date: views::time(created),
        job_completion_date: views::time(created),
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        entity_details_list: page.items,
        error: None,
    })
}
