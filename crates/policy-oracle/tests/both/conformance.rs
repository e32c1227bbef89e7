//! The tables of `tests/conformance/decisions`: cases reasoned by hand from AWS's pages, one file for each rule.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::engine;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    source: String,
    request: Value,
    decision: String,
}

fn tables() -> Vec<(String, Case)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/decisions");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        for line in fs::read_to_string(&file).unwrap().lines() {
            let case: Case =
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}: {error}: {line}"));
            assert!(!case.source.is_empty(), "{name}: {} has no source", case.case);
            cases.push((name.clone(), case));
        }
    }
    cases
}

/// Runs every case and reports all that differ, not only the first.
fn run(decide: impl Fn(&Value) -> Result<String, String>) {
    let mut wrong = Vec::new();
    let mut ran = 0;
    for (file, case) in tables() {
        ran += 1;
        let got = decide(&case.request).unwrap_or_else(|error| format!("error {error}"));
        if got != case.decision {
            wrong.push(format!(
                "{file}: {}: wanted {}, got {got} ({})",
                case.case, case.decision, case.source
            ));
        }
    }
    assert!(ran >= 400, "only {ran} cases");
    assert!(wrong.is_empty(), "{} of {ran} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_oracle_agrees_with_the_tables() {
    run(|request| rolecall_policy_oracle::decide(request).map(|d| d.to_string()).map_err(|e| e.to_string()));
}

#[test]
fn the_engine_agrees_with_the_tables() {
    run(engine::decide);
}

#[test]
fn no_two_cases_of_a_table_have_the_same_name() {
    let mut names = BTreeSet::new();
    for (file, case) in tables() {
        assert!(names.insert((file.clone(), case.case.clone())), "{file}: {}", case.case);
    }
}
