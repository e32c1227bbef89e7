//! Forms that change something: each is one operation of IAM, called as the present principal.

use http::{Response, StatusCode};
use maud::html;

use super::parts::result;
use super::{editor, frame};
use crate::backend::{Backend, Body};
use crate::denial;
use crate::forms::{Fields, escaped};
use crate::reply::{is_own, redirect};
use crate::visit::Visit;

/// What precedes the name of an operation's parameter in a form.
pub(super) const PARAMETER: &str = "p.";

/// `POST /console/iam/do`
pub(super) async fn act<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Response<Body> {
    let operation = fields.get("operation");
    if editor::is_edited(operation) {
        return editor::submit(visit, fields).await;
    }
    let parameters = parameters(fields);
    match visit.query("iam", operation, &parameters).await {
        Ok(answer) if operation == "CreateAccessKey" => {
            let key = result(&answer, operation).and_then(|found| found.child("AccessKey"));
            let text = |name: &str| key.and_then(|key| key.text(name)).unwrap_or_default();
            let content = html! {
                h1 { "A new access key of " (text("UserName")) }
                div.done role="status" { p { "Keep the secret now: it is not shown again." } }
                dl.facts {
                    dt { "Access key id" } dd { code { (text("AccessKeyId")) } }
                    dt { "Secret access key" } dd { code { (text("SecretAccessKey")) } }
                }
                p { a href=(back(fields)) { "Done" } }
            };
            frame(visit, StatusCode::OK, "New access key", content)
        }
        Ok(_) => redirect(&with_done(back(fields), operation)),
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            let content = html! { h1 { (operation) } (why) p { a href=(back(fields)) { "Back" } } };
            frame(visit, refusal.status, operation, content)
        }
    }
}

/// The operation's parameters in a form. What was left empty is not sent.
pub(super) fn parameters(fields: &Fields) -> Vec<(&str, &str)> {
    // A tag may have an empty value; everything else that was left empty was not said.
    let all = fields.iter().filter(|(name, value)| !value.is_empty() || name.ends_with(".Value"));
    all.filter_map(|(name, value)| Some((name.strip_prefix(PARAMETER)?, value))).collect()
}

/// The page that a form goes back to.
pub(super) fn back(fields: &Fields) -> &str {
    Some(fields.get("back")).filter(|to| is_own(to)).unwrap_or("/console/iam")
}

/// A page's path, on which it will say what was done.
pub(super) fn with_done(back: &str, operation: &str) -> String {
    let joint = if back.contains('?') { '&' } else { '?' };
    format!("{back}{joint}done={}", escaped(operation))
}

/// The operation that a page is to say was done. A link can't make the console say anything else.
pub(super) fn was_done(query: &Fields) -> Option<&str> {
    let is_name =
        |name: &&str| (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Some(query.get("done")).filter(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_makes_a_page_say_the_name_of_an_operation_and_no_more() {
        let of = |query: &str| was_done(&Fields::parse(query.as_bytes())).map(str::to_owned);
        assert_eq!(of("done=CreateUser").as_deref(), Some("CreateUser"));
        for other in ["", "done=", "done=Call+555-0100+now", "done=%3Cb%3E"] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(with_done("/console/iam?x=1", "TagUser"), "/console/iam?x=1&done=TagUser");
    }
}
