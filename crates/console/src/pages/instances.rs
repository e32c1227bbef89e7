//! Instances: what runs, as which role, and what it prints.

mod run;

use http::{Response, StatusCode};
use maud::{Markup, html};
use rolecall_aws_model::Element;

use crate::api::Refusal;
use crate::backend::{Backend, Body};
use crate::denial;
use crate::forms::{Fields, escaped};
use crate::layout::{hidden, page_with};
use crate::live;
use crate::reply::redirect;
use crate::visit::Visit;

/// What a form may do with an instance: operation, and in which states.
const ACTS: [(&str, &str, &[&str]); 3] = [
    ("StartInstances", "Start", &["stopped"]),
    ("StopInstances", "Stop", &["running"]),
    ("TerminateInstances", "Terminate", &["pending", "running", "stopping", "stopped"]),
];

/// `GET /console/instances` and what is below.
pub(crate) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Option<Response<Body>> {
    match visit.path().as_slice() {
        ["instances"] => Some(list(visit, html! {}).await),
        ["instances", "run"] => Some(run::show(visit, &visit.query, html! {}).await),
        ["instances", id] => Some(one(visit, id).await),
        _ => None,
    }
}

/// `POST /console/instances` and what is below.
pub(crate) async fn submit<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Option<Response<Body>> {
    match visit.path().as_slice() {
        ["instances"] => {}
        ["instances", id, "output"] => return Some(output_part(visit, id).await),
        _ => return None,
    }
    match fields.get("do") {
        "RunInstances" => return Some(run::submit(visit, fields).await),
        "ModifyInstanceMetadataOptions" => {
            return Some(match run::modify(visit, fields).await {
                Ok(done) => done,
                Err(refusal) => refused(visit, fields.get("id"), &refusal).await,
            });
        }
        _ => {}
    }
    let operation = ACTS.iter().map(|(operation, ..)| *operation).find(|name| *name == fields.get("do"))?;
    let said = visit.query("ec2", operation, &[("InstanceId.1", fields.get("id"))]).await;
    Some(match said {
        Ok(_) => redirect("/console/instances"),
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            list(visit, why).await
        }
    })
}

async fn list<B: Backend>(visit: &Visit<'_, B>, message: Markup) -> Response<Body> {
    let said = visit.query("ec2", "DescribeInstances", &[]).await;
    let status = said.as_ref().map_or_else(|refusal| refusal.status, |_| StatusCode::OK);
    let content = match &said {
        Ok(answer) => table(visit, answer),
        Err(refusal) => denial::shown(visit, refusal).await,
    };
    let content = html! {
        div.heading { h1 { "Instances" } a.button.primary href="/console/instances/run" { "Run an instance" } }
        (message)
        (content)
    };
    page_with(visit, status, "Instances", content)
}

fn table<B: Backend>(visit: &Visit<'_, B>, answer: &Element) -> Markup {
    let all: Vec<_> = answer.items("reservationSet").flat_map(|one| one.items("instancesSet")).collect();
    html! {
        @if all.is_empty() {
            p.empty { "There are no instances yet. From a terminal, " code { "rolecall instance run --profile PROFILE" } " starts one, too." }
        } @else {
            div.scroll tabindex="0" role="region" aria-label="Instances" {
                table.stacked {
                    thead { tr {
                        th scope="col" { "Instance" } th scope="col" { "State" } th scope="col" { "Address" }
                        th scope="col" { "Profile" } th scope="col" { span.sr { "Actions" } }
                    } }
                    tbody { @for instance in all { (row(visit, instance)) } }
                }
            }
        }
    }
}

/// The only instance of an answer that was asked about one.
fn first(answer: &Element) -> Option<&Element> {
    answer.items("reservationSet").flat_map(|one| one.items("instancesSet")).next()
}

fn named(instance: &Element) -> String {
    let tag = instance.items("tagSet").find(|tag| tag.text("key") == Some("Name"));
    tag.and_then(|tag| tag.text("value")).unwrap_or_default().to_owned()
}

/// A state with its colour.
fn badge(state: &str) -> Markup {
    let class = match state {
        "running" => "badge good",
        "pending" | "stopping" | "shutting-down" => "badge busy",
        _ => "badge",
    };
    html! { span class=(class) { (state) } }
}

fn inner<'e>(element: &'e Element, child: &str, name: &str) -> &'e str {
    element.child(child).and_then(|child| child.text(name)).unwrap_or_default()
}

fn row<B: Backend>(visit: &Visit<'_, B>, instance: &Element) -> Markup {
    let (id, state) =
        (instance.text("instanceId").unwrap_or_default(), inner(instance, "instanceState", "name"));
    html! {
        tr {
            th scope="row" { a href={ "/console/instances/" (escaped(id)) } { (id) } " " (named(instance)) }
            td data-label="State" { (badge(state)) }
            td data-label="Address" { (instance.text("privateIpAddress").unwrap_or_default()) }
            td data-label="Profile" { (inner(instance, "iamInstanceProfile", "arn").rsplit('/').next().unwrap_or_default()) }
            td { (acts(visit, id, state)) }
        }
    }
}

