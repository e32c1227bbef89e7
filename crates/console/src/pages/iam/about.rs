//! What users and roles have alike: tags, and a permissions boundary, to look at and to change.

use maud::{Markup, html};
use rolecall_aws_model::Element;

use super::parts::{act, ask, policy_field, table};
use crate::backend::Backend;
use crate::forms::escaped;
use crate::layout::{Field, field};
use crate::visit::Visit;

/// The tags of an entity, each to be removed, and a form for one more. `kind` is `User` or `Role`.
pub(super) fn tags<B: Backend>(
    visit: &Visit<'_, B>,
    kind: &str,
    name: &str,
    entity: Option<&Element>,
    back: &str,
) -> Markup {
    let named = format!("{kind}Name");
    let own = [(named.as_str(), name)];
    let rows: Vec<_> = entity
        .into_iter()
        .flat_map(|entity| entity.members("Tags"))
        .map(|tag| {
            let of = |name: &str| tag.text(name).unwrap_or_default();
            let remove = [(named.as_str(), name), ("TagKeys.member.1", of("Key"))];
            let act = act(visit, &format!("Untag{kind}"), &remove, "Remove", back);
            vec![html! { (of("Key")) }, html! { (of("Value")) }, act]
        })
        .collect();
    let fields = html! {
        (field("Key", "p.Tags.member.1.Key", "text", "", &Field { required: true, ..Field::default() }))
        (field("Value", "p.Tags.member.1.Value", "text", "", &Field::default()))
    };
    html! {
        section {
            h2 { "Tags" }
            (table("Tags", &["Key", "Value", ""], &rows))
            (ask(visit, &format!("Tag{kind}"), &own, "Set a tag", back, fields))
        }
    }
}

/// A new name or path for a user or group. Policies that name it by its ARN are not changed with it.
pub(super) fn rename<B: Backend>(
    visit: &Visit<'_, B>,
    kind: &str,
    name: &str,
    entity: Option<&Element>,
) -> Markup {
    let path = entity.and_then(|entity| entity.text("Path")).unwrap_or("/");
    let list = format!("/console/iam/{}s", kind.to_ascii_lowercase());
    let needed = Field { required: true, ..Field::default() };
    let named = format!("New{kind}Name");
    let fields = html! {
        (field("Name", &format!("p.{named}"), "text", name, &needed))
        (field("Path", "p.NewPath", "text", path, &Field { hint: Some("Such as /team/."), ..needed }))
    };
    html! {
        section {
            h2 { "Name and path" }
            p.fine { "Policies that name it by its ARN name the old one afterwards." }
            (ask(visit, &format!("Update{kind}"), &[(&format!("{kind}Name"), name)], "Rename or move", &list, fields))
        }
    }
}

/// The permissions boundary: what nobody goes beyond, whatever its policies allow.
pub(super) fn boundary<B: Backend>(
    visit: &Visit<'_, B>,
    kind: &str,
    name: &str,
    entity: Option<&Element>,
    back: &str,
) -> Markup {
    let named = format!("{kind}Name");
    let own = [(named.as_str(), name)];
    let boundary = entity.and_then(|entity| entity.child("PermissionsBoundary"));
    let present = boundary.and_then(|boundary| boundary.text("PermissionsBoundaryArn"));
    let fields = policy_field("p.PermissionsBoundary", present.unwrap_or_default());
    html! {
        section {
            h2 { "Permissions boundary" }
            @match present {
                Some(arn) => {
                    p.break { a href={ "/console/iam/policy?arn=" (escaped(arn)) } { (arn) } }
                    (act(visit, &format!("Delete{kind}PermissionsBoundary"), &own, "Remove the boundary", back))
                }
                None => p.fine { "None: its policies alone say what it may do." },
            }
            (ask(visit, &format!("Put{kind}PermissionsBoundary"), &own, "Set the boundary", back, fields))
        }
    }
}
