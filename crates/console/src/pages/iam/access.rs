//! What a user, group or role can do, service by service, as its policies say within its boundary and its
//! organization's.

use maud::{Markup, html};
use serde_json::Value;

use super::Shown;
use super::parts::table;
use crate::backend::Backend;
use crate::denial;
use crate::forms::escaped;
use crate::layout::{Field, field};
use crate::visit::Visit;

/// How many services the entity's own page shows.
const FEW: usize = 8;
/// How many a page of its own shows.
const PAGE: usize = 100;

/// What can be done with one service.
struct Access {
    prefix: String,
    name: String,
    allowed: u64,
    actions: u64,
    everywhere: bool,
    levels: String,
}

async fn asked<B: Backend>(visit: &Visit<'_, B>, arn: &str) -> crate::api::Said<Vec<Access>> {
    let answer = visit.own(format!("/rolecall/access?arn={}", escaped(arn))).await?;
    let services = answer.get("services").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(services.iter().map(Access::read).collect())
}

impl Access {
    fn read(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let number = |name: &str| value.get(name).and_then(Value::as_u64).unwrap_or_default();
        let levels = value.get("levels").and_then(Value::as_array).cloned().unwrap_or_default();
        Self {
            prefix: text("prefix"),
            name: text("name"),
            allowed: number("allowed"),
            actions: number("actions"),
            everywhere: value.get("everywhere").and_then(Value::as_bool).unwrap_or(false),
            levels: levels.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        }
    }

    fn row(&self) -> Vec<Markup> {
        let full = self.allowed == self.actions;
        vec![
            html! { (self.name) " " code { (self.prefix) } },
            html! {
                @if full { span.badge.full { "All" } } @else { span.badge { "Some" } }
                " " span.date { (self.allowed) " of " (self.actions) " actions" }
            },
            html! { (self.levels) },
            html! { @if self.everywhere { "on everything" } @else { "on some resources, or under conditions" } },
        ]
    }
}

const HEADS: [&str; 4] = ["Service", "Access", "Kinds", "How far"];

/// The part of an entity's page.
pub(super) async fn section<B: Backend>(visit: &Visit<'_, B>, arn: &str, name: &str) -> Markup {
    let content = match asked(visit, arn).await {
        Err(refusal) => denial::shown(visit, &refusal).await,
        Ok(all) if all.is_empty() => html! { p.fine { "Nothing: no policy allows anything." } },
        Ok(all) => {
            let rows: Vec<_> = all.iter().take(FEW).map(Access::row).collect();
            html! {
                (table("What it can do", &HEADS, &rows))
                @if all.len() > FEW {
                    p { a href={ "/console/iam/access?arn=" (escaped(arn)) } { "All " (all.len()) " services" } }
                }
            }
        }
    };
    html! {
        section {
            h2 { "What it can do, by service" }
            (content)
            p { a href={ "/console/simulator?principal=" (escaped(arn)) } { "Ask what " (name) " may do" } }
        }
    }
}

/// `GET /console/iam/access`: all services of one entity.
pub(super) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let arn = visit.query.get("arn");
    let wanted = visit.query.trimmed("q").to_ascii_lowercase();
    let all = asked(visit, arn).await?;
    let fits = |access: &&Access| {
        access.name.to_ascii_lowercase().contains(&wanted) || access.prefix.contains(&wanted)
    };
    let found: Vec<_> = all.iter().filter(fits).collect();
    let rows: Vec<_> = found.iter().take(PAGE).map(|access| access.row()).collect();
    let content = html! {
        h1 { "What " (arn.rsplit('/').next().unwrap_or(arn)) " can do" }
        p.fine.break { (arn) }
        form.filters method="get" action="/console/iam/access" role="search" {
            input type="hidden" name="arn" value=(arn);
            (field("Service contains", "q", "search", visit.query.trimmed("q"), &Field::default()))
            button { "Search" }
        }
        (table("What it can do", &HEADS, &rows))
        @if found.len() > PAGE { p.fine { "Only the first " (PAGE) " of " (found.len()) " are shown: search for more of the name." } }
    };
    Ok(("What it can do".to_owned(), content))
}
