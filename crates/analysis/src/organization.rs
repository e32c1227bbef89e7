//! The policies of an organization that stand over the account, as an organization that no store holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rolecall_state::entities::{
    Attachments, Enabling, FeatureSet, Format, JoinedMethod, MemberAccount, OrgId, OrganizationPolicy,
    OrganizationRecord, OrganizationRoot, OrganizationalUnit, PolicyType, Tags,
};
use rolecall_state::{AccountId, Timestamp, Txn};

/// A policy of an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Its name.
    pub name: String,
    /// The document.
    pub document: Arc<str>,
}

/// What stands over an account: a list for each level, the root first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controls {
    /// The organization's id, where it is known.
    pub id: Option<String>,
    /// The service control policies; none when they are not enabled.
    pub service: Option<Vec<Vec<Control>>>,
    /// The resource control policies; none when they are not enabled.
    pub resource: Option<Vec<Vec<Control>>>,
}

const ENABLED: Enabling = Enabling { enabled: true, times: 1 };

impl Controls {
    /// Writes the organization, and the account as its member.
    pub(crate) fn write(&self, txn: &mut Txn, account: AccountId, now: Timestamp) {
        let Some(management) = management(account) else { return };
        let id = OrgId::from_stored(self.id.as_deref().unwrap_or("o-0000000000"));
        let of = |levels: &Option<Vec<Vec<Control>>>| levels.clone().unwrap_or_default();
        let (service, resource) = (of(&self.service), of(&self.resource));
        let depth = service.len().max(resource.len()).max(1);
        let mut policies = Vec::new();
        let mut attachments = |level: usize| {
            let mut attachments = Attachments::default();
            for (kind, levels) in
                [(PolicyType::ServiceControl, &service), (PolicyType::ResourceControl, &resource)]
            {
                let Some(controls) = levels.get(level) else { continue };
                let ids = controls.iter().map(|control| {
                    let id = OrgId::from_stored(&format!("p-{:08}", policies.len()));
                    policies.push(policy(id.clone(), kind, control, now));
                    id
                });
                attachments.set(kind, ENABLED, ids.collect::<BTreeSet<_>>());
            }
            attachments
        };
        let root = OrgId::from_stored("r-0000");
        let record = record(id.clone(), management, &root, self.types(), attachments(0), now);
        let mut parent = root;
        let mut units = Vec::new();
        for level in 1..depth {
            let unit = OrgId::from_stored(&format!("ou-0000-{level:08}"));
            units.push(OrganizationalUnit {
                v: Format,
                id: unit.clone(),
                name: format!("level {level}"),
                parent: std::mem::replace(&mut parent, unit),
                tags: Tags::default(),
                attachments: attachments(level),
            });
        }
        txn.create_organization(&record);
        units.iter().for_each(|unit| txn.put_in_organization(&id, unit));
        policies.iter().for_each(|policy| txn.put_in_organization(&id, policy));
        txn.put_in_organization(&id, &member(account, parent, now));
        txn.join_organization(account, &id);
    }

    fn types(&self) -> BTreeMap<PolicyType, Enabling> {
        let service = self.service.as_ref().map(|_| (PolicyType::ServiceControl, ENABLED));
        let resource = self.resource.as_ref().map(|_| (PolicyType::ResourceControl, ENABLED));
        service.into_iter().chain(resource).collect()
    }
}

/// An account that manages the organization: any but this one, over which its policies would not stand.
fn management(account: AccountId) -> Option<AccountId> {
    let other = if account.number() == 1 { 2 } else { 1 };
    AccountId::from_number(other)
}

fn policy(id: OrgId, kind: PolicyType, control: &Control, now: Timestamp) -> OrganizationPolicy {
    OrganizationPolicy {
        v: Format,
        id,
        kind,
        name: control.name.clone(),
        description: String::new(),
        content: control.document.clone(),
        changed: now,
        tags: Tags::default(),
    }
}

fn record(
    id: OrgId,
    management: AccountId,
    root: &OrgId,
    policy_types: BTreeMap<PolicyType, Enabling>,
    attachments: Attachments,
    now: Timestamp,
) -> OrganizationRecord {
    OrganizationRecord {
        v: Format,
        id,
        management,
        features: FeatureSet::All,
        created: now,
        changes: 0,
        root: OrganizationRoot { id: root.clone(), tags: Tags::default(), policy_types, attachments },
        trusted_services: BTreeMap::new(),
        resource_policy: None,
        root_access: BTreeSet::new(),
    }
}

fn member(account: AccountId, parent: OrgId, now: Timestamp) -> MemberAccount {
    MemberAccount {
        v: Format,
        id: account,
        parent,
        joined: now,
        method: JoinedMethod::Created,
        tags: Tags::default(),
        attachments: Attachments::default(),
        delegated: BTreeMap::new(),
    }
}
