//! Reports about a part of an organization: what its service control policies allow, and what its accounts accessed.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed-view-data-orgs.html>

use std::collections::BTreeMap;

use rolecall_aws_model::iam as wire;
use rolecall_policy::{Document, Grammar, PolicyKind};
use rolecall_service_reference as reference;
use rolecall_state::entities::{AccessReportSubject, Attachments, OrgId, PolicyType, full_access_document};
use rolecall_state::snapshot::{Account, Member, Organization, Unit};
use rolecall_state::{LastUse, Snapshot, Txn};

use super::content::{Access, Content, Entity, Service};
use super::granted::Granted;
use super::jobs;
use crate::env::Env;
use crate::error::IamError;
use crate::paging::Paging;
use crate::views;

const KIND: PolicyType = PolicyType::ServiceControl;

/// A part of an organization that a report is about.
struct Part<'o> {
    organization: &'o Organization,
    units: Vec<&'o std::sync::Arc<Unit>>,
    account: Option<&'o std::sync::Arc<Member>>,
}

impl<'o> Part<'o> {
    /// The part at the end of `o-…/r-…/ou-…/111122223333`; every step must be there.
    fn find(organization: &'o Organization, path: &str) -> Option<Self> {
        let path = path.trim_end_matches('/');
        let last = path.rsplit('/').next()?;
        let account = last.parse().ok().and_then(|account| organization.member(account));
        let parent = match account {
            Some(member) => member.parent.clone(),
            None => OrgId::from_stored(last),
        };
        let units = organization.units_down_to(&parent);
        let part = Self { organization, units, account };
        (part.path() == path).then_some(part)
    }

    fn path(&self) -> String {
        let parent = self.units.last().map_or(&self.organization.record.root.id, |unit| &unit.id);
        let path = self.organization.path_of(parent);
        match self.account {
            Some(member) => format!("{path}{}", member.id),
            None => path.trim_end_matches('/').to_owned(),
        }
    }

    fn is_management_account(&self) -> bool {
        self.account.is_some_and(|member| self.organization.is_managed_by(member.id))
    }

    /// The accounts whose accesses count: of the management account itself, or of all that are not.
    fn accounts(&self) -> Vec<&'o Member> {
        if let Some(account) = self.account {
            return vec![account];
        }
        let within = format!("{}/", self.path());
        let counts = |member: &&std::sync::Arc<Member>| {
            !self.organization.is_managed_by(member.id)
                && self.organization.path_of(&member.parent).starts_with(&within)
        };
        self.organization.members().filter(counts).map(AsRef::as_ref).collect()
    }

    /// What the policies at the part and above it allow, a set for each level.
    fn granted(&self) -> Result<Vec<Granted>, IamError> {
        let root = std::iter::once(&self.organization.record.root.attachments);
        let units = self.units.iter().map(|unit| &unit.attachments);
        let account = self.account.iter().map(|member| &member.attachments);
        root.chain(units).chain(account).map(|level| self.level(level)).collect()
    }

    fn level(&self, attachments: &Attachments) -> Result<Granted, IamError> {
        let mut granted = Granted::default();
        for id in attachments.of(KIND, self.organization.record.enabling(KIND)) {
            if let Some(document) = document(self.organization, id.as_str())? {
                granted.add(&document);
            }
        }
        Ok(granted)
    }

    /// Whether a policy is attached to an account, or between it and the part.
    fn is_under(&self, member: &Member, policy: &str) -> bool {
        let enabling = self.organization.record.enabling(KIND);
        let has = |attachments: &Attachments| attachments.of(KIND, enabling).contains(policy);
        let units = self.organization.units_down_to(&member.parent);
        // Of the units above the account, those that are the part itself or below it.
        let below = units.iter().skip(self.units.len().saturating_sub(1));
        let at_root = self.units.is_empty() && self.account.is_none();
        has(&member.attachments)
            || (self.account.is_none() && below.into_iter().any(|unit| has(&unit.attachments)))
            || (at_root && has(&self.organization.record.root.attachments))
    }
}

