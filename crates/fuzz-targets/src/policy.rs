//! Policy documents, their patterns, and decisions in the engine's own format.

use rolecall_policy::decide_format::{Decider, Shared};
use rolecall_policy::{
    Applicable, Context, Document, Grammar, Policy, PolicyKind, PolicySet, Principal, Request, decide,
    explain,
};

/// A text as policy documents of every kind, and as the only policy of a request.
pub(crate) fn policy(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    parse(text);
    explained(text);
}

/// Three lines: a pattern, a text, and the value of the pattern's variables.
pub(crate) fn pattern(input: &[u8]) {
    let Ok(input) = std::str::from_utf8(input) else { return };
    let mut lines = input.split('\n');
    let mut line = || lines.next().unwrap_or_default();
    let (pattern, text, value) = (line(), line(), line());
    same_with_an_index(pattern, text, value);
}

/// A line of the engine's format.
pub(crate) fn decision(input: &[u8]) {
    let Ok(line) = std::str::from_utf8(input) else { return };
    decided(line);
}

/// Parses text as every kind of policy. What is accepted for storage can also be evaluated, but for
/// values which only evaluation looks at; spans lie within the text.
fn parse(text: &str) {
    for kind in PolicyKind::ALL {
        for grammar in [Grammar::stored(kind), Grammar::evaluated(kind)] {
            match Document::parse(text, grammar) {
                Ok(document) => {
                    for statement in document.statements() {
                        assert!(
                            text.get(statement.span.start as usize..statement.span.end as usize).is_some()
                        );
                    }
                    let policy = Policy::new("fuzzed", document);
                    assert!(policy.heap_bytes() > 0);
                }
                Err(error) => assert!(error.span.end as usize <= text.len() && !error.message().is_empty()),
            }
        }
    }
}

/// Matches a pattern with a text, in a statement alone and in a set that is indexed, which must agree.
fn same_with_an_index(pattern: &str, text: &str, value: &str) {
    let statement =
        |resource: &str| format!(r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": {resource}}}"#);
    let alone = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statement(&quoted(pattern)));
    let Ok(alone) = Document::parse(alone, Grammar::evaluated(PolicyKind::Identity)) else { return };
    let others = (0..20)
        .map(|number| statement(&format!("\"arn:aws:sqs:*:*:{number}*\"")))
        .collect::<Vec<_>>()
        .join(", ");
    let others = format!(r#"{{"Version": "2012-10-17", "Statement": [{others}]}}"#);
    let Ok(others) = Document::parse(others, Grammar::evaluated(PolicyKind::Identity)) else { return };
    let (alone, others) = (Policy::new("alone", alone), Policy::new("others", others));
    let few = PolicySet::compile(PolicyKind::Identity, [alone.clone()]);
    let many = PolicySet::compile(PolicyKind::Identity, [others.clone(), alone]);
    let rest = PolicySet::compile(PolicyKind::Identity, [others]);
    let Ok(principal) = Principal::from_arn("arn:aws:iam::123456789012:user/bob") else { return };
    let context = Context::from_iter([("aws:username", value), ("k", value)]);
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: text,
        resource_account: None,
        context: &context,
    };
    let allowed =
        |set| decide(&request, &Applicable { identity: Some(set), ..Applicable::default() }).is_allowed();
    assert_eq!(allowed(&many), allowed(&few) || allowed(&rest));
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted + "\""
}

/// Decides on a line of the engine's format, shared or not, and explains what it decided.
fn decided(line: &str) {
    let mut out = Vec::new();
    Decider::new(None).line(line, &mut out);
    assert!(out.ends_with(b"\n"));
    let mut quick = Vec::new();
    Decider::new(None).without_because().line(line, &mut quick);
    assert_eq!(decision_of(&out), decision_of(&quick), "an explanation decides as a decision does");
    if let Ok(shared) = Shared::parse(line) {
        let mut merged = Vec::new();
        Decider::new(Some(shared)).line("{}", &mut merged);
        assert_eq!(decision_of(&out), decision_of(&merged), "a shared field is as good as the line's own");
    }
}

fn decision_of(answer: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(answer).ok()?;
    let (_, after) = text.split_once("\"decision\":\"")?;
    after.split('"').next()
}

/// Explains a request that a text is the only policy of; the two must agree.
fn explained(text: &str) {
    let Ok(document) = Document::parse(text, Grammar::evaluated(PolicyKind::Identity)) else { return };
    let identity = PolicySet::compile(PolicyKind::Identity, [Policy::new("fuzzed", document)]);
    let Ok(principal) = Principal::from_arn("arn:aws:sts::123456789012:assumed-role/r/s") else { return };
    let context = Context::from_iter([("aws:username", "bob"), ("aws:SourceIp", "10.0.0.1")]);
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: "arn:aws:s3:::b/k",
        resource_account: None,
        context: &context,
    };
    let applicable = Applicable { identity: Some(&identity), ..Applicable::default() };
    let explanation = explain(&request, &applicable);
    assert_eq!(explanation.decision, decide(&request, &applicable));
    assert!(!explanation.to_text(40).is_empty());
}
