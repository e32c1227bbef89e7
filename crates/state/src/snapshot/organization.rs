//! Organizations in a snapshot: the tree, its policies, and what they come to for each account.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use imbl::{HashMap, OrdMap};
use rolecall_policy::{Document, Grammar, Policy, PolicyKind, PolicySet};
use rolecall_store::Revision;

use super::Snapshot;
use super::apply::{ApplyError, Change, decode};
use super::compiled::{Once, Unevaluable};
use crate::arn;
use crate::entities::{
    AccountCreation, Attachments, Handshake, MemberAccount, OrgId, OrganizationPolicy, OrganizationRecord,
    OrganizationalUnit, PolicyType, full_access_document,
};
use crate::ids::{AccountId, Partition};
use crate::txn::InOrganization;

/// No tree is deeper; a stored one that is would be a circle.
const MOST_LEVELS: usize = 16;

/// All organizations, and which account is in which.
#[derive(Clone, Default)]
pub(crate) struct Organizations {
    by_id: OrdMap<OrgId, Arc<Organization>>,
    membership: HashMap<AccountId, OrgId>,
}

/// An organization with all that is in it.
#[derive(Clone)]
pub struct Organization {
    /// Its record.
    pub record: Arc<OrganizationRecord>,
    /// The revision of the record, which every change raises.
    pub revision: Revision,
    root: Arc<Controls>,
    units: OrdMap<OrgId, Arc<Unit>>,
    members: OrdMap<AccountId, Arc<Member>>,
    policies: OrdMap<OrgId, Arc<StoredPolicy>>,
    creations: OrdMap<OrgId, Arc<AccountCreation>>,
    handshakes: OrdMap<OrgId, Arc<Handshake>>,
}

/// The policies of one root or unit, compiled when they are first needed.
#[derive(Default)]
struct Controls {
    service: Once<PolicySet>,
    resource: Once<PolicySet>,
}

/// An organizational unit.
pub struct Unit {
    /// As stored.
    pub unit: Arc<OrganizationalUnit>,
    controls: Arc<Controls>,
}

/// An account in its organization.
pub struct Member {
    /// As stored.
    pub account: Arc<MemberAccount>,
    governance: Once<Arc<Governance>>,
}

/// A policy of an organization.
pub struct StoredPolicy {
    /// As stored.
    pub policy: Arc<OrganizationPolicy>,
    compiled: Once<Policy>,
}

/// What an account's organization comes to for it: everything that a decision asks for.
#[derive(Debug)]
pub struct Governance {
    /// `aws:PrincipalOrgID`, `aws:ResourceOrgID`
    pub organization: OrgId,
    /// `aws:PrincipalOrgPaths`, `aws:ResourceOrgPaths`
    pub path: String,
    /// The service control policies of each level, root first; none when none apply.
    pub service_control: Option<Arc<[PolicySet]>>,
    /// The resource control policies of each level, root first; none when none apply.
    pub resource_control: Option<Arc<[PolicySet]>>,
}

impl std::ops::Deref for Unit {
    type Target = OrganizationalUnit;

    fn deref(&self) -> &OrganizationalUnit {
        &self.unit
    }
}

impl std::ops::Deref for Member {
    type Target = MemberAccount;

    fn deref(&self) -> &MemberAccount {
        &self.account
    }
}

impl std::ops::Deref for StoredPolicy {
    type Target = OrganizationPolicy;

    fn deref(&self) -> &OrganizationPolicy {
        &self.policy
    }
}

impl Snapshot {
    /// The organization that an account belongs to.
    pub fn organization_of(&self, account: AccountId) -> Option<&Arc<Organization>> {
        self.organizations.by_id.get(self.organizations.membership.get(&account)?)
    }

    /// All organizations.
    pub fn organizations(&self) -> impl Iterator<Item = &Arc<Organization>> {
        self.organizations.by_id.values()
    }

    /// What an account's organization comes to for it; none when it belongs to none.
    ///
    /// # Errors
    /// When one of the policies can't be evaluated.
    pub fn governance(&self, account: AccountId) -> Result<Option<&Arc<Governance>>, Unevaluable> {
        let Some(organization) = self.organization_of(account) else { return Ok(None) };
        let Some(member) = organization.members.get(&account) else { return Ok(None) };
        let governed = member.governance.get_or_init(|| organization.govern(member).map(Arc::new));
        governed.as_ref().map(Some).map_err(Clone::clone)
    }

