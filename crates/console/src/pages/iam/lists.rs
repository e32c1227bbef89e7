//! The lists: searched by name, a page at a time.

use maud::{Markup, html};
use rolecall_aws_model::Element;

use super::Shown;
use super::parts::{ask, edit_link, table};
use crate::api::Refusal;
use crate::backend::Backend;
use crate::forms::escaped;
use crate::layout::{Field, field};
use crate::visit::Visit;

/// How many entities a page shows.
const PAGE: usize = 50;
/// How many are asked for at once while a search goes through all of them.
const ASKED: &str = "1000";

/// A list that is asked for.
struct List<'l> {
    operation: &'l str,
    parameters: Vec<(&'l str, &'l str)>,
    /// The member that holds the entities.
    member: &'l str,
    /// The member of an entity that is its name.
    name: &'l str,
}

/// The entities of a page, and whether there are more after it.
struct Found {
    entities: Vec<Element>,
    page: usize,
    more: bool,
}

/// Goes through a list until the page of entities is found whose names have the searched text in them. Everything that
/// is left out on the way is forgotten at once.
async fn find<B: Backend>(visit: &Visit<'_, B>, list: &List<'_>) -> Result<Found, Refusal> {
    let wanted = visit.query.trimmed("q").to_ascii_lowercase();
    let page = visit.query.trimmed("page").parse().unwrap_or(1).clamp(1, 10_000);
    let (mut entities, mut marker, mut before) = (Vec::new(), String::new(), (page - 1) * PAGE);
    loop {
        let mut parameters = list.parameters.clone();
        parameters.push(("MaxItems", ASKED));
        if !marker.is_empty() {
            parameters.push(("Marker", &marker));
        }
        let answer = visit.query("iam", list.operation, &parameters).await?;
        let Some((found, next)) = answer.into_list(&format!("{}Result", list.operation), list.member) else {
            return Ok(Found { entities, page, more: false });
        };
        for entity in found {
            if !entity.text(list.name).unwrap_or_default().to_ascii_lowercase().contains(&wanted) {
                continue;
            }
            if before > 0 {
                before -= 1;
                continue;
            }
            if entities.len() == PAGE {
                return Ok(Found { entities, page, more: true });
            }
            entities.push(entity);
        }
        match next {
            Some(next) => marker = next,
            None => return Ok(Found { entities, page, more: false }),
        }
    }
}

fn text<'e>(entity: &'e Element, name: &str) -> &'e str {
    entity.text(name).unwrap_or_default()
}

fn search<B: Backend>(visit: &Visit<'_, B>, more: Markup) -> Markup {
    let action = format!("/console/{}", visit.segments.join("/"));
    html! {
        form.filters method="get" action=(action) role="search" {
            (field("Name contains", "q", "search", visit.query.trimmed("q"), &Field::default()))
            (more)
            button { "Search" }
        }
    }
}

fn shown<B: Backend>(
    visit: &Visit<'_, B>,
    title: &str,
    heads: &[&str],
    found: &Found,
    row: impl Fn(&Element) -> Vec<Markup>,
    rest: Markup,
) -> (String, Markup) {
    let rows: Vec<_> = found.entities.iter().map(row).collect();
    let content = html! {
        h1 { (title) }
        (search(visit, html! {}))
        (table(title, heads, &rows))
        (pages(visit, found))
        (rest)
    };
    (title.to_owned(), content)
}

/// The way to the pages before and after.
fn pages<B: Backend>(visit: &Visit<'_, B>, found: &Found) -> Markup {
    let at = |page: usize| {
        let kept = ["q", "scope"].into_iter().filter(|name| !visit.query.get(name).is_empty());
        let kept: String = kept.map(|name| format!("&{name}={}", escaped(visit.query.get(name)))).collect();
        format!("/console/{}?page={page}{kept}", visit.segments.join("/"))
    };
    html! {
        @if found.page > 1 || found.more {
            nav.buttons aria-label="Pages" {
                @if found.page > 1 { a.button href=(at(found.page - 1)) rel="prev" { "Previous" } }
                span { "Page " (found.page) }
                @if found.more { a.button href=(at(found.page + 1)) rel="next" { "Next" } }
            }
        }
    }
}

fn link(kind: &str, name: &str) -> Markup {
    html! { a href={ "/console/iam/" (kind) "/" (escaped(name)) } { (name) } }
}

pub(super) fn name_field(label: &str, name: &str) -> Markup {
    field(label, name, "text", "", &Field { required: true, ..Field::default() })
}

