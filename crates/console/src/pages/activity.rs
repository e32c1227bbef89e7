//! What was asked of late, and why it was decided as it was.

use http::{Response, StatusCode};
use maud::{Markup, html};
use serde_json::Value;

use crate::backend::{Backend, Body};
use crate::denial;
use crate::forms::escaped;
use crate::layout::{Field, field, page_with};
use crate::visit::Visit;

/// How many requests a page shows.
const PAGE: usize = 100;

/// The filters, as the form and the API name them.
const FILTERS: [(&str, &str); 3] =
    [("principal", "Principal"), ("operation", "Operation"), ("service", "Service")];

/// `GET /console/activity` and what is below.
pub(crate) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Option<Response<Body>> {
    match visit.path().as_slice() {
        ["activity"] => Some(list(visit).await),
        ["activity", id] => Some(one(visit, id).await),
        _ => None,
    }
}

async fn list<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let mut path = format!("/rolecall/requests?max={PAGE}");
    let asked = asked(visit);
    path.push_str(&asked);
    let before = visit.query.trimmed("before");
    if !before.is_empty() {
        path.push_str(&format!("&before={}", escaped(before)));
    }
    let answer = visit.own(path).await;
    let status = answer.as_ref().map_or_else(|refusal| refusal.status, |_| StatusCode::OK);
    let found = match &answer {
        Ok(answer) => table(all(answer)),
        Err(refusal) => denial::shown(visit, refusal).await,
    };
    let content = html! {
        h1 { "Activity" }
        p.lead { "What was asked of this account's services of late, the newest first. Follow a request to see how it was decided." }
        form.filters method="get" action="/console/activity" {
            @for (name, label) in FILTERS {
                (field(label, name, "search", visit.query.trimmed(name), &Field::default()))
            }
            div.field {
                label for="outcome" { "Outcome" }
                select #outcome name="outcome" {
                    @for (value, label) in [("", "any"), ("denied", "denied"), ("failed", "failed"), ("done", "done")] {
                        option value=(value) selected[visit.query.get("outcome") == value] { (label) }
                    }
                }
            }
            button { "Filter" }
        }
        (found)
        @if let Ok(answer) = &answer { (pages(answer, &asked, before)) }
    };
    page_with(visit, status, "Activity", content)
}

/// The filters that were set, as a query has them.
fn asked<B: Backend>(visit: &Visit<'_, B>) -> String {
    let names = FILTERS.iter().map(|(name, _)| *name).chain(["outcome"]);
    let set = names.map(|name| (name, visit.query.trimmed(name))).filter(|(_, value)| !value.is_empty());
    set.map(|(name, value)| format!("&{name}={}", escaped(value))).collect()
}

fn all(answer: &Value) -> &[Value] {
    answer.get("requests").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The way to what is older, and back.
fn pages(answer: &Value, asked: &str, before: &str) -> Markup {
    let last = all(answer).last().filter(|_| all(answer).len() == PAGE);
    let filters = asked.trim_start_matches('&');
    html! {
        nav.buttons aria-label="Pages" {
            @if !before.is_empty() { a.button href={ "/console/activity?" (filters) } { "Newest" } }
            @if let Some(last) = last {
                a.button href={ "/console/activity?before=" (escaped(text(last, &["requestID"]))) (asked) } rel="next" { "Older" }
            }
        }
    }
}

/// The text at a path of names.
fn text<'v>(value: &'v Value, path: &[&str]) -> &'v str {
    path.iter().try_fold(value, |value, name| value.get(*name)).and_then(Value::as_str).unwrap_or_default()
}

fn table(requests: &[Value]) -> Markup {
    html! {
        @if requests.is_empty() { p { "Nothing was found." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Requests" {
                table.stacked {
                    thead { tr {
                        th scope="col" { "When" } th scope="col" { "What" }
                        th scope="col" { "Who" } th scope="col" { "Outcome" }
                    } }
                    tbody {
                        @for request in requests {
                            tr {
                                td.date data-label="When" { (text(request, &["eventTime"])) }
                                th scope="row" {
                                    a href={ "/console/activity/" (escaped(text(request, &["requestID"]))) } {
                                        (service(request)) ":" (text(request, &["eventName"]))
                                    }
                                }
                                td.break data-label="Who" { (who(request)) }
                                td data-label="Outcome" { (outcome(request)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn service(request: &Value) -> &str {
    text(request, &["eventSource"]).split('.').next().unwrap_or_default()
}

fn who(request: &Value) -> &str {
    match text(request, &["userIdentity", "arn"]) {
        "" => "nobody known",
        arn => arn,
    }
}

fn outcome(request: &Value) -> Markup {
    match text(request, &["errorCode"]) {
        "" => html! { span.badge.good { "done" } },
        code => html! { span.badge.bad { (code) } },
    }
}

async fn one<B: Backend>(visit: &Visit<'_, B>, id: &str) -> Response<Body> {
    let answer = match visit.own(format!("/rolecall/requests/{}", escaped(id))).await {
        Ok(answer) => answer,
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            return page_with(visit, refusal.status, "Request", html! { h1 { "Request " (id) } (why) });
        }
    };
    let request = answer.get("request").unwrap_or(&Value::Null);
    let content = html! {
        p.ways { a href="/console/activity" { "Activity" } @if !text(request, &["userIdentity", "arn"]).is_empty() {
            a href={ "/console/activity?principal=" (escaped(text(request, &["userIdentity", "arn"]))) } { "More of this principal's" }
        } }
        h1 { (service(request)) ":" (text(request, &["eventName"])) " " (outcome(request)) }
        dl.facts {
            dt { "When" } dd { (text(request, &["eventTime"])) }
            dt { "Who" } dd.break { (who(request)) }
            dt { "From" } dd { (text(request, &["sourceIPAddress"])) }
            dt { "By" } dd.break { (text(request, &["userAgent"])) }
            dt { "Region" } dd { (text(request, &["awsRegion"])) }
            dt { "Request" } dd { code { (id) } }
            @if !text(request, &["errorMessage"]).is_empty() {
                dt { "Answer" } dd.break { (text(request, &["errorMessage"])) }
            }
        }
        h2 { "Decisions" }
        @let texts = denial::texts(&answer);
        @if texts.is_empty() { p { "Nothing had to be decided for this request." } }
        @for text in texts { pre tabindex="0" { (text) } }
    };
    page_with(visit, StatusCode::OK, "Request", content)
}
