//! `Resource` and `NotResource`: each ARN against the formats that its service's resources have.

use rolecall_service_reference::{ArnTemplate, action, is_arn_service, service};

use crate::code::IssueCode;
use crate::cursor::Cursor;
use crate::document::Policy;
use crate::network::is_region;
use crate::pattern::{has_wildcard, variables_as_stars};
use crate::report::Report;
use crate::statement::Statement;

const PARTITIONS: [&str; 8] =
    ["aws", "aws-cn", "aws-us-gov", "aws-eusc", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"];

pub(crate) fn check(policy: &Policy<'_>, statement: &Statement<'_>, report: &mut Report) {
    let Some(element) = &statement.resource else { return };
    if element.value.items().is_empty() {
        let details = format!("{} is an empty list, so the statement is about nothing.", element.name);
        report.add(IssueCode::EmptyArrayResource, details, &element.value.place());
    }
    for (text, cursor) in element.texts() {
        if text != "*" {
            check_arn(&variables_as_stars(text), &cursor, report);
        }
        check_for_resource_type(policy, text, &cursor, report);
    }
    if !element.negated {
        check_actions_meet_resources(statement, report);
    }
}

fn check_arn(text: &str, cursor: &Cursor<'_>, report: &mut Report) {
    let fields: Vec<&str> = text.splitn(6, ':').collect();
    if fields.first() != Some(&"arn") {
        let details = format!("The resource {text} is no ARN: it must be * or begin with arn:.");
        report.add(IssueCode::InvalidArnPrefix, details, &cursor.place());
        return;
    }
    let &[_, partition, service_name, region, account, resource] = fields.as_slice() else {
        // A star at the end of a field stands for all that follow.
        if !text.ends_with('*') {
            let details = "An ARN has six fields: arn:partition:service:region:account:resource.";
            report.add(IssueCode::MissingArnField, details, &cursor.place());
        }
        return;
    };
    if !has_wildcard(partition) && !PARTITIONS.contains(&partition) {
        let details =
            format!("There is no partition {partition}. The partitions are {}.", PARTITIONS.join(", "));
        report.add(IssueCode::InvalidPartition, details, &cursor.place());
    }
    if check_service(service_name, cursor, report) {
        let arn = Arn { service: service_name, region, account, resource };
        check_fields(&arn, cursor, report);
    }
}

/// An ARN's fields from the service on.
struct Arn<'a> {
    service: &'a str,
    region: &'a str,
    account: &'a str,
    resource: &'a str,
}

/// Whether the service is a known one, so that more can be said.
fn check_service(name: &str, cursor: &Cursor<'_>, report: &mut Report) -> bool {
    let lower = name.to_ascii_lowercase();
    if has_wildcard(name) {
        // The star alone is often meant: every resource of an account.
        if name != "*" {
            let details =
                format!("The service {name} has a wildcard, which may take in services that you don't mean.");
            report.add(IssueCode::WildcardInServiceName, details, &cursor.place());
        }
    } else if is_arn_service(name) {
        return true;
    } else if is_arn_service(&lower) {
        let details = format!("Services are in lower case in ARNs: {lower}, not {name}.");
        report.add(IssueCode::InvalidArnServiceCase, details, &cursor.place());
    } else {
        let details = format!("There is no service {name}.");
        report.add(IssueCode::InvalidService, details, &cursor.place());
    }
    false
}

fn check_fields(arn: &Arn<'_>, cursor: &Cursor<'_>, report: &mut Report) {
    let known_account = arn.account.is_empty() || has_wildcard(arn.account) || is_account(arn.account);
    if !known_account {
        let details = format!("{} is no account id: those have twelve digits.", arn.account);
        report.add(IssueCode::InvalidArnAccount, details, &cursor.place());
    }
    if !arn.region.is_empty() && !has_wildcard(arn.region) && !is_region(arn.region) {
        let details = format!("There is no region {}.", arn.region);
        report.add(IssueCode::InvalidArnRegion, details, &cursor.place());
    }
    let templates = templates_of(arn.service);
    // Some services have resources whose ARNs are another service's.
    if templates.is_empty() || templates.iter().any(|template| template.field(2) != Some(arn.service)) {
        return;
    }
    let like = format!("arn:*:{}:*:*:{}", arn.service, arn.resource);
    let candidates: Vec<ArnTemplate> =
        templates.into_iter().filter(|template| template.overlaps(&like)).collect();
    // The root user is no resource type, but has an ARN that policies name.
    let is_root = arn.service == "iam" && arn.resource == "root";
    if candidates.is_empty() && !is_root {
        let details = format!("No resource of {} has an ARN that ends like {}.", arn.service, arn.resource);
        report.add(IssueCode::InvalidArnResource, details, &cursor.place());
        return;
    }
    check_presence(arn, &candidates, cursor, report);
}

