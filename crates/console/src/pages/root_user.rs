//! The root user's own page: its password, keys and devices.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use maud::{Markup, html};
use serde_json::json;

use super::iam::{part, result, table};
use crate::api::Refusal;
use crate::backend::{Backend, Body, Call, Kind};
use crate::denial;
use crate::forms::Fields;
use crate::layout::{Field, alert, done, field, hidden, page_with};
use crate::reply::redirect;
use crate::visit::Visit;

const TITLE: &str = "Root user";

/// `GET /console/root`; there is none for anyone else.
pub(crate) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Option<Response<Body>> {
    is_root(visit).then_some(())?;
    let message = match visit.query.get("done") {
        "password" => done("The password was changed."),
        _ => html! {},
    };
    Some(page(visit, StatusCode::OK, message).await)
}

/// `POST /console/root`: a new password.
pub(crate) async fn submit<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Option<Response<Body>> {
    is_root(visit).then_some(())?;
    let new = fields.get("new");
    if new.is_empty() || new != fields.get("again") {
        return Some(page(visit, StatusCode::BAD_REQUEST, alert("The two new passwords differ.")).await);
    }
    Some(match set(visit, fields.get("old"), new).await {
        Ok(()) => redirect("/console/root?done=password"),
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            page(visit, refusal.status, why).await
        }
    })
}

fn is_root<B: Backend>(visit: &Visit<'_, B>) -> bool {
    visit.present().is_some_and(|signed| signed.holder.kind == Kind::Root)
}

async fn set<B: Backend>(visit: &Visit<'_, B>, old: &str, new: &str) -> Result<(), Refusal> {
    let ticket = &visit.present().ok_or_else(Refusal::no_page)?.ticket;
    let content_type = HeaderValue::from_static("application/json");
    let call = Call {
        service: "rolecall",
        method: Method::POST,
        path: "/rolecall/root-password".to_owned(),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]),
        body: json!({"old": old, "password": new}).to_string().into(),
    };
    visit.send(ticket, call).await.map(drop)
}

async fn page<B: Backend>(visit: &Visit<'_, B>, status: StatusCode, message: Markup) -> Response<Body> {
    let keys = visit.query("iam", "ListAccessKeys", &[]).await;
    let devices = visit.query("iam", "ListMFADevices", &[]).await;
    let content = html! {
        h1 { "The root user" }
        p { "It may do everything in its account. Use it to begin with, and to help yourself out; work as a user or role." }
        (message)
        (password(visit).await)
        (part(visit, "Access keys", keys, |answer| {
            let found = result(answer, "ListAccessKeys");
            let rows: Vec<_> = found.into_iter().flat_map(|found| found.members("AccessKeyMetadata")).map(|key| {
                let of = |name: &str| key.text(name).unwrap_or_default();
                vec![html! { code { (of("AccessKeyId")) } }, html! { (of("Status")) }, html! { (of("CreateDate")) }]
            }).collect();
            table("Access keys", &["Id", "Status", "Created"], &rows)
        }).await)
        (part(visit, "MFA devices", devices, |answer| {
            let found = result(answer, "ListMFADevices");
            let rows: Vec<_> = found.into_iter().flat_map(|found| found.members("MFADevices")).map(|device| {
                let of = |name: &str| device.text(name).unwrap_or_default();
                vec![html! { (of("SerialNumber")) }, html! { (of("EnableDate")) }]
            }).collect();
            table("MFA devices", &["Serial number", "Enabled"], &rows)
        }).await)
    };
    page_with(visit, status, TITLE, content)
}

async fn password<B: Backend>(visit: &Visit<'_, B>) -> Markup {
    let summary = visit.query("iam", "GetAccountSummary", &[]).await;
    let present = summary.is_ok_and(|answer| {
        let found = result(&answer, "GetAccountSummary").and_then(|found| found.child("SummaryMap"));
        let entry = found.and_then(|map| {
            map.all("entry").find(|entry| entry.text("key") == Some("AccountPasswordPresent"))
        });
        entry.and_then(|entry| entry.text("value")) == Some("1")
    });
    let needed =
        |autocomplete| Field { required: true, autocomplete: Some(autocomplete), ..Field::default() };
    html! {
        section {
            h2 { "Console password" }
            @if !present { p { "There is none: the root user signs in with its access key." } }
            form.narrowed method="post" action="/console/root" {
                (hidden(visit))
                @if present { (field("Old password", "old", "password", "", &needed("current-password"))) }
                (field("New password", "new", "password", "", &Field {
                    hint: Some("At least eight characters, of three kinds: capitals, small letters, digits, others."),
                    ..needed("new-password")
                }))
                (field("New password again", "again", "password", "", &needed("new-password")))
                button.primary { @if present { "Change password" } @else { "Set password" } }
            }
        }
    }
}
