//! The parameters of a query-protocol request: `application/x-www-form-urlencoded`, strictly read.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Range;

use crate::node::Node;

/// A request has at most this many parameters; AWS's largest requests have far fewer.
const MAX_PARAMETERS: usize = 10_000;

/// Why parameters can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A percent sign is not followed by two hexadecimal digits.
    #[error(
        "The parameters contain a percent sign that is not followed by two hexadecimal digits, near {0:?}."
    )]
    BadPercent(String),
    /// The decoded text is not UTF-8.
    #[error("The parameter {0:?} is not valid UTF-8.")]
    NotUtf8(String),
    /// A name stands twice.
    #[error("The parameter {0} is given more than once.")]
    Duplicate(String),
    /// There are too many.
    #[error("The request has more than {MAX_PARAMETERS} parameters.")]
    TooMany,
}

/// The decoded parameters of a request, each name once.
#[derive(Clone, Default)]
pub struct QueryParams {
    // All names and values behind one another: two allocations whatever the request.
    text: String,
    // Sorted by name.
    pairs: Vec<(Range<usize>, Range<usize>)>,
}

impl QueryParams {
    /// Reads a body, or a URL's query.
    ///
    /// # Errors
    /// [`QueryError`], naming the parameter.
    pub fn parse(bytes: &[u8]) -> Result<Self, QueryError> {
        let mut text = Vec::with_capacity(bytes.len());
        let mut pairs = Vec::with_capacity(8);
        for pair in bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MAX_PARAMETERS {
                return Err(QueryError::TooMany);
            }
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let name = decode(halves.next().unwrap_or_default(), &mut text)?;
            let value = decode(halves.next().unwrap_or_default(), &mut text)?;
            pairs.push((name, value));
        }
        let text = String::from_utf8(text).map_err(|_| QueryError::NotUtf8(String::new()))?;
        let mut params = Self { text, pairs };
        params.sort();
        params.duplicate().map_or(Ok(()), |name| Err(QueryError::Duplicate(name)))?;
        Ok(params)
    }

    fn sort(&mut self) {
        let text = &self.text;
        let name = |range: &Range<usize>| text.get(range.clone()).unwrap_or_default();
        self.pairs.sort_unstable_by(|(a, _), (b, _)| name(a).cmp(name(b)));
    }

    fn duplicate(&self) -> Option<String> {
        self.pairs.windows(2).find_map(|two| match two {
            [(a, _), (b, _)] if self.at(a) == self.at(b) => Some(self.at(a).to_owned()),
            _ => None,
        })
    }

    fn at(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.pairs.binary_search_by(|(key, _)| self.at(key).cmp(name)).ok()?;
        self.pairs.get(found).map(|(_, value)| self.at(value))
    }

    /// All parameters, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (self.at(name), self.at(value)))
    }

    /// The whole input, as a place to read a structure from.
    pub(crate) fn root(&self) -> Node<'_> {
        Node::Query(self, Cow::Borrowed(""))
    }

    /// Whether a name is `prefix`, or begins with it and a full stop.
    pub(crate) fn has(&self, prefix: &str) -> bool {
        let from = self.pairs.partition_point(|(key, _)| self.at(key) < prefix);
        let rest = self.pairs.get(from..).unwrap_or_default();
        let mut behind = rest.iter().map_while(|(key, _)| self.at(key).strip_prefix(prefix));
        // Few characters sort before the full stop, and no name of the model has one of them.
        behind.any(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// What stands behind `prefix` and a full stop in the names that begin so.
    pub(crate) fn below(&self, prefix: &str) -> impl Iterator<Item = &str> {
        let from = self.pairs.partition_point(|(key, _)| before(self.at(key), prefix));
        let rest = self.pairs.get(from..).unwrap_or_default();
        rest.iter().map_while(move |(key, _)| self.at(key).strip_prefix(prefix)?.strip_prefix('.'))
    }
}

// Values may be secret; names are not.
impl fmt::Debug for QueryParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// Whether `key` sorts before `prefix` with a full stop behind it.
fn before(key: &str, prefix: &str) -> bool {
    key.bytes().cmp(prefix.bytes().chain([b'.'])) == Ordering::Less
}

/// Decodes behind `text`, and says where.
fn decode(bytes: &[u8], text: &mut Vec<u8>) -> Result<Range<usize>, QueryError> {
    let shown = || String::from_utf8_lossy(bytes.get(..40).unwrap_or(bytes)).into_owned();
    let from = text.len();
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => text.push(b' '),
            b'%' => {
                let high = rest.next().and_then(|b| hex(*b));
                let low = rest.next().and_then(|b| hex(*b));
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(QueryError::BadPercent(shown()));
                };
                text.push(high << 4 | low);
            }
            other => text.push(*other),
        }
    }
    let range = from..text.len();
    match std::str::from_utf8(text.get(range.clone()).unwrap_or_default()) {
        Ok(_) => Ok(range),
        Err(_) => Err(QueryError::NotUtf8(shown())),
    }
}