    pub(super) fn apply_membership(&mut self, change: &Change<'_>, account: &str) -> Result<(), ApplyError> {
        let account = account.parse().map_err(|cause| ApplyError::value(change.key, cause))?;
        match change.value {
            Some(value) => {
                self.organizations.membership.insert(account, decode(change.key, value)?);
            }
            None => {
                self.organizations.membership.remove(&account);
            }
        }
        Ok(())
    }

    pub(super) fn apply_organization(&mut self, change: &Change<'_>, rest: &str) -> Result<(), ApplyError> {
        let by_id = &mut self.organizations.by_id;
        let Some((id, rest)) = rest.split_once('/') else {
            let Some(value) = change.value else {
                by_id.remove(rest);
                return Ok(());
            };
            let record: OrganizationRecord = decode(change.key, value)?;
            match by_id.get_mut(rest) {
                Some(known) => Arc::make_mut(known).replace_record(record, change.revision),
                None => {
                    let made = Organization::new(record, change.revision);
                    by_id.insert(OrgId::from_stored(rest), Arc::new(made));
                }
            }
            return Ok(());
        };
        match (by_id.get_mut(id), change.value) {
            (Some(organization), _) => Arc::make_mut(organization).apply(change, rest),
            // Of a deleted organization, what was in it goes after it.
            (None, None) => Ok(()),
            (None, Some(_)) => Err(ApplyError::value(change.key, "its organization does not exist")),
        }
    }
}

impl Unit {
    /// A unit that is only about to be: no store holds it.
    pub fn unstored(unit: OrganizationalUnit) -> Self {
        Self { unit: Arc::new(unit), controls: Arc::default() }
    }
}

impl StoredPolicy {
    /// A policy that is only about to be: no store holds it.
    pub fn unstored(policy: OrganizationPolicy) -> Self {
        Self { policy: Arc::new(policy), compiled: OnceLock::new() }
    }
}

impl Organization {
    /// An organization that is only about to be: no store holds it.
    pub fn unstored(record: OrganizationRecord) -> Self {
        Self::new(record, Revision::default())
    }

    /// The same with another record, which no store holds yet.
    #[must_use]
    pub fn with_record(&self, record: OrganizationRecord) -> Self {
        let mut changed = self.clone();
        changed.record = Arc::new(record);
        changed
    }

    fn new(record: OrganizationRecord, revision: Revision) -> Self {
        Self {
            record: Arc::new(record),
            revision,
            root: Arc::default(),
            units: OrdMap::new(),
            members: OrdMap::new(),
            policies: OrdMap::new(),
            creations: OrdMap::new(),
            handshakes: OrdMap::new(),
        }
    }

    /// A unit.
    pub fn unit(&self, id: &str) -> Option<&Arc<Unit>> {
        self.units.get(id)
    }

    /// All units, in the order of their ids.
    pub fn units(&self) -> impl Iterator<Item = &Arc<Unit>> {
        self.units.values()
    }

    /// How many units there are.
    pub fn unit_count(&self) -> usize {
        self.units.len()
    }

    /// A member.
    pub fn member(&self, account: AccountId) -> Option<&Arc<Member>> {
        self.members.get(&account)
    }

    /// All members, in the order of their ids.
    pub fn members(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.members.values()
    }

    /// How many members there are.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// A policy of the organization's own.
    pub fn policy(&self, id: &str) -> Option<&Arc<StoredPolicy>> {
        self.policies.get(id)
    }

    /// All policies of the organization's own, in the order of their ids.
    pub fn policies(&self) -> impl Iterator<Item = &Arc<StoredPolicy>> {
        self.policies.values()
    }

    /// A request to make an account.
    pub fn creation(&self, id: &str) -> Option<&Arc<AccountCreation>> {
        self.creations.get(id)
    }

    /// All requests to make accounts.
    pub fn creations(&self) -> impl Iterator<Item = &Arc<AccountCreation>> {
        self.creations.values()
    }

    /// A handshake.
    pub fn handshake(&self, id: &str) -> Option<&Arc<Handshake>> {
        self.handshakes.get(id)
    }

    /// All handshakes.
    pub fn handshakes(&self) -> impl Iterator<Item = &Arc<Handshake>> {
        self.handshakes.values()
    }

    /// Whether this account manages the organization.
    pub fn is_managed_by(&self, account: AccountId) -> bool {
        self.record.management == account
    }

    /// Whether this account administers a service for the organization: it manages it, or was put in charge.
    pub fn administers(&self, account: AccountId, service: &str) -> bool {
        let delegated = |member: &Arc<Member>| member.account.delegated.contains_key(service);
        self.is_managed_by(account) || self.member(account).is_some_and(delegated)
    }

