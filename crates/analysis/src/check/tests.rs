use std::io;
use std::path::Path;

use super::*;

const HEAD: &str = r#"
[groups.readers]
policies = ["read.json"]

[users.jane]
groups = ["readers"]
tags = { team = "data" }

[users.eve]
policies = ["read.json"]
boundary = "boundary.json"

[roles."jobs/worker"]
policies = ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/jane"}, "Action": "sts:AssumeRole"}]}'

[roles.admin]
policies = ["all.json"]
trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/jobs/worker"}, "Action": "sts:AssumeRole"}, {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
"#;

fn read(path: &Path) -> io::Result<String> {
    let statement = match path.to_str().unwrap_or_default() {
        "tests/read.json" => {
            r#"{"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::reports/*"}"#
        }
        "tests/boundary.json" => r#"{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}"#,
        "tests/all.json" => r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#,
        "tests/no-delete.json" => {
            r#"{"Sid": "NoDelete", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}, {"Effect": "Allow", "Action": "*", "Resource": "*"}"#
        }
        "tests/office.json" => {
            r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#
        }
        "tests/broken.json" => return Ok("{".to_owned()),
        _ => return Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    Ok(format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#))
}

fn run(tests: &str) -> Result<FileResult, String> {
    let told = |error: FileError| error.to_string();
    let file = TestFile::parse("tests/x.toml", &format!("{HEAD}{tests}")).map_err(told)?;
    let world = file.world(None, rolecall_state::Timestamp(1_700_000_000), &read).map_err(told)?;
    file.run(&world).map_err(told)
}

fn failed(tests: &str) -> usize {
    run(tests).unwrap().tests.iter().map(|test| test.failed).sum()
}

fn test(lines: &str) -> String {
    format!("[[test]]\n{lines}\n")
}

#[test]
fn what_holds_passes_and_what_does_not_fails() {
    for (lines, fails) in [
        (
            "principal = 'user/jane'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::reports/q1'\nexpect = 'allowed'",
            0,
        ),
        (
            "principal = 'user/jane'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::reports/q1'\nexpect = 'denied'",
            1,
        ),
        (
            "principal = 'user/jane'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::other/q1'\nexpect = 'implicitly-denied'",
            0,
        ),
        (
            "principal = 'user/jane'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::other/q1'\nexpect = 'explicitly-denied'",
            1,
        ),
        (
            "principal = 'user/jane'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::reports/q1'\nexpect = 'allowed'\nsid = 'Read'\npolicy = 'read.json'\nkind = 'identity'",
            0,
        ),
        (
            "principal = 'user/jane'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::reports/q1'\nexpect = 'allowed'\nsid = 'Write'",
            1,
        ),
        (
            "principal = 'user/eve'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::reports/q1'\nexpect = 'denied'\nkind = 'boundary'",
            0,
        ),
        (
            "principal = 'user/eve'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::reports/q1'\nexpect = 'denied'\nkind = 'identity'",
            1,
        ),
        (
            "principal = 'role/*'\naction = ['s3:GetObject', 's3:ListBucket']\nresource = ['arn:aws:s3:::a', 'arn:aws:s3:::a/b']\nexpect = 'allowed'",
            0,
        ),
        (
            "principal = ['user/*', 'role/*']\nexcept = 'role/admin'\naction = 'iam:Create*'\nexpect = 'denied'",
            0,
        ),
        ("principal = 'role/admin'\naction = 'iam:CreateUser'\nexpect = 'denied'", 1),
        (
            "principal = 'group/readers'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::reports/q1'\nexpect = 'allowed'",
            0,
        ),
        (
            "principal = 'user/*'\nexcept = 'group/readers'\naction = 's3:GetObject'\nresource = 'arn:aws:s3:::reports/q1'\nexpect = 'denied'",
            0,
        ),
        (
            "principal = 'user/jane'\ncan_assume = 'role/worker'\ncannot_assume = 'role/admin'\ncan_reach = ['role/worker', 'role/admin']",
            0,
        ),
        ("principal = 'user/eve'\ncan_assume = 'role/jobs/worker'", 1),
        ("principal = 'user/eve'\ncannot_reach = 'role/*'", 0),
        ("principal = 'user/jane'\ncannot_reach = 'role/admin'", 1),
        (
            "principal = 'service/ec2.amazonaws.com'\ncan_assume = 'role/admin'\ncannot_assume = 'role/worker'",
            0,
        ),
    ] {
        assert_eq!(failed(&test(lines)), fails, "{lines}");
    }
}

#[test]
fn a_pattern_stands_for_whatever_policies_name_within_it() {
    let one = |statement: &str| {
        format!(
            "[users.own]\npolicies = ['{{\"Version\": \"2012-10-17\", \"Statement\": [{statement}]}}']\n{}",
            test("principal = 'user/own'\naction = ['iam:CreateUser', 's3:DeleteObject']\nexpect = 'denied'")
        )
    };
    let allow = |action: &str, resource: &str| {
        format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "{resource}"}}"#)
    };
    let deny = r#"{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}"#;
    for (statement, fails) in [
        (allow("iam:Get*", "*"), 0),
        (allow("iam:*", "*"), 1),
        (allow("iam:*", "arn:aws:iam::123456789012:user/dev/*"), 1),
        (allow("iam:*", "arn:aws:iam::123456789012:user/${aws:username}/*"), 1),
        (allow("*", "arn:aws:s3:::*"), 1),
        (format!("{}, {deny}", allow("iam:*", "arn:aws:iam::123456789012:user/dev/*")), 0),
    ] {
        assert_eq!(failed(&one(&statement)), fails, "{statement}");
    }
    let within = |resource: &str| {
        let wide = one(&allow("s3:GetObject", "arn:aws:s3:::b/secret/*"));
        let lines = format!(
            "principal = 'user/own'\naction = 's3:GetObject'\nresource = '{resource}'\nexpect = 'denied'"
        );
        failed(&format!("{}{}", wide.split("[[test]]").next().unwrap(), test(&lines)))
    };
    assert_eq!(within("arn:aws:s3:::b/*"), 1);
    assert_eq!(within("arn:aws:s3:::b/public/*"), 0);
    assert_eq!(within("arn:aws:s3:::b/secret"), 0);
    let guarded = format!(
        "{}, {}",
        allow("s3:*", "*"),
        r#"{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/secret/*"}"#
    );
    let all = |resource: &str| {
        let head = one(&guarded);
        let lines = format!(
            "principal = 'user/own'\naction = 's3:GetObject'\nresource = '{resource}'\nexpect = 'allowed'"
        );
        failed(&format!("{}{}", head.split("[[test]]").next().unwrap(), test(&lines)))
    };
    assert_eq!((all("arn:aws:s3:::b/*"), all("arn:aws:s3:::b/public/*")), (1, 0));
    let open = "[resource_policies]\n'arn:aws:s3:::drop' = '{\"Version\": \"2012-10-17\", \"Statement\": [{\"Effect\": \"Allow\", \"Principal\": {\"AWS\": \"arn:aws:iam::123456789012:user/eve\"}, \"Action\": \"s3:PutObject\", \"Resource\": \"arn:aws:s3:::drop/in/*\"}]}'\n";
    let nobody = test("principal = 'user/*'\naction = 's3:PutObject'\nexpect = 'denied'");
    assert_eq!((failed(&nobody), failed(&format!("{open}{nobody}"))), (0, 1));
}