pub(super) async fn users<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let list = List { operation: "ListUsers", parameters: vec![], member: "Users", name: "UserName" };
    let found = find(visit, &list).await?;
    let row = |user: &Element| {
        let used = user.text("PasswordLastUsed").unwrap_or("never");
        vec![
            link("users", text(user, "UserName")),
            html! { (text(user, "Path")) },
            html! { (text(user, "CreateDate")) },
            html! { (used) },
        ]
    };
    let new = ask(
        visit,
        "CreateUser",
        &[],
        "Create a user",
        "/console/iam/users",
        name_field("Name", "p.UserName"),
    );
    Ok(shown(visit, "Users", &["Name", "Path", "Created", "Last sign-in"], &found, row, new))
}

pub(super) async fn groups<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let list = List { operation: "ListGroups", parameters: vec![], member: "Groups", name: "GroupName" };
    let found = find(visit, &list).await?;
    let row = |group: &Element| {
        vec![
            link("groups", text(group, "GroupName")),
            html! { (text(group, "Path")) },
            html! { (text(group, "CreateDate")) },
        ]
    };
    let new = ask(
        visit,
        "CreateGroup",
        &[],
        "Create a group",
        "/console/iam/groups",
        name_field("Name", "p.GroupName"),
    );
    Ok(shown(visit, "Groups", &["Name", "Path", "Created"], &found, row, new))
}

pub(super) async fn roles<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let list = List { operation: "ListRoles", parameters: vec![], member: "Roles", name: "RoleName" };
    let found = find(visit, &list).await?;
    let row = |role: &Element| {
        vec![
            link("roles", text(role, "RoleName")),
            html! { (text(role, "Path")) },
            html! { (text(role, "Description")) },
            html! { (text(role, "CreateDate")) },
        ]
    };
    let new = html! { p { (edit_link("CreateRole", &[], "/console/iam/roles", "Create a role")) } };
    Ok(shown(visit, "Roles", &["Name", "Path", "Description", "Created"], &found, row, new))
}

pub(super) async fn policies<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let scope = match visit.query.get("scope") {
        scope @ ("AWS" | "All") => scope,
        _ => "Local",
    };
    let list = List {
        operation: "ListPolicies",
        parameters: vec![("Scope", scope)],
        member: "Policies",
        name: "PolicyName",
    };
    let found = find(visit, &list).await?;
    let rows: Vec<_> = found
        .entities
        .iter()
        .map(|policy| {
            let arn = text(policy, "Arn");
            vec![
                html! { a href={ "/console/iam/policy?arn=" (escaped(arn)) } { (text(policy, "PolicyName")) } },
                html! { (arn) },
                html! { (text(policy, "AttachmentCount")) },
            ]
        })
        .collect();
    let scopes = html! {
        div.field {
            label for="scope" { "Of" }
            select #scope name="scope" {
                @for (value, label) in [("Local", "this account"), ("AWS", "AWS"), ("All", "both")] {
                    option value=(value) selected[value == scope] { (label) }
                }
            }
        }
    };
    let content = html! {
        h1 { "Policies" }
        (search(visit, scopes))
        (table("Policies", &["Name", "ARN", "Attached to"], &rows))
        (pages(visit, &found))
        p { (edit_link("CreatePolicy", &[], "/console/iam/policies", "Create a policy")) }
    };
    Ok(("Policies".to_owned(), content))
}

pub(super) async fn profiles<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let list = List {
        operation: "ListInstanceProfiles",
        parameters: vec![],
        member: "InstanceProfiles",
        name: "InstanceProfileName",
    };
    let found = find(visit, &list).await?;
    let back = "/console/iam/profiles";
    let row = |profile: &Element| {
        let name = text(profile, "InstanceProfileName");
        let role = profile.members("Roles").next().map(|role| text(role, "RoleName").to_owned());
        let own = [("InstanceProfileName", name)];
        let acts = match &role {
            Some(role) => {
                let both = [("InstanceProfileName", name), ("RoleName", role.as_str())];
                super::parts::act(visit, "RemoveRoleFromInstanceProfile", &both, "Remove role", back)
            }
            None => html! {
                (ask(visit, "AddRoleToInstanceProfile", &own, "Add a role", back, name_field("Role", "p.RoleName")))
                (super::parts::act(visit, "DeleteInstanceProfile", &own, "Delete", back))
            },
        };
        vec![html! { (name) }, role.map_or_else(|| html! { "none" }, |role| link("roles", &role)), acts]
    };
    let new = ask(
        visit,
        "CreateInstanceProfile",
        &[],
        "Create an instance profile",
        back,
        name_field("Name", "p.InstanceProfileName"),
    );
    Ok(shown(visit, "Instance profiles", &["Name", "Role", ""], &found, row, new))
}
