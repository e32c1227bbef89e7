//! The federation endpoint: a way in for those who hold temporary credentials already.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>

use http::{HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use super::sign_in::enter;
use crate::backend::{Backend, Body};
use crate::forms::Fields;
use crate::reply::{full, is_own, redirect};
use crate::visit::Visit;

/// `GET` or `POST /federation`
pub(crate) fn answer<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Response<Body> {
    match fields.get("Action") {
        "getSigninToken" => match signin_token(visit, fields) {
            Ok(token) => json_answer(StatusCode::OK, &json!({"SigninToken": token})),
            Err(message) => json_answer(StatusCode::BAD_REQUEST, &json!({"Error": message})),
        },
        "login" => login(visit, fields),
        _ => {
            json_answer(StatusCode::BAD_REQUEST, &json!({"Error": "Action must be getSigninToken or login"}))
        }
    }
}

fn signin_token<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Result<String, String> {
    let session = match fields.get("Session") {
        "" => fields.get("SessionInfo"),
        session => session,
    };
    let session: Value = serde_json::from_str(session).map_err(|_| "Session must be JSON".to_owned())?;
    let of = |name: &str| {
        let value = session.get(name).and_then(Value::as_str);
        value.ok_or_else(|| format!("Session must have {name}"))
    };
    let seconds = match fields.get("SessionDuration") {
        "" => None,
        text => match text.parse() {
            Ok(seconds @ 900..=43_200) => Some(seconds),
            _ => return Err("SessionDuration must be between 900 and 43200".to_owned()),
        },
    };
    let credentials = (of("sessionId")?, of("sessionKey")?, of("sessionToken")?);
    visit.backend.signin_token(credentials, seconds)
}

fn login<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Response<Body> {
    match visit.backend.redeem(fields.get("SigninToken")) {
        Some(ticket) => enter(visit, &ticket, &destination(visit, fields.get("Destination"))),
        None => redirect("/console/signin"),
    }
}

/// Tools name AWS's console, or ours, by whole addresses; only a path of ours is followed.
fn destination<B: Backend>(visit: &Visit<'_, B>, given: &str) -> String {
    let own = ["http://", "https://"]
        .iter()
        .find_map(|scheme| given.strip_prefix(scheme)?.strip_prefix(visit.visitor.host.as_str()));
    Some(own.unwrap_or(given)).filter(|path| is_own(path)).unwrap_or("/console/").to_owned()
}

fn json_answer(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(full(value.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
