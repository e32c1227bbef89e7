//! A parsed policy document: its text, and what stands where in it.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>

use std::fmt;
use std::sync::Arc;

use crate::error::ParseError;
use crate::grammar;
use crate::kind::{Grammar, PolicyKind};
use crate::operator::Operator;
use crate::span::{Position, Span};
use crate::template::variable_keys;

/// A policy document with its source text. Every element knows its place.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    pub(crate) source: Arc<str>,
    pub(crate) kind: PolicyKind,
    pub(crate) version: Version,
    pub(crate) version_text: Option<Text>,
    pub(crate) id: Option<Text>,
    pub(crate) statements: Box<[Statement]>,
    pub(crate) statements_are_listed: bool,
}

/// The version of the policy language which a document is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// `2008-10-17`, the default: policy variables are not variables but text.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// What a matching statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
pub enum Effect {
    /// Grants the request, unless something denies it.
    Allow,
    /// Denies the request, whatever grants it.
    Deny,
}

/// A piece of text in a document: usually a slice of the source, or its own when it has escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Where the text stands; for a string, without its quotes.
    pub span: Span,
    pub(crate) decoded: Option<Box<str>>,
}

impl Text {
    /// The text itself, given the source it was parsed from.
    #[must_use]
    pub fn as_str<'a>(&'a self, source: &'a str) -> &'a str {
        self.decoded.as_deref().unwrap_or_else(|| self.span.text(source))
    }
}

/// One statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The whole statement, braces included.
    pub span: Span,
    /// `Sid`.
    pub sid: Option<Text>,
    /// `Effect`.
    pub effect: Effect,
    /// Where the effect's value stands.
    pub effect_span: Span,
    /// `Principal` or `NotPrincipal`.
    pub principal: Option<PrincipalElement>,
    /// `Action` or `NotAction`.
    pub action: ListElement,
    /// `Resource` or `NotResource`; trust policies have none.
    pub resource: Option<ListElement>,
    /// `Condition`, flattened to one entry for each operator and key.
    pub conditions: Box<[ConditionEntry]>,
    /// Where the value of `Condition` stands, if there is one.
    pub condition_span: Option<Span>,
}

/// `Action`, `NotAction`, `Resource` or `NotResource`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListElement {
    /// Whether it is the `Not…` form.
    pub negated: bool,
    /// Where the element's name stands.
    pub name: Span,
    /// Where the whole value stands.
    pub span: Span,
    /// Whether the value is written as a list.
    pub is_list: bool,
    /// The values; one when written as a string.
    pub values: Box<[Text]>,
}

/// `Principal` or `NotPrincipal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalElement {
    /// Whether it is `NotPrincipal`.
    pub negated: bool,
    /// Where the element's name stands.
    pub name: Span,
    /// Where the whole value stands.
    pub span: Span,
    /// Each kind of principal that is named; a bare `"*"` is one entry of [`PrincipalType::Everyone`].
    pub entries: Box<[PrincipalEntry]>,
}

/// The principals of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalEntry {
    /// The type which the entry's key names.
    pub principal_type: PrincipalType,
    /// Where the key stands; for a bare `"*"` the value itself.
    pub name: Span,
    /// The principals.
    pub values: Box<[Text]>,
}

/// The key of an entry in `Principal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalType {
    /// A bare `"*"` in place of the map.
    Everyone,
    /// `AWS`: accounts, users, roles and sessions.
    Aws,
    /// `Service`: AWS services.
    Service,
    /// `Federated`: identity providers.
    Federated,
    /// `CanonicalUser`: an account by its S3 canonical id.
    CanonicalUser,
}

/// One operator with one key and its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionEntry {
    /// The operator.
    pub operator: Operator,
    /// Where the operator stands.
    pub operator_span: Span,
    /// The context key, in the document's case.
    pub key: Text,
    /// Where the whole value stands.
    pub span: Span,
    /// Whether the value is written as a list.
    pub is_list: bool,
    /// The values; numbers and booleans as their text.
    pub values: Box<[Text]>,
}

impl Document {
    /// Parses a document.
    ///
    /// # Errors
    /// What is wrong first, with its place, in AWS's wording.
    pub fn parse(text: impl Into<Arc<str>>, grammar: impl Into<Grammar>) -> Result<Self, ParseError> {
        grammar::parse(text.into(), grammar.into())
    }

    /// The text, byte for byte as it was given.
    #[must_use]
    pub const fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// The kind it was parsed as.
    #[must_use]
    pub const fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The version of the language; [`Version::V2008`] when it says none.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// `Version` as written, if it is there.
    #[must_use]
    pub const fn version_text(&self) -> Option<&Text> {
        self.version_text.as_ref()
    }

    /// `Id`, if it is there.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_ref().map(|id| self.text(id))
    }

    /// The statements in order.
    #[must_use]
    pub const fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// Whether `Statement` is written as a list (rather than as one object).
    #[must_use]
    pub const fn statements_are_listed(&self) -> bool {
        self.statements_are_listed
    }

    /// What a text of this document says.
    #[must_use]
    pub fn text<'a>(&'a self, text: &'a Text) -> &'a str {
        text.as_str(&self.source)
    }

    /// The `Sid` of a statement.
    #[must_use]
    pub fn sid<'a>(&'a self, statement: &'a Statement) -> Option<&'a str> {
        statement.sid.as_ref().map(|sid| self.text(sid))
    }

    /// The context keys that the document asks for, in conditions and as variables, each once and in order.
    #[must_use]
    pub fn context_keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        let mut add = |key: &str| {
            if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
                keys.push(key.to_owned());
            }
        };
        for statement in &self.statements {
            for value in statement.resource.iter().flat_map(|list| &list.values) {
                variable_keys(self.text(value), self.version).iter().for_each(|key| add(key));
            }
            for entry in &statement.conditions {
                add(self.text(&entry.key));
                for value in &entry.values {
                    variable_keys(self.text(value), self.version).iter().for_each(|key| add(key));
                }
            }
        }
        keys
    }

    /// The line and column where a span starts.
    #[must_use]
    pub fn position(&self, span: Span) -> Position {
        span.position(&self.source)
    }

    /// Roughly how many bytes the document holds, its text included.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let statements: usize = self.statements.iter().map(Statement::heap_bytes).sum();
        self.source.len() + statements + size_of_val::<[Statement]>(&self.statements)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("kind", &self.kind)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Statement {
    fn heap_bytes(&self) -> usize {
        let lists = [Some(&self.action), self.resource.as_ref()];
        let lists: usize = lists.into_iter().flatten().map(|list| texts_bytes(&list.values)).sum();
        let principals: usize = self
            .principal
            .iter()
            .flat_map(|principal| principal.entries.iter())
            .map(|entry| size_of_val(entry) + texts_bytes(&entry.values))
            .sum();
        let conditions: usize =
            self.conditions.iter().map(|entry| size_of_val(entry) + texts_bytes(&entry.values)).sum();
        lists + principals + conditions
    }
}

fn texts_bytes(texts: &[Text]) -> usize {
    let decoded: usize = texts.iter().filter_map(|text| text.decoded.as_ref()).map(|text| text.len()).sum();
    size_of_val(texts) + decoded
}

impl ListElement {
    /// The element's name as it must be written.
    #[must_use]
    pub const fn element_name(&self, plain: &'static str, negated: &'static str) -> &'static str {
        if self.negated { negated } else { plain }
    }
}

impl Version {
    /// The version as written in a document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2008 => "2008-10-17",
            Self::V2012 => "2012-10-17",
        }
    }
}

impl PrincipalType {
    /// The key as written in a document.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "*",
            Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}
