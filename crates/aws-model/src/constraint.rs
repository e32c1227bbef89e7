//! Checking values against the model, and AWS's words for those that fail.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::Regex;

use crate::query::{Blob, Node};
use crate::sensitive::Sensitive;
use crate::timestamp::Timestamp;

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
    shown: &'static str,
    /// The same in the syntax of the `regex` crate, for the whole value.
    source: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub(crate) const fn new(shown: &'static str, source: &'static str) -> Self {
        Self { shown, source, compiled: OnceLock::new() }
    }

    // A pattern that could not be compiled would admit nothing; a test compiles them all.
    fn is_match(&self, value: &str) -> bool {
        let compiled = self.compiled.get_or_init(|| Regex::new(self.source).ok());
        compiled.as_ref().is_some_and(|regex| regex.is_match(value))
    }
}

/// The parameters of a request that the model does not allow, in AWS's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidationError {
    /// Values that break constraints.
    #[error("{} validation error{} detected: {}", .0.len(), if .0.len() == 1 { "" } else { "s" }, .0.join("; "))]
    Constraints(Vec<String>),
    /// A value that is not of its type at all.
    #[error("{0}")]
    Malformed(String),
}

/// What breaks the model's constraints, gathered while an input is read.
#[derive(Debug, Default)]
pub struct Violations {
    path: Vec<String>,
    found: Vec<String>,
    malformed: Option<String>,
}

impl Violations {
    pub(crate) fn into_result<T>(self, value: T) -> Result<T, ValidationError> {
        match (self.malformed, self.found.is_empty()) {
            (Some(malformed), _) => Err(ValidationError::Malformed(malformed)),
            (None, true) => Ok(value),
            (None, false) => Err(ValidationError::Constraints(self.found)),
        }
    }

    fn within<T>(&mut self, step: impl Into<String>, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.into());
        let value = read(self);
        self.path.pop();
        value
    }

    fn add(&mut self, value: Option<&str>, rule: &str) {
        let at = self.path.join(".");
        let shown = value.map_or_else(|| "Value null".to_owned(), |value| format!("Value '{value}'"));
        self.found.push(format!("{shown} at '{at}' failed to satisfy constraint: {rule}"));
    }

    fn check_number(&mut self, number: i64, constraint: &Constraint) {
        let text = number.to_string();
        if let Some(max) = constraint.max.filter(|max| number > *max) {
            self.add(Some(&text), &format!("Member must have value less than or equal to {max}"));
        }
        if let Some(min) = constraint.min.filter(|min| number < *min) {
            self.add(Some(&text), &format!("Member must have value greater than or equal to {min}"));
        }
    }

    // FIDELITY: whether AWS counts UTF-16 units, characters or bytes; characters here.
    fn check_text(&mut self, text: &str, shown: Option<&str>, constraint: &Constraint) {
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if let Some(max) = constraint.max.filter(|max| length > *max) {
            self.add(shown, &format!("Member must have length less than or equal to {max}"));
        }
        if let Some(min) = constraint.min.filter(|min| length < *min) {
            self.add(shown, &format!("Member must have length greater than or equal to {min}"));
        }
        if let Some(pattern) = constraint.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            self.add(shown, &format!("Member must satisfy regular expression pattern: {}", pattern.shown));
        }
        if !constraint.values.is_empty() && !constraint.values.contains(&text) {
            self.add(shown, &format!("Member must satisfy enum value set: [{}]", constraint.values.join(", ")));
        }
    }

    fn malformed(&mut self, message: String) {
        self.malformed.get_or_insert(message);
    }
}

/// A value that can be read from parameters.
pub(crate) trait Read: Sized + Default {
    /// Reads the value at `node`, which is there.
    fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self;
}

impl Read for String {
    fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self {
        let text = node.value().unwrap_or_default();
        violations.check_text(text, Some(text), constraint);
        text.to_owned()
    }
}

impl Read for Sensitive {
    fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self {
        let text = node.value().unwrap_or_default();
        violations.check_text(text, Some("***"), constraint);
        text.into()
    }
}

impl Read for bool {
    fn read(node: &Node<'_>, _: &Constraint, violations: &mut Violations) -> Self {
        let text = node.value().unwrap_or_default();
        if !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false") {
            violations.malformed(format!("{text} is not a valid boolean."));
        }
        text.eq_ignore_ascii_case("true")
    }
}

macro_rules! read_number {
    ($($number:ty),*) => {$(
        impl Read for $number {
            fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self {
                let text = node.value().unwrap_or_default();
                match text.parse::<$number>() {
                    Ok(number) => {
                        violations.check_number(number as i64, constraint);
                        number
                    }
                    Err(_) => {
                        violations.malformed(format!("{text} is not a valid number."));
                        Self::default()
                    }
                }
            }
        }
    )*};
}

read_number!(i32, i64, f32, f64);

impl Read for Timestamp {
    fn read(node: &Node<'_>, _: &Constraint, violations: &mut Violations) -> Self {
        let text = node.value().unwrap_or_default();
        Self::parse(text).unwrap_or_else(|| {
            violations.malformed(format!("{text} is not a valid timestamp."));
            Self::default()
        })
    }
}

