//! Signing in and out.

use http::{Response, StatusCode};
use maud::{Markup, html};

use crate::backend::{Backend, Body, Proof, Step, Ticket};
use crate::cookies::{self, clear, set};
use crate::forms::{Fields, escaped};
use crate::layout::{Field, alert, field, page, page_with};
use crate::reply::{is_own, redirect, with_cookie};
use crate::visit::Visit;

/// What the form looks like now.
enum Shown {
    User,
    Root,
    RootKey,
    Code(String),
    NewPassword(String),
}

/// `GET /console/signin`
pub(crate) fn show<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    page(visit, "Sign in", form(&first(&visit.query), &visit.query, None))
}

/// `POST /console/signin`
pub(crate) async fn submit<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Response<Body> {
    let Some(proof) = proof(fields) else {
        let message = "Fill in all fields.";
        return page_with(
            visit,
            StatusCode::BAD_REQUEST,
            "Sign in",
            form(&first(fields), fields, Some(message)),
        );
    };
    match visit.backend.sign_in(proof, &visit.visitor).await {
        Step::In(ticket) => enter(visit, &ticket, target(fields)),
        Step::Code(pending) => page(visit, "Second factor", form(&Shown::Code(pending), fields, None)),
        Step::NewPassword(pending) => {
            page(visit, "New password", form(&Shown::NewPassword(pending), fields, None))
        }
        Step::No { message, again } => {
            let shown = match again.map(|again| *again) {
                Some(Step::Code(pending)) => Shown::Code(pending),
                Some(Step::NewPassword(pending)) => Shown::NewPassword(pending),
                _ => first(fields),
            };
            page_with(visit, StatusCode::FORBIDDEN, "Sign in", form(&shown, fields, Some(&message)))
        }
    }
}

/// Sets the cookies of a session that begins, and forgets those of an earlier one.
pub(crate) fn enter<B: Backend>(visit: &Visit<'_, B>, ticket: &Ticket, to: &str) -> Response<Body> {
    let secure = visit.visitor.secure;
    let mut response = redirect(to);
    let Some(holder) = visit.backend.holder(ticket) else { return response };
    for cookie in [
        set(cookies::SESSION, &ticket.to_cookie(), None, secure),
        set(cookies::SEEN, &cookies::seen(&holder, visit.now), None, secure),
        clear(cookies::ROLE, secure),
    ] {
        response = with_cookie(response, cookie);
    }
    response
}

/// `POST /console/signout`
pub(crate) async fn leave<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let role = visit.role.as_ref().map(|(signed, _)| signed);
    let mut ended = true;
    for signed in visit.base.iter().chain(role) {
        ended &= visit.backend.sign_out(&signed.ticket).await;
    }
    if !ended {
        let message =
            "The server could not end your session just now: you are still signed in. Try again in a moment.";
        return page_with(visit, StatusCode::SERVICE_UNAVAILABLE, "Sign out", alert(message));
    }
    let secure = visit.visitor.secure;
    let cookies = [cookies::SESSION, cookies::SEEN, cookies::ROLE];
    cookies
        .into_iter()
        .fold(redirect("/console/signin"), |response, name| with_cookie(response, clear(name, secure)))
}

fn first(fields: &Fields) -> Shown {
    match fields.get("as") {
        "root" => Shown::Root,
        "root-key" => Shown::RootKey,
        _ => Shown::User,
    }
}

fn proof(fields: &Fields) -> Option<Proof> {
    let given = |name: &str, keep: bool| {
        let value = if keep { fields.get(name) } else { fields.trimmed(name) };
        (!value.is_empty()).then(|| value.to_owned())
    };
    Some(match fields.get("as") {
        "root" => {
            Proof::RootPassword { account: given("account", false)?, password: given("password", true)? }
        }
        "root-key" => {
            Proof::RootKey { access_key_id: given("accessKeyId", false)?, secret: given("secret", false)? }
        }
        "code" => Proof::Code { pending: given("pending", false)?, code: given("code", false)? },
        "password" => Proof::NewPassword {
            pending: given("pending", false)?,
            old: given("old", true)?,
            new: given("new", true).filter(|new| new == fields.get("again"))?,
        },
        _ => Proof::Password {
            account: given("account", false)?,
            user: given("user", false)?,
            password: given("password", true)?,
        },
    })
}