fn document(organization: &Organization, id: &str) -> Result<Option<Document>, IamError> {
    let text = match organization.policy(id) {
        Some(policy) if policy.kind == KIND => policy.content.clone(),
        None if KIND.full_access() == Some(id) => full_access_document(KIND).into(),
        _ => return Ok(None),
    };
    Document::parse(text, Grammar::evaluated(PolicyKind::ServiceControl))
        .map(Some)
        .map_err(|cause| IamError::PolicyEvaluation(cause.to_string()))
}

/// The organization that the caller's account manages.
// FIDELITY: in which words AWS refuses a member account, and an organization without service control policies.
fn managed<'s>(snapshot: &'s Snapshot, env: &Env<'_>) -> Result<&'s Organization, IamError> {
    let organization = snapshot.organization_of(env.account()).map(AsRef::as_ref);
    let organization = organization.filter(|found| found.is_managed_by(env.account())).ok_or_else(|| {
        IamError::AccessDenied("The account is not the management account of an organization.".into())
    })?;
    match organization.record.enabling(KIND).enabled {
        true => Ok(organization),
        false => Err(IamError::InvalidInput(
            "Service control policies are not enabled for the root of the organization.".into(),
        )),
    }
}

pub(crate) fn generate_organizations_access_report(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GenerateOrganizationsAccessReportRequest,
) -> Result<wire::GenerateOrganizationsAccessReportResponse, IamError> {
    let wire::GenerateOrganizationsAccessReportRequest { entity_path, organizations_policy_id: policy } =
        request;
    let snapshot = txn.snapshot().clone();
    let part = Part::find(managed(&snapshot, env)?, entity_path)
        .ok_or_else(|| IamError::InvalidInput(format!("The entity {entity_path} does not exist.")))?;
    // For the management account AWS takes the id of a policy and ignores it.
    let policy = policy.as_deref().filter(|_| !part.is_management_account());
    let content = make(&part, policy, &snapshot, env)?;
    let about = AccessReportSubject::Organization { path: part.path(), policy: policy.map(str::to_owned) };
    let job_id = jobs::keep(txn, env, about, &content)?;
    Ok(wire::GenerateOrganizationsAccessReportResponse { job_id: Some(job_id) })
}

fn make(
    part: &Part<'_>,
    policy: Option<&str>,
    snapshot: &Snapshot,
    env: &Env<'_>,
) -> Result<Content, IamError> {
    let granted = match policy {
        None if part.is_management_account() => None,
        None => Some(part.granted()?),
        Some(id) => {
            let unknown = || IamError::InvalidInput(format!("The policy {id} does not exist."));
            Some(vec![Granted::by(&document(part.organization, id)?.ok_or_else(unknown)?)])
        }
    };
    let allows = |prefix: &str| {
        granted.as_ref().is_none_or(|levels| levels.iter().all(|level| level.has_service(prefix)))
    };
    let counts = |member: &&Member| policy.is_none_or(|policy| part.is_under(member, policy));
    let accounts: Vec<_> = part.accounts().into_iter().filter(counts).collect();
    let known =
        accounts.iter().map(|member| snapshot.account(member.id).map(|account| accesses(account, env)));
    let known: Vec<_> = known.map(Option::unwrap_or_default).collect();
    let services = reference::service_names().filter(|(prefix, _)| allows(prefix));
    let services = services.map(|(prefix, name)| Service {
        prefix: prefix.to_owned(),
        name: name.to_owned(),
        accesses: latest_first(&known, prefix),
        actions: Vec::new(),
    });
    Ok(Content {
        services: services.collect(),
        entities: accounts.into_iter().map(|member| entity(part.organization, member)).collect(),
    })
}

fn entity(organization: &Organization, member: &Member) -> Entity {
    Entity {
        kind: "ACCOUNT".to_owned(),
        name: member.id.to_string(),
        id: member.id.to_string(),
        path: format!("{}{}", organization.path_of(&member.parent), member.id),
        arn: String::new(),
    }
}

