//! Reading inputs from parameters, and writing outputs as XML.

use std::collections::BTreeMap;

use serde_json::Value;

use super::HEADER;
use super::model::{At as _, Member, Service, Shape};
use super::names::{lower_first, snake, upper_first};
use super::types::{is_optional, item_shape};

/// `parse.rs` of a service.
pub(crate) fn parse_file(service: &Service) -> String {
    let is_iam = service.metadata("serviceId") == "IAM";
    let mut constraints = Constraints { statics: BTreeMap::new(), is_iam };
    let mut body = String::new();
    let structures = service.inputs.iter().map(|name| service.shape(name));
    for shape in structures.filter(Shape::is_structure) {
        body.push_str(&reader(service, &shape, &mut constraints));
    }
    for operation in
        service.operations().iter().filter(|operation| operation.typed && operation.input.is_none())
    {
        body.push_str(&empty_reader(&format!("{}Request", operation.name)));
    }
    let body = format!("{}{body}", constraints.rust());
    let read = [
        ("ListForm", "ListForm"),
        ("Name", "Name("),
        ("Read", "Read"),
        ("list", ": list("),
        ("map", ": map("),
    ];
    let read =
        used(&body, &[&read[..], &[("optional", ": optional("), ("required", ": required(")]].concat());
    let constraint = used(&body, &[("Constraint", "Constraint"), ("Pattern", "Pattern::new")]);
    let uses = format!(
        "use super::types::*;\nuse crate::constraint::{constraint};\nuse crate::node::Node;\nuse crate::read::{read};\nuse crate::violations::Violations;\n\n"
    );
    format!("{HEADER}//! Reading inputs.\n\n{uses}{body}")
}

/// The list of those names whose mark stands in the code.
fn used(body: &str, names: &[(&str, &str)]) -> String {
    let used: Vec<&str> =
        names.iter().filter(|(_, mark)| body.contains(mark)).map(|(name, _)| *name).collect();
    format!("{{{}}}", used.join(", "))
}

fn empty_reader(name: &str) -> String {
    format!(
        "impl Read for {name} {{\n    fn read(_: &Node<'_>, _: &Constraint, _: &mut Violations) -> Self {{\n        Self {{}}\n    }}\n}}\n\n"
    )
}

fn reader(service: &Service, shape: &Shape<'_>, constraints: &mut Constraints) -> String {
    let name = service.type_name(shape.name);
    if shape.members().is_empty() {
        return empty_reader(&name);
    }
    let fields: String = shape
        .members()
        .iter()
        .map(|member| {
            format!("            {}: {},\n", snake(member.name), read_member(service, member, constraints))
        })
        .collect();
    format!(
        "impl Read for {name} {{\n    fn read(n: &Node<'_>, _: &Constraint, v: &mut Violations) -> Self {{\n        Self {{\n{fields}        }}\n    }}\n}}\n\n"
    )
}

fn read_member(service: &Service, member: &Member<'_>, constraints: &mut Constraints) -> String {
    let shape = service.shape(member.shape());
    let flattened = service.is_ec2() || shape.value.at(&["flattened"]).as_bool() == Some(true);
    let wire = if service.is_ec2() {
        member
            .query_name()
            .map_or_else(|| upper_first(member.location().unwrap_or(member.name)), str::to_owned)
    } else {
        member.location().unwrap_or(member.name).to_owned()
    };
    let name = format!("Name({wire:?}, {:?})", lower_first(member.name));
    match shape.kind() {
        "list" => {
            let item = service.shape(item_shape(&shape));
            let word = shape.value.at(&["member", "locationName"]).as_str().unwrap_or("member");
            let word = if flattened { "None".to_owned() } else { format!("Some({word:?})") };
            let size = constraints.of(&shape);
            let constraint = constraints.of(&item);
            let required = member.required;
            format!(
                "list(n, {name}, &ListForm {{ item: {word}, required: {required}, size: &{size} }}, &{constraint}, v)"
            )
        }
        "map" => {
            let value = service.shape(shape.value.at(&["value", "shape"]).as_str().unwrap_or_default());
            let constraint = constraints.of(&value);
            format!("map(n, {name}, &{constraint}, v)")
        }
        _ => {
            let constraint = constraints.of(&shape);
            let read = if is_optional(service, member) { "optional" } else { "required" };
            format!("{read}(n, {name}, &{constraint}, v)")
        }
    }
}

/// Shapes whose minimum the settings may change: the handlers check it, in the same words.
const MINIMUM_IS_A_SETTING: &[&str] = &["roleDurationSecondsType", "durationSecondsType"];

