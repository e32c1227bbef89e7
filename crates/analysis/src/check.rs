//! Expectations of an account, and whether they hold.

mod declared;
mod file;
mod place;
mod report;
mod run;

use rolecall_policy::Outcome;
use serde::Serialize;

use crate::Because;

pub use declared::ReadFile;
pub use file::TestFile;
pub use place::FileError;
pub use report::{github, json, junit, text};

/// What came of a file of tests.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileResult {
    /// The file.
    pub file: String,
    /// Its tests, in order.
    pub tests: Vec<TestResult>,
    /// What is not known of the account, a sentence each.
    pub unknown: Vec<String>,
}

/// What came of a test.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// Its name, or what it says.
    pub name: String,
    /// Where it begins, from 1.
    pub line: usize,
    /// How many questions it asks.
    pub checks: usize,
    /// How many of them were answered otherwise than expected.
    pub failed: usize,
    /// The first of those.
    pub failures: Vec<Failure>,
}

/// An answer that was not expected.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Who asked.
    pub principal: String,
    /// For which action.
    pub action: String,
    /// On what.
    pub resource: String,
    /// What was expected.
    pub expected: String,
    /// What was decided; none when it can't be.
    pub decided: Option<Outcome>,
    /// By what.
    pub because: Option<Because>,
    /// The engine's explanation, or why it can't be decided.
    pub explanation: String,
}

impl FileResult {
    /// How many tests, questions and failed tests there are.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        let checks = self.tests.iter().map(|test| test.checks).sum();
        let failed = self.tests.iter().filter(|test| test.failed > 0).count();
        (self.tests.len(), checks, failed)
    }
}

#[cfg(test)]
mod tests;
