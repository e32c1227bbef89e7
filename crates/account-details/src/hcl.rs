//! Writing HCL, Terraform's language, laid out as `terraform fmt` lays it out.
//!
//! <https://developer.hashicorp.com/terraform/language/syntax/configuration>

use crate::json::Json;

/// What stands to the right of an attribute's `=`.
pub(crate) enum Expression {
    /// Text, to be quoted.
    Text(String),
    /// A reference, as it is.
    Reference(String),
    /// References in a list.
    References(Vec<String>),
    /// Names and texts.
    Map(Vec<(String, String)>),
    /// A value that is JSON in text.
    Encoded(Json),
}

/// Writes a block of attributes and blocks within it, each with attributes of its own.
pub(crate) fn block(
    out: &mut String,
    head: &str,
    attributes: &[(&str, Expression)],
    inner: &[(&str, Vec<(&str, Expression)>)],
) {
    out.push_str(head);
    out.push_str(" {\n");
    let lines = |attributes: &[(&str, Expression)], indent| {
        members(
            attributes.iter().map(|(name, value)| ((*name).to_owned(), expression(value, indent))).collect(),
            indent,
        )
    };
    out.push_str(&lines(attributes, 1));
    for (name, attributes) in inner {
        out.push_str(&format!("  {name} {{\n{}  }}\n", lines(attributes, 2)));
    }
    out.push_str("}\n\n");
}

/// Text with nothing in it that means something.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Doubled, the sign that introduces a template is itself.
            '$' | '%' if characters.peek() == Some(&'{') => out.extend([character, character]),
            control if control.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}

fn expression(value: &Expression, indent: usize) -> String {
    match value {
        Expression::Text(text) => quoted(text),
        Expression::Reference(reference) => reference.clone(),
        Expression::References(references) => format!("[{}]", references.join(", ")),
        Expression::Map(entries) => {
            let entries = entries.iter().map(|(name, text)| (key(name), quoted(text))).collect();
            braced(entries, indent)
        }
        Expression::Encoded(json) => format!("jsonencode({})", json_value(json, indent)),
    }
}

fn json_value(value: &Json, indent: usize) -> String {
    match value {
        Json::Null => "null".to_owned(),
        Json::Bool(truth) => truth.to_string(),
        Json::Number(number) => number.to_string(),
        Json::Text(text) => quoted(text),
        Json::List(items) => list(items, indent),
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| (key(name), json_value(value, indent + 1)));
            braced(members.collect(), indent)
        }
    }
}

fn list(items: &[Json], indent: usize) -> String {
    match items {
        [] => "[]".to_owned(),
        [one] if !matches!(one, Json::List(_) | Json::Object(_)) => format!("[{}]", json_value(one, indent)),
        _ => {
            let inner = "  ".repeat(indent + 1);
            let items = items.iter().map(|item| format!("{inner}{},\n", json_value(item, indent + 1)));
            format!("[\n{}{}]", items.collect::<String>(), "  ".repeat(indent))
        }
    }
}

fn braced(entries: Vec<(String, String)>, indent: usize) -> String {
    if entries.is_empty() {
        return "{}".to_owned();
    }
    format!("{{\n{}{}}}", members(entries, indent + 1), "  ".repeat(indent))
}

/// Names and values, a line each; the signs of neighbours that take one line stand below each other.
fn members(entries: Vec<(String, String)>, indent: usize) -> String {
    let is_short = |(_, value): &(String, String)| !value.contains('\n');
    let mut out = String::new();
    for run in entries.chunk_by(|one, next| is_short(one) && is_short(next)) {
        let width = run.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for (name, value) in run {
            out.push_str(&format!("{}{name:width$} = {value}\n", "  ".repeat(indent)));
        }
    }
    out
}

/// A member's name, quoted where it must be.
fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_word = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(plain);
    let means_something = ["for", "if", "in", "null", "true", "false"].contains(&name);
    if is_word && !means_something { name.to_owned() } else { quoted(name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_means_something() {
        for (text, wanted) in [
            ("plain", r#""plain""#),
            ("${aws:username}", r#""$${aws:username}""#),
            ("%{ if true }", r#""%%{ if true }""#),
            ("$${a} $ % $5", r#""$$${a} $ % $5""#),
            ("a\"b\\c\nd\te\r", r#""a\"b\\c\nd\te\r""#),
            ("\u{1}é", "\"\\u0001é\""),
        ] {
            assert_eq!(quoted(text), wanted);
        }
    }

    #[test]
    fn signs_stand_below_each_other() {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Action":["s3:Get*","s3:List*"],
            "Resource":["*"],"Condition":{"Bool":{"aws:SecureTransport":true}}}],"for":[]}"#;
        let mut out = String::new();
        let tags = Expression::Map(vec![("a b".into(), "x".into()), ("team".into(), "y".into())]);
        let attributes = [
            ("name", Expression::Text("n".into())),
            ("permissions_boundary", Expression::Reference("aws_iam_policy.p.arn".into())),
            ("tags", tags),
            ("policy", Expression::Encoded(serde_json::from_str(policy).unwrap())),
        ];
        let ignored = Expression::References(vec!["tags".into(), "tags_all".into()]);
        block(
            &mut out,
            "resource \"a\" \"b\"",
            &attributes,
            &[("lifecycle", vec![("ignore_changes", ignored)])],
        );
        assert_eq!(
            out,
            r#"resource "a" "b" {
  name                 = "n"
  permissions_boundary = aws_iam_policy.p.arn
  tags = {
    "a b" = "x"
    team  = "y"
  }
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "a"
        Effect = "Allow"
        Action = [
          "s3:Get*",
          "s3:List*",
        ]
        Resource = ["*"]
        Condition = {
          Bool = {
            "aws:SecureTransport" = true
          }
        }
      },
    ]
    "for" = []
  })
  lifecycle {
    ignore_changes = [tags, tags_all]
  }
}

"#
        );
    }
}