    /// The units from the root down to `parent`, without the root.
    pub fn units_down_to(&self, parent: &OrgId) -> Vec<&Arc<Unit>> {
        let mut units = Vec::new();
        let mut at = parent;
        while let Some(unit) = self.units.get(at).filter(|_| units.len() < MOST_LEVELS) {
            units.push(unit);
            at = &unit.unit.parent;
        }
        units.reverse();
        units
    }

    /// The path of a root or unit, as context keys have it: `o-…/r-…/ou-…/`.
    pub fn path_of(&self, parent: &OrgId) -> String {
        let mut path = format!("{}/{}/", self.record.id, self.record.root.id);
        for unit in self.units_down_to(parent) {
            path.push_str(unit.id.as_str());
            path.push('/');
        }
        path
    }

    fn replace_record(&mut self, record: OrganizationRecord, revision: Revision) {
        let governs = self.record.management != record.management
            || self.record.root.attachments != record.root.attachments
            || self.record.root.policy_types != record.root.policy_types;
        self.record = Arc::new(record);
        self.revision = revision;
        if governs {
            self.forget_compiled();
        }
    }

    fn apply(&mut self, change: &Change<'_>, rest: &str) -> Result<(), ApplyError> {
        let unknown = || ApplyError::UnknownKey(change.key.to_owned());
        let (collection, id) = rest.split_once('/').ok_or_else(unknown)?;
        let id = OrgId::from_stored(id);
        match collection {
            OrganizationalUnit::COLLECTION => self.apply_unit(change, id),
            MemberAccount::COLLECTION => self.apply_member(change, &id),
            OrganizationPolicy::COLLECTION => self.apply_policy(change, id),
            AccountCreation::COLLECTION => apply_plain(&mut self.creations, change, id),
            Handshake::COLLECTION => apply_plain(&mut self.handshakes, change, id),
            _ => Err(unknown()),
        }
    }

    fn apply_unit(&mut self, change: &Change<'_>, id: OrgId) -> Result<(), ApplyError> {
        let new: Option<OrganizationalUnit> =
            change.value.map(|value| decode(change.key, value)).transpose()?;
        let old = match new.clone() {
            Some(unit) => self.units.insert(id, Arc::new(Unit::unstored(unit))),
            None => self.units.remove(&id),
        };
        let stands = |unit: &OrganizationalUnit| (unit.parent.clone(), unit.attachments.clone());
        if old.as_ref().map(|old| stands(&old.unit)) != new.as_ref().map(stands) {
            self.forget_compiled();
        }
        Ok(())
    }

    fn apply_member(&mut self, change: &Change<'_>, id: &OrgId) -> Result<(), ApplyError> {
        let account = id.account().ok_or_else(|| ApplyError::UnknownKey(change.key.to_owned()))?;
        match change.value {
            Some(value) => {
                let stored = Arc::new(decode(change.key, value)?);
                let member = Member { account: stored, governance: OnceLock::new() };
                self.members.insert(account, Arc::new(member));
            }
            None => {
                self.members.remove(&account);
            }
        }
        Ok(())
    }

    fn apply_policy(&mut self, change: &Change<'_>, id: OrgId) -> Result<(), ApplyError> {
        match change.value {
            Some(value) => {
                let stored = Arc::new(decode(change.key, value)?);
                let policy = StoredPolicy { policy: stored, compiled: OnceLock::new() };
                self.policies.insert(id, Arc::new(policy));
            }
            None => {
                self.policies.remove(&id);
            }
        }
        self.forget_compiled();
        Ok(())
    }

    /// Forgets what was put together for units and accounts. The policies themselves stay compiled.
    fn forget_compiled(&mut self) {
        self.root = Arc::default();
        let unit = |unit: &Arc<Unit>| Arc::new(Unit { unit: unit.unit.clone(), controls: Arc::default() });
        self.units = self.units.iter().map(|(id, old)| (id.clone(), unit(old))).collect();
        let member = |member: &Arc<Member>| {
            Arc::new(Member { account: member.account.clone(), governance: OnceLock::new() })
        };
        self.members = self.members.iter().map(|(id, old)| (*id, member(old))).collect();
    }

    fn govern(&self, member: &Member) -> Result<Governance, Unevaluable> {
        let levels = |kind| match self.is_managed_by(member.id) {
            // Neither kind of policy reaches the account that manages the organization.
            true => Ok(None),
            false => self.levels(member, kind),
        };
        Ok(Governance {
            organization: self.record.id.clone(),
            path: self.path_of(&member.parent),
            service_control: levels(PolicyType::ServiceControl)?,
            resource_control: levels(PolicyType::ResourceControl)?,
        })
    }

