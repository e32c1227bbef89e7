//! Many patterns at once: a tree over their literals, wildcards and variables.
//!
//! What patterns begin with alike is compared once. A pattern with more than one star within it, or
//! with many variables, stays whole at the end of its literal prefix: following several stars at once
//! could take time that grows like a power of the text's length.

use super::statements::{Bits, Members};
use super::tree::{Item, Tree};
use crate::context::Context;
use crate::pattern::Pattern;
use crate::template::Variable;

/// Distinct patterns with the statements each stands in.
pub(super) struct PatternIndex {
    pub(super) nodes: Box<[Node]>,
    /// The labels of the nodes, one after the other.
    pub(super) labels: Box<[u8]>,
    pub(super) leaves: Box<[Leaf]>,
    pub(super) edges: Box<[Edge]>,
}

/// A range of another list.
pub(super) type Range = (u32, u32);

/// A node stands for what leads to it: labels of literal text, and edges between them.
#[derive(Clone, Copy, Default)]
pub(super) struct Node {
    pub(super) label: Range,
    /// The patterns that end here, or go on as a whole.
    pub(super) leaves: Range,
    /// The children, whose labels start with different bytes, in order of these.
    pub(super) children: Range,
    /// Ways on other than by literal text.
    pub(super) edges: Range,
}

/// A pattern at its node.
pub(super) struct Leaf {
    pub(super) tail: Tail,
    pub(super) statements: Members,
}

/// What must follow.
pub(super) enum Tail {
    /// Nothing.
    End,
    /// Anything.
    Anything,
    /// What the whole pattern says.
    Pattern(Pattern),
}

/// A way on to another node.
pub(super) struct Edge {
    pub(super) step: Step,
    pub(super) to: u32,
}

/// What an edge takes up of the text.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// So many characters, of `?`.
    Characters(u32),
    /// The value of a variable.
    Variable(Variable),
    /// Any run of characters, of `*`; the node's label is what is looked for after it.
    Run,
}

/// One text that is looked up.
struct Search<'s> {
    text: &'s [u8],
    context: &'s Context,
    found: &'s mut Bits,
}

impl PatternIndex {
    pub(super) fn new<'a>(
        patterns: impl Iterator<Item = (&'a Pattern, Vec<u32>)>,
        statements: usize,
    ) -> Self {
        let items = patterns.map(|(pattern, list)| Item::new(pattern, Members::new(&list, statements)));
        Tree::default().grow(items.collect())
    }

    /// Adds the statements of every pattern that the text matches.
    pub(super) fn find(&self, text: &[u8], context: &Context, found: &mut Bits) {
        if let Some(root) = self.nodes.first() {
            self.walk(root, text, &mut Search { text, context, found });
        }
    }

    fn walk<'i>(&'i self, mut node: &'i Node, mut rest: &[u8], search: &mut Search<'_>) {
        loop {
            for leaf in slice(&self.leaves, node.leaves) {
                let matches = match &leaf.tail {
                    Tail::End => rest.is_empty(),
                    Tail::Anything => true,
                    Tail::Pattern(pattern) => pattern.matches(search.text, search.context),
                };
                if matches {
                    search.found.add(&leaf.statements);
                }
            }
            for edge in slice(&self.edges, node.edges) {
                self.follow(edge, rest, search);
            }
            let Some((child, after)) = self.child(node, rest) else { return };
            (node, rest) = (child, after);
        }
    }

    fn follow(&self, edge: &Edge, rest: &[u8], search: &mut Search<'_>) {
        let Some(node) = self.nodes.get(edge.to as usize) else { return };
        match &edge.step {
            Step::Characters(count) => {
                if let Some(after) = skip(rest, *count) {
                    self.walk(node, after, search);
                }
            }
            Step::Variable(variable) => {
                let value = variable.resolve(search.context);
                if let Some(after) = value.and_then(|value| rest.strip_prefix(value.as_bytes())) {
                    self.walk(node, after, search);
                }
            }
            Step::Run => {
                let label = self.label(node);
                let mut from = rest;
                while let Some(at) = crate::pattern::position(from, label) {
                    self.walk(node, from.get(at + label.len()..).unwrap_or_default(), search);
                    from = from.get(at + 1..).unwrap_or_default();
                }
            }
        }
    }

    /// The child whose label the text goes on with, and what follows that.
    fn child<'i, 't>(&'i self, node: &Node, rest: &'t [u8]) -> Option<(&'i Node, &'t [u8])> {
        let first = rest.first()?;
        let child = match slice(&self.nodes, node.children) {
            [only] => only,
            children => {
                let starts = |child: &Node| self.labels.get(child.label.0 as usize);
                let place = children.binary_search_by(|child| starts(child).cmp(&Some(first))).ok()?;
                children.get(place)?
            }
        };
        Some((child, rest.strip_prefix(self.label(child))?))
    }

    fn label(&self, node: &Node) -> &[u8] {
        slice(&self.labels, node.label)
    }

    pub(super) fn heap_bytes(&self) -> usize {
        let leaves = self.leaves.iter().map(|leaf| {
            let tail = match &leaf.tail {
                Tail::Pattern(pattern) => pattern.heap_bytes(),
                Tail::End | Tail::Anything => 0,
            };
            tail + leaf.statements.heap_bytes()
        });
        size_of_val::<[Node]>(&self.nodes)
            + self.labels.len()
            + size_of_val::<[Leaf]>(&self.leaves)
            + size_of_val::<[Edge]>(&self.edges)
            + leaves.sum::<usize>()
    }
}

fn slice<T>(all: &[T], (start, end): Range) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or_default()
}

/// What follows so many characters of UTF-8.
fn skip(text: &[u8], characters: u32) -> Option<&[u8]> {
    let mut rest = text;
    for _ in 0..characters {
        rest = rest.get(crate::pattern::width(*rest.first()?)..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::document::Version;

    fn found(patterns: &[Pattern], text: &str, context: &Context) -> Vec<usize> {
        let numbered = patterns.iter().zip(0..).map(|(pattern, number)| (pattern, vec![number]));
        let index = PatternIndex::new(numbered, patterns.len());
        let mut found = Bits::new(patterns.len());
        index.find(text.as_bytes(), context, &mut found);
        found.iter().collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]
        #[test]
        fn finds_exactly_the_patterns_that_match(
            texts in proptest::collection::btree_set(r"([abé:]|[*?]|\$\{k\}|\$\{x\}){0,7}", 1..40),
            text in "[abé:]{0,7}",
        ) {
            let context = Context::from_iter([("k", "ab")]);
            let mut patterns: Vec<Pattern> = Vec::new();
            for text in &texts {
                let pattern = Pattern::wildcards(text, Version::V2012);
                if !patterns.contains(&pattern) {
                    patterns.push(pattern);
                }
            }
            let matching = |(number, pattern): (usize, &Pattern)| pattern.matches(text.as_bytes(), &context).then_some(number);
            let expected: Vec<usize> = patterns.iter().enumerate().filter_map(matching).collect();
            prop_assert_eq!(found(&patterns, &text, &context), expected, "{:?}", texts);
        }
    }

    #[test]
    fn prefixes_of_prefixes_do_not_exhaust_the_stack() {
        let patterns: Vec<Pattern> =
            (0..3_000).map(|n| Pattern::wildcards(&"a".repeat(n), Version::V2012)).collect();
        assert_eq!(found(&patterns, &"a".repeat(2_000), &Context::new()), [2_000]);
    }
}
