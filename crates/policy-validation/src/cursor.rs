//! A value of the document together with the way to it.

use std::ops::Range;

use crate::finding::{PathElement, Substring};
use crate::json::{Node, Value};

/// A place before it is turned into lines and columns.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) path: Vec<PathElement>,
    pub(crate) span: Range<usize>,
}

/// A value and the path to it.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'t> {
    pub(crate) node: &'t Node,
    path: Vec<PathElement>,
}

/// A member of an object.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'t> {
    pub(crate) key: &'t str,
    pub(crate) key_place: Place,
    pub(crate) value: Cursor<'t>,
}

impl<'t> Cursor<'t> {
    pub(crate) fn root(node: &'t Node) -> Self {
        Self { node, path: Vec::new() }
    }

    pub(crate) fn place(&self) -> Place {
        Place { path: self.path.clone(), span: self.node.span.clone() }
    }

    /// A part of this string, in bytes of its decoded text. Exact where the string has no escapes.
    pub(crate) fn part(&self, start: usize, length: usize) -> Place {
        let text = self.text().unwrap_or_default();
        let characters = |bytes: usize| text.get(..bytes).unwrap_or(text).chars().count();
        let substring =
            Substring { start: characters(start), length: characters(start + length) - characters(start) };
        let from = (self.node.span.start + 1 + start).min(self.node.span.end);
        let mut path = self.path.clone();
        path.push(PathElement::Substring(substring));
        Place { path, span: from..(from + length).min(self.node.span.end) }
    }

    pub(crate) fn text(&self) -> Option<&'t str> {
        match &self.node.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self.node.value, Value::Object(_))
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.node.value, Value::List(_))
    }

    /// An object's members; none for other values.
    pub(crate) fn entries(&self) -> Vec<Entry<'t>> {
        let Value::Object(members) = &self.node.value else { return Vec::new() };
        let entry = |member: &'t crate::json::Member| {
            let step = |element: PathElement| self.path.iter().cloned().chain([element]).collect::<Vec<_>>();
            let key_path = step(PathElement::Key(member.key.clone()));
            Entry {
                key: &member.key,
                key_place: Place { path: key_path, span: member.key_span.clone() },
                value: Cursor { node: &member.value, path: step(PathElement::Value(member.key.clone())) },
            }
        };
        members.iter().map(entry).collect()
    }

    /// A list's items, or the single value itself.
    pub(crate) fn items(&self) -> Vec<Self> {
        let Value::List(items) = &self.node.value else { return vec![self.clone()] };
        let item = |(index, node): (usize, &'t Node)| {
            let path = self.path.iter().cloned().chain([PathElement::Index(index)]).collect();
            Cursor { node, path }
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The strings among the items, each with its place.
    pub(crate) fn texts(&self) -> Vec<(&'t str, Self)> {
        self.items().into_iter().filter_map(|item| Some((item.text()?, item))).collect()
    }
}
