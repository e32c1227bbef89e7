//! This test program, run again as a child that does one thing.

use std::io::Write;
use std::process::{Child, Command, Stdio};

/// Starts the ignored test `name`, which reads `input` from its standard input. `wrapper` comes
/// before the program.
pub(crate) fn child(wrapper: &[&str], name: &str, input: &str) -> Child {
    let program = std::env::current_exe().unwrap();
    let program = program.to_str().unwrap();
    let arguments = ["--ignored", "--exact", name, "--nocapture", "--test-threads", "1"];
    let mut line = wrapper.iter().copied().chain([program]).chain(arguments);
    let mut command = Command::new(line.next().unwrap());
    let mut child = command.args(line).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child
}

/// What the parent wrote, for the child. None when the test is run by hand, with no parent.
pub(crate) fn input() -> Option<String> {
    let input = std::io::read_to_string(std::io::stdin()).unwrap();
    (!input.is_empty()).then_some(input)
}
