//! From JSON to a document, by the grammar of its kind.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

mod checks;
mod elements;
mod principals;
mod resources;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::document::{Document, Text, Version};
use crate::error::{ParseError, Problem};
use crate::json::{JsonError, NodeKind, Tape, Value};
use crate::kind::Grammar;
use crate::span::{Position, Span};

/// A problem with its place, before the line and column are worked out.
#[derive(Debug)]
pub(crate) struct Failure {
    problem: Problem,
    detail: String,
    span: Span,
}

impl Failure {
    fn new(problem: Problem, span: Span, detail: impl Into<String>) -> Self {
        Self { problem, detail: detail.into(), span }
    }

    fn syntax(value: Value<'_>, detail: impl Into<String>) -> Self {
        Self::new(Problem::Syntax, value.span(), detail)
    }

    fn locate(self, source: &str) -> ParseError {
        let position = self.span.position(source);
        ParseError { problem: self.problem, detail: self.detail.into(), span: self.span, position }
    }
}

impl From<JsonError> for Failure {
    fn from(error: JsonError) -> Self {
        let span = Span { start: error.offset, end: error.offset };
        Self::new(Problem::InvalidJson, span, format!("{} is wanted here", error.wanted))
    }
}

pub(crate) fn parse(source: Arc<str>, grammar: Grammar) -> Result<Document, ParseError> {
    if source.len() > grammar.max_bytes.min(u32::MAX as usize / 2) {
        return Err(too_large(&source, grammar.max_bytes));
    }
    match parse_within_limits(&source, grammar) {
        Ok(document) => Ok(document),
        Err(failure) => Err(failure.locate(&source)),
    }
}

fn too_large(source: &str, limit: usize) -> ParseError {
    ParseError {
        problem: Problem::TooLarge { limit },
        detail: format!("it has {} bytes", source.len()).into(),
        span: Span::default(),
        position: Position { line: 1, column: 1 },
    }
}

fn parse_within_limits(source: &Arc<str>, grammar: Grammar) -> Result<Document, Failure> {
    let tape = Tape::parse(source)?;
    let document = read_document(source, tape.root(), grammar)?;
    checks::check(&document, grammar)?;
    Ok(document)
}

fn read_document(source: &Arc<str>, root: Value<'_>, grammar: Grammar) -> Result<Document, Failure> {
    let mut document = Document {
        source: Arc::clone(source),
        kind: grammar.kind,
        version: Version::V2008,
        version_text: None,
        id: None,
        statements: Box::default(),
        statements_are_listed: true,
    };
    let mut has_statement = false;
    for member in members(root, "the policy")? {
        let (name, value) = member?;
        match &*text_of(name) {
            "Version" => {
                document.version = version(value)?;
                document.version_text = Some(text(value));
            }
            "Id" => document.id = Some(string(value, "Id")?),
            "Statement" => {
                has_statement = true;
                document.statements_are_listed = value.kind() == NodeKind::Array;
                document.statements = statements(value)?;
            }
            other => return Err(Failure::syntax(name, format!("\"{other}\" is no element of a policy"))),
        }
    }
    let required = grammar.strictness == crate::kind::Strictness::Stored;
    if required && (!has_statement || document.statements.is_empty()) {
        return Err(Failure::syntax(root, "a policy needs a Statement"));
    }
    Ok(document)
}

fn version(value: Value<'_>) -> Result<Version, Failure> {
    string(value, "Version")?;
    match &*text_of(value) {
        "2012-10-17" => Ok(Version::V2012),
        "2008-10-17" => Ok(Version::V2008),
        other => {
            let detail = format!("Version is \"{other}\"; it can be \"2012-10-17\" or \"2008-10-17\"");
            Err(Failure::syntax(value, detail))
        }
    }
}

fn statements(value: Value<'_>) -> Result<Box<[crate::document::Statement]>, Failure> {
    match value.kind() {
        NodeKind::Object => Ok(Box::new([elements::statement(value)?])),
        NodeKind::Array => value.children().map(elements::statement).collect(),
        _ => Err(Failure::syntax(value, "Statement is an object or a list of objects")),
    }
}

/// The members of an object, each name with its value; a name that comes twice is an error.
fn members<'t>(
    value: Value<'t>,
    what: &'static str,
) -> Result<impl Iterator<Item = Result<(Value<'t>, Value<'t>), Failure>>, Failure> {
    if value.kind() != NodeKind::Object {
        return Err(Failure::syntax(value, format!("{what} is an object")));
    }
    let mut seen = Names::default();
    let mut children = value.children();
    Ok(std::iter::from_fn(move || {
        let (name, value) = (children.next()?, children.next()?);
        if seen.insert(name) { Some(Ok((name, value))) } else { Some(Err(repeated(name))) }
    }))
}

fn repeated(name: Value<'_>) -> Failure {
    Failure::syntax(name, format!("\"{}\" is given twice", name.raw()))
}

/// The names of one object so far. Few as a rule, and then a scan is quickest; an object with many
/// names falls back to a table, so that a hostile one costs no square.
#[derive(Default)]
struct Names<'t> {
    few: SmallVec<[Cow<'t, str>; 8]>,
    many: HashSet<Cow<'t, str>>,
}

impl<'t> Names<'t> {
    fn insert(&mut self, name: Value<'t>) -> bool {
        let text = text_of(name);
        if self.few.len() < 8 {
            let new = !self.few.contains(&text);
            self.few.push(text);
            return new;
        }
        if self.many.is_empty() {
            self.many.extend(self.few.iter().cloned());
        }
        self.many.insert(text)
    }
}

/// What a string says, copied only when it has escapes.
fn text_of(value: Value<'_>) -> Cow<'_, str> {
    match value.decoded() {
        Some(decoded) => Cow::Owned(decoded.into_string()),
        None => Cow::Borrowed(value.raw()),
    }
}

fn string(value: Value<'_>, what: &str) -> Result<Text, Failure> {
    if value.is_string() {
        Ok(text(value))
    } else {
        Err(Failure::syntax(value, format!("{what} is a string")))
    }
}

/// The text of a string, or of a number or boolean as it is written.
fn text(value: Value<'_>) -> Text {
    Text { span: value.span(), decoded: value.decoded() }
}
