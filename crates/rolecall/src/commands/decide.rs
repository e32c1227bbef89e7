//! `rolecall decide`: the engine alone, no server and no network.

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::process::ExitCode;

use rolecall_policy::decide_format::{Decider, Shared};

use super::Failure;
use crate::cli::DecideArgs;

/// Whether the Service Authorization Reference knows an action, and no resource that it takes.
pub(super) fn takes_no_resource(action: &str) -> bool {
    rolecall_service_reference::action(action).is_some_and(|action| action.is_wildcard_only())
}

/// Decides every line of standard input.
pub(crate) fn run(args: &DecideArgs) -> Result<ExitCode, Failure> {
    let environment =
        |what: &str, cause: &dyn std::fmt::Display| Failure::Environment(format!("{what}: {cause}"));
    let shared = match &args.with {
        None => None,
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|cause| environment(&name, &cause))?;
            Some(Shared::parse(&text).map_err(|cause| environment(&name, &cause))?)
        }
    };
    let mut decider = Decider::new(shared).with_knowledge(takes_no_resource);
    let mut input = BufReader::with_capacity(1 << 20, std::io::stdin().lock());
    let mut output = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    let (mut line, mut answer) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line).map_err(|cause| environment("standard input", &cause))? == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        answer.clear();
        decider.line(&String::from_utf8_lossy(text), &mut answer);
        output.write_all(&answer).map_err(|cause| environment("standard output", &cause))?;
    }
    output.flush().map_err(|cause| environment("standard output", &cause))?;
    Ok(ExitCode::SUCCESS)
}
