//! Switching roles: a real AssumeRole by whoever signed in, and the way back.

use http::{Response, StatusCode};
use maud::{Markup, html};

use crate::backend::{Backend, Body, Kind};
use crate::cookies::{self, clear, set};
use crate::denial;
use crate::forms::Fields;
use crate::layout::{Field, alert, field, hidden, page, page_with};
use crate::reply::{redirect, with_cookie};
use crate::visit::{COLOURS, KnownRole, Visit, history_cookie, role_cookie};

/// How long roles are remembered by the browser, in seconds: a year.
const HISTORY_SECONDS: i64 = 31_536_000;

/// `GET /console/switchrole`: also by links that name the role.
pub(crate) fn show<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    page(visit, "Switch role", form(visit, &asked(&visit.query), html! {}))
}

/// `POST /console/switchrole`
pub(crate) async fn submit<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Response<Body> {
    let Some(base) = &visit.base else { return redirect("/console/signin") };
    let wanted = asked(fields);
    let again = |status, message| page_with(visit, status, "Switch role", form(visit, &wanted, message));
    if base.holder.kind == Kind::Root {
        return again(
            StatusCode::FORBIDDEN,
            alert("The root user can't switch roles. Sign in as an IAM user."),
        );
    }
    let Some(arn) = role_arn(visit, &wanted) else {
        let message = "Give the account's twelve digits, or your own account's alias, and the role's name.";
        return again(StatusCode::BAD_REQUEST, alert(message));
    };
    let session: String = base.holder.name.rsplit('/').next().unwrap_or_default().chars().take(64).collect();
    let asked = [("RoleArn", arn.as_str()), ("RoleSessionName", session.as_str())];
    let answer = match visit.query_as(&base.ticket, "sts", "AssumeRole", &asked).await {
        Ok(answer) => answer,
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            return again(refusal.status, why);
        }
    };
    let first = |name: &str| answer.texts(name).into_iter().next().unwrap_or_default();
    let ticket = visit.backend.ticket(&first("AccessKeyId"), &first("SessionToken"));
    let secure = visit.visitor.secure;
    let history = history_cookie(&visit.history, &wanted);
    let response =
        with_cookie(redirect("/console/"), set(cookies::ROLE, &role_cookie(&ticket, &wanted), None, secure));
    with_cookie(response, set(cookies::HISTORY, &history, Some(HISTORY_SECONDS), secure))
}

/// `POST /console/switchback`
pub(crate) fn back<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    with_cookie(redirect("/console/"), clear(cookies::ROLE, visit.visitor.secure))
}

fn asked(fields: &Fields) -> KnownRole {
    let colour = match fields.trimmed("color") {
        "" => "blue",
        colour => colour,
    };
    let (account, role) = (fields.trimmed("account"), fields.trimmed("roleName"));
    KnownRole {
        display: fields.trimmed("displayName").chars().take(64).collect(),
        ..KnownRole::new(account, role, "x", colour)
    }
    .named(account, role)
}

impl KnownRole {
    /// With a name to show, where none was given.
    fn named(self, account: &str, role: &str) -> Self {
        if self.display.is_empty() && !role.is_empty() {
            Self::new(account, role, "", &self.colour)
        } else {
            self
        }
    }
}

/// The role's ARN. An alias is known for one's own account alone: nobody may ask for others'.
fn role_arn<B: Backend>(visit: &Visit<'_, B>, role: &KnownRole) -> Option<String> {
    let own = &visit.base.as_ref()?.holder;
    let account = match own.alias.as_deref() == Some(role.account.as_str()) {
        true => own.account.as_str(),
        false => role.account.as_str(),
    };
    let is_id = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let name = role.role.trim_start_matches('/');
    let partition = own.arn.split(':').nth(1).unwrap_or("aws");
    (is_id && !name.is_empty()).then(|| format!("arn:{partition}:iam::{account}:role/{name}"))
}

fn form<B: Backend>(visit: &Visit<'_, B>, role: &KnownRole, message: Markup) -> Markup {
    let needed = Field { required: true, ..Field::default() };
    html! {
        section.card.narrow {
            h1 { "Switch role" }
            p { "You stay signed in, and act as the role until you switch back or its session ends." }
            (message)
            form method="post" action="/console/switchrole" {
                (hidden(visit))
                (field("Account", "account", "text", &role.account, &Field {
                    required: true, hint: Some("Twelve digits, or your own account's alias."), ..Field::default()
                }))
                (field("Role", "roleName", "text", &role.role, &needed))
                (field("Display name", "displayName", "text", &role.display, &Field {
                    hint: Some("What the top right corner shows; role @ account where empty."), ..Field::default()
                }))
                fieldset {
                    legend { "Colour" }
                    div.colours {
                        @for colour in COLOURS {
                            label data-colour=(colour) {
                                input type="radio" name="color" value=(colour) checked[role.colour == colour];
                                (colour)
                            }
                        }
                    }
                }
                button.primary { "Switch role" }
            }
        }
    }
}
