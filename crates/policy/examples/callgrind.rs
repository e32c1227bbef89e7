//! Decides on every request of a workload, for counting instructions, which repeat where times don't:
//!
//! ```sh
//! cargo build --profile bench -p rolecall-policy --example callgrind
//! valgrind --tool=callgrind --toggle-collect='*decide_all*' target/release/examples/callgrind \
//!     target/engine-workload typical
//! ```
//! Divide the count by the number of requests, which it prints. `explain` as a third argument explains too.

#[expect(dead_code, reason = "the bench uses the rest")]
#[path = "../benches/decision/workload.rs"]
mod workload;

use std::hint::black_box;
use std::path::Path;

use rolecall_policy::{Applicable, Request, decide, explain};
use workload::{Failure, Ours, Parsed, Workload};

#[expect(clippy::print_stdout, reason = "what it prints is the divisor")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [directory, name, rest @ ..] = arguments.as_slice() else {
        return Err("usage: callgrind DIRECTORY lab|typical|scale [explain]".into());
    };
    let name =
        ["lab", "typical", "scale"].into_iter().find(|known| known == name).ok_or("no such workload")?;
    let workload = Workload::read(Path::new(directory), name)?;
    let ours = Ours::compile(&workload.shared)?;
    let parsed: Vec<Parsed<'_>> = workload.lines.iter().map(Parsed::new).collect::<Result<_, _>>()?;
    let requests: Vec<Request<'_>> = parsed.iter().map(Parsed::request).collect();
    let allowed = if rest.is_empty() {
        decide_all(&requests, &ours.applicable())
    } else {
        explain_all(&requests, &ours.applicable())
    };
    println!("{allowed} of {} requests allowed", requests.len());
    Ok(())
}

#[inline(never)]
fn decide_all(requests: &[Request<'_>], applicable: &Applicable<'_>) -> usize {
    requests.iter().filter(|request| decide(black_box(request), applicable).is_allowed()).count()
}

#[inline(never)]
fn explain_all(requests: &[Request<'_>], applicable: &Applicable<'_>) -> usize {
    requests.iter().filter(|request| explain(black_box(request), applicable).decision.is_allowed()).count()
}
