//! Compiled text patterns: literals, prefixes and globs, with variables filled in as they are matched.

mod arn;
mod glob;

pub(crate) use arn::ArnPattern;
use glob::Glob;
pub(crate) use glob::{position, width};

use crate::context::Context;
use crate::document::Version;
use crate::template::{Atom, Template};

/// A pattern which text matches or doesn't, byte for byte but that `?` is one character.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pattern {
    /// `*`
    Anything,
    /// No wildcard and no variable.
    Exact(Box<str>),
    /// One `*`, at the end.
    Prefix(Box<str>),
    /// Everything else.
    Glob(Box<Glob>),
}

impl Pattern {
    /// A pattern with wildcards, and variables in version 2012.
    pub(crate) fn wildcards(text: &str, version: Version) -> Self {
        Self::parse(text, version, true)
    }

    /// A pattern in which `*` and `?` are text, with variables in version 2012.
    pub(crate) fn literal(text: &str, version: Version) -> Self {
        Self::parse(text, version, false)
    }

    fn parse(text: &str, version: Version, wildcards: bool) -> Self {
        // Most texts say at a glance what they are.
        let special = |text: &str| text.bytes().any(|byte| matches!(byte, b'$' | b'*' | b'?'));
        if !special(text) {
            return Self::Exact(text.into());
        }
        match text.strip_suffix('*') {
            Some("") if wildcards => return Self::Anything,
            Some(prefix) if wildcards && !special(prefix) => return Self::Prefix(prefix.into()),
            _ => {}
        }
        Self::from_template(Template::parse(text, version, wildcards))
    }

    fn from_template(template: Template) -> Self {
        match *template.atoms {
            [] => Self::Exact(Box::default()),
            [Atom::AnyRun] => Self::Anything,
            [Atom::Literal { .. }] => Self::Exact(template.literal),
            [Atom::Literal { .. }, Atom::AnyRun] => Self::Prefix(template.literal),
            _ => Self::Glob(Box::new(Glob::new(template))),
        }
    }

    /// Whether text, in UTF-8, matches in the light of the request's context.
    #[inline]
    pub(crate) fn matches(&self, text: &[u8], context: &Context) -> bool {
        match self {
            Self::Anything => true,
            Self::Exact(exact) => exact.as_bytes() == text,
            Self::Prefix(prefix) => text.starts_with(prefix.as_bytes()),
            Self::Glob(glob) => glob.matches(text, context),
        }
    }

    /// The text which everything that matches starts with.
    pub(crate) fn literal_prefix(&self) -> &str {
        match self {
            Self::Anything => "",
            Self::Exact(text) | Self::Prefix(text) => text,
            Self::Glob(glob) => glob.literal_prefix(),
        }
    }

    /// What a glob consists of.
    pub(crate) fn template(&self) -> Option<&Template> {
        match self {
            Self::Glob(glob) => Some(glob.template()),
            Self::Anything | Self::Exact(_) | Self::Prefix(_) => None,
        }
    }

    /// The first of its variables which has no value in a request.
    pub(crate) fn unresolved(&self, context: &Context) -> Option<&str> {
        match self {
            Self::Glob(glob) => glob.template().unresolved(context),
            Self::Anything | Self::Exact(_) | Self::Prefix(_) => None,
        }
    }

    /// The text with its variables filled in, for comparisons other than matching.
    pub(crate) fn with_text<T>(&self, context: &Context, use_text: impl FnOnce(&str) -> T) -> Option<T> {
        match self {
            Self::Exact(text) => Some(use_text(text)),
            Self::Glob(glob) => {
                let expanded = glob.template().expand(context)?;
                Some(use_text(std::str::from_utf8(&expanded).ok()?))
            }
            Self::Anything | Self::Prefix(_) => None,
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Anything => 0,
            Self::Exact(text) | Self::Prefix(text) => text.len(),
            Self::Glob(glob) => size_of::<Glob>() + glob.heap_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::wildcards(pattern, Version::V2012).matches(text.as_bytes(), &Context::new())
    }

    /// The definition, with no thought of speed.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), None) => naive(rest, text),
            (Some(('*', rest)), Some((_, after))) => naive(rest, text) || naive(pattern, after),
            (Some(('?', rest)), Some((_, after))) => naive(rest, after),
            (Some((one, rest)), Some((other, after))) => one == other && naive(rest, after),
            _ => false,
        }
    }

    #[test]
    fn wildcards_cross_colons_and_slashes() {
        assert!(matches("arn:aws:s3:::b/*/x", "arn:aws:s3:::b/1:2/3/x"));
        assert!(matches("arn:*", "arn:aws:s3:::b"));
        assert!(matches("b?d", "b/d") && !matches("b?d", "bd"));
        assert!(matches("*", "") && matches("a*", "a") && !matches("?", ""));
    }

    #[test]
    fn one_question_mark_is_one_character_of_unicode() {
        assert!(matches("?", "ç") && matches("?", "😀") && !matches("??", "😀"));
        assert!(matches("*?", "aç") && matches("a?*?c", "aç😀c"));
    }

    #[test]
    fn what_a_variable_stands_for_is_no_pattern() {
        let pattern = Pattern::wildcards("home/${aws:username}/*", Version::V2012);
        let star = Context::from_iter([("aws:username", "*")]);
        assert!(
            pattern.matches("home/*/x".as_bytes(), &star) && !pattern.matches("home/bob/x".as_bytes(), &star)
        );
        assert!(!pattern.matches("home//x".as_bytes(), &Context::new()), "without a value nothing matches");
        let bob = Context::from_iter([("AWS:UserName", "bob")]);
        assert!(
            pattern.matches("home/bob/x".as_bytes(), &bob)
                && !pattern.matches("home/bobby/x".as_bytes(), &bob)
        );
    }

    #[test]
    fn an_escaped_wildcard_is_text() {
        assert!(matches("a${*}*", "a*b") && !matches("a${*}*", "ab"));
        assert!(matches("${?}${$}", "?$"));
    }

    #[test]
    fn many_stars_do_not_blow_up() {
        let pattern = "*a".repeat(1_000) + "*b";
        let text = "a".repeat(4_000);
        assert!(!matches(&pattern, &text));
        assert!(matches(&(pattern + "*"), &(text + "b")));
        let pattern = "*a?".repeat(500) + "b";
        assert!(!matches(&pattern, &"a".repeat(4_000)));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_096))]
        #[test]
        fn agrees_with_the_definition(pattern in "[ab?*é]{0,9}", text in "[abé]{0,9}") {
            let (pattern_chars, text_chars): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&pattern, &text), naive(&pattern_chars, &text_chars));
        }

        #[test]
        fn a_variable_matches_what_its_value_matches(
            before in "[ab?*]{0,4}", value in "[ab]{0,3}", after in "[ab?*]{0,4}", text in "[ab]{0,8}"
        ) {
            let context = Context::from_iter([("k", value.as_str())]);
            let with_variable = Pattern::wildcards(&format!("{before}${{k}}{after}"), Version::V2012);
            let spelled_out = Pattern::wildcards(&format!("{before}{value}{after}"), Version::V2012);
            prop_assert_eq!(with_variable.matches(text.as_bytes(), &context), spelled_out.matches(text.as_bytes(), &context));
        }
    }
}
