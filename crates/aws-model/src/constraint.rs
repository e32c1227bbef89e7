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
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(crate) const fn new(shown: &'static str, source: &'static str, words: Option<&'static str>) -> Self {
        Self { shown, source, words, compiled: OnceLock::new() }
    }

    // A pattern that could not be compiled would admit nothing; a test compiles them all.
    pub(crate) fn is_match(&self, value: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Regex::new(self.source).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(value))
    }
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
}
