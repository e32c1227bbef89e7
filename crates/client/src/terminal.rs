//! What surrounds a command: variables, the two outputs, and a person, if there is one.

use std::io::{self, Write};

/// Puts a question to a person and returns the line typed.
pub type Ask = fn(&str) -> io::Result<String>;

/// The program's surroundings, handed in so that tests can make their own.
pub struct Terminal<'a> {
    /// Looks an environment variable up.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Where answers go.
    pub out: &'a mut dyn Write,
    /// Where remarks go.
    pub err: &'a mut dyn Write,
    /// Asks a person for a line; absent where nobody is there to answer.
    pub ask: Option<Ask>,
}

impl Terminal<'_> {
    /// A variable that is set and not empty.
    pub(crate) fn set_variable(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }
}
