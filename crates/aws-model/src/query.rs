//! The parameters of a query-protocol request: `application/x-www-form-urlencoded`, strictly read.

use std::borrow::Cow;
use std::collections::BTreeSet;

/// Bytes of a binary member.
pub(crate) type Blob = Vec<u8>;

/// A request has at most this many parameters; AWS's largest requests have far fewer.
const MAX_PARAMETERS: usize = 10_000;

/// Why parameters can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// A percent sign is not followed by two hexadecimal digits.
    #[error("The parameters contain a percent sign that is not followed by two hexadecimal digits, near {0:?}.")]
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
#[derive(Debug, Clone, Default)]
pub struct QueryParams {
    // Sorted by name.
    pairs: Vec<(String, String)>,
}

impl QueryParams {
    /// Reads a body, or a URL's query.
    ///
    /// # Errors
    /// [`QueryError`], naming the parameter.
    pub fn parse(bytes: &[u8]) -> Result<Self, QueryError> {
        let mut pairs = Vec::new();
        for pair in bytes.split(|b| *b == b'&').filter(|pair| !pair.is_empty()) {
            if pairs.len() == MAX_PARAMETERS {
                return Err(QueryError::TooMany);
            }
            let at = pair.iter().position(|b| *b == b'=');
            let (name, value) = match at {
                Some(at) => (pair.get(..at).unwrap_or_default(), pair.get(at + 1..).unwrap_or_default()),
                None => (pair, &[][..]),
            };
            pairs.push((decode(name)?, decode(value)?));
        }
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let twice = pairs.windows(2).find_map(|two| match two {
            [(a, _), (b, _)] if a == b => Some(a.clone()),
            _ => None,
        });
        match twice {
            Some(name) => Err(QueryError::Duplicate(name)),
            None => Ok(Self { pairs }),
        }
    }

    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.pairs.binary_search_by(|(key, _)| key.as_str().cmp(name)).ok()?;
        self.pairs.get(at).map(|(_, value)| value.as_str())
    }

    /// All parameters, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The whole input, as a node to read a structure from.
    pub(crate) fn root(&self) -> Node<'_> {
        Node { params: self, prefix: Cow::Borrowed("") }
    }

    fn starting_with<'q>(&'q self, prefix: &'q str) -> impl Iterator<Item = &'q str> {
        let from = self.pairs.partition_point(|(key, _)| key.as_str() < prefix);
        let rest = self.pairs.get(from..).unwrap_or_default();
        rest.iter().map_while(move |(key, _)| key.strip_prefix(prefix))
    }
}

fn decode(bytes: &[u8]) -> Result<String, QueryError> {
    let shown = || String::from_utf8_lossy(bytes.get(..40).unwrap_or(bytes)).into_owned();
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let high = rest.next().and_then(|b| hex(*b));
                let low = rest.next().and_then(|b| hex(*b));
                let (Some(high), Some(low)) = (high, low) else { return Err(QueryError::BadPercent(shown())) };
                out.push(high << 4 | low);
            }
            other => out.push(*other),
        }
    }
    String::from_utf8(out).map_err(|_| QueryError::NotUtf8(shown()))
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// A place in the parameters: a structure, a list or a value may be read from it.
#[derive(Clone)]
pub(crate) struct Node<'q> {
    params: &'q QueryParams,
    prefix: Cow<'q, str>,
}

impl<'q> Node<'q> {
    /// The value that stands at this very place.
    pub(crate) fn value(&self) -> Option<&'q str> {
        self.params.get(&self.prefix)
    }

    /// A member of the structure at this place.
    pub(crate) fn member(&self, name: &str) -> Self {
        let prefix = if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) };
        Self { params: self.params, prefix: Cow::Owned(prefix) }
    }

    /// Whether anything stands at or below this place.
    pub(crate) fn is_present(&self) -> bool {
        self.value().is_some() || self.params.starting_with(&format!("{}.", self.prefix)).next().is_some()
    }

    /// The items of the list at this place, in the order of their numbers. Only numbers that are
    /// there count, so that a large one costs no more than a small one.
    pub(crate) fn items(&self, item: Option<&str>) -> Vec<Self> {
        let base = match item {
            Some(item) => format!("{}.{item}.", self.prefix),
            None => format!("{}.", self.prefix),
        };
        let number = |rest: &str| rest.split('.').next()?.parse::<u32>().ok();
        let numbers: BTreeSet<u32> = self.params.starting_with(&base).filter_map(number).collect();
        numbers.iter().map(|n| Self { params: self.params, prefix: Cow::Owned(format!("{base}{n}")) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters_are_decoded() {
        let params = QueryParams::parse(b"Action=CreateUser&UserName=a+b%2Bc&Empty=&Bare").unwrap();
        assert_eq!(params.get("UserName"), Some("a b+c"));
        assert_eq!((params.get("Empty"), params.get("Bare"), params.get("Absent")), (Some(""), Some(""), None));
    }

    #[test]
    fn faults_are_told() {
        assert_eq!(QueryParams::parse(b"A=1&A=2").unwrap_err(), QueryError::Duplicate("A".into()));
        assert!(matches!(QueryParams::parse(b"A=%zz"), Err(QueryError::BadPercent(_))));
        assert!(matches!(QueryParams::parse(b"A=%2"), Err(QueryError::BadPercent(_))));
        assert!(matches!(QueryParams::parse(b"A=%ff"), Err(QueryError::NotUtf8(_))));
    }

    #[test]
    fn lists_are_read_in_the_order_of_their_numbers() {
        let params = QueryParams::parse(b"T.member.10=c&T.member.2=b&T.member.1=a&T.member.x=d&T.member.4294967295=e").unwrap();
        let items: Vec<_> = params.root().member("T").items(Some("member")).iter().map(|n| n.value().unwrap()).collect();
        assert_eq!(items, ["a", "b", "c", "e"]);
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
    }
}
