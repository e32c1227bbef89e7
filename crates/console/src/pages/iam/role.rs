//! One role: who may become it, and what it may do.

use maud::{Markup, html};
use serde_json::Value;

use super::Shown;
use super::parts::{act, ask, document, edit_link, part, policies, result, table};
use super::{about, access};
use crate::backend::Backend;
use crate::forms::escaped;
use crate::layout::{Field, field};
use crate::pages::map;
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
    let content = html! {
        div.heading {
            h1 { "Role " (name) }
            a.button href={ "/console/switchrole?account=" (account) "&roleName=" (escaped(&full)) } { "Switch to this role" }
        }
        dl.facts {
            dt { "ARN" } dd.break { code { (text("Arn")) } }
            dt { "Description" } dd { (text("Description")) }
            dt { "Created" } dd { (text("CreateDate")) }
            dt { "Last used" } dd { (last.and_then(|last| last.text("LastUsedDate")).unwrap_or("never")) }
            dt { "Longest session" } dd { (text("MaxSessionDuration")) " seconds" }
            dt { "On the map" } dd { a href={ "/console/map?from=" (escaped(text("Arn"))) } { "Whom " (name) " can become" } }
        }
        (ask(visit, "UpdateRole", &own, "Change the description and the longest session", &back, html! {
            (field("Description", "p.Description", "text", text("Description"), &Field::default()))
            (field("Longest session in seconds", "p.MaxSessionDuration", "number", text("MaxSessionDuration"), &Field {
                required: true, inputmode: Some("numeric"), hint: Some("From 3600 to 43200."), ..Field::default()
            }))
        }))
        section {
            h2 { "Who can become it" }
            (assumers(visit, text("Arn")).await)
            h3 { "Whom it trusts" }
            (trusted(&trust))
            details { summary { "The trust policy" } pre tabindex="0" { (trust) } }
            p { (edit_link("UpdateAssumeRolePolicy", &own, &back, "Edit the trust policy")) }
        }
        (access::section(visit, text("Arn"), name).await)
        (policies(visit, "Role", name, &back).await)
        (profiles(visit, name).await)
        (about::boundary(visit, "Role", name, role, &back))
        (about::tags(visit, "Role", name, role, &back))
        section {
            h2 { "Delete" }
            p.fine { "A role that still has policies or is in an instance profile can't be deleted." }
            (act(visit, "DeleteRole", &own, "Delete role", "/console/iam/roles"))
        }
    };
    Ok((name.to_owned(), content))
}

/// How many of those who can become a role its page names.
const NAMED: usize = 50;

/// Who can become it, as the engine decides: by its trust and by their own policies.
async fn assumers<B: Backend>(visit: &Visit<'_, B>, arn: &str) -> Markup {
    let (all, complete) = match map::assumers(visit, arn).await {
        Ok(found) => found,
        Err(refusal) => return crate::denial::shown(visit, &refusal).await,
    };
    let rows: Vec<_> = all
        .iter()
        .take(NAMED)
        .map(|(kind, name, room)| {
            let named = html! { @match room { Some(room) => a href=(room) { (name) }, None => (name) } };
            vec![named, html! { (kind) }]
        })
        .collect();
    html! {
        @if all.is_empty() { p.fine { "Nobody in this account." } } @else {
            (table("Who can become it", &["Name", "Kind"], &rows))
        }
        @if all.len() > NAMED { p.fine { "And " (all.len() - NAMED) " more." } }
        @if !complete { p.fine { "There are too many users and roles: not everyone was asked about." } }
    }
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
        (table("Whom it trusts", &["Principal", "Effect", "Action", "If"], &rows))
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