/// The pairs of a URL's query, in their order; a name may stand several times.
pub(crate) fn decode_pairs(bytes: &[u8]) -> Result<Vec<(String, String)>, QueryError> {
    let decoded = |bytes: &[u8]| {
        let mut text = Vec::with_capacity(bytes.len());
        decode(bytes, &mut text)?;
        String::from_utf8(text).map_err(|_| QueryError::NotUtf8(String::new()))
    };
    let pairs = bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
    pairs
        .take(MAX_PARAMETERS)
        .map(|pair| {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let name = decoded(halves.next().unwrap_or_default())?;
            Ok((name, decoded(halves.next().unwrap_or_default())?))
        })
        .collect()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters_are_decoded() {
        let params = QueryParams::parse(b"Action=CreateUser&UserName=a+b%2Bc&Empty=&Bare&Two=a=b").unwrap();
        assert_eq!(params.get("UserName"), Some("a b+c"));
        assert_eq!(params.get("Two"), Some("a=b"));
        assert_eq!(
            (params.get("Empty"), params.get("Bare"), params.get("Absent")),
            (Some(""), Some(""), None)
        );
    }

    #[test]
    fn what_stands_at_or_below_a_name_is_found() {
        let params = QueryParams::parse(b"Tag-x=1&Tag.member.1=2&Tags=3&Empty=&Last.1=4").unwrap();
        for (name, there) in [("Tag", true), ("Ta", false), ("Tags", true), ("Empty", true), ("Last", true)] {
            assert_eq!(params.has(name), there, "{name}");
        }
        assert!(!params.has("Zebra") && !params.has("A"));
    }

    #[test]
    fn faults_are_told() {
        assert_eq!(QueryParams::parse(b"A=1&A=2").unwrap_err(), QueryError::Duplicate("A".into()));
        assert!(matches!(QueryParams::parse(b"A=%zz"), Err(QueryError::BadPercent(_))));
        assert!(matches!(QueryParams::parse(b"A=%2"), Err(QueryError::BadPercent(_))));
        assert!(matches!(QueryParams::parse(b"A=%ff"), Err(QueryError::NotUtf8(_))));
        // Two halves of one character in two parameters are no character.
        assert!(matches!(QueryParams::parse(b"A=%c3&%a4=1"), Err(QueryError::NotUtf8(_))));
        let many = "A&".repeat(MAX_PARAMETERS + 1);
        assert_eq!(QueryParams::parse(many.as_bytes()).unwrap_err(), QueryError::TooMany);
    }

    #[test]
    fn values_are_not_shown() {
        let shown = format!("{:?}", QueryParams::parse(b"Password=hunter2").unwrap());
        assert!(shown.contains("Password") && !shown.contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = QueryParams::parse(&bytes);
        }

        #[test]
        fn what_was_encoded_is_decoded(name in "[a-zA-Z.0-9]{1,20}", value in any::<String>()) {
            let encoded: String = value.bytes().map(|b| format!("%{b:02X}")).collect();
            let params = QueryParams::parse(format!("{name}={encoded}").as_bytes()).unwrap();
            prop_assert_eq!(params.get(&name), Some(value.as_str()));
        }

        #[test]
        fn names_below_a_prefix_are_found(names in proptest::collection::btree_set("[a-b.+1]{0,4}", 0..12), prefix in "[a-b]{1,2}") {
            let body: Vec<String> = names.iter().map(|name| name.replace('+', "%2B")).collect();
            let params = QueryParams::parse(body.join("&").as_bytes()).unwrap();
            let dotted = format!("{prefix}.");
            let wanted: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix(&dotted)).collect();
            prop_assert_eq!(params.below(&prefix).collect::<Vec<_>>(), wanted);
        }
    }
}
