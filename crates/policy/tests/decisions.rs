//! How policies of several kinds come together, each rule in the engine's own format.

#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use rolecall_policy::decide_format::Decider;
use serde_json::{Value, json};

const USER: &str = "arn:aws:iam::111122223333:user/auto/bob";
const ROLE: &str = "arn:aws:iam::111122223333:role/app/worker";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/worker/s1";
const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/fay";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const BUCKET: &str = "arn:aws:s3:::b/k";

fn answer(line: &Value) -> Value {
    let mut out = Vec::new();
    Decider::new(None).line(&line.to_string(), &mut out);
    serde_json::from_slice(&out).expect("an answer is JSON")
}

fn decide(line: Value) -> String {
    let answer = answer(&line);
    answer["decision"].as_str().map_or_else(|| panic!("{line} gives {answer}"), str::to_owned)
}

fn policy(statement: Value) -> Value {
    json!([{"name": "p", "policy": {"Version": "2012-10-17", "Statement": statement}}])
}

fn allow(action: &str) -> Value {
    policy(json!({"Effect": "Allow", "Action": action, "Resource": "*"}))
}

fn deny(action: &str) -> Value {
    policy(json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": action, "Resource": "*"}
    ]))
}

fn on_resource(effect: &str, principal: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Principal": principal, "Action": "*", "Resource": "*"}]})
}

fn on_resource_not(effect: &str, principal: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "NotPrincipal": principal, "Action": "*", "Resource": "*"}]})
}

fn trust(principal: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})
}

/// A request for an object by a principal, with further fields.
fn get(principal: Value, more: Value) -> Value {
    let mut line = json!({"id": "1", "action": "s3:GetObject", "resource": BUCKET,
        "resourceAccount": "111122223333", "principal": principal});
    let object = line.as_object_mut().expect("an object");
    object.extend(more.as_object().expect("an object").clone());
    line
}

fn assume(principal: Value, more: Value) -> Value {
    get(principal, json!({"action": "sts:AssumeRole", "resource": ROLE}).merged(more))
}

trait Merged {
    fn merged(self, more: Value) -> Value;
}

impl Merged for Value {
    fn merged(mut self, more: Value) -> Value {
        self.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        self
    }
}

fn expect(expected: &str, lines: Vec<Value>) {
    assert!(!lines.is_empty());
    for line in lines {
        assert_eq!(decide(line.clone()), expected, "{line}");
    }
}

#[test]
fn nothing_allows_by_default_and_a_deny_wins() {
    expect("Allowed", vec![get(json!(USER), json!({"identityPolicies": allow("s3:get*")}))]);
    expect(
        "ImplicitlyDenied",
        vec![
            get(json!(USER), json!({})),
            get(json!(USER), json!({"identityPolicies": allow("s3:Put*")})),
            get(json!(USER), json!({"identityPolicies": [{"name": "empty", "policy": {}}]})),
        ],
    );
    expect(
        "ExplicitlyDenied",
        vec![
            get(json!(USER), json!({"identityPolicies": deny("s3:GetObject")})),
            get(json!(USER), json!({"identityPolicies": allow("*"), "permissionsBoundaries": deny("s3:*")})),
            get(json!(USER), json!({"identityPolicies": allow("*"), "sessionPolicies": deny("s3:*")})),
            get(
                json!(USER),
                json!({"identityPolicies": allow("*"), "serviceControlPolicies": [allow("*"), deny("s3:*")]}),
            ),
            get(
                json!(USER),
                json!({"identityPolicies": allow("*"), "resourcePolicy": on_resource("Deny", json!("*"))}),
            ),
            get(
                json!(USER),
                json!({"identityPolicies": allow("*"), "resourcePolicy": on_resource("Deny", json!({"AWS": "111122223333"}))}),
            ),
            get(
                json!(USER),
                json!({"identityPolicies": allow("*"), "vpcEndpointPolicies": [
            {"name": "e", "policy": on_resource("Deny", json!("*"))}]}),
            ),
            get(
                json!(USER),
                json!({"identityPolicies": allow("*"), "resourceControlPolicies": [[
            {"name": "r", "policy": on_resource("Deny", json!("*"))}]]}),
            ),
        ],
    );
}

