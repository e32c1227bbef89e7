//! Random requests: the two evaluators must decide alike.

use std::thread;

use rolecall_policy_oracle::{decide, generate, shrink};
use serde_json::Value;

use crate::engine;

/// How many cases a normal run takes; a nightly run asks for a million.
const CASES: u64 = 50_000;

#[expect(clippy::disallowed_methods, reason = "how long to test is for whoever runs the tests to say")]
fn wanted(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// What the two say, if they differ or if either cannot say.
fn disagreement(request: &Value) -> Option<(String, String)> {
    let oracle = decide(request).map(|decision| decision.to_string());
    let engine = engine::decide(request);
    match (oracle, engine) {
        (Ok(oracle), Ok(engine)) if oracle == engine => None,
        (oracle, engine) => Some((
            oracle.unwrap_or_else(|error| format!("error: {error}")),
            engine.unwrap_or_else(|error| format!("error: {error}")),
        )),
    }
}

fn first_disagreement(seeds: impl Iterator<Item = u64>) -> (u64, Option<Value>) {
    let mut ran = 0;
    for seed in seeds {
        ran += 1;
        let request = generate::request(seed);
        if let Some(found) = disagreement(&request) {
            let same = |smaller: &Value| disagreement(smaller).as_ref() == Some(&found);
            return (ran, Some(shrink(request, same)));
        }
    }
    (ran, None)
}

/// `ROLECALL_ORACLE_CASES` sets the number, `ROLECALL_ORACLE_SEED` the first seed.
#[test]
fn oracle_and_engine_agree_on_random_requests() {
    let (cases, first) = (wanted("ROLECALL_ORACLE_CASES", CASES), wanted("ROLECALL_ORACLE_SEED", 0));
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let threads: Vec<_> = (0..workers)
        .map(|worker| {
            let seeds = (first..first + cases).skip(worker).step_by(workers);
            thread::spawn(move || first_disagreement(seeds))
        })
        .collect();
    let mut ran = 0;
    for thread in threads {
        let (count, smallest) = thread.join().unwrap();
        ran += count;
        if let Some(request) = smallest {
            let (oracle, engine) = disagreement(&request).unwrap();
            panic!(
                "the oracle says {oracle}, the engine {engine}:\n{}",
                serde_json::to_string_pretty(&request).unwrap()
            );
        }
    }
    assert_eq!(ran, cases);
    assert!(ran > 0);
}
