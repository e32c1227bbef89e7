//! The reference as a user asks it.

use rolecall_service_reference::{
    AccessLevel, ValueType, action, condition_key, expand, global_condition_keys, is_arn_service,
    is_in_every_request, service, service_prefixes, suggest_action, suggest_condition_key, suggest_service,
};

#[test]
fn get_object_is_a_read_of_objects() {
    let found = action("S3:getobject").unwrap();
    assert_eq!((found.service, found.name, found.access_level), ("s3", "GetObject", AccessLevel::Read));
    let types: Vec<_> = found.resource_types.iter().map(|r| (r.resource_type, r.required)).collect();
    assert_eq!(types, [("accesspointobject", false), ("object", false)]);
    assert!(found.takes_resource("arn:aws:s3:::b/k") && !found.takes_resource("arn:aws:s3:::b"));
    assert!(found.all_condition_keys().any(|key| key == "s3:ExistingObjectTag/<key>"));
}

#[test]
fn pass_role_requires_a_role_and_knows_to_which_service() {
    let found = action("iam:PassRole").unwrap();
    assert_eq!(found.access_level, AccessLevel::PermissionsManagement);
    assert!(found.resource_types.iter().all(|r| r.resource_type == "role" && r.required));
    assert_eq!(found.condition_keys, ["iam:AssociatedResourceArn", "iam:PassedToService"]);
}

#[test]
fn an_action_without_resource_types_takes_only_a_star() {
    assert!(action("s3:ListAllMyBuckets").unwrap().is_wildcard_only());
    assert!(action("ec2:DescribeInstances").unwrap().is_wildcard_only());
    assert!(!action("s3:ListBucket").unwrap().is_wildcard_only());
}

#[test]
fn dependent_actions_are_kept() {
    let found = action("ec2:AssociateIamInstanceProfile").unwrap();
    let of_types = found.resource_types.iter().flat_map(|r| &r.dependent_actions);
    assert!(of_types.chain(&found.dependent_actions).any(|name| *name == "iam:PassRole"));
}

#[test]
fn patterns_expand_within_and_across_services() {
    let gets = expand("s3:Get*");
    assert!(gets.len() > 30 && gets.iter().all(|a| a.service == "s3" && a.name.starts_with("Get")));
    assert_eq!(expand("*").len(), 20_455);
    assert!(expand("s3:Nothing*").is_empty() && expand("s3").is_empty());
    assert_eq!(expand("sts:assumerole").len(), 1);
}

#[test]
fn condition_keys_have_types() {
    let type_of = |key: &str| condition_key(key).map(|key| (key.value_type, key.multivalued));
    assert_eq!(type_of("AWS:sourceip"), Some((ValueType::IpAddress, false)));
    assert_eq!(type_of("aws:PrincipalTag/team"), Some((ValueType::String, false)));
    assert_eq!(type_of("aws:PrincipalTag/"), None);
    assert_eq!(type_of("aws:TagKeys"), Some((ValueType::String, true)));
    assert_eq!(type_of("s3:max-keys"), Some((ValueType::Numeric, false)));
    assert_eq!(type_of("s3:ExistingObjectTag/a"), Some((ValueType::String, false)));
    assert_eq!(type_of("kms:EncryptionContext:Dept"), Some((ValueType::String, false)));
    assert_eq!(type_of("accounts.google.com:sub"), Some((ValueType::String, false)));
    assert_eq!(type_of("secretsmanager:ResourceTag/team"), Some((ValueType::String, false)));
    assert_eq!(type_of("catalog:ChangeType"), Some((ValueType::String, false)));
    assert_eq!(type_of("saml:aud"), Some((ValueType::String, false)));
    assert_eq!(type_of("s3:nonsense"), None);
}

#[test]
fn tag_keys_of_the_request_are_not_in_every_request() {
    assert!(is_in_every_request("aws:PrincipalArn") && is_in_every_request("aws:username"));
    assert!(!is_in_every_request("aws:RequestTag/team") && !is_in_every_request("aws:TagKeys"));
    assert!(!is_in_every_request("s3:prefix"));
}

#[test]
fn resource_types_of_an_arn() {
    let s3 = service("s3").unwrap();
    let types: Vec<_> = s3.resource_types_of("arn:aws:s3:::b/k").into_iter().map(|r| r.name).collect();
    assert_eq!(types, ["object"]);
    assert!(s3.resource_type("bucket").is_some());
}

#[test]
fn misspelled_names_have_suggestions() {
    assert_eq!(suggest_action("s3:GetObjct").as_deref(), Some("s3:GetObject"));
    assert_eq!(suggest_action("iamm:PasRole").as_deref(), Some("iam:PassRole"));
    assert_eq!(suggest_action("s3:Xyzzyqwertyuiop"), None);
    assert_eq!(suggest_service("dynamo-db"), Some("dynamodb"));
    assert_eq!(suggest_condition_key("aws:SorceIp"), Some("aws:SourceIp"));
    assert_eq!(suggest_condition_key("s3:prefx"), Some("s3:prefix"));
}

#[test]
fn every_service_can_be_asked_for() {
    let prefixes: Vec<_> = service_prefixes().collect();
    assert_eq!(prefixes.len(), 445);
    assert!(prefixes.iter().all(|prefix| service(prefix).is_some_and(|s| s.prefix == *prefix)));
    assert!(global_condition_keys().len() > 50);
}

#[test]
fn services_of_arns_are_known() {
    assert!(is_arn_service("s3") && is_arn_service("elasticloadbalancing"));
    assert!(!is_arn_service("S3") && !is_arn_service("nonsense"));
}