/// Region and account: there where the resource's ARN has them, and only there.
fn check_presence(arn: &Arn<'_>, candidates: &[ArnTemplate], cursor: &Cursor<'_>, report: &mut Report) {
    let all = |number: usize, test: fn(&str) -> bool| {
        candidates.iter().all(|template| template.field(number).is_some_and(test))
    };
    let service = arn.service;
    let literal = |field: &str| !field.is_empty() && field != "*";
    if literal(arn.region) && all(3, str::is_empty) {
        let details = format!("ARNs of such resources of {service} have no region.");
        report.add(IssueCode::ArnRegionNotAllowed, details, &cursor.place());
    }
    if arn.region.is_empty() && all(3, |field| !field.is_empty()) {
        let details = format!("ARNs of such resources of {service} have a region.");
        report.add(IssueCode::MissingArnRegion, details, &cursor.place());
    }
    if literal(arn.account) && all(4, str::is_empty) {
        let details = format!("ARNs of such resources of {service} have no account id.");
        report.add(IssueCode::ArnAccountNotAllowed, details, &cursor.place());
    }
    // Documents and views of AWS's own have no account.
    let aws_owns_some = matches!(service, "ssm" | "resource-explorer-2");
    if arn.account.is_empty() && !aws_owns_some && all(4, |field| !field.is_empty()) {
        let details = format!("ARNs of such resources of {service} have an account id.");
        report.add(IssueCode::MissingArnAccount, details, &cursor.place());
    }
}

/// An account id, or the word that stands for AWS's own.
pub(crate) fn is_account(text: &str) -> bool {
    (text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())) || text == "aws"
}

fn templates_of(arn_service: &str) -> Vec<ArnTemplate> {
    let types = service(arn_service).map(|service| service.resource_types.as_slice()).unwrap_or_default();
    let of_service = |field: &str| field == arn_service || field.starts_with('$');
    types.iter().map(|resource| resource.arn).filter(|arn| arn.field(2).is_some_and(of_service)).collect()
}

fn check_for_resource_type(policy: &Policy<'_>, text: &str, cursor: &Cursor<'_>, report: &mut Report) {
    let (Some(resource_type), Some(service)) = (policy.options.resource_type, text.split(':').nth(2)) else {
        return;
    };
    if !has_wildcard(service) && service != resource_type.service() {
        let details = format!("A policy on {} cannot be about {text}.", resource_type.as_str());
        report.add(IssueCode::UnsupportedResourceArnInPolicy, details, &cursor.place());
    }
}

/// An action none of whose resources the statement can match is never allowed or denied by it.
fn check_actions_meet_resources(statement: &Statement<'_>, report: &mut Report) {
    let (Some(actions), Some(resources)) = (&statement.action, &statement.resource) else { return };
    let resources = resources.texts();
    if actions.negated || resources.is_empty() || resources.iter().any(|(text, _)| *text == "*") {
        return;
    }
    for (name, cursor) in actions.texts() {
        let Some(known) = action(name) else { continue };
        if !resources.iter().any(|(text, _)| known.takes_resource(text)) {
            let wants = if known.is_wildcard_only() {
                "It takes no resource, so Resource must be *.".to_owned()
            } else {
                let types: Vec<&str> =
                    known.resource_types.iter().map(|resource| resource.arn.as_str()).collect();
                format!("Its resources look like {}.", types.join(" or "))
            };
            let details =
                format!("No resource of this statement is one that {} acts on. {wants}", known.full_name());
            report.add(IssueCode::ResourceNeverMatchesAction, details, &cursor.place());
        }
    }
}