/// Where to go once signed in.
fn target(fields: &Fields) -> &str {
    Some(fields.get("to")).filter(|to| is_own(to)).unwrap_or("/console/")
}

fn form(shown: &Shown, given: &Fields, message: Option<&str>) -> Markup {
    html! {
        section.card.narrow {
            h1 { (heading(shown)) }
            @if let Some(message) = message { (alert(message)) }
            form method="post" action="/console/signin" {
                input type="hidden" name="to" value=(target(given));
                (inputs(shown, given))
                button.primary { @match shown { Shown::NewPassword(_) => "Change password", _ => "Sign in" } }
            }
            p.fine.ways { (others(shown, target(given))) }
        }
    }
}

/// The other ways in.
fn others(shown: &Shown, to: &str) -> Markup {
    let way = |how: &str, label: &str| {
        html! { a href={ "/console/signin?as=" (how) "&to=" (escaped(to)) } { (label) } }
    };
    match shown {
        Shown::User => way("root", "Sign in as the root user"),
        Shown::Root => html! {
            (way("user", "Sign in as an IAM user")) " "
            (way("root-key", "Sign in with the root user's access key"))
        },
        Shown::RootKey => html! {
            (way("user", "Sign in as an IAM user")) " " (way("root", "Sign in with the root user's password"))
        },
        Shown::Code(_) | Shown::NewPassword(_) => way("user", "Start again"),
    }
}

fn heading(shown: &Shown) -> &'static str {
    match shown {
        Shown::User => "Sign in as an IAM user",
        Shown::Root | Shown::RootKey => "Sign in as the root user",
        Shown::Code(_) => "Second factor",
        Shown::NewPassword(_) => "Choose a new password",
    }
}

fn inputs(shown: &Shown, given: &Fields) -> Markup {
    let needed =
        |autocomplete| Field { required: true, autocomplete: Some(autocomplete), ..Field::default() };
    match shown {
        Shown::User => html! {
            input type="hidden" name="as" value="user";
            (field("Account id or alias", "account", "text", given.get("account"), &needed("organization")))
            (field("User name", "user", "text", given.get("user"), &needed("username")))
            (field("Password", "password", "password", "", &needed("current-password")))
        },
        Shown::Root => html! {
            input type="hidden" name="as" value="root";
            (field("Account id or e-mail address", "account", "text", given.get("account"), &needed("username")))
            (field("Password", "password", "password", "", &Field {
                hint: Some("On the machine that keeps the data, “rolecall account password” sets it."),
                ..needed("current-password")
            }))
        },
        Shown::RootKey => html! {
            input type="hidden" name="as" value="root-key";
            p { code { "rolecall env" } " prints the key on the machine that keeps the data." }
            (field("Access key id", "accessKeyId", "text", given.get("accessKeyId"), &needed("username")))
            (field("Secret access key", "secret", "password", "", &needed("current-password")))
        },
        Shown::Code(pending) => html! {
            input type="hidden" name="as" value="code";
            input type="hidden" name="pending" value=(pending);
            (field("Code", "code", "text", "", &Field {
                inputmode: Some("numeric"), autofocus: true, hint: Some("The six digits that your device shows."),
                ..needed("one-time-code")
            }))
        },
        Shown::NewPassword(pending) => html! {
            input type="hidden" name="as" value="password";
            input type="hidden" name="pending" value=(pending);
            p { "Your password must be changed before you go on." }
            (field("Old password", "old", "password", "", &needed("current-password")))
            (field("New password", "new", "password", "", &needed("new-password")))
            (field("New password again", "again", "password", "", &needed("new-password")))
        },
    }
}
