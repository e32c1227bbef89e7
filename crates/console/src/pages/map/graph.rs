//! The map as it is asked for: entities, and the lines between them.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::api::Said;
use crate::backend::Backend;
use crate::forms::escaped;
use crate::visit::Visit;

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Group,
    User,
    Service,
    Provider,
    Instance,
    Profile,
    Role,
}

/// The kinds, with their name in answers, in the map, and for many.
pub(super) const KINDS: [(Kind, &str, &str, &str); 7] = [
    (Kind::Group, "group", "Group", "groups"),
    (Kind::User, "user", "User", "users"),
    (Kind::Service, "service", "Service", "services"),
    (Kind::Provider, "provider", "Identity provider", "identity providers"),
    (Kind::Instance, "instance", "Instance", "instances"),
    (Kind::Profile, "profile", "Instance profile", "instance profiles"),
    (Kind::Role, "role", "Role", "roles"),
];

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tie {
    Member,
    Assume,
    Trust,
    Profile,
}

pub(super) struct Node {
    pub(super) kind: Kind,
    /// The ARN; of services and providers the name, of instances the id.
    pub(super) id: String,
    pub(super) path: String,
    pub(super) name: String,
}

#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kind: Tie,
}

/// From which node each one that can be reached is come to first.
pub(super) type Reach = BTreeMap<usize, usize>;

#[derive(Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) lines: Vec<Line>,
    /// Whether everything was asked.
    pub(super) complete: bool,
}

impl Graph {
    /// Reads an answer.
    pub(super) fn read(answer: &Value) -> Self {
        let list = |name: &str| answer.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let nodes: Vec<Node> = list("nodes").iter().filter_map(node).collect();
        let within = |line: &Line| line.from < nodes.len() && line.to < nodes.len();
        let mut lines: Vec<Line> = list("edges").iter().filter_map(line).filter(within).collect();
        lines.sort_by_key(|line| (line.from, line.to, line.kind));
        lines.dedup_by_key(|line| (line.from, line.to));
        let complete = answer.get("complete").and_then(Value::as_bool).unwrap_or(false);
        Self { nodes, lines, complete }
    }

    /// The node of this id.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }

    /// What a node is called.
    pub(super) fn name(&self, node: usize) -> &str {
        self.nodes.get(node).map_or("", |node| node.name.as_str())
    }

    /// What can be reached from a node, over as many roles as it takes.
    pub(super) fn reach(&self, start: usize) -> Reach {
        let (mut from, mut next) = (Reach::new(), VecDeque::from([start]));
        while let Some(node) = next.pop_front() {
            for line in self.lines.iter().filter(|line| line.from == node && line.kind != Tie::Member) {
                if line.to != start && !from.contains_key(&line.to) {
                    from.insert(line.to, node);
                    next.push_back(line.to);
                }
            }
        }
        from
    }

    /// The nodes on the way to one that can be reached.
    pub(super) fn way(&self, start: usize, end: usize, reach: &Reach) -> Vec<usize> {
        let mut way = vec![end];
        while let Some(before) = way.last().filter(|node| **node != start).and_then(|node| reach.get(node)) {
            way.push(*before);
        }
        way.reverse();
        way
    }

    /// The page of what a node stands for.
    pub(super) fn room(&self, node: usize) -> Option<String> {
        let node = self.nodes.get(node)?;
        Some(match node.kind {
            Kind::Group => format!("/console/iam/groups/{}", escaped(&node.name)),
            Kind::User => format!("/console/iam/users/{}", escaped(&node.name)),
            Kind::Role => format!("/console/iam/roles/{}", escaped(&node.name)),
            Kind::Instance => format!("/console/instances/{}", escaped(&node.id)),
            Kind::Provider => "/console/iam/providers".to_owned(),
            Kind::Service | Kind::Profile => return None,
        })
    }
}

fn node(value: &Value) -> Option<Node> {
    let of = |name: &str| Some(value.get(name)?.as_str()?.to_owned());
    let told = of("kind")?;
    let (kind, ..) = KINDS.into_iter().find(|(_, name, ..)| *name == told)?;
    let name = of("name")?;
    // Of a provider's ARN, the last part says enough.
    let name = if kind == Kind::Provider { name.rsplit('/').next()?.to_owned() } else { name };
    Some(Node { kind, id: of("id")?, path: of("path")?, name })
}

fn line(value: &Value) -> Option<Line> {
    let place = |at: usize| value.get(at)?.as_u64().and_then(|n| usize::try_from(n).ok());
    let kind = match value.get(2)?.as_str()? {
        "member" => Tie::Member,
        "assume" => Tie::Assume,
        "trust" => Tie::Trust,
        "profile" => Tie::Profile,
        _ => return None,
    };
    Some(Line { from: place(0)?, to: place(1)?, kind })
}

/// Who may become a role: kind, name and page of each; and whether everyone was asked about.
pub(crate) type Assumers = (Vec<(&'static str, String, Option<String>)>, bool);

/// Asks who may become a role.
pub(crate) async fn assumers<B: Backend>(visit: &Visit<'_, B>, arn: &str) -> Said<Assumers> {
    let answer = visit.own(format!("/rolecall/map?role={}", escaped(arn))).await?;
    let graph = Graph::read(&answer);
    let role = graph.find(arn);
    let lines = graph.lines.iter().filter(|line| Some(line.to) == role);
    let mut all: Vec<_> = lines
        .filter_map(|line| {
            let node = graph.nodes.get(line.from)?;
            let (_, _, kind, _) = KINDS.into_iter().find(|(kind, ..)| *kind == node.kind)?;
            Some((kind, node.name.clone(), graph.room(line.from)))
        })
        .collect();
    all.sort();
    Ok((all, graph.complete))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn graph() -> Graph {
        let node = |kind: &str, name: &str| json!({"kind": kind, "id": name, "path": "/", "name": name});
        Graph::read(&json!({
            "nodes": [node("user", "u"), node("role", "a"), node("role", "b"), node("group", "g")],
            "edges": [[0, 1, "assume"], [1, 2, "assume"], [2, 1, "assume"], [0, 3, "member"], [7, 1, "assume"]],
            "complete": true,
        }))
    }

    #[test]
    fn ways_lead_over_several_roles_and_not_by_groups() {
        let graph = graph();
        assert_eq!(graph.lines.len(), 4);
        let reach = graph.reach(0);
        assert_eq!(reach, Reach::from([(1, 0), (2, 1)]));
        assert_eq!(graph.way(0, 2, &reach), [0, 1, 2]);
        assert_eq!(graph.reach(1), Reach::from([(2, 1)]));
    }
}