#[test]
fn a_matrix_asks_every_question() {
    let lines = "principal = ['user/jane', 'role/*']\naction = ['s3:GetObject', 's3:PutObject']\nresource = ['arn:aws:s3:::a/1', 'arn:aws:s3:::a/2', 'arn:aws:s3:::a/3']\nexpect = 'denied'";
    let result = run(&test(lines)).unwrap();
    assert_eq!(result.tests[0].checks, 3 * 2 * 3);
    assert_eq!(result.tests[0].failed, 6 + 3);
}

#[test]
fn policies_of_resources_and_of_the_organization_have_their_say() {
    let more = r#"
[resource_policies]
"arn:aws:s3:::drop" = "office.json"

[organization]
service_control = [["no-delete.json"], ["all.json"]]
"#;
    let put =
        "principal = ['anonymous', 'user/eve']\naction = 's3:PutObject'\nresource = 'arn:aws:s3:::drop/x'\n";
    let delete = "principal = 'role/admin'\naction = 's3:DeleteObject'\nresource = 'arn:aws:s3:::drop/x'\nexpect = 'explicitly-denied'\nkind = 'service-control'\nsid = 'NoDelete'";
    assert_eq!(failed(&format!("{more}{}", test(&format!("{put}expect = 'denied'")))), 0);
    let inside = format!("{put}context = {{ 'aws:SourceIp' = '203.0.113.9' }}\nexpect = 'allowed'");
    assert_eq!(failed(&format!("{more}{}", test(&inside))), 0);
    assert_eq!(failed(&format!("{more}{}", test(delete))), 0);
    assert_eq!(failed(&test(delete)), 1);
}

