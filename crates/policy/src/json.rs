//! A JSON reader that keeps places: a flat list of nodes, each knowing its bytes and where its subtree ends.

use crate::span::Span;

/// Deeper than any policy (a condition value in a list is at depth 7), and shallow enough to recurse.
const MAX_DEPTH: u32 = 32;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    Null,
    Bool,
    Number,
    /// A string without escapes.
    String,
    /// A string with escapes, which must be decoded.
    EscapedString,
    Array,
    /// The nodes within are keys and values in turn.
    Object,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    kind: NodeKind,
    /// Strings without their quotes; everything else whole.
    span: Span,
    /// The node after this one's subtree.
    next: u32,
}

/// A parsed text.
#[derive(Debug)]
pub(crate) struct Tape<'s> {
    source: &'s str,
    nodes: Vec<Node>,
}

/// Where and why a text is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) offset: u32,
    pub(crate) wanted: &'static str,
}

impl<'s> Tape<'s> {
    pub(crate) fn parse(source: &'s str) -> Result<Self, JsonError> {
        // A node is at least three bytes of a policy, and about twelve as they are written.
        let nodes = Vec::with_capacity(source.len() / 12 + 4);
        let mut reader = Reader { source, bytes: source.as_bytes(), at: 0, nodes };
        reader.space();
        reader.value(0)?;
        reader.space();
        if reader.peek().is_some() {
            return Err(reader.error("the end of the text"));
        }
        Ok(Self { source, nodes: reader.nodes })
    }

    pub(crate) fn root(&self) -> Value<'_> {
        Value { tape: self, index: 0 }
    }
}

/// A node of a tape.
#[derive(Clone, Copy)]
pub(crate) struct Value<'t> {
    tape: &'t Tape<'t>,
    index: usize,
}

impl<'t> Value<'t> {
    pub(crate) fn kind(self) -> NodeKind {
        self.node().map_or(NodeKind::Null, |node| node.kind)
    }

    pub(crate) fn span(self) -> Span {
        self.node().map(|node| node.span).unwrap_or_default()
    }

    pub(crate) fn is_string(self) -> bool {
        matches!(self.kind(), NodeKind::String | NodeKind::EscapedString)
    }

    /// The text as it stands in the source, escapes and all.
    pub(crate) fn raw(self) -> &'t str {
        self.span().text(self.tape.source)
    }

    /// What a string with escapes says; `None` for one without, which says what it shows.
    pub(crate) fn decoded(self) -> Option<Box<str>> {
        (self.kind() == NodeKind::EscapedString).then(|| decode(self.raw()).into_boxed_str())
    }

    /// The nodes directly within an array or object; for an object keys and values in turn.
    pub(crate) fn children(self) -> Children<'t> {
        let end = self.node().map_or(0, |node| node.next as usize);
        Children { tape: self.tape, index: self.index + 1, end }
    }

    fn node(self) -> Option<Node> {
        self.tape.nodes.get(self.index).copied()
    }
}

pub(crate) struct Children<'t> {
    tape: &'t Tape<'t>,
    index: usize,
    end: usize,
}

impl<'t> Iterator for Children<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        if self.index >= self.end {
            return None;
        }
        let value = Value { tape: self.tape, index: self.index };
        self.index = self.tape.nodes.get(self.index).map_or(self.end, |node| node.next as usize);
        Some(value)
    }
}

struct Reader<'s> {
    source: &'s str,
    bytes: &'s [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn error(&self, wanted: &'static str) -> JsonError {
        JsonError { offset: offset(self.at), wanted }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: u32) -> Result<(), JsonError> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.nested(depth, NodeKind::Object, Self::members),
            Some(b'[') => self.nested(depth, NodeKind::Array, Self::elements),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", NodeKind::Bool),
            Some(b'f') => self.word("false", NodeKind::Bool),
            Some(b'n') => self.word("null", NodeKind::Null),
            _ => Err(self.error("a value")),
        }
    }

    fn nested(
        &mut self,
        depth: u32,
        kind: NodeKind,
        inside: fn(&mut Self, u32) -> Result<(), JsonError>,
    ) -> Result<(), JsonError> {
        if depth >= MAX_DEPTH {
            return Err(self.error("less nesting"));
        }
        let (index, start) = (self.nodes.len(), offset(self.at));
        self.nodes.push(Node { kind, span: Span::default(), next: 0 });
        self.at += 1;
        inside(self, depth + 1)?;
        let next = offset(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(index) {
            (node.span, node.next) = (Span { start, end: offset(self.at) }, next);
        }
        Ok(())
    }

    fn elements(&mut self, depth: u32) -> Result<(), JsonError> {
        self.space();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.space();
            self.value(depth)?;
            self.space();
            if self.take(b']') {
                return Ok(());
            }
            self.expect_comma()?;
        }
    }

    fn members(&mut self, depth: u32) -> Result<(), JsonError> {
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.error("a name in double quotes"));
            }
            self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(self.error("a colon"));
            }
            self.space();
            self.value(depth)?;
            self.space();
            if self.take(b'}') {
                return Ok(());
            }
            self.expect_comma()?;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect_comma(&mut self) -> Result<(), JsonError> {
        if self.take(b',') { Ok(()) } else { Err(self.error("a comma or the end of the list or object")) }
    }

    fn push(&mut self, kind: NodeKind, start: usize, end: usize) {
        let span = Span { start: offset(start), end: offset(end) };
        self.nodes.push(Node { kind, span, next: offset(self.nodes.len() + 1) });
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        let start = self.at;
        let mut kind = NodeKind::String;
        loop {
            let plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | 0..=0x1F);
            let rest = self.bytes.get(self.at..).unwrap_or_default();
            self.at += rest.iter().position(|byte| !plain(byte)).unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = NodeKind::EscapedString;
                    self.escape()?;
                }
                Some(_) => return Err(self.error("an escape for a control character")),
                None => return Err(self.error("a closing quote")),
            }
        }
        self.push(kind, start, self.at);
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => self.unicode_escape()?,
            _ => return Err(self.error("a JSON escape")),
        }
        Ok(())
    }

    /// Steps over `uXXXX`, and the second half of a surrogate pair.
    fn unicode_escape(&mut self) -> Result<(), JsonError> {
        let unit = self.code_unit().ok_or_else(|| self.error("four hexadecimal digits"))?;
        match unit {
            0xD800..=0xDBFF => {
                let low = if self.take(b'\\') { self.code_unit() } else { None };
                match low {
                    Some(0xDC00..=0xDFFF) => Ok(()),
                    _ => Err(self.error("the second half of a surrogate pair")),
                }
            }
            0xDC00..=0xDFFF => Err(self.error("the first half of a surrogate pair")),
            _ => Ok(()),
        }
    }

    fn code_unit(&mut self) -> Option<u32> {
        let unit = code_unit(self.source, self.at)?;
        self.at += 5;
        Some(unit)
    }

    fn number(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        self.push(NodeKind::Number, start, self.at);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == start { Err(self.error("a digit")) } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str, kind: NodeKind) -> Result<(), JsonError> {
        let end = self.at + word.len();
        if self.source.get(self.at..end) != Some(word) {
            return Err(self.error("a value"));
        }
        self.push(kind, self.at, end);
        self.at = end;
        Ok(())
    }
}

