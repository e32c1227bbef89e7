//! Every fuzz target, over its seeds and over what comes of cutting, joining and changing them.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use rolecall_fuzz_targets::{TARGETS, start};

/// Fewer for targets that take long for each input.
const FEW: u32 = 1_000;
const MANY: u32 = 4_000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = fuzz().join("seeds").join(target);
    let entries = std::fs::read_dir(&directory).expect("the target has seeds");
    let mut seeds: Vec<Vec<u8>> =
        entries.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a seed")).collect();
    seeds.sort();
    assert!(!seeds.is_empty(), "{} is empty", directory.display());
    seeds
}

fn span(seed: &[u8], a: Index, b: Index, longest: usize) -> (usize, usize) {
    let (a, b) = (a.index(seed.len() + 1), b.index(seed.len() + 1));
    (a.min(b), a.max(b).min(a.min(b) + longest))
}

/// A seed in which a part is replaced by a part of another, or by anything.
fn changed(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let part = (proptest::sample::select(seeds), any::<Index>(), any::<Index>());
    let anything = prop_oneof![
        Just(Vec::new()),
        "[\\[\\]{}\",:*?$&=%/a-z0-9\\\\\r\n-]{0,6}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    (part.clone(), part, anything).prop_map(|((one, a, b), (other, c, d), anything)| {
        // Small cuts keep a seed nearly whole, and go deeper than large ones.
        let (start, end) = span(&one, a, b, 12);
        let (from, to) = span(&other, c, d, 24);
        let mut changed = one;
        changed.splice(start..end, other.get(from..to).into_iter().flatten().copied().chain(anything));
        changed
    })
}

fn run(name: &str, cases: u32) {
    let target = start(name);
    let seeds = seeds(name);
    seeds.iter().for_each(|seed| target(seed));
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(cases) });
    let ran = runner.run(&changed(seeds), |input| {
        target(&input);
        Ok(())
    });
    ran.expect("no input is a finding");
}

macro_rules! each {
    ($($name:ident: $cases:expr,)*) => {
        $(#[test] fn $name() { run(stringify!($name), $cases) })*

        #[test]
        fn every_target_is_here_and_has_its_binary() {
            let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, BTreeSet::from([$(stringify!($name)),*]));
            let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).expect("the fuzzer's manifest");
            for name in names {
                assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} has no binary");
                let source = std::fs::read_to_string(fuzz().join(format!("targets/{name}.rs"))).expect("a target");
                assert!(source.contains(&format!("start(\"{name}\")")), "{name} runs another one");
            }
        }
    };
}

each! {
    assertion: MANY,
    backup: FEW,
    chunks: MANY,
    decision: FEW,
    front: 500,
    input: MANY,
    metadata: MANY,
    pattern: MANY,
    policy: FEW,
    s3: MANY,
    signature: MANY,
    stored: MANY,
    token: FEW,
}
