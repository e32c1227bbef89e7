//! `decide [SHARED.json] < requests.jsonl > decisions.jsonl`: the engine's own format without the server.

use std::io::{self, BufRead, Write};

use rolecall_policy::decide_format::{Decider, Shared};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shared = match std::env::args().nth(1) {
        Some(path) => Some(Shared::parse(&std::fs::read_to_string(path)?)?),
        None => None,
    };
    let mut decider = Decider::new(shared);
    let (mut line, mut answers) = (String::new(), Vec::new());
    let (mut input, mut output) = (io::stdin().lock(), io::stdout().lock());
    while input.read_line(&mut line)? > 0 {
        decider.line(&line, &mut answers);
        output.write_all(&answers)?;
        line.clear();
        answers.clear();
    }
    Ok(())
}
