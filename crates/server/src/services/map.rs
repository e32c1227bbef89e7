//! Who there is in an account and who may become whom: for the console's map and its pages of roles.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Response;
use http::request::Parts;
use rolecall_access::{Caller, Demand, Subject, authorize, evaluate};
use rolecall_aws_model::{Protocol, WireError};
use rolecall_policy::Outcome;
use rolecall_state::arn;
use rolecall_state::entities::{InstanceState, Role};
use rolecall_state::snapshot::{Account, Entry};
use rolecall_sts::StsError;
use rolecall_sts::reach::{Reach, Who, outside};
use serde_json::{Value, json};

use super::iam::{aside, denied};
use super::json::respond;
use crate::body::Body;
use crate::line::Passage;

/// Where it is asked for.
pub(crate) const PATH: &str = "/rolecall/map";
/// The most questions that are put to the engine for one map.
const BUDGET: usize = 60_000;
/// The most entities of a kind that a map has.
const MOST: usize = 10_000;

/// `GET /rolecall/map`: the whole map, of the names that contain `q`; with `from`, what one user or role may become;
/// with `role`, who may become it.
pub(crate) fn answer_map(passage: &mut Passage<'_>, caller: &Caller, parts: &Parts) -> Response<Body> {
    if parts.method != http::Method::GET {
        let unknown = WireError::new("UnknownOperation", 404, "There is no such operation.");
        return passage.fail(&unknown, Protocol::Json);
    }
    passage.trace.operation = "ListMap".into();
    let answered = answer(passage, caller, parts.uri.query().unwrap_or_default());
    respond(passage, answered)
}

fn answer(passage: &mut Passage<'_>, caller: &Caller, query: &str) -> Result<Value, WireError> {
    let of = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    // The permissions for what it is put together from.
    let actions = ["iam:ListUsers", "iam:ListGroups", "iam:ListRoles", "iam:SimulatePrincipalPolicy"];
    let demands = actions.into_iter().map(|action| Demand::new(action, "*")).collect();
    let ruling = authorize((), Subject::Caller(caller), &passage.facts, &passage.snapshot, demands);
    passage.trace.evidence = ruling.evidence;
    ruling.result.map_err(|error| denied(passage, &error))?;
    let sees_instances = Demand::new("ec2:DescribeInstances", "*");
    let seen = evaluate(Subject::Caller(caller), &passage.facts, &passage.snapshot, sees_instances);
    let instances = seen.is_ok_and(|evidence| evidence.outcome == Outcome::Allowed);
    let gone = || WireError::new("ResourceNotFound", 404, "There is no such account.");
    let account = passage.snapshot.account(caller.account).ok_or_else(gone)?;
    let reach =
        Reach { snapshot: &passage.snapshot, account, partition: caller.partition, facts: &passage.facts };
    let mut map = Map::of(&reach, &of("q").to_ascii_lowercase(), instances);
    let drawn = aside(|| match (of("role").as_str(), of("from").as_str()) {
        ("", "") => map.everyone(),
        ("", from) => map.from(from),
        (role, _) => map.to(role),
    });
    drawn.map_err(|error| super::sts::failed(passage, &error))?;
    Ok(map.into_json())
}

struct Map<'a> {
    reach: &'a Reach<'a>,
    nodes: Vec<Value>,
    edges: Vec<(usize, usize, &'static str)>,
    principals: Vec<(Who, usize)>,
    roles: Vec<(Arc<Entry<Role>>, usize)>,
    by_arn: BTreeMap<String, usize>,
    complete: bool,
}

impl<'a> Map<'a> {
    fn of(reach: &'a Reach<'a>, wanted: &str, instances: bool) -> Self {
        let mut map = Self {
            reach,
            nodes: Vec::new(),
            edges: Vec::new(),
            principals: Vec::new(),
            roles: Vec::new(),
            by_arn: BTreeMap::new(),
            complete: true,
        };
        let account: &Account = reach.account;
        let fits = |name: &str| wanted.is_empty() || name.to_ascii_lowercase().contains(wanted);
        for user in account.users.iter().filter(|user| fits(&user.name)).take(MOST) {
            let at = map.entity("user", &user.path, &user.name);
            map.principals.push((Who::User(user.clone()), at));
            for group in account.groups_of(user) {
                let group = map.entity("group", &group.path, &group.name);
                map.edges.push((at, group, "member"));
            }
        }
        for group in account.groups.iter().filter(|group| fits(&group.name)).take(MOST) {
            map.entity("group", &group.path, &group.name);
        }
        for role in account.roles.iter().filter(|role| fits(&role.name)).take(MOST) {
            map.role(role);
        }
        if instances {
            map.instances(account, &fits);
        }
        map
    }

