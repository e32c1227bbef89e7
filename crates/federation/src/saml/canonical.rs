//! Exclusive XML canonicalization, version 1.0, without comments.

use std::collections::BTreeMap;

use super::xml::{Element, Node};

/// The algorithm's name.
pub(super) const ALGORITHM: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// The namespaces that an output ancestor has declared, by prefix.
type Rendered = BTreeMap<String, String>;

/// The canonical form of `element`. `inclusive` are the prefixes to treat as inclusive canonicalization
/// does (`InclusiveNamespaces`); `left_out` is left out (the enveloped signature).
pub(super) fn canonical(element: &Element, inclusive: &[String], left_out: Option<&Element>) -> String {
    let mut writer = Writer { out: String::new(), inclusive, left_out };
    writer.element(element, &Rendered::new());
    writer.out
}

struct Writer<'a> {
    out: String,
    inclusive: &'a [String],
    left_out: Option<&'a Element>,
}

impl Writer<'_> {
    fn element(&mut self, element: &Element, rendered: &Rendered) {
        if self.left_out.is_some_and(|left_out| std::ptr::eq(left_out, element)) {
            return;
        }
        let name = qualified(&element.prefix, &element.local);
        self.out.push('<');
        self.out.push_str(&name);
        let rendered = self.declarations(element, rendered);
        self.attributes(element);
        self.out.push('>');
        for child in &element.children {
            match child {
                Node::Element(child) => self.element(child, &rendered),
                Node::Text(text) => self.text(text),
                Node::Instruction { target, content } => self.instruction(target, content),
            }
        }
        self.out.push_str("</");
        self.out.push_str(&name);
        self.out.push('>');
    }

    /// Writes the declarations that the element needs and no ancestor has written; returns what is
    /// rendered below it.
    fn declarations(&mut self, element: &Element, rendered: &Rendered) -> Rendered {
        let mut below = rendered.clone();
        for (prefix, uri) in self.needed(element) {
            let earlier = rendered.get(&prefix).map(String::as_str);
            // Where nothing was declared, there is nothing to undo.
            if earlier == Some(&uri) || (uri.is_empty() && earlier.is_none()) {
                continue;
            }
            self.out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            self.out.push_str(&prefix);
            self.out.push_str("=\"");
            self.attribute_value(&uri);
            self.out.push('"');
            below.insert(prefix, uri);
        }
        below
    }

    /// The namespaces that the element visibly uses, and those to be treated inclusively, in order.
    fn needed(&self, element: &Element) -> BTreeMap<String, String> {
        let used = std::iter::once((&element.prefix, &element.namespace)).chain(
            element
                .attributes
                .iter()
                .filter(|one| !one.prefix.is_empty())
                .map(|one| (&one.prefix, &one.namespace)),
        );
        let used = used.map(|(prefix, uri)| (prefix.clone(), uri.clone()));
        let inclusive = self.inclusive.iter().filter_map(|prefix| {
            let prefix = if prefix == "#default" { "" } else { prefix.as_str() };
            element.scope.get(prefix).map(|uri| (prefix.to_owned(), uri.clone()))
        });
        used.chain(inclusive).filter(|(prefix, _)| prefix != "xml").collect()
    }

    fn attributes(&mut self, element: &Element) {
        let mut attributes: Vec<_> = element.attributes.iter().collect();
        attributes.sort_by(|one, other| (&one.namespace, &one.local).cmp(&(&other.namespace, &other.local)));
        for attribute in attributes {
            self.out.push(' ');
            self.out.push_str(&qualified(&attribute.prefix, &attribute.local));
            self.out.push_str("=\"");
            self.attribute_value(&attribute.value);
            self.out.push('"');
        }
    }

    fn attribute_value(&mut self, value: &str) {
        for character in value.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '"' => self.out.push_str("&quot;"),
                '\t' => self.out.push_str("&#x9;"),
                '\n' => self.out.push_str("&#xA;"),
                '\r' => self.out.push_str("&#xD;"),
                other => self.out.push(other),
            }
        }
    }

    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\r' => self.out.push_str("&#xD;"),
                other => self.out.push(other),
            }
        }
    }

    fn instruction(&mut self, target: &str, content: &str) {
        self.out.push_str("<?");
        self.out.push_str(target);
        if !content.is_empty() {
            self.out.push(' ');
            self.out.push_str(content);
        }
        self.out.push_str("?>");
    }
}

fn qualified(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}

#[cfg(test)]
mod tests;
