//! Writing XML: escaping in one place, and no element can stay open.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use crate::render::{Render, Sink};
use crate::scan::has_other_or;
use crate::timestamp::Timestamp;

/// XML being written.
#[derive(Debug, Default)]
pub(crate) struct XmlWriter {
    out: String,
}

impl XmlWriter {
    /// A document that will be about this long.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self { out: String::with_capacity(capacity) }
    }

    /// The document.
    pub(crate) fn finish(self) -> String {
        self.out
    }

    /// Writes `<name>…</name>` around what `body` writes.
    pub(crate) fn nested(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        self.tag("<", name);
        body(self);
        self.tag("</", name);
    }

    // Not by `write!`, which costs several times as much.
    fn tag(&mut self, start: &str, name: &str) {
        self.out.push_str(start);
        self.out.push_str(name);
        self.out.push('>');
    }

    /// The document that `body` writes below the root element `name`.
    pub(crate) fn document(name: &str, namespace: &str, body: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self::with_capacity(1024);
        xml.root(name, namespace, body);
        xml.finish()
    }

    /// The same behind an XML declaration.
    pub(crate) fn declared_document(name: &str, namespace: &str, body: impl FnOnce(&mut Self)) -> String {
        let mut xml = Self::with_capacity(2048);
        xml.out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        xml.root(name, namespace, body);
        xml.finish()
    }

    /// Writes the root element with its name space.
    pub(crate) fn root(&mut self, name: &str, namespace: &str, body: impl FnOnce(&mut Self)) {
        for part in ["<", name, " xmlns=\"", namespace, "\">"] {
            self.out.push_str(part);
        }
        body(self);
        self.tag("</", name);
    }

    /// Writes an element with text.
    pub(crate) fn element(&mut self, name: &str, text: &str) {
        self.tag("<", name);
        self.escaped(text);
        self.tag("</", name);
    }

    /// Writes an element with something that needs no escaping.
    pub(crate) fn plain_element(&mut self, name: &str, value: impl Display) {
        self.tag("<", name);
        let _ = write!(self.out, "{value}");
        self.tag("</", name);
    }

    fn escaped(&mut self, text: &str) {
        if !has_other_or(text, ESCAPED) {
            return self.out.push_str(text);
        }
        let mut from = 0;
        for (at, c) in text.char_indices() {
            let Some(escaped) = escape(c) else { continue };
            self.out.push_str(text.get(from..at).unwrap_or_default());
            self.out.push_str(escaped);
            from = at + c.len_utf8();
        }
        self.out.push_str(text.get(from..).unwrap_or_default());
    }
}

/// What is looked at closely, beside control characters and those outside ASCII.
const ESCAPED: [u8; 4] = *b"&<>\"";

// A carriage return would be read as a line feed. The other control characters and the two that are
// none can't stand in XML 1.0 in any form: they are shown as what they are not, a replacement character.
fn escape(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\r' => Some("&#xD;"),
        '\t' | '\n' => None,
        '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => Some("\u{fffd}"),
        _ => None,
    }
}

impl Sink for XmlWriter {
    fn structure(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        self.nested(name, body);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.element(name, text);
    }

    fn plain(&mut self, name: &str, value: impl Display) {
        self.plain_element(name, value);
    }

    fn number(&mut self, name: &str, value: f64) {
        self.plain_element(name, value);
    }

    fn timestamp(&mut self, name: &str, at: Timestamp) {
        self.plain_element(name, at);
    }

    // `<name><item>…</item>…</name>`
    fn list<T: Render<Self>>(&mut self, name: &str, item: &str, items: &[T]) {
        self.nested(name, |xml| items.iter().for_each(|value| value.render(xml, item)));
    }

    // `<name><entry><key>…</key><value>…</value></entry>…</name>`
    fn map<T: Render<Self>>(&mut self, name: &str, map: &BTreeMap<String, T>) {
        self.nested(name, |xml| {
            for (key, value) in map {
                xml.nested("entry", |xml| {
                    xml.element("key", key);
                    value.render(xml, "value");
                });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let mut xml = XmlWriter::default();
        xml.element("A", "a<b>&\"c\"\r\u{1}\u{ffff}ä\n");
        assert_eq!(xml.finish(), "<A>a&lt;b&gt;&amp;&quot;c&quot;&#xD;\u{fffd}\u{fffd}ä\n</A>");
    }
}
