//! The document as a whole.

use rolecall_policy::PolicyKind;

use crate::code::IssueCode;
use crate::cursor::{Cursor, Entry, Place};
use crate::finding::Finding;
use crate::report::Report;
use crate::statement::Statement;
use crate::{
    action, condition, json, organization, principal, privilege, redundancy, resource, size, tags, trust,
    variable,
};

/// Above every quota of AWS. More is not looked at, since some checks compare everything with everything.
const MAX_BYTES: usize = 256 * 1024;

/// What to know beside the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The type of resource that a resource-based policy is for, if known: it narrows actions and resources.
    pub resource_type: Option<ResourceType>,
    /// Whether to make this project's own checks beside AWS's (see [`IssueCode::is_extension`]).
    pub extensions: bool,
}

/// The resource types that `ValidatePolicy` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ResourceType {
    /// A bucket.
    S3Bucket,
    /// An access point.
    S3AccessPoint,
    /// A multi-region access point.
    S3MultiRegionAccessPoint,
    /// An Object Lambda access point.
    S3ObjectLambdaAccessPoint,
    /// A role, with its trust policy.
    IamAssumeRolePolicyDocument,
    /// A table.
    DynamoDbTable,
}

impl ResourceType {
    /// The type of this name in the API: `AWS::S3::Bucket`.
    #[must_use]
    pub fn from_api(name: &str) -> Option<Self> {
        let all = [
            Self::S3Bucket,
            Self::S3AccessPoint,
            Self::S3MultiRegionAccessPoint,
            Self::S3ObjectLambdaAccessPoint,
            Self::IamAssumeRolePolicyDocument,
            Self::DynamoDbTable,
        ];
        all.into_iter().find(|known| known.as_str() == name)
    }

    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S3Bucket => "AWS::S3::Bucket",
            Self::S3AccessPoint => "AWS::S3::AccessPoint",
            Self::S3MultiRegionAccessPoint => "AWS::S3::MultiRegionAccessPoint",
            Self::S3ObjectLambdaAccessPoint => "AWS::S3ObjectLambda::AccessPoint",
            Self::IamAssumeRolePolicyDocument => "AWS::IAM::AssumeRolePolicyDocument",
            Self::DynamoDbTable => "AWS::DynamoDB::Table",
        }
    }

    /// The service whose actions and ARNs a policy on such a resource names.
    pub(crate) const fn service(self) -> &'static str {
        match self {
            Self::S3Bucket | Self::S3AccessPoint | Self::S3MultiRegionAccessPoint => "s3",
            Self::S3ObjectLambdaAccessPoint => "s3-object-lambda",
            Self::IamAssumeRolePolicyDocument => "sts",
            Self::DynamoDbTable => "dynamodb",
        }
    }
}

/// What the checks of one document share.
pub(crate) struct Policy<'t> {
    pub(crate) kind: PolicyKind,
    pub(crate) options: Options,
    /// Whether policy variables work: only in version 2012-10-17.
    pub(crate) has_variables: bool,
    pub(crate) statements: Vec<Statement<'t>>,
}

/// Validates a document as a policy of this kind. Everything that can be said is, most serious first; an empty list
/// means that there is nothing to say.
#[must_use]
pub fn validate(text: &str, kind: PolicyKind, options: Options) -> Vec<Finding> {
    let kind = match options.resource_type {
        Some(ResourceType::IamAssumeRolePolicyDocument) => PolicyKind::Trust,
        _ => kind,
    };
    let mut report = Report::new(text, options.extensions);
    let whole = Place { path: Vec::new(), span: 0..text.len() };
    if text.len() > MAX_BYTES {
        let details =
            format!("The document has {} bytes; more than {MAX_BYTES} are not checked.", text.len());
        report.add(IssueCode::JsonSyntaxError, details, &whole);
        return report.into_findings();
    }
    match json::parse(text) {
        Ok(root) => {
            size::check(text, kind, &whole, &mut report);
            check_document(&Cursor::root(&root), kind, options, &mut report);
        }
        Err(error) => syntax_error(text, &error, &mut report),
    }
    report.into_findings()
}

