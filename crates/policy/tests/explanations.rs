//! What an explanation says, for people and as JSON.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use rolecall_policy::{
    Applicable, Context, Document, Grammar, Policy, PolicyKind, PolicySet, Principal, Request, decide,
    explain,
};

struct Case {
    identity: PolicySet,
    boundary: Option<PolicySet>,
    context: Context,
}

impl Case {
    fn new(statements: &str) -> Self {
        Self {
            identity: set(PolicyKind::Identity, "robot-policy", statements),
            boundary: None,
            context: Context::new(),
        }
    }

    fn text(&self, action: &str, resource: &str) -> String {
        self.with(action, resource, |request, applicable| {
            let explanation = explain(request, applicable);
            assert_eq!(explanation.decision, decide(request, applicable));
            explanation.to_text(76)
        })
    }

    fn json(&self, action: &str, resource: &str) -> serde_json::Value {
        self.with(action, resource, |request, applicable| {
            serde_json::to_value(explain(request, applicable)).expect("serializes")
        })
    }

    fn with<T>(
        &self,
        action: &str,
        resource: &str,
        look: impl FnOnce(&Request<'_>, &Applicable<'_>) -> T,
    ) -> T {
        let principal = Principal::from_arn("arn:aws:iam::123456789012:user/robot").expect("a user");
        let request = Request {
            principal: &principal,
            action,
            resource,
            resource_account: None,
            context: &self.context,
        };
        let applicable = Applicable {
            identity: Some(&self.identity),
            boundary: self.boundary.as_ref(),
            ..Applicable::default()
        };
        look(&request, &applicable)
    }
}

fn set(kind: PolicyKind, name: &str, statements: &str) -> PolicySet {
    let text = format!("{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [{statements}]\n}}");
    PolicySet::compile(
        kind,
        [Policy::new(name, Document::parse(text, Grammar::evaluated(kind)).expect("a policy"))],
    )
}

const OFFICE: &str = r#"{"Sid": "Office", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*",
    "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#;

#[test]
fn a_condition_that_fails_is_named_with_both_values() {
    let mut case = Case::new(OFFICE);
    case.context.set("aws:SourceIp", "198.51.100.4");
    assert_eq!(
        case.text("s3:GetObject", "arn:aws:s3:::b/k"),
        "\
Denied (nothing allows it): s3:GetObject on arn:aws:s3:::b/k by
arn:aws:iam::123456789012:user/robot.
No identity-based policy allows the action.
Nearest to allowing it:
  1. statement \"Office\" of identity-based policy \"robot-policy\" (line 3,
     column 17): aws:SourceIp is 198.51.100.4; the statement wants
     203.0.113.0/24 (IpAddress)
Smallest change: send it with aws:SourceIp as 203.0.113.0, for statement
\"Office\" of identity-based policy \"robot-policy\" (line 3, column 17).
"
    );
}

#[test]
fn the_nearest_statement_comes_first() {
    let case = Case::new(&format!(
        r#"{{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}}, {{"Effect": "Allow", "Action": "s3:Put*", "Resource": "*"}}, {OFFICE}"#
    ));
    let json = case.json("s3:GetObject", "arn:aws:s3:::c/k");
    let because = json["because"].as_array().expect("a list");
    assert_eq!(because.len(), 1, "where one has the action, those without tell nothing more");
    assert_eq!(
        (&because[0]["sid"], &because[0]["failed"]["element"]),
        (&"Office".into(), &"resource".into())
    );
    assert!(
        json["smallestChange"]["change"] == "allow",
        "two elements of the nearest are in the way: {json}"
    );
    let json = case.json("s3:DeleteBucket", "arn:aws:s3:::c/k");
    assert_eq!(json["because"][0]["failed"]["element"], "resource");
    let json = case.json("sqs:SendMessage", "*");
    assert_eq!(json["because"].as_array().map(Vec::len), Some(3));
    assert_eq!(json["because"][0]["statement"], 0);
}

#[test]
fn a_change_is_proposed_only_if_it_is_enough() {
    let mut case = Case::new(r#"{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}"#);
    let json = case.json("s3:PutObject", "*");
    assert_eq!(
        (&json["smallestChange"]["change"], &json["smallestChange"]["element"]),
        (&"widen".into(), &"action".into())
    );
    case.boundary = Some(set(
        PolicyKind::PermissionsBoundary,
        "limit",
        r#"{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}"#,
    ));
    let json = case.json("s3:PutObject", "*");
    assert_eq!((&json["kind"], &json["smallestChange"]), (&"identity".into(), &serde_json::Value::Null));
    let json = case.json("s3:GetObject", "*");
    assert_eq!(
        (&json["kind"], &json["smallestChange"]["change"]),
        (&"permissionsBoundary".into(), &"widen".into())
    );
}

#[test]
fn a_denial_by_a_statement_is_got_past_by_its_condition_or_not_at_all() {
    let tls = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Sid": "Tls", "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}"#;
    let mut case = Case::new(tls);
    case.context.set("aws:SecureTransport", "false");
    let json = case.json("s3:GetObject", "*");
    assert_eq!((&json["decision"], &json["because"][0]["sid"]), (&"ExplicitlyDenied".into(), &"Tls".into()));
    assert_eq!(
        (&json["smallestChange"]["key"], &json["smallestChange"]["value"]),
        (&"aws:SecureTransport".into(), &"true".into())
    );
    let case = Case::new(
        r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#,
    );
    assert_eq!(case.json("s3:GetObject", "*")["smallestChange"]["change"], "removeDeny");
    let case = Case::new(r#"{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}"#);
    assert_eq!(case.json("s3:GetObject", "*")["smallestChange"], serde_json::Value::Null);
}

#[test]
fn allows_are_explained_too() {
    let case = Case::new(r#"{"Sid": "All", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#);
    assert_eq!(
        case.text("s3:ListAllMyBuckets", "*"),
        "\
Allowed: s3:ListAllMyBuckets on * by arn:aws:iam::123456789012:user/robot.
Allowed by statement \"All\" of identity-based policy \"robot-policy\" (line 3,
column 17).
"
    );
}

#[test]
fn an_absent_key_and_a_variable_without_value_are_said_so() {
    let case = Case::new(
        r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/team}/*"},
           {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}"#,
    );
    let text = case.text("s3:GetObject", "arn:aws:s3:::b/k").replace("\n     ", " ");
    assert!(
        text.contains("aws:MultiFactorAuthPresent is not in the request; the statement wants true (Bool)"),
        "{text}"
    );
    assert!(text.contains("the request has no single value for aws:PrincipalTag/team"), "{text}");
}

#[test]
fn the_denial_message_is_aws_own() {
    let case = Case::new(r#"{"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}"#);
    let reason = |action: &str| {
        case.with(action, "*", |request, applicable| {
            decide(request, applicable).denial_reason(action).to_string()
        })
    };
    assert_eq!(reason("s3:GetObject"), "because no identity-based policy allows the s3:GetObject action");
    assert_eq!(reason("s3:PutObject"), "with an explicit deny in an identity-based policy");
}
