//! What AWS asks of a policy template before it registers one, as far as it limits what a template can grant.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-policy-evaluation-guidelines.html>

use rolecall_policy::{Comparison, Document, Effect, Statement};
use rolecall_service_reference::{AccessLevel, action, glob_matches};

/// Services of which a template names each action.
const SENSITIVE: [&str; 6] = ["iam", "kms", "ram", "sso", "organizations", "secretsmanager"];

/// What makes a role or gives it more: only within a permissions boundary.
const BOUNDED: [&str; 4] =
    ["iam:AttachRolePolicy", "iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"];

/// The context key that asks for a permissions boundary.
pub(super) const BOUNDARY: &str = "iam:PermissionsBoundary";

/// Checks a template.
pub(super) fn check(document: &Document) -> Result<(), String> {
    for statement in document.statements().iter().filter(|statement| statement.effect == Effect::Allow) {
        if statement.action.negated {
            return Err("NotAction is for Deny statements only".into());
        }
        for action in statement.action.values.iter().map(|value| document.text(value)) {
            check_action(document, statement, action)?;
        }
    }
    Ok(())
}

fn check_action(document: &Document, statement: &Statement, action: &str) -> Result<(), String> {
    let Some((service, name)) = action.split_once(':') else {
        return Err(format!("the action {action} names no service"));
    };
    let service = service.to_ascii_lowercase();
    if service.contains(['*', '?']) {
        return Err(format!("the action {action} names no service"));
    }
    if SENSITIVE.contains(&service.as_str()) && name.contains(['*', '?']) {
        return Err(format!("the action {action} has a wildcard, which actions of {service} may not have"));
    }
    if service == "iam" && !is_allowed_of_iam(action, name) {
        return Err(format!("the action {action} is not about roles or policies"));
    }
    if BOUNDED.iter().any(|bounded| bounded.eq_ignore_ascii_case(action))
        && boundaries(document, statement).next().is_none()
    {
        return Err(format!("the action {action} needs a condition on {BOUNDARY}"));
    }
    Ok(())
}

/// Of IAM, a template may change roles, instance profiles and policies, and read.
fn is_allowed_of_iam(full: &str, name: &str) -> bool {
    let reads = action(full)
        .is_some_and(|action| matches!(action.access_level, AccessLevel::Read | AccessLevel::List));
    let about = ["Role", "Policy", "PolicyVersion", "InstanceProfile"].iter().any(|kind| name.contains(kind));
    let other = ["User", "Group"].iter().any(|kind| name.contains(kind));
    let unbinds = name.eq_ignore_ascii_case("DeleteRolePermissionsBoundary");
    reads || (about && !other && !unbinds)
}

/// The permissions boundaries that a statement asks for.
pub(super) fn boundaries<'d>(
    document: &'d Document,
    statement: &'d Statement,
) -> impl Iterator<Item = &'d str> {
    let demanding = |comparison: Comparison| {
        use Comparison as C;
        matches!(
            comparison,
            C::StringEquals | C::StringEqualsIgnoreCase | C::StringLike | C::ArnEquals | C::ArnLike
        )
    };
    statement
        .conditions
        .iter()
        .filter(move |entry| {
            demanding(entry.operator.comparison)
                && !entry.operator.if_exists
                && entry.operator.qualifier.is_none()
                && document.text(&entry.key).eq_ignore_ascii_case(BOUNDARY)
        })
        .flat_map(move |entry| entry.values.iter().map(move |value| document.text(value)))
}

/// The permissions boundaries of the roles that a policy lets be made.
pub(super) fn role_restrictions(document: &Document) -> Vec<String> {
    let makes_roles = |statement: &&Statement| {
        statement.effect == Effect::Allow
            && !statement.action.negated
            && statement
                .action
                .values
                .iter()
                .any(|value| BOUNDED.iter().any(|bounded| glob_matches(document.text(value), bounded)))
    };
    let mut found: Vec<String> = Vec::new();
    for statement in document.statements().iter().filter(makes_roles) {
        for arn in boundaries(document, statement) {
            if !found.iter().any(|known| known == arn) {
                found.push(arn.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_policy::{Grammar, PolicyKind};

    fn document(statement: &str) -> Document {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statement}]}}"#);
        Document::parse(text.as_str(), Grammar::evaluated(PolicyKind::Session)).unwrap()
    }

    fn allow(action: &str, condition: &str) -> Document {
        document(&format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*"{condition}}}"#))
    }

    #[test]
    fn templates_grant_no_credentials_and_no_unbounded_roles() {
        for refused in [
            "*",
            "iam:*",
            "kms:Decr*",
            "iam:CreateAccessKey",
            "iam:CreateUser",
            "iam:CreateRole",
            "iam:AttachUserPolicy",
            "iam:DeleteRolePermissionsBoundary",
        ] {
            assert!(check(&allow(refused, "")).is_err(), "{refused}");
        }
        for taken in
            ["s3:*", "iam:ListUsers", "iam:GetRole", "iam:CreatePolicy", "iam:PassRole", "kms:Decrypt"]
        {
            assert_eq!(check(&allow(taken, "")), Ok(()), "{taken}");
        }
        assert!(check(&document(r#"{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}"#)).is_err());
        assert!(check(&document(r#"{"Effect": "Deny", "NotAction": "s3:*", "Resource": "*"}"#)).is_ok());
    }

    #[test]
    fn a_boundary_must_be_asked_for_without_a_way_around() {
        let with = |operator: &str| {
            allow(
                "iam:CreateRole",
                &format!(r#", "Condition": {{"{operator}": {{"iam:permissionsboundary": "b1"}}}}"#),
            )
        };
        assert_eq!(check(&with("StringEquals")), Ok(()));
        assert_eq!(role_restrictions(&with("ArnLike")), ["b1"]);
        for operator in ["StringEqualsIfExists", "StringNotEquals", "ForAllValues:StringEquals"] {
            assert!(check(&with(operator)).is_err(), "{operator}");
            assert!(role_restrictions(&with(operator)).is_empty(), "{operator}");
        }
    }
}