/// The constraints of a service, each written once.
struct Constraints {
    statics: BTreeMap<String, String>,
    is_iam: bool,
}

/// Patterns that IAM checks after all else, and what it then says. Sources: the messages in
/// <https://github.com/aws-amplify/amplify-cli/issues/9120> and <https://github.com/aws/aws-cli/issues/5860>.
const IN_WORDS: &[(&str, &str)] = &[
    (r"[\w+=,.@-]+", "It must contain only alphanumeric characters and/or the following: +=,.@_-"),
    (r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)", PATH),
    (r"((/[A-Za-z0-9\.,\+@=_-]+)*)/", PATH),
    // Prefixes have words of their own, whatever shape they have: `Violations` tells them by their name.
    (r"\u002F[\u0021-\u007F]*", PATH),
];

const PATH: &str =
    "It must begin and end with / and contain only alphanumeric characters and/or / characters.";

impl Constraints {
    fn of(&mut self, shape: &Shape<'_>) -> String {
        let number = |key: &str| {
            shape.value.at(&[key]).as_f64().map_or("None".to_owned(), |n| format!("Some({})", n as i64))
        };
        let min = if MINIMUM_IS_A_SETTING.contains(&shape.name) { "None".to_owned() } else { number("min") };
        let max = number("max");
        let pattern = shape.value.at(&["pattern"]).as_str();
        let values: Vec<&str> =
            shape.value.at(&["enum"]).as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if min == "None" && max == "None" && pattern.is_none() && values.is_empty() {
            return "Constraint::NONE".to_owned();
        }
        let name = snake(shape.name).trim_start_matches("r#").to_uppercase();
        let pattern = pattern.map_or("None".to_owned(), |p| {
            format!("Some(Pattern::new({p:?}, {:?}, {}))", rust_regex(p), self.words(p))
        });
        let body =
            format!("Constraint {{ min: {min}, max: {max}, pattern: {pattern}, values: &{values:?} }}");
        self.insert(name, body)
    }

    // Two shapes' names may differ in nothing but capitals.
    fn insert(&mut self, name: String, body: String) -> String {
        let name = match self.statics.get(&name) {
            Some(other) if *other != body => format!("{name}_2"),
            _ => name,
        };
        self.statics.insert(name.clone(), body);
        name
    }

    fn words(&self, pattern: &str) -> String {
        let own = IN_WORDS.iter().find(|(of, _)| self.is_iam && *of == pattern);
        own.map_or("None".to_owned(), |(_, words)| format!("Some({words:?})"))
    }

    fn rust(&self) -> String {
        let statics =
            self.statics.iter().map(|(name, body)| format!("static {name}: Constraint = {body};\n"));
        let all: Vec<&str> = self
            .statics
            .iter()
            .filter(|(_, body)| body.contains("Pattern::new"))
            .map(|(name, _)| name.as_str())
            .collect();
        let test = format!(
            "#[cfg(test)]\npub(crate) static WITH_PATTERNS: &[&Constraint] = &[{}];\n\n",
            all.iter().map(|name| format!("&{name}")).collect::<Vec<_>>().join(", ")
        );
        statics.chain([test]).collect()
    }
}

/// Patterns that look ahead, which the `regex` crate does not do, and what says the same together
/// with the shape's bounds on length.
const WITHOUT_LOOKAHEAD: &[(&str, &str)] =
    &[("^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", "[a-z0-9]+(-[a-z0-9]+)*")];

/// A pattern of the model (Java's syntax) in the syntax of the `regex` crate, for the whole value.
// Java's \w, \d and \s are of ASCII; \uXXXX is written \x{XXXX} here.
fn rust_regex(pattern: &str) -> String {
    let pattern = WITHOUT_LOOKAHEAD.iter().find(|(from, _)| *from == pattern).map_or(pattern, |(_, to)| to);
    let mut out = String::from("^(?:");
    let mut chars = pattern.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let next = chars.next().unwrap_or('\\');
                let wrap = |inner: &str| if in_class { inner.to_owned() } else { format!("[{inner}]") };
                match next {
                    'w' => out.push_str(&wrap("a-zA-Z_0-9")),
                    'd' => out.push_str(&wrap("0-9")),
                    's' => out.push_str(&wrap("\\x09-\\x0d\\x20")),
                    'u' => {
                        let digits: String = chars.by_ref().take(4).collect();
                        out.push_str(&format!("\\x{{{digits}}}"));
                    }
                    other => out.extend(['\\', other]),
                }
            }
            '[' if in_class => out.push_str("\\["),
            '[' => {
                in_class = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', c]),
            other => out.push(other),
        }
    }
    out.push_str(")$");
    out
}

