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
    /// Its ids down to the account, as in `aws:PrincipalOrgPaths`, where they are known: `o-…/r-…/ou-…/`.
    pub path: Option<String>,
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
        let of = |levels: &Option<Vec<Vec<Control>>>| levels.clone().unwrap_or_default();
        let (service, resource) = (of(&self.service), of(&self.resource));
        let Place { id, root, units: unit_ids } = self.place(service.len().max(resource.len()));
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
        let record = record(id.clone(), management, &root, self.types(), attachments(0), now);
        let mut parent = root;
        let mut units = Vec::new();
        for (at, unit) in unit_ids.iter().enumerate() {
            units.push(OrganizationalUnit {
                v: Format,
                id: unit.clone(),
                name: format!("level {}", at + 1),
                parent: std::mem::replace(&mut parent, unit.clone()),
                tags: Tags::default(),
                attachments: attachments(at + 1),
            });
        }
        let own = attachments(unit_ids.len() + 1);
        txn.create_organization(&record);
        units.iter().for_each(|unit| txn.put_in_organization(&id, unit));
        policies.iter().for_each(|policy| txn.put_in_organization(&id, policy));
        txn.put_in_organization(&id, &member(account, parent, own, now));
        txn.join_organization(account, &id);
    }

    /// Where the account is in the tree: as its path says, or under as many units as there are levels beside the root.
    fn place(&self, levels: usize) -> Place {
        let mut ids = self.path.iter().flat_map(|path| path.split('/')).filter(|id| !id.is_empty());
        let known = ids.next().or(self.id.as_deref()).unwrap_or("o-0000000000");
        let (id, root) = (OrgId::from_stored(known), ids.next().unwrap_or("r-0000"));
        let units = match self.path {
            Some(_) => ids.map(OrgId::from_stored).collect(),
            None => (1..levels).map(|level| OrgId::from_stored(&format!("ou-0000-{level:08}"))).collect(),
        };
        Place { id, root: OrgId::from_stored(root), units }
    }

    fn types(&self) -> BTreeMap<PolicyType, Enabling> {
        let service = self.service.as_ref().map(|_| (PolicyType::ServiceControl, ENABLED));
        let resource = self.resource.as_ref().map(|_| (PolicyType::ResourceControl, ENABLED));
        service.into_iter().chain(resource).collect()
    }
}

/// The ids down to an account.
struct Place {
    id: OrgId,
    root: OrgId,
    units: Vec<OrgId>,
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

fn member(account: AccountId, parent: OrgId, attachments: Attachments, now: Timestamp) -> MemberAccount {
    MemberAccount {
        v: Format,
        id: account,
        parent,
        joined: now,
        method: JoinedMethod::Created,
        tags: Tags::default(),
        attachments,
        delegated: BTreeMap::new(),
    }
}

#[cfg(test)]
mod tests {
    use rolecall_policy::PolicyKind;
    use rolecall_state::{MasterKey, Snapshot};

    use super::*;

    fn governed(controls: &Controls) -> (String, Vec<Vec<String>>) {
        let account: AccountId = "123456789012".parse().unwrap();
        let snapshot = Snapshot::unstored(account, MasterKey::new([0; 32]).unwrap(), |txn| {
            controls.write(txn, account, Timestamp(0));
        })
        .unwrap();
        let governance = snapshot.governance(account).unwrap().unwrap();
        let levels = governance.service_control.as_deref().unwrap_or_default();
        let names = |set: &rolecall_policy::PolicySet| {
            assert_eq!(set.kind(), PolicyKind::ServiceControl);
            set.policies().iter().map(|policy| policy.name().to_owned()).collect()
        };
        (governance.path.clone(), levels.iter().map(names).collect())
    }

    fn level(name: &str) -> Vec<Control> {
        vec![Control { name: name.into(), document: r#"{"Version": "2012-10-17", "Statement": []}"#.into() }]
    }

    #[test]
    fn levels_stand_from_the_root_down_and_what_is_not_said_has_full_access() {
        let service = Some(vec![level("top"), level("unit"), Vec::new()]);
        let (_, names) = governed(&Controls { service, ..Controls::default() });
        assert_eq!(
            names,
            [vec!["top".to_owned()], vec!["unit".into()], vec![], vec!["FullAWSAccess".into()]]
        );
    }

    #[test]
    fn a_path_that_is_known_is_kept_and_the_last_level_is_the_accounts_own() {
        let path = Some("o-abcdefghij/r-abcd/ou-abcd-01234567/".to_owned());
        let service = Some(vec![level("top"), level("unit"), level("own")]);
        let controls = Controls { path: path.clone(), service, ..Controls::default() };
        let (known, names) = governed(&controls);
        assert_eq!(Some(known), path);
        assert_eq!(names, [["top"], ["unit"], ["own"]]);
    }
}
