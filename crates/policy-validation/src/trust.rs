//! Role trust policies.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html>

use rolecall_policy::PolicyKind;
use rolecall_service_reference::glob_matches;

use crate::code::IssueCode;
use crate::cursor::Cursor;
use crate::document::Policy;
use crate::pattern::has_wildcard;
use crate::report::Report;
use crate::statement::{Element, Statement};

const GITHUB: &str = "token.actions.githubusercontent.com";

pub(crate) fn check(policy: &Policy<'_>, statement: &Statement<'_>, report: &mut Report) {
    if policy.kind != PolicyKind::Trust {
        return;
    }
    if let Some(resource) = &statement.resource {
        let details = "A trust policy is about the role it is attached to; it names no resource.";
        report.add(IssueCode::RoleTrustPolicySyntaxErrorResource, details, &resource.key_place);
    }
    check_condition_keys(statement, report);
    let Some(principal) = &statement.principal else { return };
    if principal.negated {
        let details = "A trust policy has no NotPrincipal. Name the principals that may assume the role.";
        report.add(IssueCode::RoleTrustPolicySyntaxErrorNotprincipal, details, &principal.key_place);
    }
    if principal.value.text() == Some("*") {
        let details =
            "A trust policy does not take \"*\" as principal. Name the principals that may assume the role.";
        report.add(
            IssueCode::RoleTrustPolicyUnsupportedWildcardInPrincipal,
            details,
            &principal.value.place(),
        );
    }
    for (provider, cursor) in of_type(principal, "Federated") {
        check_provider(provider, &cursor, statement, report);
    }
    check_mismatch(principal, statement, report);
    check_sessions(principal, report);
    check_roles_anywhere(principal, statement, report);
}

fn of_type<'t>(principal: &Element<'t>, kind: &str) -> Vec<(&'t str, Cursor<'t>)> {
    let entries = principal.value.entries();
    entries.iter().filter(|entry| entry.key == kind).flat_map(|entry| entry.value.texts()).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Provider {
    Saml,
    Oidc,
}

fn provider_kind(provider: &str) -> Option<Provider> {
    let resource = provider.splitn(6, ':').nth(5);
    match resource {
        Some(resource) if provider.starts_with("arn:") && resource.starts_with("saml-provider/") => {
            Some(Provider::Saml)
        }
        Some(resource) if provider.starts_with("arn:") && resource.starts_with("oidc-provider/") => {
            Some(Provider::Oidc)
        }
        Some(_) => None,
        None => {
            let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'/' | b'_');
            (provider.contains('.') && provider.bytes().all(good)).then_some(Provider::Oidc)
        }
    }
}

fn check_provider(provider: &str, cursor: &Cursor<'_>, statement: &Statement<'_>, report: &mut Report) {
    let Some(kind) = provider_kind(provider) else {
        let details =
            format!("{provider} is no identity provider: a domain name or the ARN of a provider is wanted.");
        report.add(IssueCode::InvalidFederatedPrincipalSyntaxInRoleTrustPolicy, details, &cursor.place());
        return;
    };
    if kind != Provider::Oidc || !statement.allows() {
        return;
    }
    let domain = provider.split_once("oidc-provider/").map_or(provider, |(_, domain)| domain);
    let has_key = |key: &str| statement.conditions.iter().any(|condition| condition.is_key(key));
    let has_prefix = statement.conditions.iter().any(|condition| {
        condition.key.rsplit_once(':').is_some_and(|(prefix, _)| prefix.eq_ignore_ascii_case(domain))
    });
    if domain == GITHUB && !has_key(&format!("{GITHUB}:sub")) {
        let details = format!(
            "Without {GITHUB}:sub every repository on GitHub may assume the role. Name repository and branch."
        );
        report.add(IssueCode::MissingGithubRepoConditionKey, details, &cursor.place());
    } else if !has_prefix {
        let details = format!(
            "Everybody whom {domain} knows may assume the role. Narrow it by conditions on keys such as {domain}:sub."
        );
        report.add(IssueCode::MissingConditionKeyForOidcPrincipal, details, &cursor.place());
    }
    check_github_subject(statement, report);
}

