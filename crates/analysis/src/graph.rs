//! Who may become whom: the map of an account, or the part of it that leads from or to somebody.

mod draw;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rolecall_sts::map::{Also, Map, Node, NodeKind, Tie};
use serde::Serialize;

use crate::{AnalysisError, World};

/// The most questions that are put to the engine.
const BUDGET: usize = 2_000_000;

/// Who may become whom.
#[derive(Clone, Debug, Serialize)]
pub struct Graph {
    /// The account.
    pub account: String,
    /// The entities.
    pub nodes: Vec<Node>,
    /// From which node to which, and what the line says.
    pub edges: Vec<(usize, usize, Tie)>,
    /// The shortest way, where one was asked for; the ids of the nodes on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Vec<String>>,
    /// Whether everything was asked.
    pub complete: bool,
    /// What is not known, a sentence each.
    pub unknown: Vec<String>,
}

/// Which part of the map is wanted.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// What this principal may become.
    pub from: Option<String>,
    /// From whom this role can be come to.
    pub to: Option<String>,
}

/// Asks who may become whom.
///
/// # Errors
/// When a part is asked for of somebody who is not there, or a policy can't be evaluated.
pub fn graph(world: &World, part: &Part) -> Result<Graph, AnalysisError> {
    let reach = world.reach();
    let also = Also { instances: false, profiles: true };
    let mut map = Map::of(&reach, "", also, BUDGET);
    map.everyone()?;
    let Map { nodes, edges, complete, .. } = map;
    let mut graph = Graph {
        account: world.account_id().to_string(),
        nodes,
        edges,
        way: None,
        complete,
        // Resources have no say in who becomes whom.
        unknown: world
            .unknown
            .iter()
            .filter(|said| !said.contains("policies of resources"))
            .cloned()
            .collect(),
    };
    graph.edges.sort_unstable();
    graph.edges.dedup_by_key(|(from, to, _)| (*from, *to));
    let find = |graph: &Graph, text: &Option<String>, world: &World| match text {
        Some(text) => graph.find(text, world).map(Some),
        None => Ok(None),
    };
    let (from, to) = (find(&graph, &part.from, world)?, find(&graph, &part.to, world)?);
    if let (None, None) = (from, to) {
        return Ok(graph);
    }
    if let (Some(from), Some(to)) = (from, to) {
        let way = graph.way(from, to);
        graph.way =
            Some(way.iter().filter_map(|at| graph.nodes.get(*at)).map(|node| node.id.clone()).collect());
    }
    graph.keep(from, to);
    Ok(graph)
}

impl Labelled for Node {
    fn label(&self) -> String {
        let (path, name) = (&self.path, &self.name);
        match self.kind {
            NodeKind::User => format!("user{path}{name}"),
            NodeKind::Group => format!("group{path}{name}"),
            NodeKind::Role => format!("role{path}{name}"),
            NodeKind::Profile => format!("instance-profile{path}{name}"),
            NodeKind::Instance => format!("instance/{name}"),
            NodeKind::Service => format!("service/{name}"),
            NodeKind::Provider => format!("provider/{name}"),
        }
    }
}

/// What people call a node: `user/jane`, `service/ec2.amazonaws.com`.
pub trait Labelled {
    /// The name with its kind.
    fn label(&self) -> String;
}

impl Graph {
    /// Whether there is a way, or anyone at all, in the part that was asked for.
    #[must_use]
    pub fn leads_somewhere(&self) -> bool {
        match &self.way {
            Some(way) => !way.is_empty(),
            None => self.edges.iter().any(|(.., tie)| *tie != Tie::Member),
        }
    }

    fn find(&self, text: &str, world: &World) -> Result<usize, AnalysisError> {
        let short = |node: &Node| {
            let label = node.label();
            let kind = label.split('/').next().unwrap_or_default();
            format!("{kind}/{}", node.name)
        };
        let is = |node: &Node| node.id == text || node.label() == text || short(node) == text;
        let found = self.nodes.iter().position(is);
        // What says who is near is the same as for every other question.
        found.ok_or_else(|| match world.one(text) {
            Err(cause) => cause,
            Ok(_) => AnalysisError::Principal(format!("{text} is not on the map")),
        })
    }

    /// What can be come to from some node by lines of becoming, each with the one before; or, backwards, from where.
    fn walk(&self, start: usize, backwards: bool) -> BTreeMap<usize, usize> {
        let mut next: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (from, to, _) in self.edges.iter().filter(|(.., tie)| *tie != Tie::Member) {
            let (from, to) = if backwards { (to, from) } else { (from, to) };
            next.entry(*from).or_default().push(*to);
        }
        let (mut before, mut queue) = (BTreeMap::new(), VecDeque::from([start]));
        while let Some(at) = queue.pop_front() {
            for to in next.get(&at).into_iter().flatten() {
                if *to != start && !before.contains_key(to) {
                    before.insert(*to, at);
                    queue.push_back(*to);
                }
            }
        }
        before
    }

    /// The shortest way; empty when there is none.
    fn way(&self, from: usize, to: usize) -> Vec<usize> {
        let before = self.walk(from, false);
        if !before.contains_key(&to) {
            return Vec::new();
        }
        let mut way = vec![to];
        while let Some(at) = way.last().and_then(|at| before.get(at)) {
            way.push(*at);
        }
        way.reverse();
        way
    }

    /// Leaves only what is on some way.
    fn keep(&mut self, from: Option<usize>, to: Option<usize>) {
        let reached = |start: Option<usize>, backwards: bool| {
            start.map(|start| self.walk(start, backwards).into_keys().chain([start]).collect::<BTreeSet<_>>())
        };
        let (ahead, behind) = (reached(from, false), reached(to, true));
        let within = |at: &usize| {
            ahead.as_ref().is_none_or(|set| set.contains(at))
                && behind.as_ref().is_none_or(|set| set.contains(at))
        };
        let mut edges: Vec<_> = self.edges.clone();
        edges.retain(|(a, b, tie)| *tie != Tie::Member && within(a) && within(b));
        let kept: BTreeSet<usize> =
            edges.iter().flat_map(|(a, b, _)| [*a, *b]).chain(from).chain(to).collect();
        let places: BTreeMap<usize, usize> = kept.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let moved = |(a, b, tie): &(usize, usize, Tie)| Some((*places.get(a)?, *places.get(b)?, *tie));
        self.edges = edges.iter().filter_map(moved).collect();
        self.nodes = kept.iter().filter_map(|at| self.nodes.get(*at).cloned()).collect();
    }
}

#[cfg(test)]
mod tests;
