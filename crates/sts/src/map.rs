//! Who there is in an account and who may become whom: entities, and the lines between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use rolecall_state::arn;
use rolecall_state::entities::{Instance, InstanceState, Role};
use rolecall_state::snapshot::{Account, Entry};
use serde::Serialize;

use crate::error::StsError;
use crate::reach::{Reach, Who, outside};

/// The most entities of a kind that a map has.
const MOST: usize = 10_000;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
    /// An AWS service that a trust policy names.
    Service,
    /// An identity provider that one names.
    Provider,
    /// An instance.
    Instance,
    /// An instance profile.
    Profile,
}

/// An entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// The ARN; of services and providers the name, of instances the id.
    pub id: String,
    /// Its path; empty where the kind has none.
    pub path: String,
    /// Its name.
    pub name: String,
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tie {
    /// The user is a member of the group.
    Member,
    /// The engine lets it assume the role.
    Assume,
    /// The role's trust policy names it.
    Trust,
    /// It has the role by its profile, or as it.
    Profile,
}

/// What a map has beside users, groups, roles and whom roles trust.
#[derive(Clone, Copy, Debug, Default)]
pub struct Also {
    /// Instances.
    pub instances: bool,
    /// Instance profiles.
    pub profiles: bool,
}

/// A map, as far as it was asked for.
pub struct Map<'a> {
    /// The entities.
    pub nodes: Vec<Node>,
    /// From which node to which, and what it says.
    pub edges: Vec<(usize, usize, Tie)>,
    /// Whether everything was asked.
    pub complete: bool,
    /// Whether there are more entities than a map has.
    cut: bool,
    reach: &'a Reach<'a>,
    budget: usize,
    principals: Vec<(Who, usize)>,
    roles: Vec<(Arc<Entry<Role>>, usize)>,
    by_arn: BTreeMap<String, usize>,
}

impl<'a> Map<'a> {
    /// The entities whose names contain `wanted`, which is in lower case, and the lines that need no question. At most
    /// `budget` questions are put to the engine for each of the others.
    #[must_use]
    pub fn of(reach: &'a Reach<'a>, wanted: &str, also: Also, budget: usize) -> Self {
        let mut map = Self {
            nodes: Vec::new(),
            edges: Vec::new(),
            complete: true,
            cut: false,
            reach,
            budget,
            principals: Vec::new(),
            roles: Vec::new(),
            by_arn: BTreeMap::new(),
        };
        let account: &Account = reach.account;
        let fits = |name: &str| wanted.is_empty() || name.to_ascii_lowercase().contains(wanted);
        map.cut = account.users.iter().filter(|user| fits(&user.name)).nth(MOST).is_some()
            || account.roles.iter().filter(|role| fits(&role.name)).nth(MOST).is_some();
        map.complete = !map.cut;
        for user in account.users.iter().filter(|user| fits(&user.name)).take(MOST) {
            let at = map.entity(NodeKind::User, &user.path, &user.name);
            map.principals.push((Who::User(user.clone()), at));
            for group in account.groups_of(user) {
                let group = map.entity(NodeKind::Group, &group.path, &group.name);
                map.edges.push((at, group, Tie::Member));
            }
        }
        for group in account.groups.iter().filter(|group| fits(&group.name)).take(MOST) {
            map.entity(NodeKind::Group, &group.path, &group.name);
        }
        for role in account.roles.iter().filter(|role| fits(&role.name)).take(MOST) {
            map.role(role);
        }
        if also.profiles {
            map.profiles(account, &fits);
        }
        if also.instances {
            map.instances(account, &fits);
        }
        map
    }

    fn role(&mut self, role: &Arc<Entry<Role>>) {
        let at = self.entity(NodeKind::Role, &role.path, &role.name);
        self.roles.push((role.clone(), at));
        self.principals.push((Who::Role(role.clone()), at));
        let admitted = outside(role, self.reach.account.id());
        for (kind, names) in
            [(NodeKind::Service, admitted.services), (NodeKind::Provider, admitted.providers)]
        {
            for name in names {
                let from = self.node(kind, &name, "", &name);
                self.edges.push((from, at, Tie::Trust));
            }
        }
    }

    fn profiles(&mut self, account: &Account, fits: &dyn Fn(&str) -> bool) {
        for profile in account.instance_profiles.iter().filter(|one| fits(&one.name)).take(MOST) {
            let at = self.entity(NodeKind::Profile, &profile.path, &profile.name);
            let role = profile.role.as_ref().and_then(|id| account.roles.by_id(id));
            if let Some(role) = role.and_then(|role| self.known(role)) {
                self.edges.push((at, role, Tie::Profile));
            }
        }
    }

    fn instances(&mut self, account: &Account, fits: &dyn Fn(&str) -> bool) {
        let alive = |state: InstanceState| state != InstanceState::Terminated;
        for instance in account.instances.iter().filter(|one| alive(one.state)).take(MOST) {
            self.instance(account, instance, fits);
        }
    }

