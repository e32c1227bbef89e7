//! The map as a picture: groups, then those who may become someone, then roles; a curve for each line.

use maud::{Markup, html};

use super::Link;
use super::collapse::{Collapsed, Spot};
use super::graph::{Graph, KINDS, Kind, Reach, Tie};

const ROW: usize = 34;
const HEAD: usize = 34;
const BOX: usize = 230;
const BOX_HEIGHT: usize = 26;
const GAP: usize = 120;
const EDGE: usize = 8;
/// How far the lines between roles reach out at the right.
const MARGIN: usize = 80;
/// The most characters of a name that fit.
const LETTERS: usize = 26;

/// The columns: heading, and the kinds in each.
const COLUMNS: [(&str, &[Kind]); 3] = [
    ("Groups", &[Kind::Group]),
    (
        "Users, services, machines",
        &[Kind::User, Kind::Service, Kind::Provider, Kind::Instance, Kind::Profile],
    ),
    ("Roles", &[Kind::Role]),
];

/// Where each spot is; none for a kind that no column has.
struct Places {
    at: Vec<Option<(usize, usize)>>,
    heads: Vec<(&'static str, usize)>,
    width: usize,
    height: usize,
}

impl Places {
    fn of(collapsed: &Collapsed) -> Self {
        let mut places =
            Self { at: vec![None; collapsed.spots.len()], heads: Vec::new(), width: 0, height: HEAD + ROW };
        let mut x = EDGE;
        for (head, kinds) in COLUMNS {
            let own: Vec<usize> = (0..collapsed.spots.len())
                .filter(|at| collapsed.spots.get(*at).is_some_and(|(kind, _)| kinds.contains(kind)))
                .collect();
            if own.is_empty() {
                continue;
            }
            places.heads.push((head, x));
            for (row, spot) in own.iter().enumerate() {
                if let Some(place) = places.at.get_mut(*spot) {
                    *place = Some((x, HEAD + row * ROW));
                }
            }
            places.height = places.height.max(HEAD + own.len() * ROW + EDGE);
            places.width = x + BOX + MARGIN;
            x += BOX + GAP;
        }
        places
    }

