//! The front page: who you are, and what there is.

use http::Response;
use maud::html;

use crate::backend::{Backend, Body, Kind};
use crate::forms::escaped;
use crate::layout::{left, page};
use crate::visit::Visit;

const ROOMS: [(&str, &str, &str); 6] = [
    ("s3", "S3", "Buckets and objects, as far as you may see them."),
    ("iam", "IAM", "Users, groups, roles and policies, and who may become whom."),
    ("map", "Map", "Who may become whom, drawn."),
    ("instances", "Instances", "Machines that get their credentials from a role."),
    ("simulator", "Simulator", "Ask what would be decided, before anyone tries."),
    ("activity", "Activity", "What was asked of late, and why it was allowed or denied."),
];

/// The ARN of the user or role whose policies the present principal has.
fn entity<B: Backend>(visit: &Visit<'_, B>) -> Option<String> {
    let holder = &visit.present()?.holder;
    let partition = holder.arn.split(':').nth(1).unwrap_or("aws");
    match (&visit.role, holder.kind) {
        (Some((_, known)), _) => Some(format!("arn:{partition}:iam::{}:role/{}", holder.account, known.role)),
        (None, Kind::User) => Some(holder.arn.clone()),
        (None, _) => None,
    }
}

/// `GET /console/`
pub(crate) fn show<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let Some(present) = visit.present() else { return crate::reply::redirect("/console/signin") };
    let holder = &present.holder;
    let content = html! {
        h1 { "You are " (holder.name) }
        dl.facts {
            dt { "ARN" } dd.break { code { (holder.arn) } }
            dt { "Account" } dd { (holder.account) @if let Some(alias) = &holder.alias { " (" (alias) ")" } }
            dt { "Session ends" } dd { (left(holder.expires - visit.now)) }
            @match entity(visit) {
                Some(arn) => {
                    dt { "May do" } dd { a href={ "/console/iam/access?arn=" (escaped(&arn)) } { "What you can do, by service" } }
                }
                None => @if holder.kind == Kind::Root { dt { "May do" } dd { "everything in the account" } },
            }
            dt { "Second factor" } dd { @if holder.mfa { "shown" } @else { "not shown" } }
        }
        ul.tiles {
            @for (path, name, what) in ROOMS {
                li { a href={ "/console/" (path) } { strong { (name) } span { (what) } } }
            }
        }
        p { "Everything here is asked of the same APIs as from a terminal, as the principal above, and \
             stands in the " a href="/console/activity" { "activity" } " afterwards." }
    };
    page(visit, "Home", content)
}
