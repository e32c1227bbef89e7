//! Making a large map small: many entities of one kind and path become one stack, which a link opens.

use std::collections::BTreeMap;

use super::graph::{Graph, KINDS, Kind, Line, Reach, Tie};

/// Up to so many of a kind are shown one by one.
const FEW: usize = 24;
/// So many of a stack are shown when it is open.
const OPEN: usize = 40;

/// Something that is drawn.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spot {
    /// One entity.
    One(usize),
    /// Many of one kind and path.
    Many {
        /// Their kind.
        kind: Kind,
        /// Their path; empty where the kind has none.
        path: String,
        /// How many are in it.
        count: usize,
        /// Whether it is what is left of a stack that is open.
        rest: bool,
    },
}

impl Spot {
    /// What a link names a stack by.
    pub(super) fn key(&self) -> String {
        match self {
            Self::One(_) => String::new(),
            Self::Many { kind, path, .. } => key(*kind, path),
        }
    }
}

fn key(kind: Kind, path: &str) -> String {
    let name = KINDS.into_iter().find(|(known, ..)| *known == kind).map_or("", |(_, name, ..)| name);
    format!("{name}:{path}")
}

/// The map as it is drawn.
pub(super) struct Collapsed {
    /// What is drawn, by kind in its order.
    pub(super) spots: Vec<(Kind, Spot)>,
    /// The lines between places in `spots`, and how many each stands for.
    pub(super) lines: BTreeMap<(usize, usize), (Tie, usize)>,
    places: BTreeMap<usize, usize>,
}

impl Collapsed {
    /// Makes a map as small as it has to be. What is lit is shown one by one.
    pub(super) fn of(graph: &Graph, opened: &[&str], start: Option<usize>, reach: &Reach) -> Self {
        let mut made = Self { spots: Vec::new(), lines: BTreeMap::new(), places: BTreeMap::new() };
        let lit = |node: usize| start == Some(node) || reach.contains_key(&node);
        for (kind, ..) in KINDS {
            let of_kind: Vec<usize> = (0..graph.nodes.len())
                .filter(|at| graph.nodes.get(*at).is_some_and(|node| node.kind == kind))
                .collect();
            if of_kind.len() <= FEW {
                of_kind.into_iter().for_each(|node| made.one(kind, node));
                continue;
            }
            let mut by_path: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for node in of_kind {
                let path = graph.nodes.get(node).map_or("", |node| node.path.as_str());
                by_path.entry(path).or_default().push(node);
            }
            for (path, nodes) in by_path {
                let shown = if opened.contains(&key(kind, path).as_str()) { OPEN } else { 0 };
                made.stack(kind, path, &nodes, shown, &lit);
            }
        }
        made.tie(&graph.lines);
        made
    }

    /// Where a node is drawn.
    pub(super) fn place(&self, node: usize) -> Option<usize> {
        self.places.get(&node).copied()
    }

    fn one(&mut self, kind: Kind, node: usize) {
        self.places.insert(node, self.spots.len());
        self.spots.push((kind, Spot::One(node)));
    }

    fn stack(&mut self, kind: Kind, path: &str, nodes: &[usize], shown: usize, lit: &dyn Fn(usize) -> bool) {
        let (mut rest, mut left) = (Vec::new(), shown.max(if nodes.len() <= 3 { 3 } else { 0 }));
        for node in nodes {
            if lit(*node) || left > 0 {
                left = left.saturating_sub(1);
                self.one(kind, *node);
            } else {
                rest.push(*node);
            }
        }
        if rest.is_empty() {
            return;
        }
        let place = self.spots.len();
        let (path, count) = (path.to_owned(), rest.len());
        self.spots.push((kind, Spot::Many { kind, path, count, rest: shown > 0 }));
        self.places.extend(rest.into_iter().map(|node| (node, place)));
    }

    fn tie(&mut self, lines: &[Line]) {
        for line in lines {
            if let (Some(from), Some(to)) = (self.place(line.from), self.place(line.to)) {
                self.lines.entry((from, to)).or_insert((line.kind, 0)).1 += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn crowd() -> Graph {
        let user = |n: usize| {
            let path = if n.is_multiple_of(10) { "/few/" } else { "/many/" };
            json!({"kind": "user", "id": format!("u{n}"), "path": path, "name": format!("u{n}")})
        };
        let mut nodes: Vec<_> = (0..100).map(user).collect();
        nodes.push(json!({"kind": "role", "id": "r", "path": "/", "name": "r"}));
        let edges: Vec<_> = (0..100).map(|n| json!([n, 100, "assume"])).collect();
        Graph::read(&json!({"nodes": nodes, "edges": edges, "complete": true}))
    }

    #[test]
    fn many_of_one_path_are_a_stack_whose_lines_are_one() {
        let graph = crowd();
        let small = Collapsed::of(&graph, &[], None, &Reach::new());
        assert_eq!(small.spots.len(), 3);
        let counts: Vec<usize> = small.lines.values().map(|(_, count)| *count).collect();
        assert_eq!(counts, [10, 90]);
    }

    #[test]
    fn a_stack_opens_as_far_as_can_be_read_and_what_is_lit_stands_out() {
        let graph = crowd();
        let open = Collapsed::of(&graph, &["user:/few/"], None, &Reach::new());
        assert_eq!(open.spots.len(), 12);
        let open = Collapsed::of(&graph, &["user:/many/"], None, &Reach::new());
        let last = Spot::Many { kind: Kind::User, path: "/many/".into(), count: 50, rest: true };
        assert!(open.spots.iter().any(|(_, spot)| *spot == last));
        let lit = Collapsed::of(&graph, &[], Some(7), &graph.reach(7));
        assert!(lit.spots.contains(&(Kind::User, Spot::One(7))));
        assert_eq!(lit.spots.len(), 4);
    }
}