/// What an account's principals accessed, and when last: its root user, its users and its roles.
fn accesses(account: &Account, env: &Env<'_>) -> BTreeMap<Box<str>, LastUse> {
    let root = std::iter::once(account.id().to_string());
    let users = account.users.iter().map(|user| user.id.to_string());
    let roles = account.roles.iter().map(|role| role.id.to_string());
    let mut all: BTreeMap<Box<str>, LastUse> = BTreeMap::new();
    for principal in root.chain(users).chain(roles) {
        for (what, last) in env.last_used.accesses(&principal, account) {
            if all.get(&what).is_none_or(|known| known.at < last.at) {
                all.insert(what, last);
            }
        }
    }
    all
}

fn latest_first(known: &[BTreeMap<Box<str>, LastUse>], prefix: &str) -> Vec<Access> {
    let found = known.iter().enumerate().filter_map(|(by, accesses)| Some((by, accesses.get(prefix)?)));
    let mut all: Vec<_> =
        found.map(|(by, last)| Access { by, at: last.at, region: last.region.clone() }).collect();
    all.sort_by_key(|access| std::cmp::Reverse(access.at));
    all
}

pub(crate) fn get_organizations_access_report(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetOrganizationsAccessReportRequest,
) -> Result<wire::GetOrganizationsAccessReportResponse, IamError> {
    let wire::GetOrganizationsAccessReportRequest { job_id, max_items, marker, sort_key } = request;
    let report = jobs::find(txn, env, job_id)?;
    let AccessReportSubject::Organization { .. } = &report.about else {
        return Err(IamError::NoSuchEntity(format!("Job {job_id} does not exist.")));
    };
    let content = report.content.as_ref().map(Content::unpack).transpose()?;
    let failed = content.is_none();
    let mut content = content.unwrap_or_default();
    sort(&mut content.services, sort_key.as_deref());
    let not_accessed = content.services.iter().filter(|service| service.accesses.is_empty()).count();
    let place = |n: usize| format!("{n:010}");
    let numbered = content.services.iter().enumerate();
    let page = Paging::new(marker.as_deref(), *max_items)?.take(numbered, |(n, _)| place(*n));
    let page = page.map(|(_, service)| detail(service, &content));
    Ok(wire::GetOrganizationsAccessReportResponse {
        job_status: if failed { "FAILED" } else { "COMPLETED" }.into(),
        job_creation_date: views::time(report.created),
        job_completion_date: Some(views::time(report.created)),
        number_of_services_accessible: i32::try_from(content.services.len()).ok(),
        number_of_services_not_accessed: i32::try_from(not_accessed).ok(),
        is_truncated: Some(page.is_truncated()),
        marker: page.marker,
        access_details: page.items,
        error_details: failed.then(jobs::too_large),
    })
}

// FIDELITY: where AWS puts services that nobody accessed among times; before the earliest here.
fn sort(services: &mut [Service], key: Option<&str>) {
    let time = |service: &Service| service.accesses.first().map(|last| last.at);
    match key {
        Some("SERVICE_NAMESPACE_DESCENDING") => services.sort_by(|a, b| b.prefix.cmp(&a.prefix)),
        Some("LAST_AUTHENTICATED_TIME_ASCENDING") => services.sort_by_key(time),
        Some("LAST_AUTHENTICATED_TIME_DESCENDING") => {
            services.sort_by_key(|service| std::cmp::Reverse(time(service)));
        }
        _ => services.sort_by(|a, b| a.prefix.cmp(&b.prefix)),
    }
}

fn detail(service: &Service, content: &Content) -> wire::AccessDetail {
    let last = service.accesses.first();
    wire::AccessDetail {
        service_name: service.name.clone(),
        service_namespace: service.prefix.clone(),
        region: last.map(|last| last.region.clone()),
        entity_path: last.and_then(|last| content.entity(last)).map(|entity| entity.path.clone()),
        last_authenticated_time: last.map(|last| views::time(last.at)),
        total_authenticated_entities: i32::try_from(service.accesses.len()).ok(),
    }
}