fn check_github_subject(statement: &Statement<'_>, report: &mut Report) {
    for condition in
        statement.conditions.iter().filter(|condition| condition.is_key(&format!("{GITHUB}:sub")))
    {
        for (value, cursor) in condition.values() {
            let repository = value.split(':').nth(1).unwrap_or_default();
            if has_wildcard(repository) || value.starts_with('*') {
                let details = "A wildcard in the repository admits repositories that are not yours. Name repository and branch.";
                report.add(IssueCode::SpecificGithubRepoAndBranchRecommended, details, &cursor.place());
            }
        }
    }
}

fn allows_action(statement: &Statement<'_>, action: &str) -> bool {
    let Some(element) = &statement.action else { return false };
    element.texts().iter().any(|(text, _)| glob_matches(text, action)) != element.negated
}

/// A SAML provider goes with one operation, an OIDC provider with another.
fn check_mismatch(principal: &Element<'_>, statement: &Statement<'_>, report: &mut Report) {
    let Some(actions) = &statement.action else { return };
    for (text, cursor) in actions.texts() {
        let wanted = match text.to_ascii_lowercase().as_str() {
            "sts:assumerolewithsaml" => Provider::Saml,
            "sts:assumerolewithwebidentity" => Provider::Oidc,
            _ => continue,
        };
        let entries = principal.value.entries();
        let wrong: Vec<&str> = entries
            .iter()
            .flat_map(|entry| entry.value.texts().into_iter().map(move |(name, _)| (entry.key, name)))
            .filter(|(kind, name)| {
                *kind != "Federated" || provider_kind(name).is_some_and(|found| found != wanted)
            })
            .map(|(_, name)| name)
            .collect();
        if !wrong.is_empty() {
            let details = format!(
                "{text} is not for {}. SAML providers go with sts:AssumeRoleWithSAML, OIDC providers with sts:AssumeRoleWithWebIdentity.",
                wrong.join(", ")
            );
            report.add(IssueCode::MismatchedActionForPrincipal, details, &cursor.place());
        }
    }
}

/// A session beside its own role adds nothing.
fn check_sessions(principal: &Element<'_>, report: &mut Report) {
    let listed = of_type(principal, "AWS");
    for (session, cursor) in &listed {
        let fields: Vec<&str> = session.splitn(6, ':').collect();
        let (Some(account), Some(resource)) = (fields.get(4), fields.get(5)) else { continue };
        let Some(role) = resource.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next())
        else {
            continue;
        };
        let is_parent = |other: &str| {
            other.contains(&format!(":iam::{account}:role/")) && other.rsplit('/').next() == Some(role)
        };
        if let Some((parent, _)) = listed.iter().find(|(other, _)| is_parent(other)) {
            let details = format!("The session {session} is already admitted by its role {parent}.");
            report.add(IssueCode::RedundantPrincipalInRoleTrustPolicy, details, &cursor.place());
        }
    }
}

fn check_roles_anywhere(principal: &Element<'_>, statement: &Statement<'_>, report: &mut Report) {
    let services = of_type(principal, "Service");
    let Some((_, cursor)) = services.iter().find(|(name, _)| *name == "rolesanywhere.amazonaws.com") else {
        return;
    };
    let wanted = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];
    let missing: Vec<&str> = wanted.into_iter().filter(|action| !allows_action(statement, action)).collect();
    if statement.allows() && !missing.is_empty() {
        let details = format!("IAM Roles Anywhere also needs {}.", missing.join(" and "));
        report.add(IssueCode::MissingActionForRolesAnywhereTrustPolicy, details, &cursor.place());
    }
}

/// Keys that a request carries only along with a second action.
fn check_condition_keys(statement: &Statement<'_>, report: &mut Report) {
    let companions = [
        ("sts:SourceIdentity", "sts:SetSourceIdentity"),
        ("sts:TransitiveTagKeys", "sts:TagSession"),
        ("aws:RequestTag/", "sts:TagSession"),
        ("aws:TagKeys", "sts:TagSession"),
    ];
    for condition in &statement.conditions {
        let companion = companions.iter().find(|(key, _)| condition.is_key(key));
        if let Some((_, action)) =
            companion.filter(|(_, action)| statement.allows() && !allows_action(statement, action))
        {
            let details =
                format!("{} can only be set by a caller who may {action}. Add that action.", condition.key);
            report.add(IssueCode::MissingActionForConditionKey, details, &condition.key_place);
        }
    }
}
