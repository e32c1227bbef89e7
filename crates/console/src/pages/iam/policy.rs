//! One managed policy, with its versions and whom it is attached to.

use maud::{Markup, html};
use rolecall_aws_model::Element;

use super::Shown;
use super::lists::name_field;
use super::parts::{act, ask, document, edit_link, part, part_with, rest, result, table};
use crate::backend::Backend;
use crate::forms::escaped;
use crate::visit::Visit;

pub(super) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let arn = visit.query.get("arn");
    let own = [("PolicyArn", arn)];
    let answer = visit.query("iam", "GetPolicy", &own).await?;
    let policy = result(&answer, "GetPolicy").and_then(|found| found.child("Policy"));
    let text = |member: &str| policy.and_then(|policy| policy.text(member)).unwrap_or_default();
    let present = match visit.query.get("version") {
        "" => text("DefaultVersionId"),
        version => version,
    };
    let back = format!("/console/iam/policy?arn={}", escaped(arn));
    let own_policy = arn.split(':').nth(4) != Some("aws");
    let version = visit.query("iam", "GetPolicyVersion", &[("PolicyArn", arn), ("VersionId", present)]).await;
    let content = html! {
        div.heading {
            h1 { "Policy " (text("PolicyName")) }
            @if own_policy { (edit_link("CreatePolicyVersion", &own, &back, "Edit: make a new version")) }
        }
        dl.facts {
            dt { "ARN" } dd.break { code { (arn) } }
            dt { "Description" } dd { (text("Description")) }
            dt { "In force" } dd { (text("DefaultVersionId")) }
            dt { "Changed" } dd { (text("UpdateDate")) }
        }
        (part(visit, &format!("Version {present}"), version, |answer| {
            let found = result(answer, "GetPolicyVersion").and_then(|found| found.child("PolicyVersion"));
            let text = document(found.and_then(|found| found.text("Document")).unwrap_or_default());
            let whole = format!("{back}&version={}&whole=yes", escaped(present));
            written(&text, visit.query.get("whole") == "yes", &whole)
        }).await)
        (versions(visit, arn, &back).await)
        (holders(visit, arn, &back).await)
        @if own_policy {
            section {
                h2 { "Delete" }
                p.fine { "A policy that is attached, or has more versions than the one in force, can't be deleted." }
                (act(visit, "DeletePolicy", &own, "Delete policy", "/console/iam/policies"))
            }
        }
    };
    Ok((text("PolicyName").to_owned(), content))
}

/// So many lines of a document are shown at once: some of AWS's have thousands.
const LINES: usize = 400;

/// A document, or how it begins and a link to all of it.
fn written(text: &str, whole: bool, link: &str) -> Markup {
    let count = text.lines().count();
    if whole || count <= LINES {
        return html! { pre tabindex="0" { (text) } };
    }
    let end = text.match_indices('\n').nth(LINES - 1).map_or(text.len(), |(at, _)| at);
    html! {
        pre tabindex="0" { (text.get(..end).unwrap_or(text)) "\n…" }
        p { a href=(link) { "All " (count) " lines" } }
    }
}

async fn versions<B: Backend>(visit: &Visit<'_, B>, arn: &str, back: &str) -> Markup {
    let said = visit.query("iam", "ListPolicyVersions", &[("PolicyArn", arn)]).await;
    let row = |version: &Element| {
        let id = version.text("VersionId").unwrap_or_default();
        let both = [("PolicyArn", arn), ("VersionId", id)];
        let acts = match version.text("IsDefaultVersion") {
            Some("true") => html! { "in force" },
            _ => html! {
                (act(visit, "SetDefaultPolicyVersion", &both, "Put in force", back))
                (act(visit, "DeletePolicyVersion", &both, "Delete", back))
            },
        };
        let link = html! { a href={ (back) "&version=" (id) } { (id) } };
        vec![link, html! { (version.text("CreateDate").unwrap_or_default()) }, acts]
    };
    part(visit, "Versions", said, |answer| {
        let found = result(answer, "ListPolicyVersions");
        let rows: Vec<_> = found.into_iter().flat_map(|found| found.members("Versions")).map(row).collect();
        table("Versions", &["Version", "Made", ""], &rows)
    })
    .await
}

async fn holders<B: Backend>(visit: &Visit<'_, B>, arn: &str, back: &str) -> Markup {
    let said = visit.query("iam", "ListEntitiesForPolicy", &[("PolicyArn", arn)]).await;
    let own = [("PolicyArn", arn)];
    let attach = html! {
        @for (kind, title) in [("User", "Attach to a user"), ("Group", "Attach to a group"), ("Role", "Attach to a role")] {
            (ask(visit, &format!("Attach{kind}Policy"), &own, title, back, name_field("Name", &format!("p.{kind}Name"))))
        }
    };
    part_with(
        visit,
        "Attached to",
        said,
        |answer| {
            let found = result(answer, "ListEntitiesForPolicy");
            let of = |list: &'static str, name: &'static str, kind: &'static str| {
                found.into_iter().flat_map(move |found| found.members(list)).map(move |holder| {
                    let name = holder.text(name).unwrap_or_default();
                    vec![
                        html! { a href={ "/console/iam/" (kind) "s/" (escaped(name)) } { (name) } },
                        html! { (kind) },
                    ]
                })
            };
            let rows: Vec<_> = of("PolicyUsers", "UserName", "user")
                .chain(of("PolicyGroups", "GroupName", "group"))
                .chain(of("PolicyRoles", "RoleName", "role"))
                .collect();
            html! { (table("Attached to", &["Name", "Kind"], &rows)) (rest(found)) }
        },
        attach,
    )
    .await
}
