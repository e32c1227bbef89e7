use proptest::prelude::*;

use super::*;

fn asked(list: &[(&str, &str)]) -> BTreeSet<Asked> {
    list.iter()
        .map(|(action, resource)| Asked { action: (*action).into(), resource: (*resource).into() })
        .collect()
}

const ACTIONS: [&str; 8] = [
    "s3:GetObject",
    "s3:GetObjectTagging",
    "s3:PutObject",
    "s3:ListBucket",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "ec2:RunInstances",
    "sts:AssumeRole",
];

proptest! {
    /// Whatever was recorded, the policy allows each of it, and no action that was not recorded, on anything of it.
    #[test]
    fn all_that_was_recorded_is_allowed_and_no_other_action(
        recorded in prop::collection::btree_set(
            (0..ACTIONS.len(), "(\\*|arn:aws:[a-z0-9]{1,3}:::[a-c]{1,2}(/[a-c*?$\\{\\}é \"\\\\]{0,3}){0,4})"), 1..40),
        most in 0_usize..4,
    ) {
        let all: BTreeSet<Asked> =
            recorded.iter().map(|(at, resource)| Asked { action: ACTIONS[*at].into(), resource: resource.clone() }).collect();
        let (policy, _) = policy(&all, most).unwrap();
        let set = compiled(&policy).unwrap();
        let actions: BTreeSet<&str> = all.iter().map(|one| one.action.as_str()).collect();
        for one in &all {
            prop_assert!(allows(&set, one).unwrap(), "{one:?} by {policy:#}");
            for other in ACTIONS.iter().filter(|action| !actions.contains(*action)) {
                let other = Asked { action: (*other).into(), resource: one.resource.clone() };
                prop_assert!(!allows(&set, &other).unwrap(), "{other:?} by {policy:#}");
            }
        }
    }

    /// Without patterns, no action is allowed on a resource that it was not recorded on.
    #[test]
    fn without_patterns_nothing_else_is_allowed(
        recorded in prop::collection::btree_set((0..3_usize, "arn:aws:s3:::[ab](/[a*?$\\{\\}]{0,3}){0,2}"), 1..20),
    ) {
        let all: BTreeSet<Asked> =
            recorded.iter().map(|(at, resource)| Asked { action: ACTIONS[*at].into(), resource: resource.clone() }).collect();
        let (policy, collapsed) = policy(&all, 0).unwrap();
        prop_assert!(collapsed.is_empty());
        let set = compiled(&policy).unwrap();
        for action in &ACTIONS[..3] {
            for (_, resource) in &recorded {
                let one = Asked { action: (*action).into(), resource: resource.clone() };
                prop_assert_eq!(allows(&set, &one).unwrap(), all.contains(&one), "{:?} by {:#}", one, policy);
            }
        }
    }
}

