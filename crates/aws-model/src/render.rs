//! Writing outputs: each type renders itself, each protocol's writer says how that looks.

use std::collections::BTreeMap;
use std::fmt::Display;

use base64::Engine as _;

use crate::read::Blob;
use crate::sensitive::Sensitive;
use crate::timestamp::Timestamp;

/// A document being written in some protocol's form.
pub(crate) trait Sink: Sized {
    /// Writes a structure whose members `body` writes.
    fn structure(&mut self, name: &str, body: impl FnOnce(&mut Self));

    /// Writes text.
    fn text(&mut self, name: &str, text: &str);

    /// Writes a whole number or a truth value.
    fn plain(&mut self, name: &str, value: impl Display);

    /// Writes a number that may have a fraction.
    fn number(&mut self, name: &str, value: f64);

    /// Writes a point in time.
    fn timestamp(&mut self, name: &str, at: Timestamp);

    /// Writes a list, `item` being the name of its items where they have one.
    fn list<T: Render<Self>>(&mut self, name: &str, item: &str, items: &[T]);

    /// Writes a map.
    fn map<T: Render<Self>>(&mut self, name: &str, map: &BTreeMap<String, T>);
}

/// A value that can be written.
pub(crate) trait Render<S> {
    /// Writes the value under this name.
    fn render(&self, sink: &mut S, name: &str);
}

impl<S: Sink> Render<S> for String {
    fn render(&self, sink: &mut S, name: &str) {
        sink.text(name, self);
    }
}

impl<S: Sink> Render<S> for Sensitive {
    fn render(&self, sink: &mut S, name: &str) {
        sink.text(name, self.expose());
    }
}

impl<S: Sink> Render<S> for Timestamp {
    fn render(&self, sink: &mut S, name: &str) {
        sink.timestamp(name, *self);
    }
}

impl<S: Sink> Render<S> for Blob {
    fn render(&self, sink: &mut S, name: &str) {
        sink.text(name, &base64::engine::general_purpose::STANDARD.encode(self));
    }
}

macro_rules! render_plain {
    ($($plain:ty),*) => {$(
        impl<S: Sink> Render<S> for $plain {
            fn render(&self, sink: &mut S, name: &str) {
                sink.plain(name, self);
            }
        }
    )*};
}

render_plain!(bool, i32, i64);

impl<S: Sink> Render<S> for f64 {
    fn render(&self, sink: &mut S, name: &str) {
        sink.number(name, *self);
    }
}

impl<S: Sink, T: Render<S>> Render<S> for Option<T> {
    fn render(&self, sink: &mut S, name: &str) {
        if let Some(value) = self {
            value.render(sink, name);
        }
    }
}

impl<S: Sink, T: Render<S>> Render<S> for BTreeMap<String, T> {
    fn render(&self, sink: &mut S, name: &str) {
        sink.map(name, self);
    }
}

/// Writes a list that is left out when it is empty.
pub(crate) fn list_unless_empty<S: Sink, T: Render<S>>(sink: &mut S, name: &str, item: &str, items: &[T]) {
    if !items.is_empty() {
        sink.list(name, item, items);
    }
}

/// Writes a map that is left out when it is empty.
pub(crate) fn map_unless_empty<S: Sink, T: Render<S>>(sink: &mut S, name: &str, map: &BTreeMap<String, T>) {
    if !map.is_empty() {
        sink.map(name, map);
    }
}
