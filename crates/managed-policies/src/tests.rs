use std::collections::HashSet;

use serde_json::{Value, json};

use super::*;

/// How many policies the pinned source has.
const POLICIES: usize = 1_582;

#[test]
fn every_document_is_a_policy() {
    assert_eq!(all().len(), POLICIES);
    for policy in all() {
        let document: Value = serde_json::from_str(&policy.document()).unwrap();
        assert!(document["Statement"].is_array() || document["Statement"].is_object(), "{}", policy.name);
        assert!(matches!(document["Version"].as_str(), Some("2012-10-17" | "2008-10-17")), "{}", policy.name);
    }
}

#[test]
fn every_policy_has_its_own_arn_and_id_in_order() {
    let arns: Vec<String> = all().iter().map(ManagedPolicy::arn).collect();
    assert!(arns.is_sorted());
    assert_eq!(arns.iter().collect::<HashSet<_>>().len(), POLICIES);
    let ids: HashSet<String> = all().iter().map(ManagedPolicy::policy_id).collect();
    assert_eq!(ids.len(), POLICIES);
    assert!(ids.iter().all(|id| id.len() == 21 && id.starts_with("ANPA")));
    assert!(ids.iter().all(|id| id.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))));
}

#[test]
fn every_policy_is_found_by_its_arn_in_every_partition() {
    for policy in all() {
        assert_eq!(find(&policy.arn()), Some(policy));
        assert_eq!(find(&policy.arn_in("aws-cn")), Some(policy));
    }
}

#[test]
fn what_aws_does_not_publish_is_not_found() {
    for arn in [
        "arn:aws:iam::aws:policy/NoSuchPolicy",
        "arn:aws:iam::aws:policy/service-role/AdministratorAccess",
        "arn:aws:iam::123456789012:policy/AdministratorAccess",
        "arn:aws:iam::aws:role/AdministratorAccess",
        "AdministratorAccess",
        "",
    ] {
        assert_eq!(find(arn), None, "{arn}");
    }
    assert!(is_aws_managed("arn:aws:iam::aws:policy/NoSuchPolicy"));
    assert!(!is_aws_managed("arn:aws:iam::123456789012:policy/NoSuchPolicy"));
}

#[test]
fn administrator_access_reads_as_aws_shows_it() {
    let policy = find("arn:aws:iam::aws:policy/AdministratorAccess").unwrap();
    let expected = r#"{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*"
        }
    ]
}"#;
    assert_eq!(&*policy.document(), expected);
    assert_eq!(policy.default_version_id(), "v1");
    // 2015-02-06T18:39:46Z
    assert_eq!((policy.create_date, policy.update_date), (1_423_247_986, 1_423_247_986));
    assert_eq!(policy.path, "/");
}

#[test]
fn documents_are_adapted_to_the_partition() {
    let policy = find("arn:aws:iam::aws:policy/AmazonSSMManagedEC2InstanceDefaultPolicy").unwrap();
    assert!(!policy.document_in("aws-cn").contains("arn:aws:"));
    let cited = all().iter().filter(|policy| policy.document().contains("arn:aws:")).count();
    assert!(cited > 800, "{cited}");
    let adapted = all().iter().filter(|policy| policy.document_in("aws-cn").contains("arn:aws-cn:")).count();
    assert_eq!(adapted, cited);
}

#[test]
fn layout_keeps_strings_and_empty_collections_as_they_are() {
    let document = json!({"a": "{\"x\":[1,2]} \\", "b": [], "c": {}, "d": [1, {"e": ":,"}]});
    let laid_out = layout::indented(&document.to_string());
    assert_eq!(serde_json::from_str::<Value>(&laid_out).unwrap(), document);
    assert!(laid_out.contains("\"b\": [],\n"));
}
