//! Where something is wrong in a file of tests.

use std::ops::Range;

/// Something that is wrong in a file of tests, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct FileError {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// A file's name and text, to tell places in it.
pub(super) struct Places<'t> {
    pub(super) file: &'t str,
    pub(super) text: &'t str,
}

impl Places<'_> {
    /// Line and character of a byte, from 1.
    pub(super) fn of(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..byte).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let column = before.get(start..).unwrap_or_default().chars().count() + 1;
        (before.matches('\n').count() + 1, column)
    }

    pub(super) fn wrong(&self, span: Range<usize>, message: impl Into<String>) -> FileError {
        let (line, column) = self.of(span.start);
        FileError { file: self.file.to_owned(), line, column, message: message.into() }
    }
}
