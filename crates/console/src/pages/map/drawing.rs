//! The map as a picture: principals at the left, roles at the right, a curve for each line.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{Kind, Map, Node, short};
use crate::forms::escaped;

/// The free space at the left.
const EDGE: usize = 8;
const ROW: usize = 30;
const WIDTH: usize = 760;
const BOX: usize = 250;
/// How far the lines between roles reach out at the right.
const MARGIN: usize = 90;
/// The most characters of a name that fit.
const LETTERS: usize = 30;

/// Draws a map; lines that are part of what `start` can reach are lit.
pub(super) fn draw(map: &Map, search: &str, start: Option<&Node>, reach: &BTreeMap<&Node, &Node>) -> Markup {
    let rows = map.left.len().max(map.roles.len()).max(1);
    let height = rows * ROW + 20;
    let places: BTreeMap<&Node, (usize, usize)> =
        column(map.left.iter(), EDGE).chain(column(map.roles.iter(), WIDTH - BOX - MARGIN)).collect();
    let view = format!("0 0 {WIDTH} {height}");
    let lines = map.edges.iter().filter_map(|(from, to)| {
        let lit = reach.get(to).is_some_and(|before| *before == from);
        Some((curve(*places.get(from)?, *places.get(to)?), lit))
    });
    html! {
        div.scroll tabindex="0" role="region" aria-label="Map" {
            svg.map viewBox=(view) width=(WIDTH) height=(height) xmlns="http://www.w3.org/2000/svg"
                role="group" aria-label="Principals at the left, roles at the right" {
                @for (path, lit) in lines { path.line.lit[lit] d=(path) {} }
                @for (node, (x, y)) in &places {
                    a href={ "/console/map?q=" (escaped(search)) "&from=" (escaped(&node.1)) } {
                        title { (label(node.0)) " " (node.1) }
                        rect.node.start[start == Some(*node)].reached[reach.contains_key(*node)]
                            x=(x) y=(y) width=(BOX) height=(ROW - 6) rx="5" {}
                        text x=(x + 10) y=(y + 17) { (cut(short(node))) }
                    }
                }
            }
        }
    }
}

fn column<'m>(
    nodes: impl Iterator<Item = &'m Node>,
    x: usize,
) -> impl Iterator<Item = (&'m Node, (usize, usize))> {
    nodes.enumerate().map(move |(row, node)| (node, (x, 10 + row * ROW)))
}

fn curve((x, y): (usize, usize), (to_x, to_y): (usize, usize)) -> String {
    let middle = (ROW - 6) / 2;
    let (y, to_y) = (y + middle, to_y + middle);
    if x == to_x {
        // Between two roles the line goes around the right side.
        let (edge, out) = (x + BOX, WIDTH - 10);
        return format!("M {edge} {y} C {out} {y} {out} {to_y} {edge} {to_y}");
    }
    let (start, half) = (x + BOX, usize::midpoint(x + BOX, to_x));
    format!("M {start} {y} C {half} {y} {half} {to_y} {to_x} {to_y}")
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "User",
        Kind::Service => "Service",
        Kind::Provider => "Identity provider",
        Kind::Role => "Role",
    }
}

fn cut(name: &str) -> String {
    match name.char_indices().nth(LETTERS) {
        Some((at, _)) => format!("{}…", name.get(..at).unwrap_or(name)),
        None => name.to_owned(),
    }
}
