//! Every condition operator at its edges, through the whole engine.

#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use rolecall_policy::{
    Applicable, Context, Document, Grammar, Policy, PolicyKind, PolicySet, Principal, Request, decide,
};

/// Whether a statement with this condition matches a request with this context.
fn holds(condition: &str, context: &[(&str, &[&str])]) -> bool {
    let text = format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {condition}}}}}"#
    );
    let document = Document::parse(text, Grammar::evaluated(PolicyKind::Identity))
        .unwrap_or_else(|error| panic!("{condition}: {error}"));
    let identity = PolicySet::compile(PolicyKind::Identity, [Policy::new("p", document)]);
    let principal = Principal::from_arn("arn:aws:iam::123456789012:user/bob").expect("a user");
    let mut filled = Context::new();
    for (key, values) in context {
        match values {
            [value] => filled.set(key, value),
            values => filled.set_many(key, *values),
        }
    }
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: "*",
        resource_account: None,
        context: &filled,
    };
    decide(&request, &Applicable { identity: Some(&identity), ..Applicable::default() }).is_allowed()
}

fn check(cases: &[(&str, &[&str], bool)]) {
    assert!(!cases.is_empty());
    for (condition, values, expected) in cases {
        let context: &[(&str, &[&str])] = if *values == ABSENT { &[] } else { &[("k", values)] };
        assert_eq!(holds(condition, context), *expected, "{condition} with {values:?}");
    }
}

const ABSENT: &[&str] = &["<absent>"];

