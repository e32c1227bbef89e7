//! Many patterns at once: a tree over their literal prefixes.

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;

use super::statements::{Bits, Members};
use crate::context::Context;
use crate::pattern::Pattern;

/// Distinct patterns with the statements each stands in.
pub(super) struct PatternIndex {
    nodes: Box<[Node]>,
    /// The labels of the nodes, one after the other.
    labels: Box<[u8]>,
    leaves: Box<[Leaf]>,
}

/// A node stands for a prefix: its ancestors' labels and its own.
#[derive(Clone, Copy, Default)]
struct Node {
    label: (u32, u32),
    /// The patterns with exactly this literal prefix.
    leaves: (u32, u32),
    /// Its children, whose labels start with different bytes, in order of these.
    children: (u32, u32),
}

/// A pattern whose literal prefix is its node's.
struct Leaf {
    tail: Tail,
    statements: Members,
}

/// What must follow the prefix.
enum Tail {
    /// Nothing.
    End,
    /// Anything.
    Anything,
    /// What the whole pattern says.
    Pattern(Pattern),
}

impl PatternIndex {
    /// Adds the statements of every pattern that the text matches.
    pub(super) fn find(&self, text: &[u8], context: &Context, found: &mut Bits) {
        let Some(mut node) = self.nodes.first() else { return };
        let mut rest = text;
        loop {
            for leaf in slice(&self.leaves, node.leaves) {
                let matches = match &leaf.tail {
                    Tail::End => rest.is_empty(),
                    Tail::Anything => true,
                    Tail::Pattern(pattern) => pattern.matches(text, context),
                };
                if matches {
                    found.add(&leaf.statements);
                }
            }
            let Some((child, after)) = self.child(node, rest) else { return };
            (node, rest) = (child, after);
        }
    }

    /// The child whose label the text goes on with, and what follows that.
    fn child<'t>(&self, node: &Node, rest: &'t [u8]) -> Option<(&Node, &'t [u8])> {
        let first = rest.first()?;
        let children = slice(&self.nodes, node.children);
        let child = match children {
            [only] => only,
            _ => {
                let starts = |child: &Node| self.labels.get(child.label.0 as usize);
                let place = children.binary_search_by(|child| starts(child).cmp(&Some(first))).ok()?;
                children.get(place)?
            }
        };
        let label = self.labels.get(child.label.0 as usize..child.label.1 as usize)?;
        Some((child, rest.strip_prefix(label)?))
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let leaves = self.leaves.iter().map(|leaf| {
            let tail = match &leaf.tail {
                Tail::Pattern(pattern) => pattern.heap_bytes(),
                Tail::End | Tail::Anything => 0,
            };
            tail + leaf.statements.heap_bytes()
        });
        size_of_val::<[Node]>(&self.nodes) + self.labels.len() + size_of_val::<[Leaf]>(&self.leaves) + leaves.sum::<usize>()
    }
}

fn slice<T>(all: &[T], (start, end): (u32, u32)) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or_default()
}

/// Collects the patterns.
#[derive(Default)]
pub(super) struct PatternIndexBuilder<'a> {
    patterns: HashMap<&'a Pattern, Vec<u32>, Hashing>,
}

impl<'a> PatternIndexBuilder<'a> {
    /// Adds the patterns of one statement. Statements come in order of their numbers.
    pub(super) fn add(&mut self, patterns: impl Iterator<Item = &'a Pattern>, statement: u32) {
        for pattern in patterns {
            let statements = self.patterns.entry(pattern).or_default();
            if statements.last() != Some(&statement) {
                statements.push(statement);
            }
        }
    }