    fn role(&mut self, role: &Arc<Entry<Role>>) {
        let at = self.entity("role", &role.path, &role.name);
        self.roles.push((role.clone(), at));
        self.principals.push((Who::Role(role.clone()), at));
        let admitted = outside(role, self.reach.account.id());
        for (kind, names) in [("service", admitted.services), ("provider", admitted.providers)] {
            for name in names {
                let from = self.node(kind, &name, "", &name);
                self.edges.push((from, at, "trust"));
            }
        }
    }

    fn instances(&mut self, account: &Account, fits: &dyn Fn(&str) -> bool) {
        let alive = |state: InstanceState| state != InstanceState::Terminated;
        for instance in account.instances.iter().filter(|one| alive(one.state)).take(MOST) {
            let name = instance.tags.iter().find(|tag| tag.key == "Name").map(|tag| tag.value.as_str());
            let id = instance.id.as_str();
            if !fits(id) && !name.is_some_and(fits) {
                continue;
            }
            let label = name.map_or_else(|| id.to_owned(), |name| format!("{name} ({id})"));
            let at = self.node("instance", id, "", &label);
            let profile =
                instance.profile.as_ref().and_then(|held| account.instance_profiles.by_id(&held.profile));
            let role = profile.and_then(|profile| rolecall_iam::role_of(account, profile)).cloned();
            let known =
                role.and_then(|role| self.by_arn.get(&self.arn("role", &role.path, &role.name)).copied());
            if let Some(role) = known {
                self.edges.push((at, role, "profile"));
            }
        }
    }

    fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        arn::iam(self.reach.partition, self.reach.account.id(), kind, path, name)
    }

    fn entity(&mut self, kind: &'static str, path: &str, name: &str) -> usize {
        let arn = self.arn(kind, path, name);
        self.node(kind, &arn, path, name)
    }

    fn node(&mut self, kind: &'static str, id: &str, path: &str, name: &str) -> usize {
        if let Some(at) = self.by_arn.get(id) {
            return *at;
        }
        let at = self.nodes.len();
        self.nodes.push(json!({"kind": kind, "id": id, "path": path, "name": name}));
        self.by_arn.insert(id.to_owned(), at);
        at
    }

    /// Asks about some of the principals and roles, and gives the roles that are reached.
    fn ask(&mut self, who: &[usize], roles: &[usize]) -> Result<Vec<usize>, StsError> {
        let principals: Vec<_> = who.iter().filter_map(|at| self.principals.get(*at)).cloned().collect();
        let asked: Vec<_> = roles.iter().filter_map(|at| self.roles.get(*at)).cloned().collect();
        let whos: Vec<_> = principals.iter().map(|(who, _)| who.clone()).collect();
        let entries: Vec<_> = asked.iter().map(|(role, _)| role.clone()).collect();
        let found = self.reach.ask(&whos, &entries, BUDGET)?;
        self.complete &= found.complete;
        let mut reached = Vec::new();
        for (who, role) in found.pairs {
            if let (Some((_, from)), Some((_, to))) = (principals.get(who), asked.get(role)) {
                self.edges.push((*from, *to, "assume"));
                reached.push(*to);
            }
        }
        Ok(reached)
    }

    fn everyone(&mut self) -> Result<(), StsError> {
        let (who, roles): (Vec<_>, Vec<_>) =
            ((0..self.principals.len()).collect(), (0..self.roles.len()).collect());
        self.ask(&who, &roles).map(drop)
    }

    /// What one user or role may become, and what those may, and so on; and the rest of the map, where that is not
    /// too much.
    fn from(&mut self, arn: &str) -> Result<(), StsError> {
        self.everyone()?;
        if self.complete {
            return Ok(());
        }
        self.complete = true;
        self.edges.retain(|(_, _, kind)| *kind != "assume");
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
    fn to(&mut self, arn: &str) -> Result<(), StsError> {
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

    fn into_json(self) -> Value {
        json!({"nodes": self.nodes, "edges": self.edges, "complete": self.complete})
    }
}
