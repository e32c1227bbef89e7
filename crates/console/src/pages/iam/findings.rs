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

/// The characters of a line that the first of the spans on it covers.
fn covered(line: usize, length: usize, spans: &[Span]) -> Option<(usize, usize)> {
    let on = |(start, end): &&Span| (start.line..=end.line).contains(&line);
    let (start, end) = spans.iter().filter(on).min()?;
    let from = if start.line == line { start.column.min(length) } else { 0 };
    let to = if end.line == line { end.column.min(length) } else { length };
    Some((from, to.max(from)))
}

fn numbered(number: usize, line: &str, spans: &[Span]) -> Markup {
    let characters: Vec<char> = line.chars().collect();
    let marked = covered(number, characters.len(), spans);
    let part = |from: usize, to: usize| {
        characters.iter().skip(from).take(to.saturating_sub(from)).collect::<String>()
    };
    html! {
        li.marked[marked.is_some()] #{ "line-" (number) } {
            span {
                @match marked {
                    Some((from, to)) => {
                        (part(0, from)) mark { (part(from, to)) } (part(to, characters.len()))
                    }
                    None => (line),
                }
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
        assert_eq!(covered(1, 20, &spans), None);
        assert_eq!(covered(2, 20, &spans), Some((4, 9)));
        assert_eq!(covered(2, 6, &spans), Some((4, 6)));
        assert_eq!(covered(4, 5, &spans), Some((2, 5)));
        assert_eq!(covered(5, 7, &spans), Some((0, 7)));
        assert_eq!(covered(6, 7, &spans), Some((0, 1)));
        assert_eq!(covered(7, 7, &spans), None);
    }

    #[test]
    fn characters_are_marked_not_bytes() {
        let shown = numbered(1, "\"ä\": <b>", &[span((1, 1), (1, 2))]).into_string();
        assert!(shown.contains("&quot;<mark>ä</mark>&quot;: &lt;b&gt;"), "{shown}");
    }
}
