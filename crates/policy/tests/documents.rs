//! What is wrong with a document, in AWS's words, and where.

use rolecall_policy::{Document, Grammar, PolicyKind, Position};

fn message(grammar: Grammar, text: &str) -> String {
    Document::parse(text, grammar).map_or_else(|error| error.message(), |_| String::new())
}

fn with(statement: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#)
}

const SYNTAX: &str = "Syntax errors in policy.";

#[test]
fn identity_policies() {
    let stored = Grammar::stored(PolicyKind::Identity);
    for (statement, expected) in [
        (r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#, ""),
        (r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {}}"#, ""),
        (r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Unknown": {}}}"#, ""),
        (r#"{"Effect": "Allow", "NotAction": ["s3:*", "ec2:*"], "NotResource": ["arn:aws:s3:::b/*"]}"#, ""),
        (
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"a": true}, "NumericEquals": {"b": [1, 2]}}}"#,
            "",
        ),
        (r#"{"Effect": "Permit", "Action": "s3:*", "Resource": "*"}"#, SYNTAX),
        (r#"{"Action": "s3:*", "Resource": "*"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Action": "s3:*", "\u0041ction": "s3:*", "Resource": "*"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Action": "s3:*", "NotAction": "s3:*", "Resource": "*"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "NotResource": "*"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Action": {}, "Resource": "*"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Action": ["s3:*", 1], "Resource": "*"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Comment": "x"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": []}"#, SYNTAX),
        (
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringMatches": {"a": "b"}}}"#,
            SYNTAX,
        ),
        (
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringLike": {"a": "b", "a": "c"}}}"#,
            SYNTAX,
        ),
        (
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringLike": {"a": {"b": "c"}}}}"#,
            SYNTAX,
        ),
        (
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"NullIfExists": {"a": "true"}}}"#,
            SYNTAX,
        ),
        (
            r#"{"Sid": "no-dash", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#,
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
        ),
        (
            r#"{"Sid": "a", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}, {"Sid": "a", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#,
            "Statement IDs (SID) in a single policy must be unique.",
        ),
        (r#"{"Effect": "Allow", "Action": [], "Resource": "*"}"#, "Policy statement must contain actions."),
        (r#"{"Effect": "Allow", "Resource": "*"}"#, "Policy statement must contain actions."),
        (r#"{"Effect": "Allow", "Action": "s3:*"}"#, "Policy statement must contain resources."),
        (
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": []}"#,
            "Policy statement must contain resources.",
        ),
        (
            r#"{"Effect": "Allow", "Action": "s3", "Resource": "*"}"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        ),
        (
            r#"{"Effect": "Allow", "Action": "s3:a:b", "Resource": "*"}"#,
            "Actions/Condition can contain only one colon.",
        ),
        (r#"{"Effect": "Allow", "Action": "s 3:a", "Resource": "*"}"#, "Vendor s 3 is not valid"),
        (
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "b"}"#,
            "Resource b must be in ARN format or \"*\".",
        ),
        (
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*"}"#,
            "Policy document should not specify a principal.",
        ),
        (
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}}"#,
            "The policy failed legacy parsing",
        ),
    ] {
        assert_eq!(message(stored, &with(statement)), expected, "{statement}");
    }
}

#[test]
fn whole_documents() {
    let stored = Grammar::stored(PolicyKind::Identity);
    for (text, expected) in [
        ("", "This policy contains invalid Json"),
        ("{", "This policy contains invalid Json"),
        ("{} {}", "This policy contains invalid Json"),
        ("null", SYNTAX),
        ("{}", SYNTAX),
        (r#"{"Version": "2012-10-17", "Statement": []}"#, SYNTAX),
        (
            r#"{"Version": "2012-10-18", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
            SYNTAX,
        ),
        (r#"{"Version": 2012, "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#, SYNTAX),
        (
            r#"{"version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#,
            SYNTAX,
        ),
        (r#"{"Id": "x", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#, ""),
    ] {
        assert_eq!(message(stored, text), expected, "{text}");
    }
    let old =
        r#"{"Version": "2008-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    assert_eq!(message(stored, old), "");
    let managed = Grammar::managed(PolicyKind::Identity);
    assert_eq!(message(managed, old), "Policy document must be version 2012-10-17 or greater.");
    assert_eq!(message(managed, &with(r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#)), "");
}

#[test]
fn trust_policies() {
    let stored = Grammar::stored(PolicyKind::Trust);
    for (statement, expected) in [
        (
            r#"{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": {}}"#,
            "",
        ),
        (
            r#"{"Effect": "Allow", "Principal": {"AWS": ["123456789012", "arn:aws:iam::123456789012:root", "AIDACKCEVSQ6C2EXAMPLE"]}, "Action": ["sts:AssumeRole", "sts:TagSession"]}"#,
            "",
        ),
        (
            r#"{"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::123456789012:saml-provider/corp"}, "Action": "sts:AssumeRoleWithSAML"}"#,
            "",
        ),
        (
            r#"{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole", "Resource": "*"}"#,
            "Has prohibited field Resource",
        ),
        (r#"{"Effect": "Allow", "Action": "sts:AssumeRole"}"#, "Missing required field Principal"),
        (r#"{"Effect": "Allow", "Principal": "*"}"#, "Missing required field Action"),
        (
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}"#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#"{"Effect": "Allow", "Principal": {"AWS": "bob"}, "Action": "sts:AssumeRole"}"#,
            r#"Invalid principal in policy: "AWS":"bob""#,
        ),
        (
            r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:group/g"}, "Action": "sts:AssumeRole"}"#,
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:group/g""#,
        ),
        (
            r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/*"}, "Action": "sts:AssumeRole"}"#,
            r#"Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:user/*""#,
        ),
        (
            r#"{"Effect": "Allow", "Principal": {"Service": "ec2"}, "Action": "sts:AssumeRole"}"#,
            r#"Invalid principal in policy: "SERVICE":"ec2""#,
        ),
        (r#"{"Effect": "Allow", "Principal": {"Machine": "x"}, "Action": "sts:AssumeRole"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Principal": {"AWS": []}, "Action": "sts:AssumeRole"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Principal": {}, "Action": "sts:AssumeRole"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Principal": "bob", "Action": "sts:AssumeRole"}"#, SYNTAX),
        (r#"{"Effect": "Allow", "Principal": "*", "NotPrincipal": "*", "Action": "sts:AssumeRole"}"#, SYNTAX),
    ] {
        assert_eq!(message(stored, &with(statement)), expected, "{statement}");
    }
}

#[test]
fn resource_policies_have_principals_and_resources() {
    let stored = Grammar::stored(PolicyKind::Resource);
    let whole = r#"{"Sid": "any thing", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}"#;
    assert_eq!(message(stored, &with(whole)), "");
    let no_resource = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:*"}"#;
    assert_eq!(message(stored, &with(no_resource)), "Missing required field Resource");
    assert_eq!(message(Grammar::evaluated(PolicyKind::Resource), &with(no_resource)), "");
    let no_principal = r#"{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#;
    assert_eq!(message(stored, &with(no_principal)), "Missing required field Principal");
    assert_eq!(
        message(Grammar::evaluated(PolicyKind::Resource), &with(no_principal)),
        "Missing required field Principal"
    );
    assert_eq!(message(Grammar::evaluated(PolicyKind::VpcEndpoint), &with(no_principal)), "");
}

#[test]
fn an_error_knows_its_place() {
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\"Effect\": \"Allow\",\n    \"Acton\": \"*\"}\n}";
    let error = Document::parse(text, PolicyKind::Identity).expect_err("misspelled");
    assert_eq!(error.position, Position { line: 4, column: 6 });
    assert_eq!(
        error.to_string(),
        "Syntax errors in policy. (line 4, column 6: \"Acton\" is no element of a statement)"
    );
}

#[test]
fn size_and_nesting_are_limited() {
    let grammar = Grammar::stored(PolicyKind::Identity).with_max_bytes(10);
    assert_eq!(
        message(grammar, "                           "),
        "The policy document is larger than 10 bytes"
    );
    let deep = format!(r#"{{"Statement": {}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(message(Grammar::stored(PolicyKind::Identity), &deep), "This policy contains invalid Json");
}

#[test]
fn elements_know_their_places() {
    let text = "{\"Version\": \"2012-10-17\", \"Statement\": [{\"Sid\": \"\\u0041b\", \"Effect\": \"Deny\",\n \"NotAction\": [\"s3:*\", \"ec2:Run\\u002a\"], \"Resource\": \"*\"}]}";
    let document = Document::parse(text, PolicyKind::Identity).expect("a policy");
    let statement = &document.statements()[0];
    assert_eq!(document.sid(statement), Some("Ab"));
    assert!(statement.action.negated && statement.action.is_list);
    assert_eq!(document.text(&statement.action.values[1]), "ec2:Run*");
    assert_eq!(document.position(statement.action.name), Position { line: 2, column: 3 });
    assert_eq!(statement.span.text(text).as_bytes()[0], b'{');
    assert_eq!(&**document.source(), text);
}

#[test]
fn context_keys_are_listed_once_with_those_of_variables() {
    let text = with(
        r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:username}/*",
            "Condition": {"StringEquals": {"aws:PrincipalTag/a": "${aws:PrincipalTag/b, 'x'}", "AWS:Username": "c"}}}"#,
    );
    let document = Document::parse(text, PolicyKind::Identity).expect("a policy");
    assert_eq!(document.context_keys(), ["aws:username", "aws:PrincipalTag/a", "aws:PrincipalTag/b"]);
}
