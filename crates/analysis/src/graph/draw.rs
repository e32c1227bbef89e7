//! The map as text, and in the languages of Graphviz and Mermaid.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rolecall_sts::map::{NodeKind, Tie};

use super::{Graph, Labelled as _};

impl Graph {
    fn label(&self, at: usize) -> String {
        self.nodes.get(at).map(|node| node.label()).unwrap_or_default()
    }

    fn name_of(&self, id: &str) -> String {
        self.nodes.iter().find(|node| node.id == id).map_or_else(|| id.to_owned(), |node| node.label())
    }

    /// For people: a line for each line of the map, by who becomes.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        match &self.way {
            Some(way) if way.is_empty() => out.push_str("there is no way\n"),
            Some(way) => {
                let names: Vec<String> = way.iter().map(|id| self.name_of(id)).collect();
                let _ = writeln!(out, "{}", names.join(" -> "));
            }
            None => self.lines(&mut out),
        }
        if !self.complete {
            out.push_str("Not all was asked: there is too much of it.\n");
        }
        for sentence in &self.unknown {
            let _ = writeln!(out, "{sentence}");
        }
        out
    }

    fn lines(&self, out: &mut String) {
        let mut lines = BTreeSet::new();
        for (from, to, tie) in &self.edges {
            let says = match tie {
                Tie::Member => "is a member of",
                Tie::Assume => "may become",
                Tie::Trust => "is trusted by",
                Tie::Profile => "is",
            };
            lines.insert(format!("{} {says} {}", self.label(*from), self.label(*to)));
        }
        if lines.is_empty() {
            out.push_str("nobody may become anybody\n");
        }
        for line in lines {
            let _ = writeln!(out, "{line}");
        }
    }

    /// In Graphviz's language.
    #[must_use]
    pub fn to_dot(&self) -> String {
        let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let mut out = format!("digraph {} {{\n  rankdir=LR\n  node [shape=box]\n", quoted(&self.account));
        for (at, node) in self.nodes.iter().enumerate() {
            let shape = match node.kind {
                NodeKind::Role => " style=rounded",
                NodeKind::Group => " shape=folder",
                _ => "",
            };
            let _ = writeln!(
                out,
                "  n{at} [label={} tooltip={}{shape}]",
                quoted(&node.label()),
                quoted(&node.id)
            );
        }
        for (from, to, tie) in &self.edges {
            let style = match tie {
                Tie::Assume => "",
                Tie::Member => " [style=dashed]",
                Tie::Trust | Tie::Profile => " [style=dotted]",
            };
            let _ = writeln!(out, "  n{from} -> n{to}{style}");
        }
        out.push_str("}\n");
        out
    }

    /// In Mermaid's language, which Markdown on GitHub draws.
    #[must_use]
    pub fn to_mermaid(&self) -> String {
        let quoted = |text: &str| text.replace('#', "#35;").replace('"', "#quot;").replace('<', "#lt;");
        let mut out = "flowchart LR\n".to_owned();
        for (at, node) in self.nodes.iter().enumerate() {
            let label = quoted(&node.label());
            let _ = match node.kind {
                NodeKind::Role => writeln!(out, "  n{at}([\"{label}\"])"),
                _ => writeln!(out, "  n{at}[\"{label}\"]"),
            };
        }
        for (from, to, tie) in &self.edges {
            let line = match tie {
                Tie::Assume => "-->",
                Tie::Member | Tie::Trust | Tie::Profile => "-.->",
            };
            let _ = writeln!(out, "  n{from} {line} n{to}");
        }
        out
    }
}
