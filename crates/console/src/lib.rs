//! The console: pages for people over the same APIs that every other client calls.
//!
//! It has no powers of its own. What a page shows was asked for, and what a form does is done, by a
//! signed request of the present principal ([`Backend::call`]), authorized and recorded like any other.
//! Pages are made here and work without scripts. Two have one, of ours, which keeps a part of them up to date; the
//! others allow none.

mod api;
mod backend;
mod cookies;
mod denial;
mod forms;
mod layout;
mod live;
mod pages;
mod reply;
mod trust;
mod visit;

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use maud::html;

pub use backend::{Backend, Body, Call, Holder, Kind, Proof, SigninToken, Step, Ticket, Visitor};

pub use pages::map::map_picture;

use layout::{alert, page_with};
use pages::{
    activity, authorize, federation, home, iam, instances, map, root_user, s3, sign_in, simulator,
    switch_role,
};
use reply::{redirect, with_cookie};
use visit::Visit;

const STYLE: &str = include_str!("style.css");

/// The paths of ours that are not under `/console/`: they are AWS's.
const OUTSIDE: [&str; 2] = ["/federation", authorize::PATH];

/// Whether a request is for the console: by its path, and because it brings no signature.
pub fn is_for_console(parts: &Parts) -> bool {
    let path = parts.uri.path();
    let ours = path == "/console" || path.starts_with("/console/") || OUTSIDE.contains(&path);
    let signed = parts.headers.contains_key(header::AUTHORIZATION)
        || parts.uri.query().is_some_and(|query| query.contains("X-Amz-Signature="));
    ours && !signed
}

/// Answers a request for the console.
pub async fn answer<B: Backend>(backend: &B, request: Request<Incoming>, visitor: Visitor) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let mut response = match refuse_script(&parts) {
        Some(refusal) => refusal,
        None => Box::pin(route(backend, &parts, body, visitor)).await,
    };
    reply::secure(response.headers_mut());
    response
}

/// What a script asks for gets nothing, but for what ours asks with a form's mark: one of another page on this host,
/// an object of S3's perhaps, must not act as whoever is signed in.
fn refuse_script(parts: &Parts) -> Option<Response<Body>> {
    let of = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let expected = match parts.uri.path() {
        path if path.ends_with(layout::STYLE_PATH) => of("sec-fetch-dest").is_none_or(|dest| dest == "style"),
        "/federation" => true,
        _ if live::asks(parts) => of("sec-fetch-dest").is_none_or(|dest| dest == "empty"),
        _ => {
            of("sec-fetch-mode").is_none_or(|mode| mode == "navigate")
                && of("sec-fetch-dest").is_none_or(|dest| dest == "document")
        }
    };
    (!expected).then(|| plain(StatusCode::FORBIDDEN, "The console's pages are for people.\n"))
}

async fn route<B: Backend>(backend: &B, parts: &Parts, body: Incoming, visitor: Visitor) -> Response<Body> {
    let visit = Visit::new(backend, visitor, parts);
    let response = match (&parts.method, parts.uri.path()) {
        (&Method::GET, authorize::PATH) => authorize::arrive(&visit),
        (&Method::GET, "/federation") => federation::answer(&visit, &visit.query),
        (&Method::POST, "/federation") => match forms::read(&parts.headers, body).await {
            Ok(form) => federation::answer(&visit, &form.fields),
            Err(error) => plain(StatusCode::BAD_REQUEST, &format!("{error}\n")),
        },
        (&(Method::GET | Method::HEAD), _) => get(&visit).await,
        (&Method::POST, _) => post(&visit, parts, body).await,
        _ => plain(StatusCode::METHOD_NOT_ALLOWED, "GET and POST are answered here.\n"),
    };
    // What a page asks by itself is no sign that someone is there.
    match (&visit.base, visit.renew_seen && !live::asks(parts)) {
        (Some(base), true) if !response.headers().contains_key(header::SET_COOKIE) => {
            let seen = cookies::seen(&base.holder, visit.now);
            with_cookie(response, cookies::set(cookies::SEEN, &seen, None, visit.visitor.secure))
        }
        _ => response,
    }
}

async fn get<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let path = visit.path();
    match path.as_slice() {
        [layout::STYLE_PATH] => return style(),
        ["signin"] => return sign_in::show(visit),
        _ => {}
    }
    if visit.base.is_none() {
        return redirect(&format!("/console/signin?to={}", forms::escaped(&visit.uri)));
    }
    let found = match path.as_slice() {
        [] => Some(home::show(visit)),
        ["switchrole"] => Some(switch_role::show(visit)),
        ["authorize"] => Some(authorize::show(visit).await),
        ["s3", ..] => s3::show(visit).await,
        ["iam", ..] => iam::show(visit).await,
        ["instances", ..] => instances::show(visit).await,
        ["map"] => Some(map::show(visit).await),
        ["root"] => root_user::show(visit).await,
        ["simulator"] => Some(simulator::show(visit).await),
        ["activity", ..] => activity::show(visit).await,
        _ => None,
    };
    found.unwrap_or_else(|| not_found(visit))
}

async fn post<B: Backend>(visit: &Visit<'_, B>, parts: &Parts, body: Incoming) -> Response<Body> {
    if !is_from_here(&parts.headers, &visit.visitor.host) {
        return plain(StatusCode::FORBIDDEN, "This form was sent from another site.\n");
    }
    let form = match forms::read(&parts.headers, body).await {
        Ok(form) => form,
        Err(error) => return page_with(visit, StatusCode::BAD_REQUEST, "Form", alert(&error.to_string())),
    };
    let path = visit.path();
    if path.as_slice() == ["signin"] {
        return sign_in::submit(visit, &form.fields).await;
    }
    let Some(base) = &visit.base else { return redirect("/console/signin") };
    if !cookies::is_form_mark(&base.holder, form.fields.get("mark")) {
        let message = alert("This form is of another session. Go back, load the page anew, and try again.");
        return page_with(visit, StatusCode::FORBIDDEN, "Form", message);
    }
    let done = match path.as_slice() {
        ["signout"] => Some(sign_in::leave(visit).await),
        ["switchrole"] => Some(switch_role::submit(visit, &form.fields).await),
        ["authorize"] => Some(authorize::submit(visit, &form.fields).await),
        ["switchback"] => Some(switch_role::back(visit)),
        ["root"] => root_user::submit(visit, &form.fields).await,
        ["s3", ..] => s3::submit(visit, &form).await,
        ["iam", ..] => iam::submit(visit, &form).await,
        ["instances", ..] => instances::submit(visit, &form.fields).await,
        _ => None,
    };
    done.unwrap_or_else(|| not_found(visit))
}

/// Whether a form was sent by a page of this host: browsers say where a form is from.
fn is_from_here(headers: &HeaderMap, host: &str) -> bool {
    let of = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let origin =
        of("origin").is_none_or(|origin| origin.split_once("://").is_some_and(|(_, from)| from == host));
    origin && of("sec-fetch-site").is_none_or(|site| site == "same-origin")
}

fn not_found<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let content = html! { h1 { "There is no such page" } p { a href="/console/" { "Home" } } };
    page_with(visit, StatusCode::NOT_FOUND, "Not found", content)
}

fn style() -> Response<Body> {
    let mut response = Response::new(reply::full(STYLE));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=300"));
    response
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(reply::full(text.to_owned()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
