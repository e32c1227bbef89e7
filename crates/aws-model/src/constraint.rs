//! What the model says about values: lengths, ranges, patterns and sets.

use std::sync::OnceLock;

use regex::Regex;

/// What the model says about a value.
#[derive(Debug)]
pub(crate) struct Constraint {
    pub(crate) min: Option<i64>,
    pub(crate) max: Option<i64>,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) values: &'static [&'static str],
}

impl Constraint {
    /// Nothing at all.
    pub(crate) const NONE: Self = Self { min: None, max: None, pattern: None, values: &[] };
}

/// A pattern, compiled when it is first needed.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// As the model writes it, which is how messages show it.
    pub(crate) shown: &'static str,
    /// The same in the syntax of the `regex` crate, for the whole value.
    source: &'static str,
    /// The service's own words for what the value must be, where it has some.
    pub(crate) words: Option<&'static str>,
    compiled: OnceLock<Option<Compiled>>,
}

impl Pattern {
    pub(crate) const fn new(shown: &'static str, source: &'static str, words: Option<&'static str>) -> Self {
        Self { shown, source, words, compiled: OnceLock::new() }
    }

    // A pattern that could not be compiled would admit nothing; a test compiles them all.
    pub(crate) fn is_match(&self, value: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Compiled::new(self.source));
        compiled.as_ref().is_some_and(|compiled| compiled.is_match(value))
    }
}

#[derive(Debug)]
struct Compiled {
    regex: Regex,
    /// Where the pattern is one class of characters, repeated, as most are: its characters within ASCII.
    ascii: Option<u128>,
}

impl Compiled {
    fn new(source: &str) -> Option<Self> {
        let regex = Regex::new(source).ok()?;
        let in_class = |byte: u8| regex.is_match(char::from(byte).encode_utf8(&mut [0; 4]));
        let ascii = is_one_class(source)
            .then(|| (0..128_u8).filter(|byte| in_class(*byte)).fold(0, |set, byte| set | 1_u128 << byte));
        Some(Self { regex, ascii })
    }

    fn is_match(&self, value: &str) -> bool {
        match self.ascii {
            Some(set) if !value.is_empty() && value.is_ascii() => {
                value.bytes().all(|byte| set >> (byte & 127) & 1 == 1)
            }
            _ => self.regex.is_match(value),
        }
    }
}

/// Whether a pattern's source is `^(?:[…]+)$` or the same with a star, and holds no other class.
fn is_one_class(source: &str) -> bool {
    let inner = source
        .strip_prefix("^(?:[")
        .and_then(|rest| rest.strip_suffix("]+)$").or_else(|| rest.strip_suffix("]*)$")));
    let Some(inner) = inner else { return false };
    let mut escaped = false;
    for byte in inner.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'[' | b']' => return false,
            _ => {}
        }
    }
    !escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated;

    #[test]
    fn every_pattern_of_the_models_compiles() {
        let mut ran = 0;
        for constraint in generated::with_patterns() {
            let pattern = constraint.pattern.as_ref().unwrap();
            assert!(Regex::new(pattern.source).is_ok(), "{}", pattern.shown);
            ran += 1;
        }
        assert!(ran > 20);
    }

    #[test]
    fn classes_match_as_their_patterns_do() {
        let mut classes = 0;
        for constraint in generated::with_patterns() {
            let pattern = constraint.pattern.as_ref().unwrap();
            let compiled = Compiled::new(pattern.source).unwrap();
            classes += usize::from(compiled.ascii.is_some());
            let texts =
                (0..=0x180).filter_map(char::from_u32).flat_map(|c| [c.to_string(), format!("a{c}b")]);
            for text in texts.chain([String::new(), "\n".into(), "a\n".into(), "a b".into()]) {
                assert_eq!(
                    compiled.is_match(&text),
                    compiled.regex.is_match(&text),
                    "{} {text:?}",
                    pattern.shown
                );
            }
        }
        assert!(classes > 20, "{classes}");
    }
}
