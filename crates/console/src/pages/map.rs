//! The map: who there is, and who may become whom. Each line to a role is an answer of the engine, so that trust policy
//! and the principal's own policies have both had their say.

mod collapse;
mod drawing;
mod graph;

use http::{Response, StatusCode};
use maud::{Markup, html};
use serde_json::Value;

use crate::backend::{Backend, Body};
use crate::denial;
use crate::forms::escaped;
use crate::layout::{Field, field, page_with};
use crate::visit::Visit;
use collapse::Collapsed;
use graph::{Graph, Line};

pub(crate) use graph::assumers;

/// How a picture looks that stands alone: as the console's in light colours.
const ALONE: &str = include_str!("map/alone.css");
/// The most lines that are told as a list.
const MOST_LINES: usize = 100;

/// `GET /console/map`
pub(crate) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Response<Body> {
    let of = |name: &str| escaped(visit.query.trimmed(name));
    let asked = visit.own(format!("/rolecall/map?q={}&from={}", of("q"), of("from"))).await;
    let status = asked.as_ref().map_or_else(|refusal| refusal.status, |_| StatusCode::OK);
    let content = match &asked {
        Ok(answer) => drawn(visit, &Graph::read(answer)),
        Err(refusal) => denial::shown(visit, refusal).await,
    };
    let content = html! {
        h1 { "Who may become whom" }
        p.lead { "A line leads from a principal to each role that it may assume: the role trusts it, and its own policies, "
            "boundaries and the organization's allow it. Follow a name to light up what it can reach." }
        form.filters method="get" action="/console/map" role="search" {
            (field("Name contains", "q", "search", visit.query.trimmed("q"), &Field::default()))
            button { "Search" }
        }
        (content)
    };
    page_with(visit, status, "Map", content)
}

fn drawn<B: Backend>(visit: &Visit<'_, B>, graph: &Graph) -> Markup {
    let start = graph.find(visit.query.get("from"));
    let reach = start.map(|start| graph.reach(start)).unwrap_or_default();
    let opened: Vec<&str> = visit.query.get("open").split(',').filter(|key| !key.is_empty()).collect();
    let collapsed = Collapsed::of(graph, &opened, start, &reach);
    html! {
        @if !graph.complete {
            div.note role="note" { p { "There are too many users and roles to ask about all of them at once: some lines are "
                "missing. Search for a part of a name, or follow a name to see all that it can reach." } }
        }
        @if let Some(start) = start { (ways(graph, start, &reach)) }
        (drawing::draw(graph, &collapsed, Some(&Link { q: visit.query.trimmed("q"), opened: &opened }), start, &reach))
        (legend())
        (listed(graph))
    }
}

/// A map as a picture that stands alone, of an answer in the form of `/rolecall/map`.
#[must_use]
pub fn map_picture(answer: &Value) -> String {
    let graph = Graph::read(answer);
    let reach = graph::Reach::new();
    let collapsed = Collapsed::of(&graph, &[], None, &reach);
    drawing::picture(&graph, &collapsed, None, (None, &reach), ALONE).into_string()
}

/// The way to each role that can be reached.
fn ways(graph: &Graph, start: usize, reach: &graph::Reach) -> Markup {
    html! {
        section.card {
            h2 { (graph.name(start)) " can become" }
            @if reach.is_empty() { p { "Nobody else." } } @else {
                ul.ways {
                    @for end in reach.keys() {
                        li {
                            @for (at, node) in graph.way(start, *end, reach).into_iter().enumerate() {
                                @if at > 0 { span.arrow { " → " } }
                                @match graph.room(node) {
                                    Some(room) => a href=(room) { (graph.name(node)) },
                                    None => (graph.name(node)),
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn legend() -> Markup {
    html! {
        p.fine { "Solid lines: may assume. Dashed: is a member of the group. Dotted: the role trusts the service or "
            "provider, or the instance has it by its profile. A stack stands for many of one path: follow it to open it." }
    }
}

fn listed(graph: &Graph) -> Markup {
    let told = graph.lines.iter().filter(|line| line.kind != graph::Tie::Member);
    let say = |line: &Line| match line.kind {
        graph::Tie::Profile => "is",
        _ => "may become",
    };
    html! {
        details {
            summary { "The same as a list" }
            ul {
                @for line in told.clone().take(MOST_LINES) {
                    li { (graph.name(line.from)) " " (say(line)) " "
                        @match graph.room(line.to) {
                            Some(room) => a href=(room) { (graph.name(line.to)) },
                            None => (graph.name(line.to)),
                        }
                    }
                }
            }
            @if told.count() > MOST_LINES { p.fine { "Only the first " (MOST_LINES) " are told: search for a part of a name." } }
        }
    }
}

/// How the map's links are put together.
struct Link<'a> {
    q: &'a str,
    opened: &'a [&'a str],
}

impl Link<'_> {
    /// The map with a node's reach lit.
    fn from(&self, id: &str) -> String {
        format!("/console/map?q={}&open={}&from={}", escaped(self.q), self.keys(None), escaped(id))
    }

    /// The map with one more stack opened.
    fn open(&self, key: &str) -> String {
        format!("/console/map?q={}&open={}", escaped(self.q), self.keys(Some(key)))
    }

    fn keys(&self, more: Option<&str>) -> String {
        let keys = self.opened.iter().copied().chain(more);
        keys.map(escaped).collect::<Vec<_>>().join("%2C")
    }
}
