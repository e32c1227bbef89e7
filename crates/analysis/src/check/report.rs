//! What came of tests, for people and for programs.

use std::fmt::Write as _;
use std::io::Cursor;

use quick_xml::Writer;
use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};

use super::{Failure, FileResult, TestResult};

/// How many tests, questions and failed tests there are in all.
fn counts(results: &[FileResult]) -> (usize, usize, usize) {
    results
        .iter()
        .map(FileResult::counts)
        .fold((0, 0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2))
}

fn summary(results: &[FileResult]) -> String {
    let (tests, checks, failed) = counts(results);
    let word = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    format!("{}, {}: {} passed, {failed} failed", word(tests, "test"), word(checks, "check"), tests - failed)
}

fn failed(results: &[FileResult]) -> impl Iterator<Item = (&FileResult, &TestResult)> {
    results
        .iter()
        .flat_map(|file| file.tests.iter().map(move |test| (file, test)))
        .filter(|(_, test)| test.failed > 0)
}

/// One failure in a few lines.
fn told(failure: &Failure) -> String {
    let Failure { principal, action, resource, expected, because, explanation, .. } = failure;
    let mut out = format!("{principal}: {action} on {resource}\n  expected  {expected}\n");
    if let Some(because) = because {
        let word = if because.decision == rolecall_policy::Outcome::Allowed { "allowed" } else { "denied" };
        let _ = writeln!(out, "  decided   {word}: {}", because.text);
    }
    for line in explanation.lines() {
        let _ = writeln!(out, "    {line}");
    }
    out
}

fn all_told(test: &TestResult) -> String {
    let mut out: String = test.failures.iter().map(told).collect();
    let rest = test.failed - test.failures.len();
    if rest > 0 {
        let _ = writeln!(out, "and {rest} more");
    }
    out
}

/// For people: what failed and why, and a line at the end. With `all`, what passed too.
#[must_use]
pub fn text(results: &[FileResult], all: bool) -> String {
    let mut out = String::new();
    for file in results {
        for test in file.tests.iter().filter(|test| all || test.failed > 0) {
            let word = if test.failed > 0 { "FAILED" } else { "ok    " };
            let _ = writeln!(out, "{word}  {}:{}: {}", file.file, test.line, test.name);
            for line in all_told(test).lines() {
                let _ = writeln!(out, "    {line}");
            }
        }
    }
    end(&mut out, results);
    out
}

/// What is not known, and a line that sums up.
fn end(out: &mut String, results: &[FileResult]) {
    let unknown: std::collections::BTreeSet<_> = results.iter().flat_map(|file| &file.unknown).collect();
    for sentence in unknown {
        let _ = writeln!(out, "{sentence}");
    }
    let _ = writeln!(out, "{}", summary(results));
}

/// For programs.
#[must_use]
pub fn json(results: &[FileResult]) -> String {
    let (tests, checks, failed) = counts(results);
    let value = serde_json::json!({"tests": tests, "checks": checks, "failed": failed, "files": results});
    format!("{value:#}\n")
}

/// Annotations of GitHub's workflow log, with the file and line of each test that failed.
///
/// <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>
#[must_use]
pub fn github(results: &[FileResult]) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut out = String::new();
    for (file, test) in failed(results) {
        let _ = writeln!(
            out,
            "::error file={},line={},title={}::{}",
            property(&file.file),
            test.line,
            property(&test.name),
            data(all_told(test).trim_end())
        );
    }
    end(&mut out, results);
    out
}

/// JUnit's XML, a suite for each file.
///
/// # Errors
/// When it can't be written, which memory never refuses.
pub fn junit(results: &[FileResult]) -> std::io::Result<String> {
    let mut writer = Writer::new_with_indent(Cursor::new(Vec::new()), b' ', 2);
    let (tests, _, failures) = counts(results);
    let mut root = BytesStart::new("testsuites");
    let numbers = [("tests", tests.to_string()), ("failures", failures.to_string())];
    numbers.iter().for_each(|(name, value)| root.push_attribute((*name, value.as_str())));
    writer.write_event(Event::Start(root))?;
    results.iter().try_for_each(|file| suite(&mut writer, file))?;
    writer.write_event(Event::End(BytesEnd::new("testsuites")))?;
    let text = String::from_utf8_lossy(&writer.into_inner().into_inner()).into_owned();
    Ok(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{text}\n"))
}

fn suite(writer: &mut Writer<Cursor<Vec<u8>>>, file: &FileResult) -> std::io::Result<()> {
    let (tests, _, failures) = file.counts();
    let suite = writer
        .create_element("testsuite")
        .with_attribute(("name", file.file.as_str()))
        .with_attribute(("tests", tests.to_string().as_str()))
        .with_attribute(("failures", failures.to_string().as_str()));
    suite.write_inner_content(|writer| file.tests.iter().try_for_each(|test| case(writer, file, test)))?;
    Ok(())
}

fn case(writer: &mut Writer<Cursor<Vec<u8>>>, file: &FileResult, test: &TestResult) -> std::io::Result<()> {
    let case = writer
        .create_element("testcase")
        .with_attribute(("classname", file.file.as_str()))
        .with_attribute(("name", test.name.as_str()))
        .with_attribute(("file", file.file.as_str()))
        .with_attribute(("line", test.line.to_string().as_str()));
    if test.failed == 0 {
        case.write_empty()?;
        return Ok(());
    }
    let message = format!("{} of {} checks failed", test.failed, test.checks);
    case.write_inner_content(|writer| {
        let failure = writer.create_element("failure").with_attribute(("message", message.as_str()));
        failure.write_text_content(BytesText::new(&all_told(test)))?;
        Ok(())
    })?;
    Ok(())
}
