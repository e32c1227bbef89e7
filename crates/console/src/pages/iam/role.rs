//! One role: who may become it, and what it may do.

use maud::{Markup, html};
use serde_json::Value;

use super::Shown;
use super::parts::{act, document, edit_link, part, policies, result, table, tags};
use crate::backend::Backend;
use crate::forms::escaped;
use crate::trust::{principals, statements, texts};
use crate::visit::Visit;

pub(super) async fn show<B: Backend>(visit: &Visit<'_, B>, name: &str) -> Shown {
    let own = [("RoleName", name)];
    let answer = visit.query("iam", "GetRole", &own).await?;
    let role = result(&answer, "GetRole").and_then(|found| found.child("Role"));
    let text = |member: &str| role.and_then(|role| role.text(member)).unwrap_or_default();
    let back = format!("/console/iam/roles/{}", escaped(name));
    let trust = document(text("AssumeRolePolicyDocument"));
    let last = role.and_then(|role| role.child("RoleLastUsed"));
    let account = text("Arn").split(':').nth(4).unwrap_or_default();
    let full = format!("{}{name}", text("Path").trim_start_matches('/'));
    let boundary = role.and_then(|role| role.child("PermissionsBoundary"));
    let content = html! {
        h1 { "Role " (name) }
        dl.facts {
            dt { "ARN" } dd.break { code { (text("Arn")) } }
            dt { "Description" } dd { (text("Description")) }
            dt { "Created" } dd { (text("CreateDate")) }
            dt { "Last used" } dd { (last.and_then(|last| last.text("LastUsedDate")).unwrap_or("never")) }
            dt { "Longest session" } dd { (text("MaxSessionDuration")) " seconds" }
            dt { "Boundary" } dd.break { (boundary.and_then(|b| b.text("PermissionsBoundaryArn")).unwrap_or("none")) }
            dt { "Tags" } dd { @if let Some(role) = role { (tags(role)) } }
        }
        p {
            a.button href={ "/console/switchrole?account=" (account) "&roleName=" (escaped(&full)) } { "Switch to this role" }
        }
        p { a href={ "/console/simulator?principal=" (escaped(text("Arn"))) } { "Ask what " (name) " may do" } }
        section {
            h2 { "Who may assume it" }
            (trusted(&trust))
            details { summary { "The trust policy" } pre tabindex="0" { (trust) } }
            p { (edit_link("UpdateAssumeRolePolicy", &own, &back, "Edit the trust policy")) }
        }
        (policies(visit, "Role", name, &back).await)
        (profiles(visit, name).await)
        section {
            h2 { "Delete" }
            p.fine { "A role that still has policies or is in an instance profile can't be deleted." }
            (act(visit, "DeleteRole", &own, "Delete role", "/console/iam/roles"))
        }
    };
    Ok((name.to_owned(), content))
}

/// The principals that a trust policy names, statement by statement.
fn trusted(document: &str) -> Markup {
    let rows: Vec<_> = statements(document)
        .iter()
        .map(|statement| {
            let conditions = statement.get("Condition").map(ToString::to_string);
            let all_but = principals(statement.get("NotPrincipal"));
            vec![
                html! {
                    @for principal in principals(statement.get("Principal")) { (principal) br; }
                    @for principal in all_but { "all but " (principal) br; }
                },
                html! { @match statement.get("Effect").and_then(Value::as_str) { Some("Deny") => span.no { "may not" }, _ => span.yes { "may" } } },
                html! { (texts(statement.get("Action")).join(", ")) },
                html! { (conditions.unwrap_or_default()) },
            ]
        })
        .collect();
    html! {
        (table("Who may assume it", &["Principal", "", "Action", "If"], &rows))
        p.fine { "A principal named itself needs nothing more in this account; an account's own policies must allow "
            "it too where the account is named, and always from another account." }
    }
}

async fn profiles<B: Backend>(visit: &Visit<'_, B>, name: &str) -> Markup {
    let said = visit.query("iam", "ListInstanceProfilesForRole", &[("RoleName", name)]).await;
    part(visit, "Instance profiles", said, |answer| {
        let found = result(answer, "ListInstanceProfilesForRole");
        let rows: Vec<_> = found
            .into_iter()
            .flat_map(|found| found.members("InstanceProfiles"))
            .map(|profile| vec![html! { (profile.text("InstanceProfileName").unwrap_or_default()) }])
            .collect();
        table("Instance profiles", &["Name"], &rows)
    })
    .await
}
