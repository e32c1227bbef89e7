//! JSON with places. Every value and key knows where it stands, and repeated keys are kept.

use std::ops::Range;

/// Deeper than any policy, shallow enough for recursion.
const MAX_DEPTH: usize = 32;

/// A value and the bytes it spans, quotes included.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) span: Range<usize>,
    pub(crate) value: Value,
}

#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    String(String),
    List(Vec<Node>),
    Object(Vec<Member>),
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) value: Node,
}

/// Where the text stops being JSON, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) at: usize,
    pub(crate) wanted: &'static str,
}

pub(crate) fn parse(text: &str) -> Result<Node, SyntaxError> {
    let mut parser = Parser { text, at: 0, depth: 0 };
    let node = parser.value()?;
    parser.skip_space();
    if parser.at < text.len() { parser.fail("the end of the document") } else { Ok(node) }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

type Parse<T> = Result<T, SyntaxError>;

impl Parser<'_> {
    fn fail<T>(&self, wanted: &'static str) -> Parse<T> {
        Err(SyntaxError { at: self.at, wanted })
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.rest().bytes().next()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self) -> Parse<Node> {
        let first = self.peek();
        let start = self.at;
        let value = match first {
            Some(b'{') => self.nested(Self::object)?,
            Some(b'[') => self.nested(Self::list)?,
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(_) => self.word()?,
            None => return self.fail("a value"),
        };
        Ok(Node { span: start..self.at, value })
    }

    fn nested(&mut self, parse: fn(&mut Self) -> Parse<Value>) -> Parse<Value> {
        if self.depth == MAX_DEPTH {
            return self.fail("less nesting");
        }
        self.depth += 1;
        self.at += 1;
        let value = parse(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Parse<Value> {
        let mut members = Vec::new();
        if self.take(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return self.fail("a key in double quotes");
            }
            let start = self.at;
            let key = self.string()?;
            let key_span = start..self.at;
            if !self.take(b':') {
                return self.fail("a colon");
            }
            let value = self.value()?;
            members.push(Member { key, key_span, value });
            if self.take(b'}') {
                return Ok(Value::Object(members));
            }
            if !self.take(b',') {
                return self.fail("a comma or a closing brace");
            }
        }
    }

    fn list(&mut self) -> Parse<Value> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value()?);
            if self.take(b']') {
                return Ok(Value::List(items));
            }
            if !self.take(b',') {
                return self.fail("a comma or a closing bracket");
            }
        }
    }

    fn word(&mut self) -> Parse<Value> {
        for (word, value) in
            [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
        {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        self.fail("a value")
    }

    fn number(&mut self) -> Parse<String> {
        let is_part =
            |character: char| character.is_ascii_digit() || matches!(character, '-' | '+' | '.' | 'e' | 'E');
        let rest = self.rest();
        let number =
            rest.get(..rest.find(|character| !is_part(character)).unwrap_or(rest.len())).unwrap_or_default();
        let digits = number.trim_start_matches('-');
        let padded = digits.len() > 1
            && digits.starts_with('0')
            && digits.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        if padded || number.parse::<f64>().is_err() {
            return self.fail("a number");
        }
        let number = number.to_owned();
        self.at += number.len();
        Ok(number)
    }

    fn string(&mut self) -> Parse<String> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let Some(character) = self.rest().chars().next() else { return self.fail("a closing quote") };
            match character {
                '"' => {
                    self.at += 1;
                    return Ok(string);
                }
                '\\' => string.push(self.escape()?),
                control if u32::from(control) < 0x20 => return self.fail("no control character in a string"),
                other => {
                    self.at += other.len_utf8();
                    string.push(other);
                }
            }
        }
    }

    fn escape(&mut self) -> Parse<char> {
        let escaped = self.rest().chars().nth(1);
        let plain = match escaped {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode(),
            _ => return self.fail("an escape"),
        };
        self.at += 2;
        Ok(plain)
    }

    fn unicode(&mut self) -> Parse<char> {
        let Some(first) = self.hex_at(2) else { return self.fail("four hexadecimal digits") };
        if let Some(character) = char::from_u32(first) {
            self.at += 6;
            return Ok(character);
        }
        let second = if self.rest().get(6..8) == Some("\\u") { self.hex_at(8) } else { None };
        match second {
            Some(low @ 0xDC00..=0xDFFF) if (0xD800..=0xDBFF).contains(&first) => {
                self.at += 12;
                let code = 0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00);
                Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            _ => self.fail("a whole surrogate pair"),
        }
    }

    fn hex_at(&self, start: usize) -> Option<u32> {
        let digits = self.rest().get(start..start + 4)?;
        let all_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if all_hex { u32::from_str_radix(digits, 16).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_places_and_repeated_keys_stay() {
        let Value::Object(members) = parse(r#" {"a": [1, "x"], "a": true}"#).unwrap().value else { panic!() };
        assert_eq!(members.len(), 2);
        assert_eq!((members[0].key_span.clone(), members[0].value.span.clone()), (2..5, 7..15));
    }

    #[test]
    fn errors_say_where() {
        for (text, at) in
            [("{", 1), ("{\"a\" 1}", 5), ("[1,]", 3), ("", 0), ("{} x", 3), ("\"a", 2), ("[01]", 1)]
        {
            assert_eq!(parse(text).map(|_| ()).unwrap_err().at, at, "{text}");
        }
        assert_eq!(parse(&"[".repeat(40)).unwrap_err().wanted, "less nesting");
    }

    #[test]
    fn escapes_are_decoded() {
        let Value::String(text) = parse(r#""a\"\u00e9\ud83d\ude00\n""#).unwrap().value else { panic!() };
        assert_eq!(text, "a\"é😀\n");
        assert!(parse(r#""\ud83d""#).is_err() && parse(r#""\x""#).is_err());
    }
}