#[test]
fn an_empty_condition_is_true() {
    assert!(holds("{}", &[]));
    assert!(holds(r#"{"StringEquals": {}}"#, &[]));
}

#[test]
fn strings() {
    check(&[
        (r#"{"StringEquals": {"K": "a"}}"#, &["a"], true),
        (r#"{"StringEquals": {"k": "a"}}"#, &["A"], false),
        (r#"{"StringEquals": {"k": ["b", "a"]}}"#, &["a"], true),
        (r#"{"StringEquals": {"k": "a*"}}"#, &["ab"], false),
        (r#"{"StringEquals": {"k": "a*"}}"#, &["a*"], true),
        (r#"{"StringEquals": {"k": "a"}}"#, ABSENT, false),
        (r#"{"StringEqualsIfExists": {"k": "a"}}"#, ABSENT, true),
        (r#"{"StringEqualsIfExists": {"k": "a"}}"#, &["b"], false),
        (r#"{"StringNotEquals": {"k": "a"}}"#, ABSENT, true),
        (r#"{"StringNotEquals": {"k": ["a", "b"]}}"#, &["b"], false),
        (r#"{"StringNotEquals": {"k": ["a", "b"]}}"#, &["c"], true),
        (r#"{"StringEqualsIgnoreCase": {"k": "ÉTÉ"}}"#, &["été"], true),
        (r#"{"StringEqualsIgnoreCase": {"k": "a"}}"#, &["A"], true),
        (r#"{"StringNotEqualsIgnoreCase": {"k": "a"}}"#, &["A"], false),
        (r#"{"StringLike": {"k": "a*b?d"}}"#, &["aXXbcd"], true),
        (r#"{"StringLike": {"k": "a*"}}"#, &["Ab"], false),
        (r#"{"StringNotLike": {"k": "a*"}}"#, &["ab"], false),
        (r#"{"StringNotLike": {"k": "a*"}}"#, ABSENT, true),
        (r#"{"StringEquals": {"k": true}}"#, &["true"], true),
        (r#"{"StringEquals": {"k": 5}}"#, &["5"], true),
        (r#"{"StringEquals": {"k": []}}"#, &["a"], false),
        (r#"{"StringNotEquals": {"k": []}}"#, &["a"], true),
    ]);
}

#[test]
fn numbers() {
    check(&[
        (r#"{"NumericEquals": {"k": "10"}}"#, &["10.0"], true),
        (r#"{"NumericNotEquals": {"k": "10"}}"#, &["11"], true),
        (r#"{"NumericNotEquals": {"k": "10"}}"#, &["ten"], false),
        (r#"{"NumericNotEquals": {"k": "10"}}"#, ABSENT, true),
        (r#"{"NumericLessThan": {"k": 10}}"#, &["9.99"], true),
        (r#"{"NumericLessThan": {"k": 10}}"#, &["10"], false),
        (r#"{"NumericLessThanEquals": {"k": 10}}"#, &["10"], true),
        (r#"{"NumericGreaterThan": {"k": -1}}"#, &["0"], true),
        (r#"{"NumericGreaterThanEquals": {"k": "3600"}}"#, &["3600"], true),
        (r#"{"NumericGreaterThan": {"k": "9"}}"#, &["10"], true),
    ]);
}

#[test]
fn dates() {
    check(&[
        (r#"{"DateLessThan": {"k": "2026-01-01T00:00:00Z"}}"#, &["2025-12-31T23:59:59Z"], true),
        (r#"{"DateLessThan": {"k": "2026-01-01T00:00:00Z"}}"#, &["2026-01-01T00:00:00Z"], false),
        (r#"{"DateLessThanEquals": {"k": "2026-01-01"}}"#, &["2026-01-01T00:00:00Z"], true),
        (r#"{"DateGreaterThan": {"k": "1767225599"}}"#, &["2026-01-01T00:00:00Z"], true),
        (r#"{"DateEquals": {"k": "2026-01-01T01:00:00+01:00"}}"#, &["1767225600"], true),
        (r#"{"DateNotEquals": {"k": "2026-01-01"}}"#, &["soon"], false),
        (r#"{"DateGreaterThanEquals": {"k": "2026-01-01"}}"#, &["2026-01-01T00:00Z"], true),
    ]);
}

#[test]
fn booleans_and_bytes() {
    check(&[
        (r#"{"Bool": {"k": "true"}}"#, &["true"], true),
        (r#"{"Bool": {"k": true}}"#, &["TRUE"], true),
        (r#"{"Bool": {"k": "false"}}"#, &["true"], false),
        (r#"{"Bool": {"k": "false"}}"#, ABSENT, false),
        (r#"{"BoolIfExists": {"k": "false"}}"#, ABSENT, true),
        (r#"{"Bool": {"k": "true"}}"#, &["yes"], false),
        (r#"{"BinaryEquals": {"k": "QmluYXJ5"}}"#, &["QmluYXJ5"], true),
        (r#"{"BinaryEquals": {"k": "Zm8="}}"#, &["Zm8"], true),
        (r#"{"BinaryEquals": {"k": "QmluYXJ5"}}"#, &["qmluYXJ5"], false),
    ]);
}

#[test]
fn addresses() {
    check(&[
        (r#"{"IpAddress": {"k": "203.0.113.0/24"}}"#, &["203.0.113.255"], true),
        (r#"{"IpAddress": {"k": ["10.0.0.0/8", "203.0.113.7"]}}"#, &["203.0.113.7"], true),
        (r#"{"IpAddress": {"k": "203.0.113.0/24"}}"#, &["203.0.114.1"], false),
        (r#"{"NotIpAddress": {"k": "203.0.113.0/24"}}"#, &["203.0.114.1"], true),
        (r#"{"NotIpAddress": {"k": "203.0.113.0/24"}}"#, &["not an address"], false),
        (r#"{"NotIpAddress": {"k": "203.0.113.0/24"}}"#, ABSENT, true),
        (r#"{"IpAddress": {"k": "2001:db8::/32"}}"#, &["2001:DB8:0:1::1"], true),
        (r#"{"IpAddress": {"k": "2001:db8::/32"}}"#, &["203.0.113.7"], false),
    ]);
}

#[test]
fn arns() {
    let topic = "arn:aws:sns:us-east-1:123456789012:topic";
    check(&[
        (r#"{"ArnEquals": {"k": "arn:aws:sns:*:123456789012:*"}}"#, &[topic], true),
        (r#"{"ArnLike": {"k": "arn:aws:sns:*:topic"}}"#, &[topic], false),
        (r#"{"ArnNotEquals": {"k": "arn:aws:sns:*:123456789012:t?pic"}}"#, &[topic], false),
        (r#"{"ArnNotLike": {"k": "arn:aws:sqs:*:*:*"}}"#, &[topic], true),
        (r#"{"ArnLike": {"k": "arn:aws:sns:*:*:*"}}"#, &["topic"], false),
        (r#"{"ArnLike": {"k": "arn:aws:sns:*:*:*"}}"#, ABSENT, false),
        (r#"{"ArnNotLike": {"k": "arn:aws:sns:*:*:*"}}"#, ABSENT, true),
    ]);
}

#[test]
fn null_asks_whether_a_key_is_there() {
    check(&[
        (r#"{"Null": {"k": "true"}}"#, ABSENT, true),
        (r#"{"Null": {"k": true}}"#, &["x"], false),
        (r#"{"Null": {"k": "false"}}"#, &["x"], true),
        (r#"{"Null": {"k": "false"}}"#, ABSENT, false),
        (r#"{"Null": {"k": "true"}}"#, &[], true),
    ]);
}

#[test]
fn sets_of_values() {
    check(&[
        (r#"{"ForAllValues:StringEquals": {"k": ["a", "b"]}}"#, &["a", "b"], true),
        (r#"{"ForAllValues:StringEquals": {"k": ["a", "b"]}}"#, &["a", "c"], false),
        (r#"{"ForAllValues:StringEquals": {"k": ["a"]}}"#, ABSENT, true),
        (r#"{"ForAllValues:StringEquals": {"k": ["a"]}}"#, &[], true),
        (r#"{"ForAnyValue:StringEquals": {"k": ["a", "b"]}}"#, &["c", "b"], true),
        (r#"{"ForAnyValue:StringEquals": {"k": ["a"]}}"#, ABSENT, false),
        (r#"{"ForAnyValue:StringEqualsIfExists": {"k": ["a"]}}"#, ABSENT, true),
        (r#"{"ForAnyValue:StringNotEquals": {"k": ["a"]}}"#, &["a", "b"], true),
        (r#"{"ForAnyValue:StringNotEquals": {"k": ["a", "b"]}}"#, &["a", "b"], false),
        (r#"{"ForAnyValue:StringNotEquals": {"k": ["a"]}}"#, ABSENT, false),
        (r#"{"ForAllValues:StringNotEquals": {"k": ["a"]}}"#, &["b", "c"], true),
        (r#"{"ForAllValues:StringNotEquals": {"k": ["a"]}}"#, &["b", "a"], false),
        (r#"{"ForAllValues:StringLike": {"k": ["a*"]}}"#, &["ab", "ac"], true),
        (r#"{"ForAnyValue:IpAddress": {"k": "10.0.0.0/8"}}"#, &["1.1.1.1", "10.1.1.1"], true),
        // Without a qualifier any value may match, and for a negated operator none may.
        (r#"{"StringEquals": {"k": "a"}}"#, &["b", "a"], true),
        (r#"{"StringNotEquals": {"k": "a"}}"#, &["b", "a"], false),
    ]);
}

#[test]
fn operators_and_keys_are_all_needed() {
    let condition = r#"{"StringEquals": {"a": "1", "b": "2"}, "Bool": {"c": "true"}}"#;
    assert!(holds(condition, &[("a", &["1"]), ("b", &["2"]), ("c", &["true"])]));
    assert!(!holds(condition, &[("a", &["1"]), ("b", &["x"]), ("c", &["true"])]));
    assert!(!holds(condition, &[("a", &["1"]), ("b", &["2"])]));
}

#[test]
fn variables_in_conditions() {
    let condition = r#"{"StringEquals": {"k": "${aws:username}"}}"#;
    assert!(holds(condition, &[("k", &["bob"]), ("aws:username", &["bob"])]));
    assert!(!holds(condition, &[("k", &["${aws:username}"])]), "a variable without value matches nothing");
    let like = r#"{"StringLike": {"k": "home/${aws:PrincipalTag/team, 'none'}/*"}}"#;
    assert!(holds(like, &[("k", &["home/none/x"])]));
    assert!(holds(like, &[("k", &["home/*/x"]), ("aws:PrincipalTag/team", &["*"])]));
    assert!(!holds(like, &[("k", &["home/a/x"]), ("aws:PrincipalTag/team", &["*"])]));
    let negated = r#"{"StringNotEquals": {"k": "${aws:username}"}}"#;
    assert!(!holds(negated, &[("k", &["x"])]), "nor does the negation");
    assert!(!holds(
        r#"{"StringEquals": {"k": "${aws:TagKeys}"}}"#,
        &[("k", &["a"]), ("aws:TagKeys", &["a"])]
    ));
    assert!(holds(r#"{"StringEquals": {"k": "a${*}b${$}{c}"}}"#, &[("k", &["a*b${c}"])]));
    assert!(holds(r#"{"NumericLessThan": {"k": "${n}"}}"#, &[("k", &["4"]), ("n", &["5"])]));
    assert!(holds(
        r#"{"ArnEquals": {"k": "${a}"}}"#,
        &[("k", &["arn:aws:iam::1:role/r"]), ("a", &["arn:aws:iam::1:role/r"])]
    ));
}