#[test]
fn what_is_wrong_has_its_place() {
    let line = HEAD.matches('\n').count() + 1;
    for (tests, place, problem) in [
        (test("principal = 'group/reders'\naction = 's3:GetObject'\nexpect = 'denied'"), (line + 1, 13), "did you mean group/readers?"),
        (test("principal = 'user/jane'\nacton = 1"), (line + 2, 1), "unknown field `acton`"),
        (test("principal = 'user/jnae'\naction = 's3:GetObject'\nexpect = 'denied'"), (line + 1, 13), "did you mean user/jane?"),
        (test("principal = 'user/jane'\naction = 's3:GetObjct'\nexpect = 'denied'"), (line + 2, 10), "did you mean s3:GetObject?"),
        (test("principal = 'user/jane'\naction = 's3:Frob*'\nexpect = 'denied'"), (line + 2, 10), "no action is known"),
        (test("principal = 'user/jane'\naction = 's3:GetObject'\nresource = 'reports'\nexpect = 'denied'"), (line + 3, 12), "is no resource"),
        (test("principal = 'user/jane'\naction = 's3:GetObject'"), (line, 1), "no `expect`"),
        (test("principal = 'user/jane'"), (line, 1), "expects nothing"),
        (test("principal = 'user/jane'\ncan_assume = 'role/none'"), (line + 2, 14), "there is no user or role role/none"),
        (test("principal = 'user/*'\nexcept = 'user/*'\ncannot_assume = 'role/admin'"), (line + 1, 13), "nobody is left"),
        ("[users.x]\npolicies = ['gone.json']\n[[test]]\nprincipal = 'user/x'\ncan_assume = 'role/admin'\n".to_owned(), (line + 1, 13), "gone.json"),
        ("[users.x]\npolicies = ['broken.json']\n[[test]]\nprincipal = 'user/x'\ncan_assume = 'role/admin'\n".to_owned(), (line + 1, 13), "is no policy"),
        ("[users.x]\ntrust = 'all.json'\n[[test]]\nprincipal = 'user/x'\ncan_assume = 'role/admin'\n".to_owned(), (line, 1), "have no `trust`"),
        (String::new(), (1, 1), "no [[test]]"),
    ] {
        let error = run(&tests).unwrap_err();
        let place = format!("tests/x.toml:{}:{}: ", place.0, place.1);
        assert!(error.starts_with(&place) && error.contains(problem), "{error} is not {place}{problem}");
    }
}

#[test]
fn an_action_that_is_not_known_can_be_asked_about_where_that_is_meant() {
    let lines =
        "principal = 'role/admin'\naction = 's3:Frobnicate'\nexpect = 'allowed'\nunknown_actions = true";
    assert_eq!(failed(&test(lines)), 0);
}

#[test]
fn a_trust_policy_is_explained_by_the_arns_that_it_has() {
    let result = run(&test("principal = 'user/eve'\ncan_assume = 'role/worker'")).unwrap();
    let words: Vec<&str> = result.tests[0].failures[0].explanation.split_whitespace().collect();
    let explanation = words.join(" ");
    assert!(explanation.contains("the statement wants arn:aws:iam::123456789012:user/jane"), "{explanation}");
    assert!(!explanation.contains("AIDA"), "{explanation}");
}

#[test]
fn every_form_tells_what_failed_and_escapes_it() {
    let lines = "name = 'a < b, 100%: \"c\"'\nprincipal = 'user/jane'\naction = 's3:PutObject'\nresource = 'arn:aws:s3:::reports/<q>&1'\nexpect = 'allowed'";
    let results = [run(&test(lines)).unwrap()];
    let line = HEAD.matches('\n').count() + 1;
    let text = text(&results, false);
    for part in [
        "FAILED  tests/x.toml",
        "expected  allowed",
        "denied: no identity-based policy allows it",
        "tests/read.json",
        "1 test, 1 check: 0 passed, 1 failed",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let github = github(&results);
    let start = format!(
        "::error file=tests/x.toml,line={line},title=a < b%2C 100%25%3A \"c\"::user/jane: s3:PutObject"
    );
    assert!(github.starts_with(&start), "{github}");
    assert_eq!(github.lines().count(), 2);
    let junit = junit(&results).unwrap();
    assert!(junit.contains("name=\"a &lt; b, 100%: &quot;c&quot;\""), "{junit}");
    assert!(junit.contains("reports/&lt;q&gt;&amp;1") && junit.contains("failures=\"1\""), "{junit}");
    let json: serde_json::Value = serde_json::from_str(&json(&results)).unwrap();
    assert_eq!(json["failed"], 1);
    assert_eq!(json["files"][0]["tests"][0]["failures"][0]["decided"], "ImplicitlyDenied");
}
