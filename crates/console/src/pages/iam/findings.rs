//! Findings on a document, each at its line: the document is shown with its lines numbered, and what a finding is about
//! marked in it.

use maud::{Markup, html};
use serde_json::Value;

/// A place in a document: lines from one, columns from zero, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    line: usize,
    column: usize,
}

/// What a finding is about: from a place up to another.
type Span = (Spot, Spot);

/// Shows what Access Analyzer says of a document.
pub(super) fn shown(answer: &Value, text: &str) -> Markup {
    let found = answer.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
    if found.is_empty() {
        return html! { p.fine { span.badge.good { "Sound" } " The checks found nothing." } };
    }
    let of = |finding: &Value, name: &str| {
        finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let spans: Vec<Span> = found.iter().flat_map(spans).collect();
    html! {
        section.alert aria-label="Findings" {
            h2 { "Findings" }
            ul {
                @for finding in &found {
                    li {
                        @if let Some((start, _)) = self::spans(finding).first() {
                            // People count columns from one.
                            a href={ "#line-" (start.line) } { "Line " (start.line) ", column " (start.column + 1) } ": "
                        }
                        strong { (of(finding, "findingType").to_lowercase().replace('_', " ")) } " "
                        (of(finding, "findingDetails")) " " code { (of(finding, "issueCode")) }
                    }
                }
            }
        }
        @if !spans.is_empty() {
            ol.lines tabindex="0" aria-label="Where it was found" {
                @for (at, line) in text.lines().enumerate() { (numbered(at + 1, line, &spans)) }
            }
        }
    }
}

fn spans(finding: &Value) -> Vec<Span> {
    let number = |place: &Value, name: &str| usize::try_from(place.get(name)?.as_u64()?).ok();
    let spot = |place: &Value| Some(Spot { line: number(place, "line")?, column: number(place, "column")? });
    let places = finding.get("locations").and_then(Value::as_array).into_iter().flatten();
    places
        .filter_map(|place| Some((spot(place.pointer("/span/start")?)?, spot(place.pointer("/span/end")?)?)))
        .collect()
}

/// The parts of a line that spans cover, in their order; those that meet or overlap are one.
fn covered(line: usize, length: usize, spans: &[Span]) -> Vec<(usize, usize)> {
    let on = spans.iter().filter(|(start, end)| (start.line..=end.line).contains(&line));
    let mut parts: Vec<(usize, usize)> = on
        .map(|(start, end)| {
            let from = if start.line == line { start.column.min(length) } else { 0 };
            let to = if end.line == line { end.column.min(length) } else { length };
            (from, to.max(from))
        })
        .collect();
    parts.sort_unstable();
    parts.dedup_by(|later, former| {
        let meets = later.0 <= former.1;
        former.1 = if meets { former.1.max(later.1) } else { former.1 };
        meets
    });
    parts
}

fn numbered(number: usize, line: &str, spans: &[Span]) -> Markup {
    let characters: Vec<char> = line.chars().collect();
    let marked = covered(number, characters.len(), spans);
    let part = |from: usize, to: usize| {
        characters.iter().skip(from).take(to.saturating_sub(from)).collect::<String>()
    };
    let befores = std::iter::once(0).chain(marked.iter().map(|(_, to)| *to)).zip(&marked);
    let last = marked.last().map_or(0, |(_, to)| *to);
    html! {
        li.marked[!marked.is_empty()] #{ "line-" (number) } {
            span {
                @for (end, (from, to)) in befores { (part(end, *from)) mark { (part(*from, *to)) } }
                (part(last, characters.len()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from: (usize, usize), to: (usize, usize)) -> Span {
        (Spot { line: from.0, column: from.1 }, Spot { line: to.0, column: to.1 })
    }

    #[test]
    fn what_is_marked_begins_and_ends_in_its_line() {
        let spans = [span((2, 4), (2, 9)), span((4, 2), (6, 1))];
        assert_eq!(covered(1, 20, &spans), []);
        assert_eq!(covered(2, 20, &spans), [(4, 9)]);
        assert_eq!(covered(2, 6, &spans), [(4, 6)]);
        assert_eq!(covered(4, 5, &spans), [(2, 5)]);
        assert_eq!(covered(5, 7, &spans), [(0, 7)]);
        assert_eq!(covered(6, 7, &spans), [(0, 1)]);
        assert_eq!(covered(7, 7, &spans), []);
    }

    #[test]
    fn everything_that_was_found_on_a_line_is_marked() {
        let spans = [span((1, 8), (1, 9)), span((1, 1), (1, 3)), span((1, 2), (1, 4)), span((1, 1), (1, 2))];
        assert_eq!(covered(1, 10, &spans), [(1, 4), (8, 9)]);
        let shown = numbered(1, "0123456789", &spans).into_string();
        assert!(shown.contains("<span>0<mark>123</mark>4567<mark>8</mark>9</span>"), "{shown}");
    }

    #[test]
    fn characters_are_marked_not_bytes() {
        let shown = numbered(1, "\"ä\": <b>", &[span((1, 1), (1, 2))]).into_string();
        assert!(shown.contains("&quot;<mark>ä</mark>&quot;: &lt;b&gt;"), "{shown}");
    }
}
