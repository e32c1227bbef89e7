//! The form of resources, as AWS checks it when a policy is stored.

use super::Failure;
use crate::document::{Document, Statement};
use crate::error::{IAM_RESOURCE_TYPES, Problem};

const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"];

/// The first resource of a statement that AWS would not store.
pub(super) fn check(document: &Document, statement: &Statement) -> Result<(), Failure> {
    let Some(element) = &statement.resource else { return Ok(()) };
    for value in &element.values {
        let resource = document.text(value);
        if let Some(problem) = problem(resource) {
            return Err(Failure::new(problem, value.span, format!("\"{resource}\"")));
        }
    }
    Ok(())
}

fn problem(resource: &str) -> Option<Problem> {
    if resource == "*" {
        return None;
    }
    let Some((_, after_arn)) = resource.split_once(':') else {
        return Some(Problem::ResourceNotAnArn(resource.into()));
    };
    let (partition, rest) =
        after_arn.split_once(':').map_or((after_arn, None), |(name, rest)| (name, Some(rest)));
    if partition != "*" && !PARTITIONS.contains(&partition) {
        return Some(invalid_partition(partition, rest.unwrap_or_default()));
    }
    let Some(rest) = rest else { return Some(Problem::ResourceVendor) };
    after_partition(resource, rest)
}

fn invalid_partition(partition: &str, rest: &str) -> Problem {
    let mut fields = rest.splitn(4, ':');
    let mut field = || fields.next().unwrap_or("*");
    let service = Some(field()).filter(|service| !(service.is_empty() && rest.is_empty())).unwrap_or("*");
    let resource = format!("arn:{partition}:{service}:{}:{}:{}", field(), field(), field());
    Problem::InvalidPartition { partition: partition.into(), resource: resource.into() }
}

/// Checks what follows `arn:partition:`.
fn after_partition(resource: &str, rest: &str) -> Option<Problem> {
    let mut fields = rest.splitn(4, ':');
    let service = fields.next().unwrap_or_default();
    let region = fields.next().unwrap_or_default();
    let account = fields.next().unwrap_or_default();
    let path = fields.next().unwrap_or_default();
    let colons = resource.bytes().filter(|byte| *byte == b':').count();
    if service.is_empty() || (colons < 5 && resource.contains("::")) {
        return Some(Problem::LegacyParsing);
    }
    if service.contains(['*', '?']) && service != "*" {
        return Some(Problem::ResourceVendor);
    }
    match service {
        "iam" if !region.is_empty() => Some(Problem::IamRegion(resource.into())),
        "s3" if !region.is_empty() && account.is_empty() => Some(Problem::S3Region(resource.into())),
        "iam" if !is_iam_path(path) => Some(Problem::IamResourceType),
        _ => None,
    }
}

fn is_iam_path(path: &str) -> bool {
    // A path that starts with a wildcard or a variable may come to be any type; `root` is what
    // sts:AssumeRoot is about, and u2f/ holds security keys, which AWS's message leaves out.
    path == "root"
        || path.starts_with("u2f/")
        || path.starts_with(['*', '?', '$'])
        || IAM_RESOURCE_TYPES.split(", ").any(|kind| path.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(resource: &str) -> String {
        problem(resource).map(|problem| problem.to_string()).unwrap_or_default()
    }

    #[test]
    fn resources_that_aws_stores() {
        for resource in [
            "*",
            "arn:aws:s3:::b/*",
            "arn:*:s3:::b",
            "arn:aws:iam::123456789012:role/storage/*",
            "arn:aws:s3:us-east-1:123456789012:accesspoint/a",
            "arn:aws:s3:us-east-1:123456789012:job/j",
            "arn:aws:iam::*:root",
            "arn:aws-cn:sqs:cn-north-1:123456789012:q",
            "arn:aws:iam::*:*",
            "arn:aws:*:*:*:*",
        ] {
            assert_eq!(message(resource), "", "{resource}");
        }
    }

    #[test]
    fn each_malformed_resource_has_its_message() {
        for (resource, expected) in [
            ("mybucket", r#"Resource mybucket must be in ARN format or "*"."#),
            ("arn:error:s3:::b", r#"Partition "error" is not valid for resource "arn:error:s3:::b"."#),
            ("a:b", r#"Partition "b" is not valid for resource "arn:b:*:*:*:*"."#),
            ("arn:aws", "Resource vendor must be fully qualified and cannot contain regexes."),
            ("arn:aws:s3::example", "The policy failed legacy parsing"),
            ("arn:aws::::b", "The policy failed legacy parsing"),
            (
                "arn:aws:iam:us-east-1::role/r",
                "IAM resource arn:aws:iam:us-east-1::role/r cannot contain region information.",
            ),
            (
                "arn:aws:s3:us-east-1::b",
                "Resource arn:aws:s3:us-east-1::b can not contain region information.",
            ),
        ] {
            assert_eq!(message(resource), expected);
        }
        assert!(
            message("arn:aws:iam::1:kitten/tom")
                .starts_with("IAM resource path must either be \"*\" or start with user/")
        );
    }
}
