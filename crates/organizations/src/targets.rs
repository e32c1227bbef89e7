//! What policies and tags are put on: roots, units and accounts, told apart by their ids.

use std::collections::BTreeSet;
use std::sync::Arc;

use rolecall_state::entities::{Attachments, OrgId, PolicyType};
use rolecall_state::snapshot::{Member, Organization, Unit};
use rolecall_state::{Partition, Snapshot, arn};

/// A root, unit or account of an organization.
#[derive(Clone)]
pub(crate) enum Target<'o> {
    /// The root.
    Root,
    /// A unit.
    Unit(&'o Arc<Unit>),
    /// An account.
    Account(&'o Arc<Member>),
}

impl<'o> Target<'o> {
    /// The one with this id.
    pub(crate) fn find(organization: &'o Organization, id: &str) -> Option<Self> {
        if organization.record.root.id.as_str() == id {
            return Some(Self::Root);
        }
        if let Some(unit) = organization.unit(id) {
            return Some(Self::Unit(unit));
        }
        organization.member(id.parse().ok()?).map(Self::Account)
    }

    /// The one with this id, if accounts can be put into it.
    pub(crate) fn parent(organization: &'o Organization, id: &str) -> Option<Self> {
        Self::find(organization, id).filter(|target| !matches!(target, Self::Account(_)))
    }

    /// All of an organization.
    pub(crate) fn all(organization: &'o Organization) -> impl Iterator<Item = Self> {
        let units = organization.units().map(Self::Unit);
        std::iter::once(Self::Root).chain(units).chain(organization.members().map(Self::Account))
    }

    pub(crate) fn id(&self, organization: &Organization) -> OrgId {
        match self {
            Self::Root => organization.record.root.id.clone(),
            Self::Unit(unit) => unit.id.clone(),
            Self::Account(member) => OrgId::of_account(member.id),
        }
    }

    /// `ROOT`, `ORGANIZATIONAL_UNIT` or `ACCOUNT`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Root => "ROOT",
            Self::Unit(_) => "ORGANIZATIONAL_UNIT",
            Self::Account(_) => "ACCOUNT",
        }
    }

    /// Its name, for people.
    pub(crate) fn name(&self, snapshot: &Snapshot) -> String {
        match self {
            Self::Root => "Root".to_owned(),
            Self::Unit(unit) => unit.name.clone(),
            Self::Account(member) => {
                snapshot.account(member.id).map(|account| account.record.name.clone()).unwrap_or_default()
            }
        }
    }

    pub(crate) fn attachments<'a>(&'a self, organization: &'a Organization) -> &'a Attachments {
        match self {
            Self::Root => &organization.record.root.attachments,
            Self::Unit(unit) => &unit.attachments,
            Self::Account(member) => &member.attachments,
        }
    }

    /// The ids of the policies of a type that are attached.
    pub(crate) fn attached(&self, organization: &Organization, kind: PolicyType) -> BTreeSet<OrgId> {
        self.attachments(organization).of(kind, organization.record.enabling(kind))
    }

    pub(crate) fn arn(&self, partition: Partition, organization: &Organization) -> String {
        arn_of(partition, organization, self.id(organization).as_str())
    }
}

/// The ARN of something in an organization, by its id, whether it is there or not.
pub(crate) fn arn_of(partition: Partition, organization: &Organization, id: &str) -> String {
    let record = &organization.record;
    if let Some(policy) = organization.policy(id) {
        return organization.policy_arn(partition, policy);
    }
    let managed = PolicyType::ALL.iter().find(|kind| kind.full_access() == Some(id));
    if let Some(kind) = managed {
        return arn::organizations_managed_policy(partition, *kind, id);
    }
    let kind = match id.split_once('-').map(|(start, _)| start) {
        Some("r") => "root",
        Some("ou") => "ou",
        Some("p") => "policy",
        Some("rp") => "resourcepolicy",
        _ => "account",
    };
    arn::organizations(partition, record.management, &format!("{kind}/{}/{id}", record.id))
}