    fn levels(&self, member: &Member, kind: PolicyType) -> Result<Option<Arc<[PolicySet]>>, Unevaluable> {
        if !self.record.enabling(kind).enabled {
            return Ok(None);
        }
        let mut levels = vec![self.level(&self.root, &self.record.root.attachments, kind)?];
        for unit in self.units_down_to(&member.parent) {
            levels.push(self.level(&unit.controls, &unit.attachments, kind)?);
        }
        levels.push(self.compile(&member.attachments, kind)?);
        Ok(Some(levels.into()))
    }

    fn level(
        &self,
        controls: &Controls,
        attachments: &Attachments,
        kind: PolicyType,
    ) -> Result<PolicySet, Unevaluable> {
        let once = match kind {
            PolicyType::ResourceControl => &controls.resource,
            _ => &controls.service,
        };
        once.get_or_init(|| self.compile(attachments, kind)).clone()
    }

    /// One level's policies of a kind. Where there is only AWS's own, all share one set.
    fn compile(&self, attachments: &Attachments, kind: PolicyType) -> Result<PolicySet, Unevaluable> {
        let ids = attachments.of(kind, self.record.enabling(kind));
        let own: BTreeSet<&OrgId> = ids.iter().filter(|id| Some(id.as_str()) != kind.full_access()).collect();
        if own.is_empty() && !ids.is_empty() {
            return full_access(kind);
        }
        let mut policies = Vec::with_capacity(ids.len());
        if own.len() < ids.len() {
            policies.extend(full_access(kind)?.policies().iter().cloned());
        }
        for id in own {
            let policy = self.policies.get(id);
            let policy = policy.ok_or_else(|| Unevaluable::new(id.as_str(), "the policy does not exist"))?;
            policies.push(self.compiled(policy)?);
        }
        Ok(PolicySet::compile(engine_kind(kind), policies))
    }

    fn compiled(&self, stored: &StoredPolicy) -> Result<Policy, Unevaluable> {
        let build = || {
            let arn = self.policy_arn(Partition::Aws, stored);
            compile_document(&stored.name, arn, &stored.content, stored.kind)
        };
        stored.compiled.get_or_init(build).clone()
    }

    /// The ARN of a policy of the organization's own.
    pub fn policy_arn(&self, partition: Partition, policy: &OrganizationPolicy) -> String {
        let (kind, id) = (policy.kind.segment(), &policy.id);
        arn::organizations(
            partition,
            self.record.management,
            &format!("policy/{}/{kind}/{id}", self.record.id),
        )
    }
}

fn apply_plain<T: serde::de::DeserializeOwned>(
    all: &mut OrdMap<OrgId, Arc<T>>,
    change: &Change<'_>,
    id: OrgId,
) -> Result<(), ApplyError> {
    match change.value {
        Some(value) => {
            all.insert(id, Arc::new(decode(change.key, value)?));
        }
        None => {
            all.remove(&id);
        }
    }
    Ok(())
}

fn engine_kind(kind: PolicyType) -> PolicyKind {
    match kind {
        PolicyType::ResourceControl => PolicyKind::ResourceControl,
        _ => PolicyKind::ServiceControl,
    }
}

fn compile_document(
    name: &str,
    arn: String,
    document: &Arc<str>,
    kind: PolicyType,
) -> Result<Policy, Unevaluable> {
    let parsed = Document::parse(document.clone(), Grammar::evaluated(engine_kind(kind)));
    Ok(Policy::managed(name, arn, parsed.map_err(|cause| Unevaluable::new(name, cause))?))
}

/// AWS's own policy of full access, alone: one set for every place where nothing else stands.
fn full_access(kind: PolicyType) -> Result<PolicySet, Unevaluable> {
    static SERVICE: Once<PolicySet> = OnceLock::new();
    static RESOURCE: Once<PolicySet> = OnceLock::new();
    let build = |name: &str| {
        let id = kind.full_access().unwrap_or_default();
        let arn = arn::organizations_managed_policy(Partition::Aws, kind, id);
        let policy = compile_document(name, arn, &full_access_document(kind).into(), kind)?;
        Ok(PolicySet::compile(engine_kind(kind), [policy]))
    };
    match kind {
        PolicyType::ResourceControl => RESOURCE.get_or_init(|| build("RCPFullAWSAccess")).clone(),
        _ => SERVICE.get_or_init(|| build("FullAWSAccess")).clone(),
    }
}
