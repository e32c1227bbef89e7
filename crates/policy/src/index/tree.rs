//! Builds the tree of a [`PatternIndex`].

use super::count;
use super::patterns::{Edge, Leaf, Node, PatternIndex, Range, Step, Tail};
use super::statements::Members;
use crate::pattern::Pattern;
use crate::template::{Atom, Template};

/// A pattern on its way into the tree.
pub(super) struct Item<'a> {
    /// The literal text that it goes on with.
    literal: &'a [u8],
    /// What comes after that.
    atoms: &'a [Atom],
    pattern: &'a Pattern,
    statements: Members,
}

/// More variables and groups of `?` than this keep a pattern whole.
const MOST_STEPS: usize = 4;

impl<'a> Item<'a> {
    pub(super) fn new(pattern: &'a Pattern, statements: Members) -> Self {
        let atoms = pattern.template().map_or(&[][..], |template| match &*template.atoms {
            [Atom::Literal { .. }, rest @ ..] => rest,
            atoms => atoms,
        });
        Self { literal: pattern.literal_prefix().as_bytes(), atoms, pattern, statements }
    }

    /// How it goes on where its literal text ends.
    fn next(&self) -> Next {
        match (self.pattern, self.atoms) {
            (Pattern::Prefix(_) | Pattern::Anything, _) => Next::Leaf(Tail::Anything),
            (Pattern::Exact(_), _) | (_, []) => Next::Leaf(Tail::End),
            (_, [Atom::AnyRun]) => Next::Leaf(Tail::Anything),
            (_, atoms) if is_for_tree(atoms) => self.step(atoms).map_or_else(|| self.whole(), Next::Step),
            _ => self.whole(),
        }
    }

    fn whole(&self) -> Next {
        Next::Leaf(Tail::Pattern(self.pattern.clone()))
    }

    fn step(&self, atoms: &[Atom]) -> Option<Step> {
        match atoms {
            [Atom::AnyRun, Atom::Literal { .. }, ..] => Some(Step::Run),
            [Atom::AnyOne, ..] => Some(Step::Characters(count(ones(atoms)))),
            [Atom::Variable(index), ..] => {
                self.pattern.template()?.variable(*index).cloned().map(Step::Variable)
            }
            _ => None,
        }
    }

    /// The item after a step.
    fn after(self, step: &Step) -> Self {
        let taken = match step {
            Step::Characters(_) => ones(self.atoms),
            Step::Variable(_) | Step::Run => 1,
        };
        let atoms = self.atoms.get(taken..).unwrap_or_default();
        let template = self.pattern.template();
        let (literal, atoms) = match (atoms, template) {
            ([Atom::Literal { start, end }, rest @ ..], Some(template)) => {
                (literal(template, *start, *end), rest)
            }
            (atoms, _) => (&[][..], atoms),
        };
        Self { literal, atoms, ..self }
    }
}

fn literal(template: &Template, start: u32, end: u32) -> &[u8] {
    template.literal(start, end).as_bytes()
}

fn ones(atoms: &[Atom]) -> usize {
    atoms.iter().take_while(|atom| **atom == Atom::AnyOne).count()
}

/// Whether a walk along these atoms takes no more than a search for each text in turn: at most one
/// star that isn't the last atom, and few steps.
fn is_for_tree(atoms: &[Atom]) -> bool {
    let within = atoms.split_last().map_or(&[][..], |(_, within)| within);
    let stars = within.iter().filter(|atom| **atom == Atom::AnyRun).count();
    let steps = atoms
        .chunk_by(|one, other| one == other)
        .filter(|chunk| !matches!(chunk, [Atom::Literal { .. }, ..]));
    stars <= 1 && steps.count() <= MOST_STEPS
}

enum Next {
    Leaf(Tail),
    Step(Step),
}

/// A tree as it grows. Not by recursion: prefixes of prefixes can make it as deep as a text is long.
#[derive(Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    labels: Vec<u8>,
    leaves: Vec<Leaf>,
    edges: Vec<Edge>,
}

/// Items that share the first `depth` bytes of their literals, to be put below a node.
struct Pending<'a> {
    node: usize,
    depth: usize,
    items: Vec<Item<'a>>,
}

