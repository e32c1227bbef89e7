//! JSON as the metadata service lays it out: two blanks, and a blank on either side of each colon.

/// An object of strings and nulls.
pub(crate) fn object(fields: &[(&str, Option<String>)]) -> String {
    let field = |(name, text): &(&str, Option<String>)| {
        let text = text.as_ref().map_or(serde_json::Value::Null, |text| text.as_str().into());
        format!("  \"{name}\" : {text}")
    };
    format!("{{\n{}\n}}", fields.iter().map(field).collect::<Vec<_>>().join(",\n"))
}
