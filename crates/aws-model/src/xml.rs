//! Writing XML: escaping in one place, and no element can stay open.

use std::fmt::Write as _;

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
        let _ = write!(self.out, "<{name}>");
        body(self);
        let _ = write!(self.out, "</{name}>");
    }

    /// Writes the root element with its name space.
    pub(crate) fn root(&mut self, name: &str, namespace: &str, body: impl FnOnce(&mut Self)) {
        let _ = write!(self.out, "<{name} xmlns=\"{namespace}\">");
        body(self);
        let _ = write!(self.out, "</{name}>");
    }

    /// Writes an element with text.
    pub(crate) fn element(&mut self, name: &str, text: &str) {
        let _ = write!(self.out, "<{name}>");
        self.text(text);
        let _ = write!(self.out, "</{name}>");
    }

    /// Writes an element with something that needs no escaping.
    pub(crate) fn plain(&mut self, name: &str, value: impl std::fmt::Display) {
        let _ = write!(self.out, "<{name}>{value}</{name}>");
    }

    fn text(&mut self, text: &str) {
        let mut from = 0;
        for (at, byte) in text.bytes().enumerate() {
            let Some(escaped) = escape(byte) else { continue };
            self.out.push_str(text.get(from..at).unwrap_or_default());
            self.out.push_str(escaped);
            from = at + 1;
        }
        self.out.push_str(text.get(from..).unwrap_or_default());
    }
}

// A carriage return would be read as a line feed; the other control characters can't stand in XML
// 1.0 in any form, so they are shown as what they are not: a replacement character.
fn escape(byte: u8) -> Option<&'static str> {
    match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        b'\r' => Some("&#xD;"),
        b'\t' | b'\n' => None,
        0..=31 => Some("\u{fffd}"),
        _ => None,
    }
}

/// A value that can stand in an element.
pub(crate) trait Render {
    /// Writes the value as an element of this name.
    fn render(&self, xml: &mut XmlWriter, name: &str);
}

impl Render for String {
    fn render(&self, xml: &mut XmlWriter, name: &str) {
        xml.element(name, self);
    }
}

impl Render for crate::Sensitive {
    fn render(&self, xml: &mut XmlWriter, name: &str) {
        xml.element(name, self.expose());
    }
}

impl Render for Timestamp {
    fn render(&self, xml: &mut XmlWriter, name: &str) {
        xml.plain(name, self);
    }
}

impl Render for crate::query::Blob {
    fn render(&self, xml: &mut XmlWriter, name: &str) {
        use base64::Engine as _;
        xml.plain(name, base64::engine::general_purpose::STANDARD.encode(self));
    }
}

macro_rules! render_plain {
    ($($number:ty),*) => {$(
        impl Render for $number {
            fn render(&self, xml: &mut XmlWriter, name: &str) {
                xml.plain(name, self);
            }
        }
    )*};
}

render_plain!(bool, i32, i64, f32, f64);

impl<T: Render> Render for Option<T> {
    fn render(&self, xml: &mut XmlWriter, name: &str) {
        if let Some(value) = self {
            value.render(xml, name);
        }
    }
}

/// Writes a list: `<name><item>…</item>…</name>`, or its items alone when it is flattened.
pub(crate) fn list<T: Render>(xml: &mut XmlWriter, name: &str, item: &str, items: &[T]) {
    xml.nested(name, |xml| items.iter().for_each(|value| value.render(xml, item)));
}

/// Writes a list that is left out when it is empty.
pub(crate) fn list_unless_empty<T: Render>(xml: &mut XmlWriter, name: &str, item: &str, items: &[T]) {
    if !items.is_empty() {
        list(xml, name, item, items);
    }
}

/// Writes a map: `<name><entry><key>…</key><value>…</value></entry>…</name>`.
pub(crate) fn map<T: Render>(xml: &mut XmlWriter, name: &str, map: &std::collections::BTreeMap<String, T>) {
    xml.nested(name, |xml| {
        for (key, value) in map {
            xml.nested("entry", |xml| {
                xml.element("key", key);
                value.render(xml, "value");
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let mut xml = XmlWriter::default();
        xml.element("A", "a<b>&\"c\"\r\u{1}\n");
        assert_eq!(xml.finish(), "<A>a&lt;b&gt;&amp;&quot;c&quot;&#xD;\u{fffd}\n</A>");
    }
}
