//! What is stored, as answers show it.

use rolecall_aws_model::organizations as wire;
use rolecall_aws_model::{Sensitive, Timestamp};
use rolecall_state::entities::{AccountCreation, FeatureSet, PolicyType, Tags};
use rolecall_state::snapshot::{Member, Organization, StoredPolicy, Unit};
use rolecall_state::{Snapshot, arn};

use crate::account_creation::email_of;
use crate::env::Env;
use crate::targets::{Target, arn_of};

pub(crate) fn timestamp(at: rolecall_state::Timestamp) -> Timestamp {
    Timestamp::from_seconds(at.0)
}

pub(crate) fn organization(
    env: &Env<'_>,
    snapshot: &Snapshot,
    organization: &Organization,
) -> wire::Organization {
    let record = &organization.record;
    let shown = |kind: &str, id: &str| {
        let resource = format!("{kind}/{}", record.id);
        let resource = if id.is_empty() { resource } else { format!("{resource}/{id}") };
        arn::organizations(env.partition(), record.management, &resource)
    };
    let email = snapshot.account(record.management).map(|account| Sensitive::from(email_of(&account.record)));
    // The field is deprecated, and says of every organization with all features the same.
    let available = match record.features {
        FeatureSet::All => vec![policy_type(PolicyType::ServiceControl)],
        FeatureSet::ConsolidatedBilling => Vec::new(),
    };
    wire::Organization {
        id: Some(record.id.to_string()),
        arn: Some(shown("organization", "")),
        feature_set: Some(record.features.as_str().to_owned()),
        master_account_arn: Some(shown("account", &record.management.to_string())),
        master_account_id: Some(record.management.to_string()),
        master_account_email: email,
        available_policy_types: available,
    }
}

fn policy_type(kind: PolicyType) -> wire::PolicyTypeSummary {
    wire::PolicyTypeSummary { r#type: Some(kind.as_str().to_owned()), status: Some("ENABLED".to_owned()) }
}

pub(crate) fn root(env: &Env<'_>, organization: &Organization) -> wire::Root {
    let root = &organization.record.root;
    let enabled = root.policy_types.iter().filter(|(_, enabling)| enabling.enabled);
    wire::Root {
        id: Some(root.id.to_string()),
        arn: Some(Target::Root.arn(env.partition(), organization)),
        name: Some("Root".to_owned()),
        policy_types: enabled.map(|(kind, _)| policy_type(*kind)).collect(),
    }
}

pub(crate) fn unit(env: &Env<'_>, organization: &Organization, unit: &Unit) -> wire::OrganizationalUnit {
    wire::OrganizationalUnit {
        id: Some(unit.id.to_string()),
        arn: Some(arn_of(env.partition(), organization, unit.id.as_str())),
        name: Some(unit.name.clone()),
        path: Some(format!("{}{}/", organization.path_of(&unit.parent), unit.id)),
    }
}

/// `ACTIVE`, or what becomes of closed accounts: the older `Status` and the newer `State`.
pub(crate) fn status(snapshot: &Snapshot, member: &Member) -> (&'static str, &'static str) {
    let closed = snapshot.account(member.id).is_some_and(|account| account.record.closed.is_some());
    if closed { ("SUSPENDED", "CLOSED") } else { ("ACTIVE", "ACTIVE") }
}

pub(crate) fn account(
    env: &Env<'_>,
    snapshot: &Snapshot,
    organization: &Organization,
    member: &Member,
) -> wire::Account {
    let (status, state) = status(snapshot, member);
    let record = snapshot.account(member.id).map(|account| &account.record);
    wire::Account {
        id: Some(member.id.to_string()),
        arn: Some(arn_of(env.partition(), organization, &member.id.to_string())),
        email: record.map(|record| Sensitive::from(email_of(record))),
        name: record.map(|record| Sensitive::from(record.name.as_str())),
        status: Some(status.to_owned()),
        state: Some(state.to_owned()),
        paths: vec![path_of(organization, member)],
        joined_method: Some(member.method.as_str().to_owned()),
        joined_timestamp: Some(timestamp(member.joined)),
    }
}

/// Where an account is in its organization.
pub(crate) fn path_of(organization: &Organization, member: &Member) -> String {
    format!("{}{}/", organization.path_of(&member.parent), member.id)
}

pub(crate) fn creation(creation: &AccountCreation) -> wire::CreateAccountStatus {
    let (state, account, failure) = match &creation.outcome {
        Ok(account) => ("SUCCEEDED", Some(account.to_string()), None),
        Err(reason) => ("FAILED", None, Some(reason.clone())),
    };
    wire::CreateAccountStatus {
        id: Some(creation.id.to_string()),
        account_name: Some(Sensitive::from(creation.name.as_str())),
        state: Some(state.to_owned()),
        requested_timestamp: Some(timestamp(creation.at)),
        completed_timestamp: Some(timestamp(creation.at)),
        account_id: account,
        gov_cloud_account_id: None,
        failure_reason: failure,
    }
}

pub(crate) fn policy_summary(
    env: &Env<'_>,
    organization: &Organization,
    policy: &StoredPolicy,
) -> wire::PolicySummary {
    wire::PolicySummary {
        id: Some(policy.id.to_string()),
        arn: Some(organization.policy_arn(env.partition(), policy)),
        name: Some(policy.name.clone()),
        description: Some(policy.description.clone()),
        r#type: Some(policy.kind.as_str().to_owned()),
        aws_managed: Some(false),
    }
}

pub(crate) fn full_access_summary(env: &Env<'_>, kind: PolicyType) -> Option<wire::PolicySummary> {
    let id = kind.full_access()?;
    let description = match kind {
        PolicyType::ResourceControl => "Allows access to every resource",
        _ => "Allows access to every operation",
    };
    Some(wire::PolicySummary {
        id: Some(id.to_owned()),
        arn: Some(arn::organizations_managed_policy(env.partition(), kind, id)),
        name: Some(id.trim_start_matches("p-").to_owned()),
        description: Some(description.to_owned()),
        r#type: Some(kind.as_str().to_owned()),
        aws_managed: Some(true),
    })
}

pub(crate) fn tags(tags: &Tags) -> Vec<wire::Tag> {
    tags.iter().map(|tag| wire::Tag { key: tag.key.clone(), value: tag.value.clone() }).collect()
}
