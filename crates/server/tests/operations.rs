//! The table of operations in `docs/operations.md` follows from the code: every operation of the
//! models, and whether it has a handler. `ROLECALL_UPDATE_DOCS=1 cargo test -p rolecall-server`
//! writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use rolecall_aws_model::{iam, organizations, sts};

fn section(out: &mut String, service: &str, operations: &[(&str, bool)]) {
    let built = operations.iter().filter(|(_, built)| *built).count();
    let _ =
        writeln!(out, "\n## {service}: {built} of {}\n\n| operation | |\n| --- | --- |", operations.len());
    for (name, built) in operations {
        let _ = writeln!(out, "| {name} | {} |", if *built { "built" } else { "not built" });
    }
}

fn table() -> String {
    let mut out = String::from(
        "# Operations\n\nGenerated from the pinned service models; a test fails when it is stale. An operation that is \
         not built answers `NotImplemented` with status 400.\n",
    );
    let rows: Vec<_> = iam::Operation::ALL.iter().map(|o| (o.name(), rolecall_iam::is_handled(*o))).collect();
    section(&mut out, "IAM", &rows);
    let rows: Vec<_> = sts::Operation::ALL.iter().map(|o| (o.name(), rolecall_sts::is_handled(*o))).collect();
    section(&mut out, "STS", &rows);
    let handled = rolecall_organizations::is_handled;
    let rows: Vec<_> = organizations::Operation::ALL.iter().map(|o| (o.name(), handled(*o))).collect();
    section(&mut out, "Organizations", &rows);
    out
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test is told by a variable to write the table anew")]
fn the_table_of_operations_is_true() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let table = table();
    if std::env::var("ROLECALL_UPDATE_DOCS").is_ok() {
        std::fs::write(&path, &table).unwrap();
    }
    let present = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        present == table,
        "docs/operations.md is stale: ROLECALL_UPDATE_DOCS=1 cargo test -p rolecall-server"
    );
}