    fn of_spot(&self, spot: usize) -> Option<(usize, usize)> {
        self.at.get(spot).copied().flatten()
    }
}

/// Draws a map; lines that are part of what `start` can reach are lit.
pub(super) fn draw(
    graph: &Graph,
    collapsed: &Collapsed,
    link: Option<&Link<'_>>,
    start: Option<usize>,
    reach: &Reach,
) -> Markup {
    html! {
        div.scroll.picture tabindex="0" role="region" aria-label="Map" {
            (picture(graph, collapsed, link, (start, reach), ""))
        }
    }
}

/// The picture itself, with rules of its own for how it looks, where it stands alone.
pub(super) fn picture(
    graph: &Graph,
    collapsed: &Collapsed,
    link: Option<&Link<'_>>,
    (start, reach): (Option<usize>, &Reach),
    style: &str,
) -> Markup {
    let places = Places::of(collapsed);
    let lit = |from: usize, to: usize| {
        let ends = reach.iter().map(|(to, from)| (collapsed.place(*from), collapsed.place(*to)));
        ends.into_iter().any(|ends| ends == (Some(from), Some(to)))
    };
    let mut lines: Vec<_> = collapsed
        .lines
        .iter()
        .filter_map(|((from, to), (tie, count))| {
            let path = curve(places.of_spot(*from)?, places.of_spot(*to)?, places.width);
            Some((lit(*from, *to), path, *tie, *count))
        })
        .collect();
    // What is lit is drawn over the rest.
    lines.sort_by_key(|(lit, ..)| *lit);
    let view = format!("0 0 {} {}", places.width, places.height);
    html! {
        svg.map.dimmed[start.is_some()] viewBox=(view) width=(places.width) height=(places.height)
            xmlns="http://www.w3.org/2000/svg" role="group"
            aria-label="Principals at the left, roles at the right" {
            @if !style.is_empty() { style { (style) } }
            @for (head, x) in &places.heads { text.head x=(x) y="20" { (head) } }
            @for (lit, path, tie, count) in &lines { (line(*lit, path, *tie, *count)) }
            @for (at, (kind, spot)) in collapsed.spots.iter().enumerate() {
                @if let Some(place) = places.of_spot(at) {
                    @match spot {
                        Spot::One(node) => (one(graph, link, *kind, *node, place, (start == Some(*node), reach.contains_key(node)))),
                        Spot::Many { path, count, rest, .. } => (many(link, *kind, spot, (path, *count, *rest), place)),
                    }
                }
            }
        }
    }
}

fn line(lit: bool, path: &str, tie: Tie, count: usize) -> Markup {
    let class = match tie {
        Tie::Member => "line member",
        Tie::Assume => "line",
        Tie::Trust | Tie::Profile => "line trust",
    };
    let class = if lit { format!("{class} lit") } else { class.to_owned() };
    html! { path class=(class) d=(path) { @if count > 1 { title { (count) " lines" } } } }
}

fn one(
    graph: &Graph,
    link: Option<&Link<'_>>,
    kind: Kind,
    node: usize,
    (x, y): (usize, usize),
    (is_start, is_reached): (bool, bool),
) -> Markup {
    let Some(node) = graph.nodes.get(node) else { return html! {} };
    let drawn = html! {
            title { (label(kind)) " " (node.id) }
            rect.node.start[is_start].reached[is_reached] x=(x) y=(y) width=(BOX) height=(BOX_HEIGHT) rx="6" {}
            rect class={ "mark " (mark(kind)) } x=(x) y=(y) width="5" height=(BOX_HEIGHT) rx="2" {}
            text x=(x + 14) y=(y + 18) { (cut(&node.name)) }
    };
    match link {
        Some(link) => html! { a href=(link.from(&node.id)) { (drawn) } },
        None => html! { g { (drawn) } },
    }
}

fn many(
    link: Option<&Link<'_>>,
    kind: Kind,
    spot: &Spot,
    (path, count, rest): (&str, usize, bool),
    (x, y): (usize, usize),
) -> Markup {
    let plural = KINDS.into_iter().find(|(known, ..)| *known == kind).map_or("", |(.., plural)| plural);
    let more = if rest { " more" } else { "" };
    let says = match path {
        "" | "/" => format!("{count}{more} {plural}"),
        path => format!("{count}{more} in {path}"),
    };
    let drawn = html! {
        title { (count) " " (plural) " in " (path) }
        rect.node x=(x + 4) y=(y + 4) width=(BOX - 4) height=(BOX_HEIGHT - 2) rx="6" {}
        rect.node.stack x=(x) y=(y) width=(BOX - 4) height=(BOX_HEIGHT - 2) rx="6" {}
        rect class={ "mark " (mark(kind)) } x=(x) y=(y) width="5" height=(BOX_HEIGHT - 2) rx="2" {}
        text x=(x + 14) y=(y + 17) { (cut(&says)) }
    };
    match link {
        // What is left of an open stack is found by searching.
        Some(link) if !rest => html! { a href=(link.open(&spot.key())) { (drawn) } },
        _ => html! { g { (drawn) } },
    }
}

fn curve((x, y): (usize, usize), (to_x, to_y): (usize, usize), width: usize) -> String {
    let middle = BOX_HEIGHT / 2;
    let (y, to_y) = (y + middle, to_y + middle);
    if x == to_x {
        // Between two roles the line goes around the right side.
        let (edge, out) = (x + BOX, width - EDGE);
        return format!("M {edge} {y} C {out} {y} {out} {to_y} {edge} {to_y}");
    }
    // From a user to its group the line goes to the left.
    let (start, end) = if x < to_x { (x + BOX, to_x) } else { (x, to_x + BOX) };
    let half = usize::midpoint(start, end);
    format!("M {start} {y} C {half} {y} {half} {to_y} {end} {to_y}")
}

fn label(kind: Kind) -> &'static str {
    KINDS.into_iter().find(|(known, ..)| *known == kind).map_or("", |(_, _, label, _)| label)
}

fn mark(kind: Kind) -> &'static str {
    KINDS.into_iter().find(|(known, ..)| *known == kind).map_or("", |(_, name, ..)| name)
}

fn cut(name: &str) -> String {
    match name.char_indices().nth(LETTERS) {
        Some((at, _)) => format!("{}…", name.get(..at).unwrap_or(name)),
        None => name.to_owned(),
    }
}
