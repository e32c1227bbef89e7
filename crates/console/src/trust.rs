//! Reading trust policies, as far as pages show what is in them.

use serde_json::Value;

/// The statements of a document; none when it can't be read.
pub(crate) fn statements(document: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(document).unwrap_or(Value::Null);
    match document.get("Statement") {
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

/// The text of a member, or the texts of a list.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The principals of a `Principal` member, each with its kind: `AWS: arn…`; `*` stands alone.
pub(crate) fn principals(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Object(kinds)) => kinds
            .iter()
            .flat_map(|(kind, value)| {
                texts(Some(value)).into_iter().map(move |text| format!("{kind}: {text}"))
            })
            .collect(),
        other => texts(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_of_every_form_are_named() {
        let [one, other] = &statements(
            r#"{"Statement": [{"Principal": {"AWS": ["a", "b"], "Service": "s"}}, {"Principal": "*"}]}"#,
        )[..] else {
            panic!("two statements")
        };
        assert_eq!(principals(one.get("Principal")), ["AWS: a", "AWS: b", "Service: s"]);
        assert_eq!(principals(other.get("Principal")), ["*"]);
        assert!(principals(None).is_empty());
        assert!(statements("no JSON").is_empty());
        assert_eq!(statements(r#"{"Statement": {}}"#).len(), 1);
    }
}
