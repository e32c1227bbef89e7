//! IAM: who there is, what they may do, and changing it.

mod about;
mod access;
mod acts;
mod editor;
mod findings;
mod group;
mod lists;
mod parts;
mod policy;
mod providers;
mod role;
mod user;

use http::{Response, StatusCode};
use maud::{Markup, html};

pub(crate) use parts::{part, result, table};

use crate::api::Refusal;
use crate::backend::{Backend, Body};
use crate::denial;
use crate::forms::Form;
use crate::layout::{done, page_with};
use crate::live;
use crate::visit::Visit;

/// The kinds of entities: path, and name.
const KINDS: [(&str, &str); 6] = [
    ("users", "Users"),
    ("groups", "Groups"),
    ("roles", "Roles"),
    ("policies", "Policies"),
    ("profiles", "Instance profiles"),
    ("providers", "Identity providers"),
];

/// What a page shows: its title and content, or why there is none.
type Shown = Result<(String, Markup), Refusal>;

/// `GET /console/iam` and what is below.
pub(crate) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Option<Response<Body>> {
    let shown = match visit.path().as_slice() {
        ["iam"] | ["iam", "users"] => lists::users(visit).await,
        ["iam", "groups"] => lists::groups(visit).await,
        ["iam", "roles"] => lists::roles(visit).await,
        ["iam", "policies"] => lists::policies(visit).await,
        ["iam", "profiles"] => lists::profiles(visit).await,
        ["iam", "providers"] => providers::list(visit).await,
        ["iam", "users", name] => user::show(visit, name).await,
        ["iam", "groups", name] => group::show(visit, name).await,
        ["iam", "roles", name] => role::show(visit, name).await,
        ["iam", "policy"] => policy::show(visit).await,
        ["iam", "access"] => access::show(visit).await,
        ["iam", "provider"] => providers::show(visit).await,
        ["iam", "edit"] => return Some(live::allowed(framed(visit, editor::show(visit).await).await)),
        _ => return None,
    };
    Some(framed(visit, shown).await)
}

/// `POST /console/iam/do`
pub(crate) async fn submit<B: Backend>(visit: &Visit<'_, B>, form: &Form) -> Option<Response<Body>> {
    match visit.path().as_slice() {
        ["iam", "do"] => Some(acts::act(visit, &form.fields).await),
        ["iam", "check"] => editor::check(visit, &form.fields).await,
        _ => None,
    }
}

async fn framed<B: Backend>(visit: &Visit<'_, B>, shown: Shown) -> Response<Body> {
    match shown {
        Ok((title, content)) => frame(visit, StatusCode::OK, &title, content),
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            frame(visit, refusal.status, "IAM", html! { h1 { "IAM" } (why) })
        }
    }
}

fn frame<B: Backend>(
    visit: &Visit<'_, B>,
    status: StatusCode,
    title: &str,
    content: Markup,
) -> Response<Body> {
    let present = match visit.segments.get(1).map_or("users", String::as_str) {
        "policy" => "policies",
        "provider" => "providers",
        // What is edited is of the kind whose page led here.
        "edit" => visit.query.get("back").split(['/', '?']).nth(3).unwrap_or_default(),
        other => other,
    };
    let content = html! {
        nav aria-label="IAM" {
            ul.tabs {
                @for (path, name) in KINDS {
                    li { a href={ "/console/iam/" (path) } aria-current=[(path == present).then_some("page")] { (name) } }
                }
            }
        }
        @if let Some(operation) = acts::was_done(&visit.query) { (done(&format!("{operation}: done."))) }
        (content)
    };
    page_with(visit, status, title, content)
}
