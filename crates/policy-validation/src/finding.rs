//! Findings, in the shape of the `ValidatePolicy` operation.

use serde::Serialize;

use crate::code::{FindingType, IssueCode};

/// One thing to say about a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What is the matter and what to do, in a sentence or two.
    pub finding_details: String,
    /// How serious it is.
    pub finding_type: FindingType,
    /// What it is about.
    pub issue_code: IssueCode,
    /// Where AWS explains it.
    pub learn_more_link: String,
    /// The places concerned. Most findings have one.
    pub locations: Vec<Location>,
}

/// A place in the document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Location {
    /// The way to it from the document's root.
    pub path: Vec<PathElement>,
    /// Where it is in the text.
    pub span: Span,
}

/// A step from the document's root towards a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum PathElement {
    /// The item of a list, from 0.
    Index(usize),
    /// The key of an object's member itself. Only the last step can be one.
    Key(String),
    /// A part of a string. Only the last step can be one.
    Substring(Substring),
    /// The value of an object's member.
    Value(String),
}

/// A part of a string, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Substring {
    /// The first character, from 0.
    pub start: usize,
    /// How many.
    pub length: usize,
}

/// A stretch of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Its first character.
    pub start: Position,
    /// The character after its last.
    pub end: Position,
}

/// A position in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 0.
    pub column: usize,
    /// The character in the text, from 0.
    pub offset: usize,
}
