//! The structures of a service.

use super::HEADER;
use super::model::{At as _, Member, Service, Shape};
use super::names::{camel, snake};

/// The Rust type of a value of this shape.
pub(crate) fn rust_type(service: &Service, shape: &Shape<'_>) -> String {
    match shape.kind() {
        "structure" if shape.is_document() => "serde_json::Value".into(),
        "structure" => service.type_name(shape.name),
        "list" => format!("Vec<{}>", rust_type(service, &service.shape(item_shape(shape)))),
        "map" => {
            let value = service.shape(shape.value.at(&["value", "shape"]).as_str().unwrap_or_default());
            format!("BTreeMap<String, {}>", rust_type(service, &value))
        }
        "boolean" => "bool".into(),
        "integer" => "i32".into(),
        "long" => "i64".into(),
        "float" | "double" => "f64".into(),
        "timestamp" => "Timestamp".into(),
        "blob" => "Vec<u8>".into(),
        _ if shape.is_sensitive() => "Sensitive".into(),
        _ => "String".into(),
    }
}

/// The shape of a list's items.
pub(crate) fn item_shape<'a>(shape: &Shape<'a>) -> &'a str {
    shape.value.at(&["member", "shape"]).as_str().unwrap_or_default()
}

/// Whether a member's type is wrapped in an `Option`.
pub(crate) fn is_optional(service: &Service, member: &Member<'_>) -> bool {
    !member.required && !matches!(service.shape(member.shape()).kind(), "list" | "map")
}

fn structure(service: &Service, shape: &Shape<'_>, name: &str) -> String {
    let mut out =
        format!("/// `{}`\n#[derive(Clone, Debug, Default, PartialEq)]\npub struct {name} {{\n", shape.name);
    for member in shape.members() {
        let inner = rust_type(service, &service.shape(member.shape()));
        let inner = if is_optional(service, &member) { format!("Option<{inner}>") } else { inner };
        out.push_str(&format!("    /// `{}`\n    pub {}: {inner},\n", member.name, snake(member.name)));
    }
    out.push_str("}\n\n");
    out
}

/// `types.rs` of a service.
pub(crate) fn file(service: &Service) -> String {
    let mut out = String::new();
    let mut defined = std::collections::BTreeSet::new();
    for shape in service.shapes().filter(Shape::is_structure) {
        let name = service.type_name(shape.name);
        out.push_str(&structure(service, &shape, &name));
        defined.insert(name);
    }
    for operation in service.operations().iter().filter(|operation| operation.typed) {
        for (suffix, shape) in [("Request", operation.input), ("Response", operation.output)] {
            let name = format!("{}{suffix}", operation.name);
            if defined.contains(&name) {
                continue;
            }
            match shape {
                Some(shape) => out.push_str(&format!("/// `{shape}`\npub type {name} = {};\n\n", camel(shape))),
                None => out.push_str(&format!(
                    "/// Empty: the model gives `{}` none.\n#[derive(Clone, Debug, Default, PartialEq)]\npub struct {name} {{}}\n\n",
                    operation.name
                )),
            }
        }
    }
    let uses: String = [
        ("BTreeMap", "use std::collections::BTreeMap;\n\n"),
        ("Sensitive", "use crate::Sensitive;\n"),
        ("Timestamp", "use crate::Timestamp;\n"),
    ]
    .iter()
    .filter(|(word, _)| {
        out.contains(&format!("{word}<"))
            || out.contains(&format!("{word},"))
            || out.contains(&format!("{word}>"))
    })
    .map(|(_, line)| *line)
    .collect();
    format!("{HEADER}//! The structures of the service.\n\n{uses}\n{out}")
}