    fn instance(&mut self, account: &Account, instance: &Instance, fits: &dyn Fn(&str) -> bool) {
        let name = instance.tags.iter().find(|tag| tag.key == "Name").map(|tag| tag.value.as_str());
        let id = instance.id.as_str();
        if !fits(id) && !name.is_some_and(fits) {
            return;
        }
        let label = name.map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"));
        let at = self.node(NodeKind::Instance, id, "", &label);
        let profile =
            instance.profile.as_ref().and_then(|held| account.instance_profiles.by_id(&held.profile));
        let role = profile.and_then(|profile| account.roles.by_id(profile.role.as_ref()?));
        if let Some(role) = role.and_then(|role| self.known(role)) {
            self.edges.push((at, role, Tie::Profile));
        }
    }

    /// The node of a role, if it is on the map.
    fn known(&self, role: &Role) -> Option<usize> {
        self.by_arn.get(&self.arn("role", &role.path, &role.name)).copied()
    }

    fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        arn::iam(self.reach.partition, self.reach.account.id(), kind, path, name)
    }

    fn entity(&mut self, kind: NodeKind, path: &str, name: &str) -> usize {
        let segment = match kind {
            NodeKind::User => "user",
            NodeKind::Group => "group",
            NodeKind::Profile => "instance-profile",
            _ => "role",
        };
        let arn = self.arn(segment, path, name);
        self.node(kind, &arn, path, name)
    }

    fn node(&mut self, kind: NodeKind, id: &str, path: &str, name: &str) -> usize {
        if let Some(at) = self.by_arn.get(id) {
            return *at;
        }
        let at = self.nodes.len();
        self.nodes.push(Node { kind, id: id.to_owned(), path: path.to_owned(), name: name.to_owned() });
        self.by_arn.insert(id.to_owned(), at);
        at
    }

    /// Asks about some of the principals and roles, and gives the roles that are reached.
    fn ask(&mut self, who: &[usize], roles: &[usize]) -> Result<Vec<usize>, StsError> {
        let principals: Vec<_> = who.iter().filter_map(|at| self.principals.get(*at)).cloned().collect();
        let asked: Vec<_> = roles.iter().filter_map(|at| self.roles.get(*at)).cloned().collect();
        let whos: Vec<_> = principals.iter().map(|(who, _)| who.clone()).collect();
        let entries: Vec<_> = asked.iter().map(|(role, _)| role.clone()).collect();
        let found = self.reach.ask(&whos, &entries, self.budget)?;
        self.complete &= found.complete;
        let mut reached = Vec::new();
        for (who, role) in found.pairs {
            if let (Some((_, from)), Some((_, to))) = (principals.get(who), asked.get(role)) {
                self.edges.push((*from, *to, Tie::Assume));
                reached.push(*to);
            }
        }
        Ok(reached)
    }

    /// Who may become whom.
    ///
    /// # Errors
    /// When a policy can't be evaluated.
    pub fn everyone(&mut self) -> Result<(), StsError> {
        let (who, roles): (Vec<_>, Vec<_>) =
            ((0..self.principals.len()).collect(), (0..self.roles.len()).collect());
        self.ask(&who, &roles).map(drop)
    }

    /// What one user or role may become, and what those may, and so on; and the rest of the map, where that is not
    /// too much.
    ///
    /// # Errors
    /// When a policy can't be evaluated.
    pub fn from(&mut self, arn: &str) -> Result<(), StsError> {
        self.everyone()?;
        if self.complete {
            return Ok(());
        }
        self.complete = !self.cut;
        self.edges.retain(|(_, _, tie)| *tie != Tie::Assume);
        let roles: Vec<_> = (0..self.roles.len()).collect();
        let of = |map: &Self, node: usize| map.principals.iter().position(|(_, at)| *at == node);
        let start = self.by_arn.get(arn).copied();
        let mut next: Vec<usize> = start.and_then(|node| of(self, node)).into_iter().collect();
        let mut seen = next.clone();
        while !next.is_empty() {
            let mut reached = self.ask(&next, &roles)?;
            reached.sort_unstable();
            reached.dedup();
            next = reached
                .into_iter()
                .filter_map(|node| of(self, node))
                .filter(|at| !seen.contains(at))
                .collect();
            seen.extend(&next);
        }
        Ok(())
    }

    /// Who may become one role.
    ///
    /// # Errors
    /// When a policy can't be evaluated.
    pub fn to(&mut self, arn: &str) -> Result<(), StsError> {
        let node = self.by_arn.get(arn).copied();
        let role = self.roles.iter().position(|(_, at)| Some(*at) == node);
        let who: Vec<_> = (0..self.principals.len()).collect();
        self.edges.retain(|(_, to, _)| Some(*to) == node);
        self.ask(&who, &Vec::from_iter(role))?;
        self.keep_what_is_tied();
        Ok(())
    }

    /// Leaves out who has no line.
    fn keep_what_is_tied(&mut self) {
        let mut places = BTreeMap::new();
        for (from, to, _) in &mut self.edges {
            for end in [from, to] {
                let next = places.len();
                *end = *places.entry(*end).or_insert(next);
            }
        }
        let mut kept: Vec<_> = places.into_iter().collect();
        kept.sort_by_key(|(_, place)| *place);
        self.nodes = kept.into_iter().filter_map(|(old, _)| self.nodes.get(old).cloned()).collect();
    }
}
