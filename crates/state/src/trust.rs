//! Trust policies are bound to the unique ids of the principals that they name: someone who is
//! made again under the same name is someone else.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use std::collections::BTreeMap;

use rolecall_policy::{Document, Grammar, PolicyKind, PrincipalType, Span};

use crate::ids::UniqueId;

/// The AWS principals that a trust policy names, as written.
pub fn aws_principals(document: &Document) -> Vec<&str> {
    principal_texts(document).map(|(text, _)| text).collect()
}

/// The text with each principal in `bindings` replaced by its unique id, where `replace` says so.
/// A text that can't be parsed stays as it is.
pub fn bound(
    text: &str,
    bindings: &BTreeMap<String, UniqueId>,
    replace: impl Fn(&UniqueId) -> bool,
) -> String {
    if bindings.is_empty() {
        return text.to_owned();
    }
    let Ok(document) = Document::parse(text, Grammar::evaluated(PolicyKind::Trust)) else {
        return text.to_owned();
    };
    let mut places: Vec<(Span, &UniqueId)> = principal_texts(&document)
        .filter_map(|(principal, span)| Some((span, bindings.get(principal).filter(|id| replace(id))?)))
        .collect();
    places.sort_by_key(|(span, _)| span.start);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (span, id) in places {
        out.push_str(text.get(from..span.start as usize).unwrap_or_default());
        out.push_str(id.as_str());
        from = span.end as usize;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

fn principal_texts(document: &Document) -> impl Iterator<Item = (&str, Span)> {
    let elements = document.statements().iter().filter_map(|statement| statement.principal.as_ref());
    let entries = elements.flat_map(|element| element.entries.iter());
    let aws = entries.filter(|entry| entry.principal_type == PrincipalType::Aws);
    aws.flat_map(|entry| entry.values.iter()).map(|text| (document.text(text), text.span))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_principals_are_replaced() {
        let arn = "arn:aws:iam::123456789012:user/robot";
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {{"AWS": ["{arn}", "123456789012"]}},
            "Condition": {{"ArnEquals": {{"aws:PrincipalArn": "{arn}"}}}}}}}}"#
        );
        let id = UniqueId::from_stored("AIDAEXAMPLE0123456789");
        let bindings = BTreeMap::from([(arn.to_owned(), id)]);
        let out = bound(&text, &bindings, |_| true);
        assert!(out.contains(r#"["AIDAEXAMPLE0123456789", "123456789012"]"#), "{out}");
        assert!(out.contains(&format!(r#""aws:PrincipalArn": "{arn}""#)), "{out}");
        assert_eq!(bound(&text, &bindings, |_| false), text);
    }
}
