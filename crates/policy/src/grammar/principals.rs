//! `Principal` and `NotPrincipal`.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use super::elements::strings;
use super::{Failure, members, text, text_of};
use crate::arn::{Arn, is_account_id};
use crate::document::{Document, PrincipalElement, PrincipalEntry, PrincipalType, Text};
use crate::error::Problem;
use crate::json::Value;
use crate::kind::Strictness;

pub(super) fn principal(
    name: Value<'_>,
    value: Value<'_>,
    negated: bool,
) -> Result<PrincipalElement, Failure> {
    let entries = if value.is_string() { vec![everyone(value)?] } else { entries(value)? };
    if entries.is_empty() {
        return Err(Failure::syntax(value, "a principal is named"));
    }
    Ok(PrincipalElement { negated, name: name.span(), span: value.span(), entries: entries.into() })
}

fn everyone(value: Value<'_>) -> Result<PrincipalEntry, Failure> {
    if text_of(value) != "*" {
        let detail = "a principal is \"*\" or an object such as {\"AWS\": \"arn:…\"}";
        return Err(Failure::syntax(value, detail));
    }
    let values = Box::new([text(value)]);
    Ok(PrincipalEntry { principal_type: PrincipalType::Everyone, name: value.span(), values })
}

fn entries(value: Value<'_>) -> Result<Vec<PrincipalEntry>, Failure> {
    let mut entries = Vec::new();
    for member in members(value, "a principal")? {
        let (key, value) = member?;
        let principal_type = match &*text_of(key) {
            "AWS" => PrincipalType::Aws,
            "Service" => PrincipalType::Service,
            "Federated" => PrincipalType::Federated,
            "CanonicalUser" => PrincipalType::CanonicalUser,
            other => return Err(Failure::syntax(key, format!("\"{other}\" is no type of principal"))),
        };
        let values = strings(value, "a principal")?;
        if values.is_empty() {
            return Err(Failure::syntax(value, "a principal is named"));
        }
        entries.push(PrincipalEntry { principal_type, name: key.span(), values });
    }
    Ok(entries)
}

/// Checks the form of each principal; whether it exists is for others to say.
pub(super) fn check(
    document: &Document,
    element: &PrincipalElement,
    strictness: Strictness,
) -> Result<(), Failure> {
    for entry in &element.entries {
        for value in &entry.values {
            let principal = document.text(value);
            let valid = match strictness {
                Strictness::Stored => is_storable(entry.principal_type, principal),
                Strictness::Evaluated => can_be_evaluated(entry.principal_type, principal),
            };
            if !valid {
                return Err(invalid(entry.principal_type, principal, value));
            }
        }
    }
    Ok(())
}

fn invalid(principal_type: PrincipalType, principal: &str, value: &Text) -> Failure {
    let principal_type = match principal_type {
        PrincipalType::Everyone => "STAR",
        PrincipalType::Aws => "AWS",
        PrincipalType::Service => "SERVICE",
        PrincipalType::Federated => "FEDERATED",
        PrincipalType::CanonicalUser => "CANONICAL_USER",
    };
    Failure::new(Problem::InvalidPrincipal { principal_type, principal: principal.into() }, value.span, "")
}

/// A wildcard stands for everyone and never for a part of a name, so a principal with one in it says
/// nothing that could be evaluated.
fn can_be_evaluated(principal_type: PrincipalType, principal: &str) -> bool {
    let partial = principal != "*" && principal.contains(['*', '?']);
    !partial || principal_type == PrincipalType::CanonicalUser
}

fn is_storable(principal_type: PrincipalType, principal: &str) -> bool {
    match principal_type {
        PrincipalType::Everyone => true,
        PrincipalType::Aws => is_aws_principal(principal),
        PrincipalType::Service => is_service_name(principal),
        PrincipalType::Federated => is_identity_provider(principal),
        PrincipalType::CanonicalUser => is_canonical_user_id(principal),
    }
}

fn is_aws_principal(principal: &str) -> bool {
    if principal == "*" || is_account_id(principal) || is_unique_id(principal) {
        return true;
    }
    let Some(arn) = Arn::parse(principal) else { return false };
    let (kind, rest) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
    let known = match (arn.service, kind) {
        ("iam", "root") => arn.resource == "root",
        ("iam", "user" | "role") | ("sts", "federated-user") => !rest.is_empty(),
        ("sts", "assumed-role") => rest.contains('/'),
        _ => false,
    };
    // CloudFront's origin access identities are users of an account named "cloudfront".
    let account = is_account_id(arn.account_id) || arn.account_id == "cloudfront";
    known && account && arn.region.is_empty() && !principal.contains(['*', '?'])
}

/// What a user's or role's ARN is replaced by when the policy is saved, and stays when it is deleted.
fn is_unique_id(principal: &str) -> bool {
    let known = ["AIDA", "AROA"].iter().any(|prefix| principal.starts_with(prefix));
    known && principal.len() >= 16 && principal.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_service_name(principal: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    principal.contains('.') && principal.bytes().all(known)
}

fn is_identity_provider(principal: &str) -> bool {
    const BUILT_IN: [&str; 4] =
        ["cognito-identity.amazonaws.com", "www.amazon.com", "graph.facebook.com", "accounts.google.com"];
    let is_provider = |arn: Arn<'_>| {
        let named = ["oidc-provider/", "saml-provider/"].iter().any(|kind| arn.resource.starts_with(kind));
        arn.service == "iam" && named && is_account_id(arn.account_id)
    };
    let built_in = BUILT_IN.contains(&principal);
    built_in || Arn::parse(principal).is_some_and(is_provider)
}

fn is_canonical_user_id(principal: &str) -> bool {
    principal.len() == 64 && principal.bytes().all(|byte| byte.is_ascii_hexdigit())
}