#[test]
fn limits_must_allow_too() {
    let both = |more: Value| get(json!(SESSION), json!({"identityPolicies": allow("*")}).merged(more));
    expect(
        "Allowed",
        vec![
            both(json!({"permissionsBoundaries": allow("s3:*"), "sessionPolicies": allow("s3:*")})),
            both(json!({"serviceControlPolicies": [allow("*"), allow("s3:*")]})),
            both(json!({"resourceControlPolicies": [[]]})),
            both(json!({"vpcEndpointPolicies": [{"name": "e", "policy": on_resource("Allow", json!("*"))}]})),
        ],
    );
    expect(
        "ImplicitlyDenied",
        vec![
            both(json!({"permissionsBoundaries": allow("ec2:*")})),
            both(json!({"sessionPolicies": allow("ec2:*")})),
            both(json!({"sessionPolicies": []})),
            both(json!({"serviceControlPolicies": [allow("*"), allow("ec2:*")]})),
            both(json!({"serviceControlPolicies": [[], allow("*")]})),
            both(json!({"vpcEndpointPolicies": []})),
        ],
    );
}

#[test]
fn a_resource_policy_names_its_principals() {
    let granted = |who: Value, caller: &str, boundary: Value| {
        get(
            json!(caller),
            json!({"resourcePolicy": on_resource("Allow", who), "permissionsBoundaries": boundary}),
        )
    };
    let none = || allow("ec2:*");
    expect(
        "Allowed",
        vec![
            granted(json!({"AWS": USER}), USER, none()),
            granted(json!("*"), USER, none()),
            granted(json!({"AWS": "*"}), SESSION, none()),
            granted(json!({"AWS": SESSION}), SESSION, none()),
            granted(json!({"AWS": FEDERATED}), FEDERATED, none()),
            granted(json!({"AWS": ROLE}), SESSION, Value::Null),
            granted(json!({"AWS": [USER, ROLE]}), SESSION, allow("s3:*")),
        ],
    );
    expect(
        "ImplicitlyDenied",
        vec![
            granted(json!({"AWS": ROLE}), SESSION, none()),
            granted(json!({"AWS": ROOT}), USER, Value::Null),
            granted(json!({"AWS": "111122223333"}), SESSION, Value::Null),
            granted(json!({"AWS": "arn:aws:iam::111122223333:user/auto/eve"}), USER, Value::Null),
            granted(json!({"AWS": "arn:aws:iam::999999999999:role/app/worker"}), SESSION, Value::Null),
            granted(json!({"Service": "ec2.amazonaws.com"}), USER, Value::Null),
            granted(json!({"Federated": "*"}), USER, Value::Null),
            granted(
                json!({"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}),
                USER,
                Value::Null,
            ),
        ],
    );
    let limited = json!({"resourcePolicy": on_resource("Allow", json!({"AWS": ROLE})), "sessionPolicies": allow("ec2:*")});
    expect("ImplicitlyDenied", vec![get(json!(SESSION), limited)]);
}

#[test]
fn a_sessions_role_is_told_by_its_arn_when_that_is_known() {
    let other_path = "arn:aws:iam::111122223333:role/other/worker";
    let line = |who: &str| {
        get(
            json!(SESSION),
            json!({"context": {"aws:PrincipalArn": [ROLE]}, "resourcePolicy": on_resource("Allow", json!({"AWS": who}))}),
        )
    };
    expect("Allowed", vec![line(ROLE)]);
    expect("ImplicitlyDenied", vec![line(other_path)]);
}

#[test]
fn another_account_needs_both_sides() {
    let cross = |more: Value| get(json!(USER), json!({"resourceAccount": "999999999999"}).merged(more));
    let who = |principal: Value| on_resource("Allow", principal);
    expect(
        "Allowed",
        vec![
            cross(json!({"identityPolicies": allow("s3:*"), "resourcePolicy": who(json!({"AWS": USER}))})),
            cross(json!({"identityPolicies": allow("s3:*"), "resourcePolicy": who(json!({"AWS": ROOT}))})),
            cross(json!({"identityPolicies": allow("s3:*"), "resourcePolicy": who(json!("*"))})),
        ],
    );
    expect(
        "ImplicitlyDenied",
        vec![
            cross(json!({"identityPolicies": allow("s3:*")})),
            cross(json!({"resourcePolicy": who(json!({"AWS": USER}))})),
            cross(
                json!({"identityPolicies": allow("*"), "permissionsBoundaries": allow("ec2:*"), "resourcePolicy": who(json!({"AWS": USER}))}),
            ),
            get(
                json!(SESSION),
                json!({"resourceAccount": "999999999999", "resourcePolicy": who(json!({"AWS": SESSION}))}),
            ),
            get(json!(ROOT), json!({"resourceAccount": "999999999999"})),
        ],
    );
    let by_arn = json!({"resource": "arn:aws:sqs:us-east-1:999999999999:q", "resourceAccount": null, "identityPolicies": allow("*")});
    expect("ImplicitlyDenied", vec![get(json!(USER), by_arn)]);
    expect(
        "Allowed",
        vec![get(
            json!(ROOT),
            json!({"resourceAccount": "999999999999", "resourcePolicy": who(json!({"AWS": ROOT}))}),
        )],
    );
}

#[test]
fn trust_policies_are_required() {
    expect(
        "Allowed",
        vec![
            assume(json!(USER), json!({"resourcePolicy": trust(json!({"AWS": USER}))})),
            assume(
                json!(USER),
                json!({"resourcePolicy": trust(json!({"AWS": ROOT})), "identityPolicies": allow("sts:AssumeRole")}),
            ),
            assume(json!(SESSION), json!({"resourcePolicy": trust(json!({"AWS": ROLE}))})),
            assume(
                json!({"service": "ec2.amazonaws.com"}),
                json!({"resourcePolicy": trust(json!({"Service": ["lambda.amazonaws.com", "ec2.amazonaws.com"]}))}),
            ),
        ],
    );
    expect(
        "ImplicitlyDenied",
        vec![
            assume(json!(USER), json!({"identityPolicies": allow("*")})),
            assume(json!(USER), json!({"resourcePolicy": trust(json!({"AWS": ROOT}))})),
            assume(
                json!(USER),
                json!({"resourcePolicy": trust(json!({"Service": "ec2.amazonaws.com"})), "identityPolicies": allow("*")}),
            ),
            assume(
                json!({"service": "lambda.amazonaws.com"}),
                json!({"resourcePolicy": trust(json!({"Service": "ec2.amazonaws.com"}))}),
            ),
            assume(json!(ROOT), json!({"resourcePolicy": trust(json!({"AWS": ROOT}))})),
            assume(json!("*"), json!({"resourcePolicy": trust(json!({"AWS": USER}))})),
        ],
    );
    let other = json!({"resource": "arn:aws:iam::999999999999:role/r", "resourceAccount": "999999999999"});
    expect(
        "ImplicitlyDenied",
        vec![assume(
            json!(USER),
            other.clone().merged(json!({"resourcePolicy": trust(json!({"AWS": USER}))})),
        )],
    );
    let both = json!({"resourcePolicy": trust(json!({"AWS": ROOT})), "identityPolicies": allow("sts:*")});
    expect("Allowed", vec![assume(json!(USER), other.merged(both))]);
}

#[test]
fn web_identities_come_by_their_provider() {
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    let trusted = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:me/*"}}}]});
    let line = |principal: Value, sub: &str| {
        assume(
            principal,
            json!({"action": "sts:AssumeRoleWithWebIdentity", "resourcePolicy": trusted, "context": {
            "aws:FederatedProvider": [provider], "token.actions.githubusercontent.com:sub": [sub]}}),
        )
    };
    expect("Allowed", vec![line(json!({"federated": provider}), "repo:me/x"), line(json!("*"), "repo:me/x")]);
    expect(
        "ImplicitlyDenied",
        vec![line(json!({"federated": provider}), "repo:you/x"), line(json!(USER), "repo:me/x")],
    );
}

#[test]
fn a_key_policy_is_required_of_keys() {
    let key = "arn:aws:kms:us-east-1:111122223333:key/k";
    let line = |more: Value| get(json!(USER), json!({"action": "kms:Decrypt", "resource": key}).merged(more));
    expect(
        "Allowed",
        vec![
            line(json!({"resourcePolicy": on_resource("Allow", json!({"AWS": USER}))})),
            line(
                json!({"resourcePolicy": on_resource("Allow", json!({"AWS": ROOT})), "identityPolicies": allow("kms:*")}),
            ),
            get(
                json!(USER),
                json!({"action": "kms:ListKeys", "resource": "*", "identityPolicies": allow("kms:*")}),
            ),
        ],
    );
    expect(
        "ImplicitlyDenied",
        vec![
            line(json!({"identityPolicies": allow("kms:*")})),
            line(json!({"resourcePolicy": on_resource("Allow", json!({"AWS": ROOT}))})),
            line(
                json!({"resourcePolicy": on_resource("Allow", json!({"AWS": SESSION})), "identityPolicies": allow("kms:*")}),
            ),
        ],
    );
}

#[test]
fn the_root_user_is_held_by_organizations_and_resources_only() {
    expect(
        "Allowed",
        vec![
            get(json!(ROOT), json!({})),
            get(
                json!(ROOT),
                json!({"permissionsBoundaries": allow("ec2:*"), "serviceControlPolicies": [allow("*")]}),
            ),
        ],
    );
    expect("ImplicitlyDenied", vec![get(json!(ROOT), json!({"serviceControlPolicies": [allow("ec2:*")]}))]);
    expect(
        "ExplicitlyDenied",
        vec![
            get(json!(ROOT), json!({"serviceControlPolicies": [deny("s3:*")]})),
            get(json!(ROOT), json!({"resourcePolicy": on_resource("Deny", json!({"AWS": ROOT}))})),
        ],
    );
}

#[test]
fn anonymous_callers_and_services_need_the_resource_policy() {
    let service = json!({"service": "logs.amazonaws.com"});
    expect(
        "Allowed",
        vec![
            get(json!("*"), json!({"resourcePolicy": on_resource("Allow", json!("*"))})),
            get(
                json!("*"),
                json!({"resourcePolicy": on_resource("Allow", json!({"AWS": "*"})), "serviceControlPolicies": [[]]}),
            ),
            get(
                service.clone(),
                json!({"resourcePolicy": on_resource("Allow", json!({"Service": "logs.amazonaws.com"}))}),
            ),
        ],
    );
    expect(
        "ImplicitlyDenied",
        vec![
            get(json!("*"), json!({"identityPolicies": allow("*")})),
            get(json!("*"), json!({"resourcePolicy": on_resource("Allow", json!({"AWS": ROOT}))})),
            get(service.clone(), json!({"identityPolicies": allow("*")})),
        ],
    );
    let rcp = json!([[{"name": "r", "policy": on_resource("Deny", json!("*"))}]]);
    expect(
        "ExplicitlyDenied",
        vec![
            get(
                service,
                json!({"resourcePolicy": on_resource("Allow", json!("*")), "resourceControlPolicies": rcp}),
            ),
            get(
                json!("*"),
                json!({"resourcePolicy": on_resource("Allow", json!("*")), "resourceControlPolicies": rcp}),
            ),
        ],
    );
}

#[test]
fn not_principal_spares_who_is_listed() {
    let line = |caller: &str, listed: Value| {
        get(
            json!(caller),
            json!({"identityPolicies": allow("*"), "resourcePolicy": on_resource_not("Deny", json!({"AWS": listed}))}),
        )
    };
    expect(
        "Allowed",
        vec![
            line(USER, json!([USER, ROOT])),
            line(SESSION, json!([SESSION, ROLE, ROOT])),
            get(json!(USER), json!({"resourcePolicy": on_resource_not("Allow", json!({"AWS": SESSION}))})),
        ],
    );
    expect(
        "ExplicitlyDenied",
        vec![
            line(USER, json!(SESSION)),
            line(USER, json!(ROOT)),
            line(SESSION, json!(SESSION)),
            line(SESSION, json!([ROLE, ROOT])),
            get(json!("*"), json!({"resourcePolicy": on_resource_not("Deny", json!({"AWS": USER}))})),
        ],
    );
}

#[test]
fn organization_policies_leave_service_linked_roles_alone() {
    let role = "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling";
    let session = "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/s";
    let more = json!({"identityPolicies": allow("*"), "serviceControlPolicies": [deny("s3:*")],
        "resourceControlPolicies": [[{"name": "r", "policy": on_resource("Deny", json!("*"))}]]});
    let known = json!({"context": {"aws:PrincipalArn": [role]}});
    expect("Allowed", vec![get(json!(session), more.clone().merged(known))]);
    expect("ExplicitlyDenied", vec![get(json!(session), more)]);
}

#[test]
fn resource_control_policies_are_about_some_services_only() {
    let rcp = json!([[{"name": "r", "policy": on_resource("Deny", json!("*"))}]]);
    let more = json!({"action": "ec2:RunInstances", "resource": "*", "identityPolicies": allow("*"), "resourceControlPolicies": rcp});
    expect("Allowed", vec![get(json!(USER), more)]);
}

#[test]
fn some_actions_need_no_permission() {
    for action in ["sts:GetCallerIdentity", "sts:GetSessionToken"] {
        let more = json!({"action": action, "resource": "*", "identityPolicies": deny("*"), "serviceControlPolicies": [deny("*")]});
        expect("Allowed", vec![get(json!(USER), more)]);
    }
}

#[test]
fn a_federated_user_without_session_policy_has_none_of_its_issuers_rights() {
    expect("ImplicitlyDenied", vec![get(json!(FEDERATED), json!({"identityPolicies": allow("*")}))]);
    expect(
        "Allowed",
        vec![get(
            json!(FEDERATED),
            json!({"identityPolicies": allow("*"), "sessionPolicies": allow("s3:*")}),
        )],
    );
}

#[test]
fn not_action_and_not_resource_match_the_rest() {
    let with = |statement: Value| get(json!(USER), json!({"identityPolicies": policy(statement)}));
    expect(
        "Allowed",
        vec![
            with(json!({"Effect": "Allow", "NotAction": ["iam:*", "s3:Put*"], "Resource": "*"})),
            with(json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/secret*"})),
            with(
                json!({"Effect": "Allow", "Action": ["ec2:*", "S3:GETOBJECT"], "Resource": ["arn:aws:s3:::b/?"]}),
            ),
            with(json!({"Effect": "Allow", "Action": "*:*", "Resource": "arn:aws:s3:::*"})),
        ],
    );
    expect(
        "ImplicitlyDenied",
        vec![
            with(json!({"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"})),
            with(json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::b/*"})),
            with(json!({"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::B/k"})),
            with(json!({"Effect": "Allow", "Action": "s3:GetObjec?t", "Resource": "*"})),
            with(json!({"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::${aws:username}/*"})),
        ],
    );
}

#[test]
fn variables_are_text_in_the_older_version() {
    let with = |version: Value, resource: &str| {
        let mut document = json!({"Statement": {"Effect": "Allow", "Action": "*", "Resource": resource}});
        if version.is_string() {
            document["Version"] = version;
        }
        get(
            json!(USER),
            json!({"resource": "arn:aws:s3:::home/bob/x", "context": {"aws:username": ["bob"]},
            "identityPolicies": [{"name": "p", "policy": document}]}),
        )
    };
    expect("Allowed", vec![with(json!("2012-10-17"), "arn:aws:s3:::home/${aws:username}/*")]);
    expect(
        "ImplicitlyDenied",
        vec![
            with(json!("2008-10-17"), "arn:aws:s3:::home/${aws:username}/*"),
            with(Value::Null, "arn:aws:s3:::home/${aws:username}/*"),
        ],
    );
}

#[test]
fn a_line_that_cannot_be_decided_on_is_an_error() {
    for (line, wanted) in [
        (get(json!(USER), json!({"extra": 1})), "unknown field `extra`"),
        (get(json!("bob"), json!({})), "\"bob\" is not the ARN"),
        (get(json!(USER), json!({"context": {"k": "v"}})), "a list of strings"),
        (
            get(
                json!(USER),
                json!({"identityPolicies": [{"name": "p", "policy": {"Statement": {"Effect": "Deny"}}}]}),
            ),
            "must contain actions",
        ),
        (
            get(
                json!(USER),
                json!({"identityPolicies": policy(json!({"Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "anywhere"}}}))}),
            ),
            "an IP address",
        ),
        (
            get(
                json!(USER),
                json!({"resourcePolicy": on_resource("Deny", json!({"AWS": "arn:aws:iam::111122223333:user/*"}))}),
            ),
            "Invalid principal",
        ),
        (get(json!({"service": "a", "x": "b"}), json!({})), "unknown field"),
        (json!({"id": "1", "action": "s3:GetObject", "resource": "*"}), "\"principal\" is missing"),
    ] {
        let answer = answer(&line);
        assert_eq!(answer["id"], "1", "{line}");
        let error = answer["error"].as_str().unwrap_or_else(|| panic!("{line} gives {answer}"));
        assert!(error.contains(wanted), "{line} gives {error}");
    }
    let mut out = Vec::new();
    Decider::new(None).line("{\"id\": 7,", &mut out);
    assert!(String::from_utf8_lossy(&out).starts_with("{\"id\":null,\"error\":"));
}

#[test]
fn an_answer_names_what_failed() {
    let line = get(
        json!(USER),
        json!({"context": {"aws:SourceIp": ["198.51.100.4"]}, "identityPolicies": policy(json!([
        {"Sid": "Other", "Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
        {"Sid": "Office", "Effect": "Allow", "Action": "s3:*", "Resource": "*",
         "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]))}),
    );
    let first = answer(&line)["because"][0].clone();
    assert_eq!(
        (&first["policy"], &first["kind"], &first["statement"], &first["sid"]),
        (&json!("p"), &json!("identity"), &json!(1), &json!("Office"))
    );
    assert_eq!(
        first["failed"],
        json!({"element": "condition", "operator": "IpAddress", "key": "aws:SourceIp",
        "negated": false, "wanted": ["203.0.113.0/24"], "given": ["198.51.100.4"]})
    );
}
