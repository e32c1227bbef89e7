//! Writing JSON: quoting in one place, and no bracket can stay open.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use serde_json::Value;

use crate::render::{Render, Sink};
use crate::timestamp::Timestamp;

/// JSON being written.
#[derive(Debug, Default)]
pub(crate) struct JsonWriter {
    out: String,
    // Something stands before the place, in the same object or list.
    follows: bool,
    // The next value is an item of a list, which has no name.
    nameless: bool,
    // Times are written as text and not as numbers.
    iso8601: bool,
}

impl JsonWriter {
    /// The document whose members `body` writes; times as `awsJson1.1` has them.
    pub(crate) fn document(body: impl FnOnce(&mut Self)) -> String {
        Self::default().finish(body)
    }

    /// The same, with times as text.
    pub(crate) fn document_iso8601(body: impl FnOnce(&mut Self)) -> String {
        Self { iso8601: true, ..Self::default() }.finish(body)
    }

    fn finish(mut self, body: impl FnOnce(&mut Self)) -> String {
        self.enclosed('{', '}', body);
        self.out
    }

    fn enclosed(&mut self, open: char, close: char, body: impl FnOnce(&mut Self)) {
        self.out.push(open);
        self.follows = false;
        body(self);
        self.out.push(close);
        self.follows = true;
    }

    fn name(&mut self, name: &str) {
        if std::mem::replace(&mut self.follows, true) {
            self.out.push(',');
        }
        if !std::mem::take(&mut self.nameless) {
            self.quoted(name);
            self.out.push(':');
        }
    }

    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => self.out.extend(['\\', c]),
                '\n' => self.out.push_str("\\n"),
                c if c.is_control() => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

impl Sink for JsonWriter {
    fn structure(&mut self, name: &str, body: impl FnOnce(&mut Self)) {
        self.name(name);
        self.enclosed('{', '}', body);
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.quoted(text);
    }

    fn plain(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let _ = write!(self.out, "{value}");
    }

    // JSON has no infinities.
    fn number(&mut self, name: &str, value: f64) {
        match value.is_finite() {
            true => self.plain(name, value),
            false => self.plain(name, "null"),
        }
    }

    fn timestamp(&mut self, name: &str, at: Timestamp) {
        match self.iso8601 {
            true => self.text(name, &at.to_string()),
            false => self.plain(name, at.seconds()),
        }
    }

    fn list<T: Render<Self>>(&mut self, name: &str, _: &str, items: &[T]) {
        self.name(name);
        self.enclosed('[', ']', |json| {
            for item in items {
                json.nameless = true;
                item.render(json, "");
            }
        });
        self.nameless = false;
    }

    fn map<T: Render<Self>>(&mut self, name: &str, map: &BTreeMap<String, T>) {
        self.structure(name, |json| map.iter().for_each(|(key, value)| value.render(json, key)));
    }
}

// A list within a list or a map.
impl<T: Render<JsonWriter>> Render<JsonWriter> for Vec<T> {
    fn render(&self, json: &mut JsonWriter, name: &str) {
        json.list(name, "", self);
    }
}

impl Render<JsonWriter> for Value {
    fn render(&self, json: &mut JsonWriter, name: &str) {
        json.plain(name, self);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_are_separated() {
        let text = JsonWriter::document(|json| {
            json.list("a", "", &[1, 2]);
            json.structure("b", |json| json.text("c", "\"\\\n\u{1}"));
            json.list("e", "", &[Vec::<i32>::new(), vec![3]]);
            json.map("m", &BTreeMap::from([(String::new(), true), ("k".into(), false)]));
            json.timestamp("t", Timestamp::from_seconds(1));
            json.number("n", f64::NAN);
        });
        assert_eq!(
            text,
            r#"{"a":[1,2],"b":{"c":"\"\\\n\u0001"},"e":[[],[3]],"m":{"":true,"k":false},"t":1,"n":null}"#
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in any::<String>(), number in any::<f64>()) {
            let written = JsonWriter::document(|json| {
                json.text(&text, &text);
                json.number("n", number);
            });
            let read: Value = serde_json::from_str(&written).unwrap();
            prop_assert_eq!(read.get(&text).and_then(Value::as_str), Some(text.as_str()));
        }
    }
}
