//! `rolecall validate`: what is wrong with policies, where, and how to mend it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use rolecall_policy_validation::{Finding, FindingType, Options, PolicyKind, validate};
use serde_json::json;

use super::{Failure, read_text};
use crate::cli::ValidateArgs;

/// Checks every file. The answer is no when there is an error or a security warning.
pub(crate) fn run(args: &ValidateArgs) -> Result<ExitCode, Failure> {
    let kind = match args.kind.as_str() {
        "identity" => PolicyKind::Identity,
        "resource" => PolicyKind::Resource,
        "trust" => PolicyKind::Trust,
        "service-control" => PolicyKind::ServiceControl,
        "resource-control" => PolicyKind::ResourceControl,
        other => {
            return Err(Failure::Environment(format!(
                "--kind can't be {other:?}: see rolecall validate --help"
            )));
        }
    };
    let options = Options { extensions: true, ..Options::default() };
    let (mut out, mut files, mut bad) = (String::new(), Vec::new(), false);
    for path in &args.policies {
        let findings = validate(&read_text(path)?, kind, options);
        bad |= findings
            .iter()
            .any(|f| matches!(f.finding_type, FindingType::Error | FindingType::SecurityWarning));
        let name = path.display().to_string();
        findings.iter().for_each(|finding| line(&mut out, &name, finding));
        files.push(json!({"file": name, "findings": findings}));
    }
    if args.json {
        out = format!("{:#}\n", serde_json::Value::Array(files));
    }
    let written = std::io::stdout().write_all(out.as_bytes());
    written.map_err(|cause| Failure::Environment(format!("standard output: {cause}")))?;
    Ok(ExitCode::from(u8::from(bad)))
}

fn line(out: &mut String, file: &str, finding: &Finding) {
    let place = finding.locations.first().map(|location| location.span.start);
    let place = place.map_or_else(String::new, |start| format!(":{}:{}", start.line, start.column + 1));
    let kind = match finding.finding_type {
        FindingType::Error => "error",
        FindingType::SecurityWarning => "security warning",
        FindingType::Warning => "warning",
        FindingType::Suggestion => "suggestion",
    };
    let code = finding.issue_code.as_str();
    let _ = writeln!(out, "{file}{place}: {kind} {code}: {}", finding.finding_details);
}