fn acts<B: Backend>(visit: &Visit<'_, B>, id: &str, state: &str) -> Markup {
    html! {
        @for (operation, label, states) in ACTS {
            @if states.contains(&state) {
                form method="post" action="/console/instances" {
                    (hidden(visit))
                    input type="hidden" name="do" value=(operation);
                    input type="hidden" name="id" value=(id);
                    button.danger[label == "Terminate"] aria-label={ (label) " " (id) } { (label) }
                }
            }
        }
    }
}

async fn one<B: Backend>(visit: &Visit<'_, B>, id: &str) -> Response<Body> {
    let said = visit.query("ec2", "DescribeInstances", &[("InstanceId.1", id)]).await;
    let answer = match said {
        Ok(answer) => answer,
        Err(refusal) => return refused(visit, id, &refusal).await,
    };
    let Some(instance) = first(&answer) else {
        return refused(visit, id, &Refusal::no_page()).await;
    };
    let state = inner(instance, "instanceState", "name");
    let room = format!("/console/instances/{}", escaped(id));
    let tokens = inner(instance, "metadataOptions", "httpTokens");
    let (_, printed) = printed(visit, id, state).await;
    let profile = inner(instance, "iamInstanceProfile", "arn");
    let hops = inner(instance, "metadataOptions", "httpPutResponseHopLimit");
    let content = html! {
        h1 { "Instance " (id) " " (named(instance)) }
        dl.facts {
            dt { "State" } dd { (badge(state)) " " (inner(instance, "stateReason", "message")) }
            dt { "Address" } dd { (instance.text("privateIpAddress").unwrap_or_default()) }
            dt { "Profile" } dd.break { @if profile.is_empty() { "none: no role" } @else { (profile) } }
            dt { "Image" } dd { (instance.text("imageId").unwrap_or_default()) " · " (instance.text("instanceType").unwrap_or_default()) }
            dt { "Key pair" } dd { (instance.text("keyName").unwrap_or("none")) }
            dt { "Metadata" } dd {
                @if inner(instance, "metadataOptions", "httpEndpoint") == "disabled" { "off" }
                @else if tokens == "required" { "version 2 alone" } @else { "versions 1 and 2" }
                ", " (hops) @if hops == "1" { " hop" } @else { " hops" }
            }
            dt { "Launched" } dd { (instance.text("launchTime").unwrap_or_default()) }
        }
        div.buttons { (acts(visit, id, state)) }
        (run::metadata(visit, id, instance))
        @if state == "running" {
            h2 { "Connect" }
            p { "From the machine that the server runs on:" }
            pre tabindex="0" { "rolecall instance exec " (id) " -- bash\nrolecall instance ssh " (id) " -i KEY.pem" }
            p { "In it, the role's credentials are there without any setting:" }
            pre tabindex="0" { "aws sts get-caller-identity" }
        }
        h2 #printed { "What it printed" }
        @if LIVE.contains(&state) {
            p.fine { "Kept up to date while this page is open. " a href={ (room) "#printed" } { "Look again" } "." }
            (live::every(visit, &format!("{room}/output"), "output", EVERY_MILLISECONDS))
        }
        div #output { (printed) }
        (live::script())
    };
    live::allowed(page_with(visit, StatusCode::OK, id, content))
}

/// The states in which an instance can print something more.
const LIVE: [&str; 3] = ["pending", "running", "stopping"];
/// How long a page waits before it looks again at what was printed.
const EVERY_MILLISECONDS: u32 = 3_000;

/// `POST /console/instances/ID/output`: what it printed, alone.
async fn output_part<B: Backend>(visit: &Visit<'_, B>, id: &str) -> Response<Body> {
    let state = match visit.query("ec2", "DescribeInstances", &[("InstanceId.1", id)]).await {
        Ok(answer) => first(&answer).map(|found| inner(found, "instanceState", "name").to_owned()),
        Err(refusal) => return live::part(refusal.status, denial::shown(visit, &refusal).await),
    };
    let (status, content) = printed(visit, id, state.as_deref().unwrap_or_default()).await;
    live::part(status, content)
}

/// What an instance printed; after the state in which nothing more comes, it is marked as the last.
async fn printed<B: Backend>(visit: &Visit<'_, B>, id: &str, state: &str) -> (StatusCode, Markup) {
    match visit.query("ec2", "GetConsoleOutput", &[("InstanceId", id)]).await {
        Ok(answer) => {
            (StatusCode::OK, output(answer.text("output").unwrap_or_default(), !LIVE.contains(&state)))
        }
        Err(refusal) => (refusal.status, denial::shown(visit, &refusal).await),
    }
}

async fn refused<B: Backend>(visit: &Visit<'_, B>, id: &str, refusal: &Refusal) -> Response<Body> {
    let why = denial::shown(visit, refusal).await;
    page_with(visit, refusal.status, id, html! { h1 { "Instance " (id) } (why) })
}

/// Console output, which comes in Base64.
fn output(encoded: &str, last: bool) -> Markup {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    html! {
        @if text.is_empty() { p.fine data-last[last] { @if last { "Nothing." } @else { "Nothing yet." } } }
        @else { pre tabindex="0" data-last[last] { (text) } }
    }
}
