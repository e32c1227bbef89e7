//! What a decision allocates, and what compiled policies hold.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use rolecall_policy::{
    Applicable, Context, Document, Effect, Grammar, Outcome, Policy, PolicyKind, PolicySet, Principal,
    Request, decide,
};

fn policy(name: &str, statements: &[String]) -> Policy {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{}]}}"#, statements.join(", "));
    Policy::new(name, Document::parse(text, Grammar::evaluated(PolicyKind::Identity)).expect("a policy"))
}

fn statement(effect: Effect, number: usize) -> String {
    format!(
        r#"{{"Sid": "s{number}", "Effect": "{effect:?}", "Action": ["s3:Get*", "s3:*{number}", "ec2:Run?nstances"],
           "Resource": ["arn:aws:s3:::b{number}-*/${{aws:username}}/*", "arn:aws:s3:::{number}"],
           "Condition": {{"IpAddress": {{"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}},
                         "StringLike": {{"aws:RequestTag/env": ["prod-{number}*", "${{aws:username}}*"]}},
                         "ArnLike": {{"aws:PrincipalArn": "arn:aws:iam::*:user/${{aws:username}}"}},
                         "DateLessThan": {{"aws:CurrentTime": "2030-01-01T00:00:00Z"}}}}}}"#
    )
}

#[test]
fn a_decision_allocates_nothing() {
    for count in [1, 10, 100, 1_500] {
        let mut statements: Vec<String> =
            (0..count - 1).map(|number| statement(Effect::Deny, number)).collect();
        statements.push(statement(Effect::Allow, count));
        let identity = PolicySet::compile(PolicyKind::Identity, [policy("p", &statements)]);
        let everything = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#.to_owned();
        let limits = [PolicySet::compile(PolicyKind::ServiceControl, [policy("all", &[everything])])];
        let principal = Principal::from_arn("arn:aws:iam::123456789012:user/bob").expect("a user");
        let context = Context::from_iter([
            ("aws:username", "bob"),
            ("aws:SourceIp", "10.1.2.3"),
            ("aws:RequestTag/env", "bob-1"),
            ("aws:PrincipalArn", "arn:aws:iam::123456789012:user/bob"),
            ("aws:CurrentTime", "2026-01-01T00:00:00Z"),
        ]);
        let resource = format!("arn:aws:s3:::b{count}-x/bob/key");
        let request = Request {
            principal: &principal,
            action: "s3:GetObject",
            resource: &resource,
            resource_account: None,
            context: &context,
        };
        let applicable = Applicable {
            identity: Some(&identity),
            boundary: Some(&limits[0]),
            service_control: &limits,
            ..Applicable::default()
        };
        let mut outcome = Outcome::ImplicitlyDenied;
        let allocated = allocation_counter::measure(|| outcome = decide(&request, &applicable).outcome);
        assert_eq!((outcome, allocated.count_total), (Outcome::Allowed, 0), "{count} statements");
    }
}

#[test]
fn what_is_held_is_at_most_eight_times_the_text() {
    let statements: Vec<String> = (0..200).map(|number| statement(Effect::Allow, number)).collect();
    let text: usize = statements.iter().map(String::len).sum();
    let mut set = None;
    let held = allocation_counter::measure(|| {
        set = Some(PolicySet::compile(PolicyKind::Identity, [policy("p", &statements)]));
    });
    let held = usize::try_from(held.bytes_current).expect("more is held than before");
    assert!(held <= 8 * text, "{held} bytes for {text} of text");
    let set = set.expect("compiled");
    let reported = set.heap_bytes() + set.policies()[0].heap_bytes();
    assert!(reported.abs_diff(held) < held / 4, "reported {reported} of {held}");
}

#[test]
fn a_principal_with_two_shared_policies_costs_two_kibibytes_at_most() {
    let statements: Vec<String> = (0..8).map(|number| statement(Effect::Allow, number)).collect();
    let shared = [policy("one", &statements), policy("two", &statements)];
    let mut sets = Vec::with_capacity(100);
    let held = allocation_counter::measure(|| {
        sets.extend((0..100).map(|_| PolicySet::compile(PolicyKind::Identity, shared.iter().cloned())));
    });
    assert!(held.bytes_current <= 100 * 2_048, "{} bytes for 100 principals", held.bytes_current);
}
