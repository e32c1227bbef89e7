//! A refusal as people can use it: the message, and where the present principal may see it, the
//! engine's explanation.

use maud::{Markup, html};
use serde_json::Value;

use crate::api::Refusal;
use crate::backend::Backend;
use crate::forms::escaped;
use crate::visit::Visit;

/// The explanations of a recorded request, as texts.
pub(crate) fn texts(answer: &Value) -> Vec<&str> {
    let all = answer.get("explanations").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(|one| one.get("text")?.as_str()).collect()
}

/// Shows a refusal; a denial with its explanation.
pub(crate) async fn shown<B: Backend>(visit: &Visit<'_, B>, refusal: &Refusal) -> Markup {
    let explained = match refusal.is_denial() && !refusal.request_id.is_empty() {
        true => Some(visit.own(format!("/rolecall/requests/{}", escaped(&refusal.request_id))).await),
        false => None,
    };
    html! {
        section.alert role="alert" {
            h2 { @if refusal.is_denial() { "Denied" } @else { (refusal.code) } }
            p.break { (refusal.message) }
            @match &explained {
                Some(Ok(answer)) => {
                    h3 { "Why" }
                    @for text in texts(answer) { pre tabindex="0" { (text) } }
                }
                Some(Err(_)) => p.fine {
                    "The policies behind this decision are shown to whoever is allowed "
                    code { "rolecall:ExplainRequest" } ". An administrator can run "
                    code { "rolecall explain " (refusal.request_id) } "."
                },
                None => {}
            }
            @if !refusal.request_id.is_empty() { p.fine { "Request " code { (refusal.request_id) } } }
        }
    }
}
