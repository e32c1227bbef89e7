//! `aws login`: a tool asks to act as whoever is signed in, and its user agrees here.
//!
//! <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use maud::{Markup, html};
use serde_json::{Value, json};

use crate::api::Refusal;
use crate::backend::{Backend, Body, Call};
use crate::denial;
use crate::forms::{Fields, escaped};
use crate::layout::{hidden, left, page, page_with};
use crate::reply::{away, leading_to, redirect};
use crate::visit::Visit;

/// Where tools send their users.
pub(crate) const PATH: &str = "/v1/authorize";
/// The tool that can't be reached from here: its user carries the code over.
const CROSS_DEVICE: &str = "arn:aws:signin:::devtools/cross-device";

/// The parameters of the request that are passed on.
const PASSED: [&str; 6] =
    ["response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"];

/// `GET /v1/authorize`: the console's cookies are known under its own path alone.
pub(crate) fn arrive<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let given = PASSED.iter().map(|name| format!("{name}={}", escaped(visit.query.get(name))));
    redirect(&format!("/console/authorize?{}", given.collect::<Vec<_>>().join("&")))
}

/// `GET /console/authorize`
pub(crate) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let asked = &visit.query;
    match ask(visit, asked, true).await {
        Ok(_) => {
            leading_to(page(visit, "Let a tool in", form(visit, asked)), &origin(asked.get("redirect_uri")))
        }
        Err(refusal) => refused(visit, &refusal).await,
    }
}

/// `POST /console/authorize`
pub(crate) async fn submit<B: Backend>(visit: &Visit<'_, B>, asked: &Fields) -> Response<Body> {
    let answer = match ask(visit, asked, false).await {
        Ok(answer) => answer,
        Err(refusal) => return refused(visit, &refusal).await,
    };
    let code = answer.get("code").and_then(Value::as_str).unwrap_or_default();
    let state = asked.get("state");
    if asked.get("client_id") != CROSS_DEVICE {
        let to = asked.get("redirect_uri");
        return away(&format!("{to}?code={}&state={}", escaped(code), escaped(state)));
    }
    let carried = STANDARD.encode(format!("state={}&code={}", escaped(state), escaped(code)));
    let content = html! {
        section.card.narrow {
            h1 { "The code for your tool" }
            p { "Copy it to where the tool asks for it. It works once, within five minutes." }
            pre.code tabindex="0" aria-label="Authorization code" { (carried) }
            p { a href="/console/" { "Home" } }
        }
    };
    page(visit, "The code for your tool", content)
}

/// Asks for a code as the present principal, or whether there would be one.
async fn ask<B: Backend>(visit: &Visit<'_, B>, asked: &Fields, dry_run: bool) -> Result<Value, Refusal> {
    let invalid = |message: &str| Refusal {
        status: StatusCode::BAD_REQUEST,
        code: "ValidationException".to_owned(),
        message: message.to_owned(),
        request_id: String::new(),
    };
    if asked.get("response_type") != "code" {
        return Err(invalid("response_type is not valid."));
    }
    let ticket = &visit.present().ok_or_else(|| invalid("Nobody is signed in."))?.ticket;
    let input = json!({
        "client_id": asked.get("client_id"), "redirect_uri": asked.get("redirect_uri"),
        "code_challenge": asked.get("code_challenge"),
        "code_challenge_method": asked.get("code_challenge_method"), "dry_run": dry_run,
    });
    let content_type = HeaderValue::from_static("application/json");
    let call = Call {
        service: "signin",
        method: Method::POST,
        path: PATH.to_owned(),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]),
        body: input.to_string().into(),
    };
    let response = visit.send(ticket, call).await?;
    let bytes = response.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    let answer = bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    answer.ok_or_else(|| invalid("The answer can't be read."))
}

fn form<B: Backend>(visit: &Visit<'_, B>, asked: &Fields) -> Markup {
    let Some(holder) = visit.present().map(|signed| &signed.holder) else { return html! {} };
    let there = if asked.get("client_id") == CROSS_DEVICE { "another computer" } else { "this computer" };
    html! {
        section.card.narrow {
            h1 { "Let a tool act as you?" }
            p { "A tool on " (there) " asks for credentials, as " code { "aws login" } " does. It will be you:" }
            dl.facts {
                dt { "ARN" } dd.break { code { (holder.arn) } }
                dt { "Account" } dd { (holder.account) }
                dt { "Ends" } dd { (left(holder.expires - visit.now)) ", or when you sign out" }
            }
            p.hint { "Agree only if you started it yourself a moment ago. Its credentials last fifteen minutes and are \
                renewed until the end." }
            form method="post" action="/console/authorize" {
                (hidden(visit))
                @for name in PASSED { input type="hidden" name=(name) value=(asked.get(name)); }
                div.buttons {
                    button.primary { "Let it act as me" }
                    a.button href="/console/" { "No" }
                }
            }
        }
    }
}

async fn refused<B: Backend>(visit: &Visit<'_, B>, refusal: &Refusal) -> Response<Body> {
    let why = denial::shown(visit, refusal).await;
    let content = html! { h1 { "The tool gets nothing" } (why) p { a href="/console/" { "Home" } } };
    page_with(visit, refusal.status, "Let a tool in", content)
}

/// Scheme, host and port of an address.
fn origin(address: &str) -> String {
    let mut parts = address.splitn(4, '/');
    let (scheme, _, host) = (parts.next(), parts.next(), parts.next());
    format!("{}//{}", scheme.unwrap_or_default(), host.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_ends_before_the_path() {
        assert_eq!(origin("http://127.0.0.1:4100/oauth/callback"), "http://127.0.0.1:4100");
    }
}