/// Reads `uXXXX` at an offset.
fn code_unit(source: &str, at: usize) -> Option<u32> {
    let digits = source.get(at..at + 5)?.strip_prefix('u')?;
    if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        u32::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

/// Decodes the escapes of a string that has been read without error.
fn decode(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escaped)) = rest.split_once('\\') {
        text.push_str(plain);
        let (character, length) = decode_escape(escaped);
        text.push(character);
        rest = escaped.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text
}

/// The character of an escape, given what follows its backslash, and how long that is.
fn decode_escape(escaped: &str) -> (char, usize) {
    match escaped.as_bytes().first() {
        Some(b'b') => ('\u{8}', 1),
        Some(b'f') => ('\u{c}', 1),
        Some(b'n') => ('\n', 1),
        Some(b'r') => ('\r', 1),
        Some(b't') => ('\t', 1),
        Some(b'u') => decode_unicode(escaped),
        Some(other) => (char::from(*other), 1),
        None => (char::REPLACEMENT_CHARACTER, 0),
    }
}

fn decode_unicode(escaped: &str) -> (char, usize) {
    let high = code_unit(escaped, 0).unwrap_or_default();
    if let Some(character) = char::from_u32(high) {
        return (character, 5);
    }
    let low = code_unit(escaped, 6).unwrap_or_default();
    let pair = 0x10000 + ((high & 0x3FF) << 10) + (low & 0x3FF);
    (char::from_u32(pair).unwrap_or(char::REPLACEMENT_CHARACTER), 11)
}

fn offset(n: usize) -> u32 {
    // INVARIANT: texts above the size limit are refused before they get here.
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escapes_are_decoded() {
        let tape = Tape::parse(r#""a\"\\\/\b\f\n\r\té\ud83d\ude00z""#).expect("JSON");
        assert_eq!(tape.root().decoded().as_deref(), Some("a\"\\/\u{8}\u{c}\n\r\té😀z"));
    }

    #[test]
    fn a_tree_is_walked_in_order() {
        let tape = Tape::parse(r#" {"a": [1, {"b": null}, "x"], "c": true} "#).expect("JSON");
        let members: Vec<&str> = tape.root().children().map(Value::raw).collect();
        assert_eq!(members, ["a", r#"[1, {"b": null}, "x"]"#, "c", "true"]);
    }

    #[test]
    fn nesting_is_limited() {
        let deep = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(Tape::parse(&deep(32)).is_ok());
        assert_eq!(Tape::parse(&deep(33)).map(|_| ()), Err(JsonError { offset: 32, wanted: "less nesting" }));
        assert!(Tape::parse(&"[".repeat(1_000_000)).is_err());
    }

    proptest! {
        #[test]
        fn accepts_what_serde_json_accepts(text in r#"[\[\]{},:"\\u0-9a-fA-F.eE+\-trulsn \n\x00-\x1f😀]{0,24}"#) {
            let theirs = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            prop_assert_eq!(Tape::parse(&text).is_ok(), theirs);
        }

        #[test]
        fn strings_decode_as_serde_json_decodes_them(text in ".*") {
            let json = serde_json::to_string(&text).expect("serializes");
            let tape = Tape::parse(&json).expect("JSON");
            let root = tape.root();
            let decoded = root.decoded();
            prop_assert_eq!(decoded.as_deref().unwrap_or(root.raw()), text);
        }
    }
}