impl Tree {
    pub(super) fn grow(mut self, items: Vec<Item<'_>>) -> PatternIndex {
        self.nodes.push(Node::default());
        let mut pending = vec![Pending { node: 0, depth: 0, items }];
        while let Some(Pending { node, depth, mut items }) = pending.pop() {
            items.sort_by(|one, other| one.literal.cmp(other.literal));
            let ending = items.partition_point(|item| item.literal.len() == depth);
            let below = items.split_off(ending);
            let (leaves, edges) = self.end(items, &mut pending);
            let children = self.children(below, depth, &mut pending);
            if let Some(node) = self.nodes.get_mut(node) {
                *node = Node { label: node.label, leaves, children, edges };
            }
        }
        PatternIndex {
            nodes: self.nodes.into(),
            labels: self.labels.into(),
            leaves: self.leaves.into(),
            edges: self.edges.into(),
        }
    }

    /// Puts down the items whose literal ends at a node: as leaves, or beyond an edge.
    fn end<'a>(&mut self, items: Vec<Item<'a>>, pending: &mut Vec<Pending<'a>>) -> (Range, Range) {
        let first_leaf = count(self.leaves.len());
        let mut groups: Vec<(Step, Vec<Item<'a>>)> = Vec::new();
        for item in items {
            match item.next() {
                Next::Leaf(tail) => self.leaves.push(Leaf { tail, statements: item.statements }),
                Next::Step(step) => match groups.iter_mut().find(|(other, _)| *other == step) {
                    Some((_, group)) => group.push(item.after(&step)),
                    None => groups.push((step.clone(), vec![item.after(&step)])),
                },
            }
        }
        let first_edge = count(self.edges.len());
        for (step, group) in groups {
            self.edge(step, group, pending);
        }
        ((first_leaf, count(self.leaves.len())), (first_edge, count(self.edges.len())))
    }

    fn edge<'a>(&mut self, step: Step, mut items: Vec<Item<'a>>, pending: &mut Vec<Pending<'a>>) {
        items.sort_by(|one, other| one.literal.cmp(other.literal));
        // After a star there must be something to look for: items with nothing in common go separate ways.
        let is_run = step == Step::Run;
        while !items.is_empty() {
            let first = items.first().and_then(|item| item.literal.first()).copied();
            let alike = items.partition_point(|item| !is_run || item.literal.first().copied() <= first);
            let rest = items.split_off(alike);
            let depth = if is_run { common_prefix(&items) } else { 0 };
            let label = self.label(&items, 0, depth);
            self.edges.push(Edge { step: step.clone(), to: count(self.nodes.len()) });
            pending.push(Pending { node: self.nodes.len(), depth, items });
            self.nodes.push(Node { label, ..Node::default() });
            items = rest;
        }
    }

    /// Makes the children of a node, one for each byte that the items go on with.
    fn children<'a>(&mut self, items: Vec<Item<'a>>, depth: usize, pending: &mut Vec<Pending<'a>>) -> Range {
        let first_child = count(self.nodes.len());
        let mut rest = items;
        while !rest.is_empty() {
            let byte = rest.first().and_then(|item| item.literal.get(depth)).copied();
            let alike = rest.partition_point(|item| item.literal.get(depth).copied() <= byte);
            let after = rest.split_off(alike);
            let end = common_prefix(&rest);
            let label = self.label(&rest, depth, end);
            pending.push(Pending { node: self.nodes.len(), depth: end, items: rest });
            self.nodes.push(Node { label, ..Node::default() });
            rest = after;
        }
        (first_child, count(self.nodes.len()))
    }

    fn label(&mut self, items: &[Item<'_>], start: usize, end: usize) -> Range {
        let first = count(self.labels.len());
        let label = items.first().and_then(|item| item.literal.get(start..end));
        self.labels.extend_from_slice(label.unwrap_or_default());
        (first, count(self.labels.len()))
    }
}

/// How many bytes the literals of sorted items have in common.
fn common_prefix(items: &[Item<'_>]) -> usize {
    let first = items.first().map_or(&[][..], |item| item.literal);
    let last = items.last().map_or(&[][..], |item| item.literal);
    first.iter().zip(last).take_while(|(one, other)| one == other).count()
}
