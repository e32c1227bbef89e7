//! One user.

use maud::{Markup, html};
use rolecall_aws_model::Element;

use super::Shown;
use super::parts::{absent, act, ask, part, part_with, policies, result, table};
use super::{about, access};
use crate::backend::Backend;
use crate::forms::escaped;
use crate::layout::{Field, field};
use crate::visit::Visit;

pub(super) async fn show<B: Backend>(visit: &Visit<'_, B>, name: &str) -> Shown {
    let own = [("UserName", name)];
    let answer = visit.query("iam", "GetUser", &own).await?;
    let user = result(&answer, "GetUser").and_then(|found| found.child("User"));
    let text = |member: &str| user.and_then(|user| user.text(member)).unwrap_or_default();
    let back = format!("/console/iam/users/{}", escaped(name));
    let content = html! {
        h1 { "User " (name) }
        dl.facts {
            dt { "ARN" } dd.break { code { (text("Arn")) } }
            dt { "Created" } dd { (text("CreateDate")) }
            dt { "Last sign-in" } dd { @match text("PasswordLastUsed") { "" => "never", at => (at) } }
            dt { "On the map" } dd { a href={ "/console/map?from=" (escaped(text("Arn"))) } { "Whom " (name) " can become" } }
        }
        (access::section(visit, text("Arn"), name).await)
        (policies(visit, "User", name, &back).await)
        (groups(visit, name, &back).await)
        (keys(visit, name, &back).await)
        (password(visit, name, &back).await)
        (devices(visit, name, &back).await)
        (about::boundary(visit, "User", name, user, &back))
        (about::tags(visit, "User", name, user, &back))
        (about::rename(visit, "User", name, user))
        section {
            h2 { "Delete" }
            p.fine { "A user that still has policies, groups, keys or a password can't be deleted." }
            (act(visit, "DeleteUser", &own, "Delete user", "/console/iam/users"))
        }
    };
    Ok((name.to_owned(), content))
}

async fn groups<B: Backend>(visit: &Visit<'_, B>, name: &str, back: &str) -> Markup {
    let own = [("UserName", name)];
    let said = visit.query("iam", "ListGroupsForUser", &own).await;
    let fields = field("Group", "p.GroupName", "text", "", &Field { required: true, ..Field::default() });
    let add = ask(visit, "AddUserToGroup", &own, "Add to a group", back, fields);
    part_with(
        visit,
        "Groups",
        said,
        |answer| {
            let found = result(answer, "ListGroupsForUser");
            let rows: Vec<_> = found
                .into_iter()
                .flat_map(|found| found.members("Groups"))
                .map(|group| {
                    let group = group.text("GroupName").unwrap_or_default();
                    let both = [("UserName", name), ("GroupName", group)];
                    let link = html! { a href={ "/console/iam/groups/" (escaped(group)) } { (group) } };
                    vec![link, act(visit, "RemoveUserFromGroup", &both, "Remove", back)]
                })
                .collect();
            table("Groups", &["Name", ""], &rows)
        },
        add,
    )
    .await
}

async fn keys<B: Backend>(visit: &Visit<'_, B>, name: &str, back: &str) -> Markup {
    let own = [("UserName", name)];
    let said = visit.query("iam", "ListAccessKeys", &own).await;
    let row = |key: &Element| {
        let id = key.text("AccessKeyId").unwrap_or_default();
        let status = key.text("Status").unwrap_or_default();
        let (turned, verb) =
            if status == "Active" { ("Inactive", "Deactivate") } else { ("Active", "Activate") };
        let update = [("UserName", name), ("Status", turned), ("AccessKeyId", id)];
        let delete = [("UserName", name), ("AccessKeyId", id)];
        vec![
            html! { code { (id) } },
            html! { @if status == "Active" { span.badge.good { (status) } } @else { span.badge { (status) } } },
            html! { (key.text("CreateDate").unwrap_or_default()) },
            act(visit, "UpdateAccessKey", &update, verb, back),
            act(visit, "DeleteAccessKey", &delete, "Delete", back),
        ]
    };
    let create = act(visit, "CreateAccessKey", &own, "Create an access key", back);
    part_with(
        visit,
        "Access keys",
        said,
        |answer| {
            let found = result(answer, "ListAccessKeys");
            let rows: Vec<_> =
                found.into_iter().flat_map(|found| found.members("AccessKeyMetadata")).map(row).collect();
            table("Access keys", &["Id", "Status", "Created", "", ""], &rows)
        },
        create,
    )
    .await
}

async fn password<B: Backend>(visit: &Visit<'_, B>, name: &str, back: &str) -> Markup {
    let own = [("UserName", name)];
    let said = absent(visit.query("iam", "GetLoginProfile", &own).await);
    let required = Field { required: true, autocomplete: Some("new-password"), ..Field::default() };
    let fields = html! {
        (field("Password", "p.Password", "password", "", &required))
        div.field {
            label { input type="checkbox" name="p.PasswordResetRequired" value="true"; " must be changed at the next sign-in" }
        }
    };
    let content = match said {
        Ok(Some(answer)) => {
            let profile = result(&answer, "GetLoginProfile").and_then(|found| found.child("LoginProfile"));
            let since = profile.and_then(|profile| profile.text("CreateDate")).unwrap_or_default();
            html! {
                p { "Can sign in here, since " (since) "." }
                (ask(visit, "UpdateLoginProfile", &own, "Set a new password", back, fields))
                (act(visit, "DeleteLoginProfile", &own, "Delete password", back))
            }
        }
        Ok(None) => html! {
            p { "Can't sign in here: there is no password." }
            (ask(visit, "CreateLoginProfile", &own, "Set a password", back, fields))
        },
        Err(refusal) => crate::denial::shown(visit, &refusal).await,
    };
    html! { section { h2 { "Console password" } (content) } }
}

async fn devices<B: Backend>(visit: &Visit<'_, B>, name: &str, back: &str) -> Markup {
    let said = visit.query("iam", "ListMFADevices", &[("UserName", name)]).await;
    part(visit, "MFA devices", said, |answer| {
        let found = result(answer, "ListMFADevices");
        let rows: Vec<_> = found
            .into_iter()
            .flat_map(|found| found.members("MFADevices"))
            .map(|device| {
                let serial = device.text("SerialNumber").unwrap_or_default();
                let both = [("UserName", name), ("SerialNumber", serial)];
                let since = device.text("EnableDate").unwrap_or_default();
                vec![
                    html! { (serial) },
                    html! { (since) },
                    act(visit, "DeactivateMFADevice", &both, "Deactivate", back),
                ]
            })
            .collect();
        table("MFA devices", &["Serial number", "Enabled", ""], &rows)
    })
    .await
}
