//! The generator reaches every outcome often enough to mean something.

use std::collections::BTreeMap;

use rolecall_policy_oracle::{decide, generate};

#[test]
fn every_request_is_well_formed_and_every_decision_is_common() {
    let mut counts = BTreeMap::new();
    let cases = 5_000;
    for seed in 0..cases {
        let request = generate::request(seed);
        let decision = decide(&request).unwrap_or_else(|error| panic!("{error}: {request}"));
        *counts.entry(decision).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 3, "{counts:?}");
    assert!(counts.values().all(|count| *count > cases / 10), "{counts:?}");
    println!("{counts:?}");
}

#[test]
fn the_same_seed_gives_the_same_request() {
    assert_eq!(generate::request(7), generate::request(7));
    assert_ne!(generate::request(7), generate::request(8));
}
