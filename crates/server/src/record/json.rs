//! JSON written straight into a buffer: a record is written for each request, and its form is fixed.

use rolecall_aws_model::has_control_or;
use rolecall_sigv4::hex_digit;
use rolecall_state::AccountId;
use serde::Serialize;

/// JSON being written. Members are written in turn; the caller opens and closes.
pub(super) struct JsonText<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> JsonText<'a> {
    /// Writes behind what `out` has.
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, first: true }
    }

    /// Writes `{…}`.
    pub(super) fn object(&mut self, members: impl FnOnce(&mut JsonText<'_>)) {
        self.out.push(b'{');
        members(&mut JsonText::new(self.out));
        self.out.push(b'}');
    }

    /// Writes `"name":` behind the comma that it may need. The name needs no escaping.
    pub(super) fn name(&mut self, name: &'static str) -> &mut Self {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self
    }

    /// Writes a member that is a text.
    pub(super) fn text(&mut self, name: &'static str, text: &str) {
        self.name(name).string(text);
    }

    /// Writes a member that is a text of several pieces.
    pub(super) fn pieces(&mut self, name: &'static str, pieces: &[&str]) {
        self.name(name).out.push(b'"');
        pieces.iter().for_each(|piece| self.escaped(piece));
        self.out.push(b'"');
    }

    /// Writes a member that is a text, or null.
    pub(super) fn optional(&mut self, name: &'static str, text: Option<&str>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.name(name).out.extend_from_slice(b"null"),
        }
    }

    /// Writes a member that is an account's id, as a text.
    pub(super) fn account(&mut self, name: &'static str, account: AccountId) {
        self.text(name, std::str::from_utf8(&account.digits()).unwrap_or_default());
    }

    /// Writes a member that is a number.
    pub(super) fn number(&mut self, name: &'static str, number: u64) {
        self.name(name).digits(number);
    }

    /// Writes a member that is true or false.
    pub(super) fn truth(&mut self, name: &'static str, value: bool) {
        self.name(name).out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Writes a member that is an object.
    pub(super) fn nested(&mut self, name: &'static str, members: impl FnOnce(&mut JsonText<'_>)) {
        self.name(name).object(members);
    }

    /// Writes a member whose JSON is written already.
    pub(super) fn written(&mut self, name: &'static str, json: &[u8]) {
        self.name(name).out.extend_from_slice(json);
    }

    /// Writes a member that is a list, of what `item` writes for each of `items`.
    pub(super) fn list<T>(&mut self, name: &'static str, items: &[T], item: impl Fn(&mut JsonText<'_>, &T)) {
        self.name(name).out.push(b'[');
        for (index, one) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            self.object(|members| item(members, one));
        }
        self.out.push(b']');
    }

    /// Writes a member that knows how to write itself.
    pub(super) fn value(&mut self, name: &'static str, value: &impl Serialize) {
        self.name(name);
        let before = self.out.len();
        if serde_json::to_writer(&mut *self.out, value).is_err() {
            self.out.truncate(before);
            self.out.extend_from_slice(b"null");
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push(b'"');
        self.escaped(text);
        self.out.push(b'"');
    }

    fn escaped(&mut self, text: &str) {
        if !has_control_or(text, *b"\"\\") {
            return self.out.extend_from_slice(text.as_bytes());
        }
        for byte in text.bytes() {
            match byte {
                b'"' => self.out.extend_from_slice(b"\\\""),
                b'\\' => self.out.extend_from_slice(b"\\\\"),
                b'\n' => self.out.extend_from_slice(b"\\n"),
                control if control < b' ' => self.control(control),
                other => self.out.push(other),
            }
        }
    }

    fn control(&mut self, byte: u8) {
        self.out.extend_from_slice(b"\\u00");
        self.out.extend_from_slice(&[hex_digit(byte >> 4), hex_digit(byte & 15)]);
    }

    fn digits(&mut self, mut number: u64) {
        let mut digits = [b'0'; 20];
        let mut used = 0;
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
            used += 1;
            if number == 0 {
                break;
            }
        }
        self.out.extend_from_slice(digits.get(20 - used..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    proptest! {
        #[test]
        fn what_is_written_is_read(text in any::<String>(), number: u64, truth: bool) {
            let mut out = Vec::new();
            JsonText::new(&mut out).object(|o| {
                o.text("t", &text);
                o.pieces("p", &[&text, "/", &text]);
                o.number("n", number);
                o.truth("b", truth);
                o.optional("o", None);
                o.nested("e", |_| {});
                o.list("l", &[1, 2], |o, n| o.number("i", *n));
                o.value("v", &[1.5]);
            });
            let wanted = json!({"t": text, "p": format!("{text}/{text}"), "n": number, "b": truth,
                "o": null, "e": {}, "l": [{"i": 1}, {"i": 2}], "v": [1.5]});
            prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), wanted);
        }
    }
}
