//! The simulator: what would be decided, by the engine that decides. The question is in the address,
//! so that it can be shared.

use http::{Response, StatusCode};
use maud::{Markup, html};
use rolecall_aws_model::Element;

use crate::backend::{Backend, Body};
use crate::denial;
use crate::layout::{Field, field, page_with};
use crate::visit::Visit;

/// How many actions and resources one question may have.
const MOST: usize = 25;

/// `GET /console/simulator`
pub(crate) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let asked = !visit.query.trimmed("principal").is_empty() && !visit.query.trimmed("action").is_empty();
    let (status, answer) = match asked {
        true => answer(visit).await,
        false => (StatusCode::OK, html! {}),
    };
    let content = html! {
        h1 { "Simulator" }
        p.lead { "Answers what the present policies would decide, trust policies included. Nothing is done." }
        (form(visit))
        (answer)
    };
    page_with(visit, status, "Simulator", content)
}

fn form<B: Backend>(visit: &Visit<'_, B>) -> Markup {
    let needed = |hint| Field { required: true, hint: Some(hint), ..Field::default() };
    let given = |name: &str| visit.query.trimmed(name).to_owned();
    html! {
        form.card method="get" action="/console/simulator" {
            (field("Principal", "principal", "text", &given("principal"), &needed("The ARN of a user, group or role.")))
            (field("Actions", "action", "text", &given("action"), &needed("Such as s3:GetObject; several with spaces between.")))
            (field("Resources", "resource", "text", &given("resource"), &Field {
                hint: Some("ARNs with spaces between; * where empty."), ..Field::default()
            }))
            div.field {
                label for="context" { "Context" }
                textarea.short #context name="context" rows="3" spellcheck="false" aria-describedby="context-hint" { (given("context")) }
                p.hint #context-hint { "A line for each key: aws:SourceIp=203.0.113.9" }
            }
            button.primary { "Ask" }
        }
    }
}

async fn answer<B: Backend>(visit: &Visit<'_, B>) -> (StatusCode, Markup) {
    let owned = parameters(visit);
    let parameters: Vec<(&str, &str)> = owned.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    match visit.query("iam", "SimulatePrincipalPolicy", &parameters).await {
        Ok(answer) => (StatusCode::OK, results(&answer)),
        Err(refusal) => (refusal.status, denial::shown(visit, &refusal).await),
    }
}

fn parameters<B: Backend>(visit: &Visit<'_, B>) -> Vec<(String, String)> {
    let mut out = vec![("PolicySourceArn".to_owned(), visit.query.trimmed("principal").to_owned())];
    for (field, parameter) in [("action", "ActionNames"), ("resource", "ResourceArns")] {
        let words =
            visit.query.get(field).split([' ', ',', '\n', '\r', '\t']).filter(|word| !word.is_empty());
        for (at, word) in words.take(MOST).enumerate() {
            out.push((format!("{parameter}.member.{}", at + 1), word.to_owned()));
        }
    }
    let lines = visit.query.get("context").lines().filter_map(|line| line.trim().split_once('='));
    for (at, (key, value)) in lines.take(MOST).enumerate() {
        let entry = format!("ContextEntries.member.{}", at + 1);
        out.push((format!("{entry}.ContextKeyName"), key.trim().to_owned()));
        out.push((format!("{entry}.ContextKeyType"), "string".to_owned()));
        out.push((format!("{entry}.ContextKeyValues.member.1"), value.trim().to_owned()));
    }
    out
}

fn results(answer: &Element) -> Markup {
    let found = answer.child("SimulatePrincipalPolicyResult");
    let all: Vec<_> = found.into_iter().flat_map(|found| found.members("EvaluationResults")).collect();
    html! {
        h2 { "Answer" }
        p.fine { "This page's address has the question in it: whoever may ask it can open the link." }
        @for one in all {
            @let text = |name: &str| one.text(name).unwrap_or_default();
            section.card {
                h3 { code { (text("EvalActionName")) } " on " code { (text("EvalResourceName")) } }
                p { (decision(text("EvalDecision"))) }
                (limits(one))
                (matched(one))
                (missing(one))
            }
        }
    }
}

fn decision(decision: &str) -> Markup {
    match decision {
        "allowed" => html! { strong.badge.good { "Allowed" } },
        "explicitDeny" => html! { strong.badge.bad { "Denied" } " A statement says so." },
        "implicitDeny" => {
            html! { strong.badge.bad { "Denied" } " Not all that would have to allow it does." }
        }
        other => html! { (other) },
    }
}

/// What stands over a principal's own policies, and whether it lets the action through.
fn limits(one: &Element) -> Markup {
    let of =
        |detail: &str, name: &str| one.child(detail).and_then(|detail| detail.text(name)) == Some("false");
    html! {
        @if of("PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary") {
            p { "Its permissions boundary does not allow it." }
        }
        @if of("OrganizationsDecisionDetail", "AllowedByOrganizations") {
            p { "The organization's policies do not allow it." }
        }
    }
}

fn matched(one: &Element) -> Markup {
    let statements: Vec<_> = one.members("MatchedStatements").collect();
    html! {
        @if !statements.is_empty() {
            p { "Statements that had a say:" }
            ul {
                @for statement in statements {
                    @let start = statement.child("StartPosition");
                    @let at = |name: &str| start.and_then(|start| start.text(name)).unwrap_or("?").to_owned();
                    li {
                        code { (statement.text("SourcePolicyId").unwrap_or_default()) } " ("
                        (statement.text("SourcePolicyType").unwrap_or_default()) "), line " (at("Line")) ", column " (at("Column"))
                    }
                }
            }
        }
    }
}

fn missing(one: &Element) -> Markup {
    let keys: Vec<_> = one.members("MissingContextValues").map(Element::own_text).collect();
    html! {
        @if !keys.is_empty() {
            p.fine { "The policies ask for context that was not given: " @for key in keys { code { (key) } " " } }
        }
    }
}