impl Read for Blob {
    fn read(node: &Node<'_>, _: &Constraint, violations: &mut Violations) -> Self {
        use base64::Engine as _;
        let text = node.value().unwrap_or_default();
        base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_else(|_| {
            violations.malformed("A binary value is not valid base64.".to_owned());
            Self::default()
        })
    }
}

/// Where a member stands: its name on the wire, and as messages show it.
#[derive(Clone, Copy)]
pub(crate) struct Name(pub(crate) &'static str, pub(crate) &'static str);

/// Reads a member that may be absent.
pub(crate) fn optional<T: Read>(node: &Node<'_>, name: Name, constraint: &Constraint, violations: &mut Violations) -> Option<T> {
    let member = node.member(name.0);
    member.is_present().then(|| violations.within(name.1, |violations| T::read(&member, constraint, violations)))
}

/// Reads a member that must be there.
pub(crate) fn required<T: Read>(node: &Node<'_>, name: Name, constraint: &Constraint, violations: &mut Violations) -> T {
    optional(node, name, constraint, violations).unwrap_or_else(|| {
        violations.within(name.1, |violations| violations.add(None, "Member must not be null"));
        T::default()
    })
}

/// How a list stands in the parameters.
pub(crate) struct ListForm {
    /// The word between the list's name and the numbers; none when the list is flattened.
    pub(crate) item: Option<&'static str>,
    /// Whether the list must be there.
    pub(crate) required: bool,
    /// How many items there may be.
    pub(crate) size: &'static Constraint,
}

/// Reads a list.
pub(crate) fn list<T: Read>(
    node: &Node<'_>,
    name: Name,
    form: &ListForm,
    constraint: &Constraint,
    violations: &mut Violations,
) -> Vec<T> {
    let member = node.member(name.0);
    let items = member.items(form.item);
    violations.within(name.1, |violations| {
        if items.is_empty() && form.required && !member.is_present() {
            violations.add(None, "Member must not be null");
        }
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        if let Some(max) = form.size.max.filter(|max| length > *max) {
            violations.add(Some("[...]"), &format!("Member must have length less than or equal to {max}"));
        }
        if let Some(min) = form.size.min.filter(|min| length < *min && member.is_present()) {
            violations.add(Some("[]"), &format!("Member must have length greater than or equal to {min}"));
        }
        let numbered = items.iter().enumerate();
        let read = |(at, item): (usize, &Node<'_>)| {
            violations.within(format!("{}.member", at + 1), |violations| T::read(item, constraint, violations))
        };
        numbered.map(read).collect()
    })
}

/// Reads a map.
pub(crate) fn map<T: Read>(node: &Node<'_>, name: Name, violations: &mut Violations) -> BTreeMap<String, T> {
    let entries = node.member(name.0).items(Some("entry"));
    violations.within(name.1, |violations| {
        let mut read = |entry: &Node<'_>| {
            let key = entry.member("key").value()?.to_owned();
            let value = violations.within(key.clone(), |v| T::read(&entry.member("value"), &Constraint::NONE, v));
            Some((key, value))
        };
        entries.iter().filter_map(&mut read).collect()
    })
}

/// Whether a pattern compiles: asked by the test of the generated tables.
#[cfg(test)]
fn compiles(pattern: &Pattern) -> bool {
    Regex::new(pattern.source).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::QueryParams;
    use crate::{ec2, iam, sts};

    #[test]
    fn every_pattern_of_the_models_compiles() {
        let mut ran = 0;
        for constraint in [iam::WITH_PATTERNS, sts::WITH_PATTERNS, ec2::WITH_PATTERNS].concat() {
            let pattern = constraint.pattern.as_ref().unwrap();
            assert!(compiles(pattern), "{}", pattern.shown);
            ran += 1;
        }
        assert!(ran > 20);
    }

    fn error_of(operation: iam::Operation, query: &str) -> String {
        let params = QueryParams::parse(query.as_bytes()).unwrap();
        iam::Request::parse(operation, &params).unwrap_err().to_string()
    }

    #[test]
    fn violations_are_told_in_the_words_of_aws() {
        assert_eq!(
            error_of(iam::Operation::GetUser, "UserName=a%20b"),
            "1 validation error detected: Value 'a b' at 'userName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\w+=,.@-]+"
        );
        assert_eq!(
            error_of(iam::Operation::CreateRole, "RoleName=r"),
            "1 validation error detected: Value null at 'assumeRolePolicyDocument' failed to satisfy constraint: \
             Member must not be null"
        );
        let two = error_of(iam::Operation::ListUsers, "MaxItems=0&PathPrefix=x");
        assert!(two.starts_with("2 validation errors detected: "), "{two}");
        let tag = error_of(iam::Operation::TagUser, "UserName=u&Tags.member.1.Key=&Tags.member.1.Value=v");
        assert!(tag.contains("at 'tags.1.member.key'"), "{tag}");
    }

    #[test]
    fn inputs_are_read() {
        let params = QueryParams::parse(b"UserName=u&Tags.member.1.Key=k&Tags.member.1.Value=").unwrap();
        let Ok(Some(iam::Request::CreateUser(request))) = iam::Request::parse(iam::Operation::CreateUser, &params) else {
            panic!("not read");
        };
        assert_eq!(request.user_name, "u");
        assert_eq!((request.tags[0].key.as_str(), request.tags[0].value.as_str()), ("k", ""));
        assert_eq!(request.path, None);
    }
}
