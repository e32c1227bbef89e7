//! The frame of every page: who you are, for how long, and where you can go.

use http::{Response, StatusCode};
use maud::{DOCTYPE, Markup, html};

use crate::backend::{Backend, Body, Kind};
use crate::reply;
use crate::visit::Visit;

/// Where the style sheet is: its name changes with what is in it.
pub(crate) const STYLE_PATH: &str = "style.css";

/// The rooms of the console: path, and name.
const ROOMS: [(&str, &str); 7] = [
    ("", "Home"),
    ("s3", "S3"),
    ("iam", "IAM"),
    ("map", "Map"),
    ("instances", "Instances"),
    ("simulator", "Simulator"),
    ("activity", "Activity"),
];

/// A page in the frame.
pub(crate) fn page<B: Backend>(visit: &Visit<'_, B>, title: &str, content: Markup) -> Response<Body> {
    page_with(visit, StatusCode::OK, title, content)
}

/// A page in the frame, with a status of its own.
pub(crate) fn page_with<B: Backend>(
    visit: &Visit<'_, B>,
    status: StatusCode,
    title: &str,
    content: Markup,
) -> Response<Body> {
    let room = visit.segments.first().map_or("", String::as_str);
    let frame = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    a.brand href="/console/" { "Rolecall" }
                    @if visit.base.is_some() { (rooms(room)) (who(visit)) }
                }
                main #main tabindex="-1" { (content) }
            }
        }
    };
    reply::html(status, frame)
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · Rolecall" }
            link rel="stylesheet" href={ "/console/" (STYLE_PATH) };
        }
    }
}

fn rooms(present: &str) -> Markup {
    html! {
        nav aria-label="Rooms" {
            ul {
                @for (path, name) in ROOMS {
                    li { a href={ "/console/" (path) } aria-current=[(path == present).then_some("page")] { (name) } }
                }
            }
        }
    }
}

/// The top right corner.
fn who<B: Backend>(visit: &Visit<'_, B>) -> Markup {
    let Some(base) = &visit.base else { return html! {} };
    let (label, colour) = match &visit.role {
        Some((_, known)) => (known.display.clone(), known.colour.as_str()),
        None => {
            let account = base.holder.alias.as_ref().unwrap_or(&base.holder.account);
            (format!("{} @ {account}", base.holder.name), "none")
        }
    };
    let present = visit.present().unwrap_or(base);
    html! {
        details.who {
            summary data-colour=(colour) {
                span.sr { "You are " } span.name { (label) }
                " " span.left { span.sr { "for another " } (briefly(present.holder.expires - visit.now)) }
            }
            div.menu {
                dl {
                    dt { "Account" } dd { (present.holder.account) }
                    dt { (kind(present.holder.kind)) } dd.break { (present.holder.arn) }
                    dt { "Session ends" } dd { (left(present.holder.expires - visit.now)) }
                    dt { "Second factor" } dd { @if present.holder.mfa { "shown" } @else { "not shown" } }
                }
                @if let Some((_, known)) = &visit.role {
                    form method="post" action="/console/switchback" {
                        (hidden(visit))
                        button { "Switch back to " (base.holder.name) }
                    }
                    p.fine { "You signed in as " (base.holder.name) " and act as " (known.role) "." }
                }
                @if !visit.history.is_empty() && base.holder.kind != Kind::Root {
                    h2 { "Roles" }
                    @for known in &visit.history {
                        form method="post" action="/console/switchrole" {
                            (hidden(visit))
                            input type="hidden" name="account" value=(known.account);
                            input type="hidden" name="roleName" value=(known.role);
                            input type="hidden" name="displayName" value=(known.display);
                            input type="hidden" name="color" value=(known.colour);
                            button.role data-colour=(known.colour) { (known.display) }
                        }
                    }
                }
                @if present.holder.kind == Kind::Root {
                    a.button href="/console/root" { "Password and keys" }
                } @else {
                    a.button href="/console/switchrole" { "Switch role" }
                }
                form method="post" action="/console/signout" {
                    (hidden(visit))
                    button { "Sign out" }
                }
            }
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Root => "Root user",
        Kind::User => "User",
        Kind::Role => "Role session",
        Kind::Federated => "Federated user",
    }
}

/// How long, in words.
pub(crate) fn left(seconds: i64) -> String {
    match seconds {
        ..=0 => "now".to_owned(),
        1..=119 => "in a minute".to_owned(),
        120..=7_199 => format!("in {} minutes", seconds / 60),
        _ => format!("in {} hours", seconds / 3_600),
    }
}

/// How long, in as few letters as the corner has room for.
fn briefly(seconds: i64) -> String {
    match seconds {
        ..=0 => "0 min".to_owned(),
        1..=7_199 => format!("{} min", (seconds + 59) / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

/// The field that every form of a session carries.
pub(crate) fn hidden<B: Backend>(visit: &Visit<'_, B>) -> Markup {
    html! { input type="hidden" name="mark" value=(visit.form_mark()); }
}

/// A form's field with its label.
pub(crate) fn field(label: &str, name: &str, kind: &str, value: &str, more: &Field<'_>) -> Markup {
    let id = format!("field-{name}");
    html! {
        div.field {
            label for=(id) { (label) }
            input #(id) name=(name) type=(kind) value=(value) required[more.required]
                autocomplete=[more.autocomplete] aria-describedby=[more.hint.map(|_| format!("{id}-hint"))]
                inputmode=[more.inputmode] autofocus[more.autofocus] list=[more.list];
            @if let Some(hint) = more.hint { p.hint #{ (id) "-hint" } { (hint) } }
        }
    }
}

/// What else a field is.
#[derive(Default)]
pub(crate) struct Field<'a> {
    pub(crate) required: bool,
    pub(crate) autocomplete: Option<&'a str>,
    pub(crate) inputmode: Option<&'a str>,
    pub(crate) hint: Option<&'a str>,
    pub(crate) autofocus: bool,
    /// The `datalist` to choose from.
    pub(crate) list: Option<&'a str>,
}

/// A message about what was just tried.
pub(crate) fn alert(text: &str) -> Markup {
    html! { div.alert role="alert" { p { (text) } } }
}

/// A message that something was done.
pub(crate) fn done(text: &str) -> Markup {
    html! { div.done role="status" { p { (text) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_is_told_in_few_letters() {
        let told = [-5, 0, 1, 60, 61, 7_199, 7_200, 43_199].map(briefly);
        assert_eq!(told, ["0 min", "0 min", "1 min", "1 min", "2 min", "120 min", "2 h", "11 h"]);
    }
}