#[test]
fn actions_on_the_same_resources_share_a_statement() {
    let all = asked(&[
        ("s3:PutObject", "arn:aws:s3:::b/x"),
        ("s3:GetObject", "arn:aws:s3:::b/x"),
        ("s3:ListBucket", "arn:aws:s3:::b"),
        ("iam:GetUser", "arn:aws:iam::123456789012:user/jane"),
        ("s3:ListAllMyBuckets", "*"),
    ]);
    let (policy, _) = policy(&all, 10).unwrap();
    assert_eq!(
        policy["Statement"],
        json!([
            {"Sid": "Iam", "Effect": "Allow", "Action": "iam:GetUser", "Resource": "arn:aws:iam::123456789012:user/jane"},
            {"Sid": "S3", "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
            {"Sid": "S3No2", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"},
            {"Sid": "S3No3", "Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/x"},
        ])
    );
}

#[test]
fn many_under_one_prefix_become_a_pattern_and_never_the_bucket_itself() {
    let many: Vec<String> = (0..4).map(|n| format!("arn:aws:s3:::b/logs/{n}.gz")).collect();
    let mut list: Vec<(&str, &str)> = many.iter().map(|one| ("s3:GetObject", one.as_str())).collect();
    list.push(("s3:GetObject", "arn:aws:s3:::b/other"));
    let resources = |most| {
        let (policy, collapsed) = policy(&asked(&list), most).unwrap();
        (policy["Statement"][0]["Resource"].clone(), collapsed)
    };
    let (patterns, collapsed) = resources(3);
    assert_eq!(patterns, json!(["arn:aws:s3:::b/logs/*", "arn:aws:s3:::b/other"]));
    assert_eq!(collapsed, [Collapsed { pattern: "arn:aws:s3:::b/logs/*".into(), resources: 4 }]);
    // Exactly as many as are allowed to stand alone do.
    assert_eq!(resources(4).0.as_array().unwrap().len(), 5);
    // What is under a prefix that becomes a pattern is a part of it.
    let deep: Vec<String> =
        (0..8).map(|n| format!("arn:aws:s3:::b/logs/{}{n}", if n < 4 { "" } else { "deep/" })).collect();
    let list: Vec<(&str, &str)> = deep.iter().map(|one| ("s3:GetObject", one.as_str())).collect();
    assert_eq!(policy(&asked(&list), 3).unwrap().0["Statement"][0]["Resource"], "arn:aws:s3:::b/logs/*");
    let buckets: Vec<String> = (0..20).map(|n| format!("arn:aws:s3:::b{n}")).collect();
    let list: Vec<(&str, &str)> = buckets.iter().map(|one| ("s3:ListBucket", one.as_str())).collect();
    assert_eq!(policy(&asked(&list), 3).unwrap().0["Statement"][0]["Resource"].as_array().unwrap().len(), 20);
}

#[test]
fn a_star_that_a_service_writes_is_kept_and_one_in_a_key_is_a_character() {
    let all = asked(&[
        ("ec2:RunInstances", "arn:aws:ec2:us-east-1:123456789012:instance/*"),
        ("s3:GetObject", "arn:aws:s3:::b/*"),
    ]);
    let (policy, _) = policy(&all, 10).unwrap();
    assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:ec2:us-east-1:123456789012:instance/*");
    assert_eq!(policy["Statement"][1]["Resource"], "arn:aws:s3:::b/${*}");
}

#[test]
fn an_action_that_takes_no_resource_is_said_of_everything() {
    let all = asked(&[
        ("iam:ListUsers", "arn:aws:iam::123456789012:user/"),
        ("iam:GetUser", "arn:aws:iam::123456789012:user/jane"),
    ]);
    let (policy, _) = policy(&all, 10).unwrap();
    assert_eq!(policy["Statement"][0]["Resource"], "*");
    assert_eq!(remarks(&policy), Vec::<String>::new());
}

fn event(arn: &str, at: &str, decisions: Value) -> Value {
    json!({"eventTime": at, "userIdentity": {"arn": arn}, "additionalEventData": {"decisions": decisions}})
}

const JANE: &str = "arn:aws:iam::123456789012:user/data/jane";

fn trail(with_denied: bool, since: Option<&str>) -> Trail {
    let mut trail = Trail::of("user/jane", since.map(str::to_owned), with_denied);
    let on = |action: &str, decision: &str| json!({"action": action, "resource": "*", "decision": decision});
    trail.add(&event(JANE, "2026-01-02T00:00:00Z", json!([on("s3:ListAllMyBuckets", "Allowed")])));
    trail.add(&event(JANE, "2026-01-01T00:00:00Z", json!([on("iam:ListUsers", "Allowed")])));
    trail.add(&event(JANE, "2026-01-03T00:00:00Z", json!([on("iam:ListRoles", "ImplicitlyDenied")])));
    trail.add(&event(JANE, "2026-01-03T00:00:00Z", json!([on("sts:GetCallerIdentity", "Allowed")])));
    trail.add(&event(
        "arn:aws:iam::123456789012:user/bob",
        "2026-01-01T00:00:00Z",
        json!([on("ec2:RunInstances", "Allowed")]),
    ));
    trail.add(&json!({"eventTime": "2026-01-02T00:00:00Z", "userIdentity": {"arn": JANE}}));
    trail
}

fn actions(suggestion: &Suggestion) -> String {
    suggestion.policy["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| format!("{} ", one["Action"]))
        .collect()
}

#[test]
fn what_was_denied_is_left_out_until_it_is_asked_for() {
    let found = trail(false, None).suggest(10).unwrap();
    assert_eq!(actions(&found), "\"iam:ListUsers\" \"s3:ListAllMyBuckets\" ");
    assert_eq!((found.requests, found.denied, found.asked), (5, 1, 2));
    assert_eq!((found.from.as_str(), found.to.as_str()), ("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"));
    assert_eq!(found.principal, JANE);
    assert!(found.remarks.iter().any(|said| said.contains("1 requests say nothing")), "{:?}", found.remarks);
    assert!(actions(&trail(true, None).suggest(10).unwrap()).contains("iam:ListRoles"));
    assert!(!actions(&trail(false, Some("2026-01-02")).suggest(10).unwrap()).contains("iam:ListUsers"));
}

#[test]
fn a_name_that_means_nobody_or_several_is_an_error() {
    let error = |trail: Trail| trail.suggest(10).unwrap_err().to_string();
    assert!(error(Trail::of("user/none", None, false)).contains("knows of no request of user/none"));
    let mut two = trail(false, None);
    two.add(&event("arn:aws:iam::999999999999:user/jane", "2026-01-01T00:00:00Z", json!([])));
    assert!(error(two).contains("give the ARN"));
    assert!(error(trail(false, Some("2026-01-03"))).contains("--with-denied"));
}

#[test]
fn a_roles_sessions_are_the_roles() {
    let mut trail = Trail::of("role/worker", None, false);
    let mut one = event(
        "arn:aws:sts::123456789012:assumed-role/worker/s1",
        "2026-01-01T00:00:00Z",
        json!([{"action": "iam:ListUsers", "resource": "arn:aws:iam::123456789012:user/", "decision": "Allowed"}]),
    );
    one["userIdentity"]["sessionContext"] =
        json!({"sessionIssuer": {"arn": "arn:aws:iam::123456789012:role/jobs/worker"}});
    trail.add(&one);
    assert_eq!(trail.suggest(10).unwrap().principal, "arn:aws:iam::123456789012:role/jobs/worker");
}