    pub(super) fn finish(self, statements: usize) -> PatternIndex {
        let mut patterns: Vec<Prefixed<'_>> =
            self.patterns.into_iter().map(|(pattern, list)| (pattern.literal_prefix().as_bytes(), pattern, list)).collect();
        patterns.sort_unstable_by(|one, other| (one.0, &one.2).cmp(&(other.0, &other.2)));
        let mut tree = Tree { nodes: vec![Node::default()], labels: Vec::new(), leaves: Vec::new(), statements };
        tree.grow(&patterns);
        PatternIndex { nodes: tree.nodes.into(), labels: tree.labels.into(), leaves: tree.leaves.into() }
    }
}

/// A pattern with its literal prefix and its statements.
type Prefixed<'a> = (&'a [u8], &'a Pattern, Vec<u32>);

/// A tree as it is built.
struct Tree {
    nodes: Vec<Node>,
    labels: Vec<u8>,
    leaves: Vec<Leaf>,
    /// How many statements there are.
    statements: usize,
}

impl Tree {
    /// Grows the whole tree. Not by recursion: prefixes of prefixes could make it as deep as a text is long.
    fn grow(&mut self, patterns: &[Prefixed<'_>]) {
        let mut pending = vec![(0, 0, patterns)];
        while let Some((node, depth, patterns)) = pending.pop() {
            let below = self.fill(node, depth, patterns);
            let groups = below.chunk_by(|one, other| one.0.get(depth) == other.0.get(depth));
            let first_child = self.nodes.len();
            for group in groups {
                let end = common_prefix(group);
                let label = self.label(group, depth, end);
                pending.push((self.nodes.len(), end, group));
                self.nodes.push(Node { label, ..Node::default() });
            }
            let children = (super::count(first_child), super::count(self.nodes.len()));
            if let Some(node) = self.nodes.get_mut(node) {
                node.children = children;
            }
        }
    }

    /// Gives a node the patterns whose prefix ends at it; the others are left over. All are sorted, and
    /// share the first `depth` bytes of their prefixes.
    fn fill<'l, 'a>(&mut self, node: usize, depth: usize, patterns: &'l [Prefixed<'a>]) -> &'l [Prefixed<'a>] {
        let own = patterns.partition_point(|(prefix, ..)| prefix.len() == depth);
        let (own, below) = patterns.split_at_checked(own).unwrap_or_default();
        let first = super::count(self.leaves.len());
        self.leaves.extend(own.iter().map(|(_, pattern, list)| Leaf::new(pattern, list, self.statements)));
        if let Some(node) = self.nodes.get_mut(node) {
            node.leaves = (first, super::count(self.leaves.len()));
        }
        below
    }

    fn label(&mut self, group: &[Prefixed<'_>], depth: usize, end: usize) -> (u32, u32) {
        let start = super::count(self.labels.len());
        let label = group.first().and_then(|(prefix, ..)| prefix.get(depth..end));
        self.labels.extend_from_slice(label.unwrap_or_default());
        (start, super::count(self.labels.len()))
    }
}

/// How many bytes sorted prefixes have in common.
fn common_prefix(group: &[Prefixed<'_>]) -> usize {
    let first = group.first().map_or(&[][..], |(prefix, ..)| prefix);
    let last = group.last().map_or(&[][..], |(prefix, ..)| prefix);
    first.iter().zip(last).take_while(|(one, other)| one == other).count()
}

impl Leaf {
    fn new(pattern: &Pattern, list: &[u32], statements: usize) -> Self {
        let tail = match pattern {
            Pattern::Exact(_) => Tail::End,
            Pattern::Anything | Pattern::Prefix(_) => Tail::Anything,
            Pattern::Glob(_) => Tail::Pattern(pattern.clone()),
        };
        Self { tail, statements: Members::new(list, statements) }
    }
}

/// A quick hash for tables that live only while an index is built.
pub(super) type Hashing = BuildHasherDefault<Mixer>;

#[derive(Default)]
pub(super) struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(1_u64, |word, byte| (word << 8) | u64::from(*byte));
        self.write_u64(last);
    }

    fn write_u64(&mut self, word: u64) {
        let mixed = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 29);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}
