//! One group.

use maud::html;

use super::parts::{act, ask, policies, rest, result, table};
use super::{Shown, about, access};
use crate::backend::Backend;
use crate::forms::escaped;
use crate::layout::{Field, field};
use crate::visit::Visit;

pub(super) async fn show<B: Backend>(visit: &Visit<'_, B>, name: &str) -> Shown {
    let own = [("GroupName", name)];
    let answer = visit.query("iam", "GetGroup", &own).await?;
    let found = result(&answer, "GetGroup");
    let group = found.and_then(|found| found.child("Group"));
    let back = format!("/console/iam/groups/{}", escaped(name));
    let rows: Vec<_> = found
        .into_iter()
        .flat_map(|found| found.members("Users"))
        .map(|user| {
            let user = user.text("UserName").unwrap_or_default();
            let both = [("GroupName", name), ("UserName", user)];
            let link = html! { a href={ "/console/iam/users/" (escaped(user)) } { (user) } };
            vec![link, act(visit, "RemoveUserFromGroup", &both, "Remove", &back)]
        })
        .collect();
    let fields = field("User", "p.UserName", "text", "", &Field { required: true, ..Field::default() });
    let content = html! {
        h1 { "Group " (name) }
        dl.facts {
            dt { "ARN" } dd.break { code { (group.and_then(|group| group.text("Arn")).unwrap_or_default()) } }
            dt { "Created" } dd { (group.and_then(|group| group.text("CreateDate")).unwrap_or_default()) }
        }
        section {
            h2 { "Members" }
            (table("Members", &["Name", ""], &rows))
            (rest(found))
            (ask(visit, "AddUserToGroup", &own, "Add a user", &back, fields))
        }
        (access::section(visit, group.and_then(|group| group.text("Arn")).unwrap_or_default(), name).await)
        (policies(visit, "Group", name, &back).await)
        (about::rename(visit, "Group", name, group))
        section {
            h2 { "Delete" }
            p.fine { "A group that still has members or policies can't be deleted." }
            (act(visit, "DeleteGroup", &own, "Delete group", "/console/iam/groups"))
        }
    };
    Ok((name.to_owned(), content))
}
