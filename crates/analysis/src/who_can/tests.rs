use super::*;
use crate::check::TestFile;

fn policy(statements: &str) -> String {
    format!(r#"'{{"Version": "2012-10-17", "Statement": [{statements}]}}'"#)
}

fn world(more: &str) -> World {
    let trust = |principal: &str| {
        policy(&format!(r#"{{"Effect": "Allow", "Principal": {principal}, "Action": "sts:AssumeRole"}}"#))
    };
    let allow =
        |action: &str| policy(&format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}"#));
    let text = format!(
        "[groups.readers]\npolicies = [{read}]\n[users.jane]\ngroups = ['readers']\n[users.bob]\npolicies = [{become}]\n\
         [users.ann]\n[users.eve]\npolicies = [{read}]\nboundary = {ec2}\n\
         [roles.worker]\npolicies = [{read}]\ntrust = {by_builder}\n\
         [roles.builder]\ntrust = {by_ann}\npolicies = [{become}]\n{more}\n\
         [[test]]\nprincipal = 'user/jane'\ncan_assume = 'role/worker'\n",
        read = allow("s3:GetObject"),
        become = allow("sts:AssumeRole"),
        ec2 = allow("ec2:*"),
        by_builder = trust(r#"{"AWS": ["arn:aws:iam::123456789012:role/builder", "arn:aws:iam::999999999999:root"], "Service": "ec2.amazonaws.com"}"#),
        by_ann = trust(r#"{"AWS": "arn:aws:iam::123456789012:user/ann"}"#),
    );
    let file = TestFile::parse("x.toml", &text).unwrap();
    file.world(None, rolecall_state::Timestamp(1_700_000_000), &|_| Err(std::io::ErrorKind::NotFound.into()))
        .unwrap()
}

fn asked(world: &World, action: &str, context: &[(&str, &str)]) -> WhoCan {
    let context = context.iter().map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()])).collect();
    let question = Question { action: action.into(), resource: "arn:aws:s3:::reports/q1".into(), context };
    who_can(world, &question, Wish { why_not: true }).unwrap()
}

fn names(found: &WhoCan) -> Vec<&str> {
    found.allowed.iter().map(|able| able.principal.as_str()).collect()
}

#[test]
fn users_groups_and_roles_are_told_with_what_allows_it_and_who_becomes_them() {
    let found = asked(&world(""), "s3:GetObject", &[]);
    assert_eq!(names(&found), ["user/jane", "role/worker"]);
    assert_eq!(found.allowed[0].groups, ["readers"]);
    assert_eq!(found.allowed[0].because.kind, Some(PolicyKind::Identity));
    let becoming = found.allowed[1].becoming.as_ref().unwrap();
    assert_eq!(becoming.assumed_by, ["role/builder"]);
    assert_eq!(becoming.reached_by, [["user/ann", "role/builder", "role/worker"]]);
    assert_eq!(becoming.services, ["ec2.amazonaws.com"]);
    assert_eq!(becoming.strangers, ["arn:aws:iam::999999999999:root"]);
    assert!(found.root && found.complete && found.undecided.is_empty());
    let text = found.to_text();
    for line in [
        "of group readers",
        "<- role/builder",
        "<- user/ann, over role/builder",
        "<- service ec2.amazonaws.com",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn who_nearly_can_is_told_with_what_keeps_them_from_it() {
    let found = asked(&world(""), "s3:GetObject", &[]);
    let near = found.nearly.unwrap();
    assert_eq!(near.len(), 1);
    assert_eq!(near[0].principal, "user/eve");
    assert!(near[0].allowed_by.is_some());
    assert_eq!(near[0].because.kind, Some(PolicyKind::PermissionsBoundary));
}

#[test]
fn a_condition_keeps_from_it_until_its_key_is_given() {
    let office = policy(
        r#"{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#,
    );
    let world = world(&format!("[users.mia]\npolicies = [{office}]"));
    let found = asked(&world, "s3:PutObject", &[]);
    assert!(!found.anyone());
    let near = found.nearly.unwrap();
    assert_eq!(near[0].principal, "user/mia");
    let (key, value) = near[0].with.clone().unwrap();
    assert_eq!(names(&asked(&world, "s3:PutObject", &[(&key, &value)])), ["user/mia"]);
}

#[test]
fn whom_the_resources_policy_lets_in_is_told_from_outside_too() {
    let open = policy(
        r#"{"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::999999999999:user/x", "arn:aws:iam::123456789012:user/bob"], "Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": "*"}"#,
    );
    let found =
        asked(&world(&format!("[resource_policies]\n'arn:aws:s3:::reports' = {open}")), "s3:PutObject", &[]);
    assert_eq!(names(&found), ["user/bob"]);
    assert_eq!(found.allowed[0].because.kind, Some(PolicyKind::Resource));
    let outside: Vec<_> =
        found.outside.iter().map(|one| (one.principal.as_str(), one.own_policies_too)).collect();
    assert_eq!(outside, [("logging.s3.amazonaws.com", false), ("arn:aws:iam::999999999999:user/x", true)]);
}

#[test]
fn nobody_can_and_an_action_that_is_none_is_refused() {
    let found = asked(&world(""), "s3:DeleteBucket", &[]);
    assert!(!found.anyone());
    assert!(
        found.to_text().contains("nobody can (6 users and roles were asked about)"),
        "{}",
        found.to_text()
    );
    let question = Question { action: "s3:GetObjct".into(), resource: "*".into(), context: vec![] };
    let error = who_can(&world(""), &question, Wish::default()).unwrap_err();
    assert_eq!(error.to_string(), "there is no action s3:GetObjct; did you mean s3:GetObject?");
}
