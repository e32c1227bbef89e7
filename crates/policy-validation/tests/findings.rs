//! For each issue code, documents that raise it beside documents that do not: `findings.jsonl`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;

use rolecall_policy_validation::{
    Finding, FindingType, IssueCode, Options, PathElement, PolicyKind, ResourceType, validate,
};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Row {
    code: String,
    kind: String,
    resource_type: Option<String>,
    /// A document, or its text where it is not even JSON.
    raises: Value,
    passes: Value,
}

fn rows() -> Vec<Row> {
    include_str!("findings.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn text_of(document: &Value) -> String {
    document.as_str().map_or_else(|| document.to_string(), str::to_owned)
}

fn findings(row: &Row, document: &Value) -> Vec<Finding> {
    let kind = PolicyKind::ALL.into_iter().find(|kind| kind.keyword() == row.kind).unwrap();
    let resource_type = row.resource_type.as_deref().map(|name| ResourceType::from_api(name).unwrap());
    validate(&text_of(document), kind, Options { resource_type, extensions: true })
}

#[test]
fn each_code_is_raised_where_it_should_be_and_nowhere_else() {
    let mut wrong = Vec::new();
    let rows = rows();
    for (number, row) in rows.iter().enumerate() {
        let codes =
            |document| findings(row, document).iter().map(|f| f.issue_code.as_str()).collect::<Vec<_>>();
        let (raised, passed) = (codes(&row.raises), codes(&row.passes));
        if !raised.contains(&row.code.as_str()) {
            wrong.push(format!("line {}: {} not raised, but {raised:?}", number + 1, row.code));
        }
        if passed.contains(&row.code.as_str()) {
            wrong.push(format!("line {}: {} raised by what should pass", number + 1, row.code));
        }
    }
    assert!(rows.len() > 100, "only {} rows", rows.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A document that should pass one check should not fail another by accident, or the table proves little.
#[test]
fn documents_that_pass_raise_no_other_errors() {
    let mut wrong = Vec::new();
    for (number, row) in rows().iter().enumerate() {
        let errors = findings(row, &row.passes).into_iter().filter(|f| f.finding_type == FindingType::Error);
        let errors: Vec<_> =
            errors.map(|f| format!("{}: {}", f.issue_code.as_str(), f.finding_details)).collect();
        if !errors.is_empty() {
            wrong.push(format!("line {} ({}): {errors:?}", number + 1, row.code));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_in_the_table() {
    let tested: BTreeSet<String> = rows().into_iter().map(|row| row.code).collect();
    let all: BTreeSet<String> = IssueCode::ALL.iter().map(|code| code.as_str().to_owned()).collect();
    assert_eq!(tested, all);
}

#[test]
fn every_place_is_in_the_text_and_at_the_end_of_its_path() {
    let mut places = 0;
    for row in rows() {
        let text = text_of(&row.raises);
        let characters: Vec<char> = text.chars().collect();
        for finding in findings(&row, &row.raises) {
            for location in finding.locations {
                let (start, end) = (location.span.start, location.span.end);
                assert!(start.offset <= end.offset && end.offset <= characters.len(), "{text}");
                let spanned: String = characters[start.offset..end.offset].iter().collect();
                match location.path.last() {
                    Some(PathElement::Key(key)) => assert_eq!(spanned, json!(key).to_string()),
                    Some(PathElement::Substring(part)) => assert_eq!(spanned.chars().count(), part.length),
                    _ => {}
                }
                places += 1;
            }
        }
    }
    assert!(places > 100);
}

#[test]
fn a_finding_has_the_shape_of_the_api() {
    let text = "{\"Version\": \"2012-10-17\",\n \"Statement\": {\"Effect\": \"Allow\", \"Action\": [\"s3:Nothing\"],\n \"Resource\": \"*\"}}";
    let findings = validate(text, PolicyKind::Identity, Options::default());
    let expected = json!([{
        "findingDetails": findings[0].finding_details,
        "findingType": "ERROR",
        "issueCode": "INVALID_ACTION",
        "learnMoreLink": "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks-error-invalid-action",
        "locations": [{
            "path": [{"value": "Statement"}, {"value": "Action"}, {"index": 0}],
            "span": {
                "start": {"line": 2, "column": 45, "offset": 71},
                "end": {"line": 2, "column": 57, "offset": 83},
            },
        }],
    }]);
    assert_eq!(serde_json::to_value(&findings).unwrap(), expected);
}

#[test]
fn the_most_serious_findings_come_first() {
    let text = r#"{"Statement": [{"Effect": "Allow", "Action": ["s3:Nothing", "iam:PassRole"], "Resource": "*", "Condition": {}}]}"#;
    let findings = validate(text, PolicyKind::Identity, Options::default());
    let types: Vec<_> = findings.iter().map(|f| f.finding_type).collect();
    assert_eq!(
        types,
        [FindingType::Error, FindingType::SecurityWarning, FindingType::Warning, FindingType::Suggestion]
    );
}

#[test]
fn extensions_are_silent_unless_asked_for() {
    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b"}]}"#;
    assert!(validate(text, PolicyKind::Identity, Options::default()).is_empty());
    assert!(
        !validate(text, PolicyKind::Identity, Options { extensions: true, ..Options::default() }).is_empty()
    );
}

#[test]
fn hostile_documents_end() {
    let many: Vec<String> = (0..8_000).map(|n| format!("s3:*a*{n}*")).collect();
    let text =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": many, "Resource": "*"}]});
    let _ = validate(&text.to_string(), PolicyKind::Identity, Options::default());
    for text in ["[".repeat(100_000), "\"".repeat(1_000), "{\"a\":".repeat(20_000), "x".repeat(1_000_000)] {
        assert!(!validate(&text, PolicyKind::Identity, Options::default()).is_empty());
    }
}

/// What the engine refuses to store has an error here, too.
#[test]
fn a_document_without_errors_is_one_that_the_engine_stores() {
    // AWS only makes suggestions about these, although IAM refuses to store them.
    let lenient = |code: &str| {
        code.starts_with("EMPTY_")
            || (code.starts_with("INVALID_") && code.ends_with("_REFERENCE"))
            || matches!(code, "WILDCARD_IN_SERVICE_NAME" | "UNIQUE_SIDS_RECOMMENDED" | "TYPE_MISMATCH_DATE")
    };
    let (mut ran, mut wrong) = (0, Vec::new());
    for row in rows() {
        let kind = PolicyKind::ALL.into_iter().find(|kind| kind.keyword() == row.kind).unwrap();
        for document in [&row.raises, &row.passes] {
            let clean = findings(&row, document).iter().all(|f| f.finding_type != FindingType::Error);
            let stored =
                rolecall_policy::Document::parse(text_of(document), rolecall_policy::Grammar::stored(kind));
            if let Err(error) = stored
                && clean
                && !lenient(&row.code)
            {
                wrong.push(format!("{}: {error}: {}", row.code, text_of(document)));
            }
            ran += 1;
        }
    }
    assert!(ran > 200);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