/// `render.rs` of a service.
pub(crate) fn render_file(service: &Service) -> String {
    let mut body = String::new();
    let sink = sink(service);
    let operations = service.operations();
    let top: Vec<&str> = operations.iter().filter_map(|operation| operation.output).collect();
    for shape in service.outputs.iter().map(|name| service.shape(name)).filter(Shape::is_structure) {
        body.push_str(&writer(service, &shape, top.contains(&shape.name)));
    }
    for operation in operations.iter().filter(|operation| operation.typed && operation.output.is_none()) {
        let name = format!("{}Response", operation.name);
        body.push_str(&format!(
            "impl {name} {{\n    pub(crate) fn members(&self, _: &mut {sink}) {{}}\n}}\n\n"
        ));
    }
    let module = if service.is_json() { "json" } else { "xml" };
    let render = used(
        &body,
        &[
            ("Render", "ender"),
            ("Sink as _", "x."),
            ("list_unless_empty", "list_unless_empty("),
            ("map_unless_empty", "map_unless_empty("),
        ],
    );
    let uses =
        format!("use super::types::*;\nuse crate::{module}::{sink};\nuse crate::render::{render};\n\n");
    format!("{HEADER}//! Writing outputs.\n\n{uses}{body}")
}

/// AWS shows the lists of these even when they are empty, as its documentation's examples and recorded answers do.
const ALWAYS_LISTS: [&str; 7] = [
    "EvaluationResult",
    "ResourceSpecificResult",
    "GroupDetail",
    "RoleDetail",
    "UserDetail",
    "ListPoliciesGrantingServiceAccessEntry",
    "Root",
];

fn writer(service: &Service, shape: &Shape<'_>, at_top: bool) -> String {
    let name = service.type_name(shape.name);
    let sink = sink(service);
    let always_lists = service.is_ec2() || at_top || ALWAYS_LISTS.contains(&shape.name);
    let members: String =
        shape.members().iter().map(|member| write_member(service, member, always_lists)).collect();
    let x = if members.is_empty() { "_" } else { "x" };
    let render = format!(
        "impl Render<{sink}> for {name} {{\n    fn render(&self, x: &mut {sink}, name: &str) {{\n        x.structure(name, |x| self.members(x));\n    }}\n}}\n\n"
    );
    // An operation's output stands within its envelope, and nowhere else.
    let render = if service.is_nested(shape.name) { render } else { String::new() };
    format!(
        "{render}impl {name} {{\n    pub(crate) fn members(&self, {x}: &mut {sink}) {{\n{members}    }}\n}}\n\n"
    )
}

fn write_member(service: &Service, member: &Member<'_>, always_lists: bool) -> String {
    let shape = service.shape(member.shape());
    let field = snake(member.name);
    let wire = member.location().unwrap_or(member.name);
    match shape.kind() {
        "list" => {
            let item = shape.value.at(&["member", "locationName"]).as_str().unwrap_or("member");
            if shape.value.at(&["flattened"]).as_bool() == Some(true) {
                return format!("        self.{field}.iter().for_each(|item| item.render(x, {wire:?}));\n");
            }
            match always_lists || member.required {
                true => format!("        x.list({wire:?}, {item:?}, &self.{field});\n"),
                false => format!("        list_unless_empty(x, {wire:?}, {item:?}, &self.{field});\n"),
            }
        }
        // IAM sends its maps even when they are empty.
        "map" if always_lists || member.required || !service.is_json() => {
            format!("        x.map({wire:?}, &self.{field});\n")
        }
        "map" => format!("        map_unless_empty(x, {wire:?}, &self.{field});\n"),
        _ => format!("        self.{field}.render(x, {wire:?});\n"),
    }
}

fn sink(service: &Service) -> &'static str {
    if service.is_json() { "JsonWriter" } else { "XmlWriter" }
}

#[cfg(test)]
mod tests {
    use super::rust_regex;

    #[test]
    fn patterns_become_ascii_and_whole() {
        assert_eq!(rust_regex(r"[\w+=,.@-]+"), r"^(?:[a-zA-Z_0-9+=,.@-]+)$");
        assert_eq!(
            rust_regex(r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)"),
            r"^(?:(\x{002F})|(\x{002F}[\x{0021}-\x{007E}]+\x{002F}))$"
        );
    }
}
