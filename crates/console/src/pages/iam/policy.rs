//! One managed policy, with its versions and whom it is attached to.

use maud::{Markup, html};
use rolecall_aws_model::Element;

use super::Shown;
use super::parts::{act, document, edit_link, part, result, table};
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
            html! { pre tabindex="0" { (document(found.and_then(|found| found.text("Document")).unwrap_or_default())) } }
        }).await)
        (versions(visit, arn, &back).await)
        (holders(visit, arn).await)
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

async fn holders<B: Backend>(visit: &Visit<'_, B>, arn: &str) -> Markup {
    let said = visit.query("iam", "ListEntitiesForPolicy", &[("PolicyArn", arn)]).await;
    part(visit, "Attached to", said, |answer| {
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
        table("Attached to", &["Name", "Kind"], &rows)
    })
    .await
}
