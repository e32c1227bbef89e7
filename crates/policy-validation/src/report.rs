//! Gathers findings, and turns bytes into lines and columns.

use crate::code::IssueCode;
use crate::cursor::Place;
use crate::finding::{Finding, Location, Position, Span};

pub(crate) struct Report {
    extensions: bool,
    findings: Vec<Finding>,
    /// For each byte of the text, how many characters begin before it; one more for the end.
    characters: Vec<usize>,
    /// The bytes at which lines begin.
    lines: Vec<usize>,
}

impl Report {
    pub(crate) fn new(text: &str, extensions: bool) -> Self {
        let mut characters = Vec::with_capacity(text.len() + 1);
        let mut lines = vec![0];
        let mut begun = 0;
        for (at, byte) in text.bytes().enumerate() {
            characters.push(begun);
            begun += usize::from(text.is_char_boundary(at));
            if byte == b'\n' {
                lines.push(at + 1);
            }
        }
        characters.push(begun);
        Self { extensions, findings: Vec::new(), characters, lines }
    }

    pub(crate) fn add(&mut self, code: IssueCode, details: impl Into<String>, place: &Place) {
        self.add_at(code, details, std::slice::from_ref(place));
    }

    pub(crate) fn add_at(&mut self, code: IssueCode, details: impl Into<String>, places: &[Place]) {
        if code.is_extension() && !self.extensions {
            return;
        }
        let locations = places.iter().map(|place| self.location(place)).collect();
        self.findings.push(Finding {
            finding_details: details.into(),
            finding_type: code.finding_type(),
            issue_code: code,
            learn_more_link: code.learn_more_link(),
            locations,
        });
    }

    /// Errors first, then security warnings, warnings and suggestions, each in the order of the text.
    pub(crate) fn into_findings(mut self) -> Vec<Finding> {
        let start =
            |finding: &Finding| finding.locations.first().map_or(0, |location| location.span.start.offset);
        self.findings.sort_by_key(|finding| (finding.finding_type, start(finding)));
        self.findings
    }

    fn location(&self, place: &Place) -> Location {
        let span = Span { start: self.position(place.span.start), end: self.position(place.span.end) };
        Location { path: place.path.clone(), span }
    }

    // FIDELITY: whether AWS counts characters or UTF-16 units in offsets is not documented; characters here.
    pub(crate) fn position(&self, at: usize) -> Position {
        let characters =
            |byte: usize| self.characters.get(byte).or(self.characters.last()).copied().unwrap_or(0);
        let line = self.lines.partition_point(|start| *start <= at);
        let start = line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or(0);
        Position { line, column: characters(at) - characters(start), offset: characters(at) }
    }
}
