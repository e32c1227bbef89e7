//! Many resources under one prefix become one pattern.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// A pattern that stands for many resources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Collapsed {
    /// The pattern.
    pub pattern: String,
    /// For how many.
    pub resources: usize,
}

/// A resource, or everything under a prefix that ends with `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    One(String),
    Under(String),
}

impl Spot {
    /// The prefix that it is right under: up to the last `/` before its end. The first name of a resource, such as a
    /// bucket's, is never a part of a pattern.
    fn parent(&self) -> Option<&str> {
        let (Self::One(text) | Self::Under(text)) = self;
        let end = text.strip_suffix('/').filter(|_| matches!(self, Self::Under(_))).unwrap_or(text);
        end.rfind('/').and_then(|at| text.get(..=at))
    }
}

/// The patterns for some resources of one service.
pub(super) fn patterns(
    service: &str,
    resources: &BTreeSet<&str>,
    most: usize,
    collapsed: &mut BTreeMap<String, usize>,
) -> BTreeSet<String> {
    let mut spots: BTreeSet<Spot> = resources.iter().map(|text| Spot::One((*text).to_owned())).collect();
    loop {
        let mut children: BTreeMap<String, usize> = BTreeMap::new();
        for parent in spots.iter().filter_map(Spot::parent) {
            *children.entry(parent.to_owned()).or_default() += 1;
        }
        let full: Vec<String> = children
            .into_iter()
            .filter(|(_, count)| most > 0 && *count > most)
            .map(|(parent, _)| parent)
            .collect();
        if full.is_empty() {
            break;
        }
        // The longest first: what is under another is taken in by it.
        for parent in full.into_iter().rev() {
            spots.retain(|spot| {
                let (Spot::One(text) | Spot::Under(text)) = spot;
                // What is shorter, as the prefix itself, is not under it.
                !(text.starts_with(&parent) && text.len() > parent.len())
            });
            spots.insert(Spot::Under(parent));
        }
    }
    spots
        .into_iter()
        .map(|spot| match spot {
            Spot::One(text) => escaped(service, &text),
            Spot::Under(prefix) => {
                let pattern = format!("{}*", literal(&prefix));
                let count = resources.iter().filter(|text| text.starts_with(&prefix)).count();
                let known = collapsed.entry(pattern.clone()).or_default();
                *known = (*known).max(count);
                pattern
            }
        })
        .collect()
}

/// A resource as a policy names it. A `*` that a service writes for all of a kind stays one; in the name of an object it
/// is a character.
fn escaped(service: &str, text: &str) -> String {
    let all = text == "*" || (service != "s3" && (text.ends_with("/*") || text.ends_with(":*")));
    match text.strip_suffix('*').filter(|_| all) {
        Some(start) => format!("{}*", literal(start)),
        None => literal(text),
    }
}

/// A text that means nothing but itself in a policy.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => out.push_str("${*}"),
            '?' => out.push_str("${?}"),
            '$' if letters.peek() == Some(&'{') => out.push_str("${$}"),
            other => out.push(other),
        }
    }
    out
}