fn syntax_error(text: &str, error: &json::SyntaxError, report: &mut Report) {
    let position = report.position(error.at);
    let details = format!(
        "This is not JSON: {} is wanted at index {}, line {}, column {}.",
        error.wanted, position.offset, position.line, position.column
    );
    let end = text.get(error.at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    let place = Place { path: Vec::new(), span: error.at..error.at + end };
    report.add(IssueCode::JsonSyntaxError, details, &place);
}

fn check_document(root: &Cursor<'_>, kind: PolicyKind, options: Options, report: &mut Report) {
    if !root.is_object() {
        report.add(IssueCode::DataTypeMismatch, "A policy is a JSON object.", &root.place());
        return;
    }
    let entries = root.entries();
    report_unknown_elements(&entries, &["Version", "Id", "Statement"], report);
    let version = check_version(&entries, root, report);
    if let Some(id) = find(&entries, "Id")
        && id.value.text().is_none()
    {
        report.add(IssueCode::DataTypeMismatch, "Id is a string.", &id.value.place());
    }
    let Some(statements) = find(&entries, "Statement") else {
        report.add(IssueCode::MissingStatement, "A policy needs at least one statement.", &root.place());
        return;
    };
    let has_variables = version == Some("2012-10-17");
    let read =
        statements.value.items().into_iter().filter_map(|item| Statement::read(item, kind, report)).collect();
    let policy = Policy { kind, options, has_variables, statements: read };
    if statements.value.items().is_empty() {
        report.add(
            IssueCode::MissingStatement,
            "The list of statements is empty.",
            &statements.value.place(),
        );
    }
    check_policy(&policy, report);
}

fn check_policy(policy: &Policy<'_>, report: &mut Report) {
    check_sids(policy, report);
    for statement in &policy.statements {
        principal::check(policy, statement, report);
        action::check(policy, statement, report);
        resource::check(policy, statement, report);
        condition::check(policy, statement, report);
        variable::check(policy, statement, report);
        privilege::check(policy, statement, report);
        tags::check(statement, report);
        trust::check(policy, statement, report);
        organization::check(policy, statement, report);
    }
    redundancy::check(policy, report);
}

fn check_version<'t>(entries: &[Entry<'t>], root: &Cursor<'t>, report: &mut Report) -> Option<&'t str> {
    let Some(version) = find(entries, "Version") else {
        let details = "Without Version the language of 2008 applies, which has no policy variables. Add \"Version\": \"2012-10-17\".";
        report.add(IssueCode::MissingVersion, details, &root.place());
        return None;
    };
    match version.value.text() {
        Some(known @ ("2012-10-17" | "2008-10-17")) => Some(known),
        Some(other) => {
            let details = format!("There is no version {other}. The versions are 2012-10-17 and 2008-10-17.");
            report.add(IssueCode::InvalidVersion, details, &version.value.place());
            None
        }
        None => {
            report.add(IssueCode::DataTypeMismatch, "Version is a string.", &version.value.place());
            None
        }
    }
}

/// The first member of this name.
pub(crate) fn find<'a, 't>(entries: &'a [Entry<'t>], name: &str) -> Option<&'a Entry<'t>> {
    entries.iter().find(|entry| entry.key == name)
}

/// Reports members that are not known, and those that stand twice.
pub(crate) fn report_unknown_elements(entries: &[Entry<'_>], known: &[&str], report: &mut Report) {
    for (at, entry) in entries.iter().enumerate() {
        if !known.contains(&entry.key) {
            let nearest = rolecall_service_reference::closest(entry.key, known.iter().copied());
            let hint = nearest.map(|known| format!(" Did you mean {known}?")).unwrap_or_default();
            let details = format!("There is no policy element {} here.{hint}", entry.key);
            report.add(IssueCode::InvalidPolicyElement, details, &entry.key_place);
        } else if entries.iter().take(at).any(|before| before.key == entry.key) {
            let details = format!("The element {} stands here a second time.", entry.key);
            report.add(IssueCode::InvalidPolicyElement, details, &entry.key_place);
        }
    }
}

fn check_sids(policy: &Policy<'_>, report: &mut Report) {
    // AWS requires it of policies that IAM stores; services with policies of their own may be more lenient.
    let required = !matches!(policy.kind, PolicyKind::Resource | PolicyKind::VpcEndpoint);
    let mut seen: Vec<&str> = Vec::new();
    for sid in policy.statements.iter().filter_map(|statement| statement.sid.as_ref()) {
        let Some(text) = sid.text().filter(|text| !text.is_empty()) else { continue };
        if !seen.contains(&text) {
            seen.push(text);
        } else if required {
            let details =
                format!("The Sid {text} is used twice; in a policy of this kind each must be unique.");
            report.add(IssueCode::UniqueSidsRequired, details, &sid.place());
        } else {
            let details =
                format!("The Sid {text} is used twice. Unique ones make statements easier to tell apart.");
            report.add(IssueCode::UniqueSidsRecommended, details, &sid.place());
        }
    }
}
