//! A decision as a picture that stands by itself: its colours follow the reader's theme, every colour
//! has a word beside it, and the description says the same for those who don't see it.

use std::fmt::Write as _;

use rolecall_policy::Outcome;

use crate::case::{Decided, Row, Says};

const WIDTH: usize = 760;
const HEAD: usize = 84;
const STEP: usize = 62;

const STYLE: &str = "\
.back{fill:#fff;stroke:#d0d7de}.box{fill:#f6f8fa;stroke:#8c959f}.decides{stroke-width:3}text{font:14px sans-serif;fill:#1f2328}\
.small{font-size:12px;fill:#59636e}.strong{font-weight:bold}.yes{fill:#116329}.no{fill:#a40e26}.none{fill:#59636e}\
.line{stroke:#8c959f}
@media (prefers-color-scheme:dark){.back{fill:#0d1117;stroke:#3d444d}.box{fill:#151b23;stroke:#9198a1}text{fill:#f0f6fc}\
.small{fill:#b1bac4}.yes{fill:#56d364}.no{fill:#ff8f87}.none{fill:#b1bac4}.line{stroke:#9198a1}}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn words(says: &Says) -> (&'static str, String) {
    match says {
        Says::Allows(sid) => ("yes", format!("✓ allows (statement {sid})")),
        Says::Denies(sid) => ("no", format!("✗ denies (statement {sid})")),
        Says::Nothing => ("none", "– says nothing about it".to_owned()),
        Says::NotAsked => ("none", "not looked at".to_owned()),
    }
}

fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Allowed => ("yes", "✓ Allowed"),
        Outcome::ImplicitlyDenied => ("no", "✗ Denied: nothing allows it"),
        Outcome::ExplicitlyDenied => ("no", "✗ Denied: a statement denies it"),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn line(out: &mut String, class: &str, x: usize, y: usize, text: &str) {
    let _ = writeln!(out, r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escape(text));
}

fn row(out: &mut String, top: usize, row: &Row) {
    let decides = if row.decides { " decides" } else { "" };
    let _ = writeln!(out, r#"<path class="line" d="M60 {}v16"/>"#, top - 16);
    let _ = writeln!(
        out,
        r#"<rect class="box{decides}" x="20" y="{top}" width="{}" height="46" rx="6"/>"#,
        WIDTH - 40
    );
    line(out, "strong", 34, top + 20, &capital(row.kind.name()));
    line(out, "small", 34, top + 37, &row.names);
    let (class, said) = words(&row.says);
    line(out, class, 400, top + 28, &said);
    if row.decides {
        line(out, "small", 670, top + 28, "decides");
    }
}

fn description(decided: &Decided) -> String {
    let rows = decided.rows.iter().map(|row| {
        let names = if row.names.is_empty() { String::new() } else { format!(" ({})", row.names) };
        format!("{}{names}: {}.", capital(row.kind.name()), words(&row.says).1)
    });
    let [who, what] = &decided.question;
    let all: Vec<_> = rows.collect();
    format!("{who} asks for {what}. {} {}: {}.", all.join(" "), outcome(decided.outcome).1, decided.because)
}

pub(crate) fn draw(decided: &Decided) -> String {
    let end = HEAD + STEP * decided.rows.len();
    let height = end + 66;
    let (class, verdict) = outcome(decided.outcome);
    let [who, what] = &decided.question;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"t d\">\n<title id=\"t\">{}: {}</title>\n<desc id=\"d\">{}</desc>\n\
         <style>{STYLE}</style>\n",
        escape(what),
        verdict,
        escape(&description(decided)),
    );
    let _ = writeln!(
        out,
        r#"<rect class="back" x="1" y="1" width="{}" height="{}" rx="8"/>"#,
        WIDTH - 2,
        height - 2
    );
    line(&mut out, "strong", 20, 32, what);
    line(&mut out, "small", 20, 54, &format!("asked by {who}"));
    for (place, one) in decided.rows.iter().enumerate() {
        row(&mut out, HEAD + STEP * place, one);
    }
    let _ = writeln!(out, r#"<path class="line" d="M60 {}v16"/>"#, end - 16);
    line(&mut out, &format!("strong {class}"), 20, end + 20, verdict);
    line(&mut out, "small", 20, end + 42, &capital(&decided.because));
    out.push_str("</svg>\n");
    out
}
