//! The operations of a service: their names, inputs, outputs and errors.

use super::HEADER;
use super::model::{Operation, Service};

/// `mod.rs` of a service.
pub(crate) fn module(service: &Service) -> String {
    let operations = service.operations();
    let typed: Vec<&Operation<'_>> = operations.iter().filter(|operation| operation.typed).collect();
    let mut out = format!(
        "{HEADER}//! {}: operations, types and errors.\n\nmod parse;\nmod render;\nmod types;\n\nuse crate::constraint::{{Constraint, Read, ValidationError, Violations}};\nuse crate::query::QueryParams;\nuse crate::xml::XmlWriter;\n\npub use types::*;\n\n#[cfg(test)]\npub(crate) use parse::WITH_PATTERNS;\n\n",
        service.metadata("serviceId")
    );
    out.push_str(&format!("/// The version of the API.\npub const VERSION: &str = {:?};\n", service.metadata("apiVersion")));
    let namespace = service.metadata("xmlNamespace");
    let namespace = if namespace.is_empty() { "http://ec2.amazonaws.com/doc/2016-11-15/" } else { namespace };
    out.push_str(&format!("/// The XML name space of answers.\npub const NAMESPACE: &str = {namespace:?};\n\n"));
    out.push_str(&operation_enum(&operations));
    out.push_str(&request_enum(&typed));
    out.push_str(&response_enum(service, &typed));
    out.push_str(&error_enum(service));
    out
}

fn each<'a>(operations: impl IntoIterator<Item = &'a &'a Operation<'a>>, line: impl Fn(&Operation<'_>) -> String) -> String {
    operations.into_iter().map(|operation| line(operation)).collect()
}

fn operation_enum(operations: &[Operation<'_>]) -> String {
    let all: Vec<&Operation<'_>> = operations.iter().collect();
    let variants = each(&all, |o| format!("    /// `{0}`\n    {0},\n", o.name));
    let list = each(&all, |o| format!("        Self::{},\n", o.name));
    let names = each(&all, |o| format!("            Self::{0} => {0:?},\n", o.name).replace(&format!("{:?}", o.name), &format!("\"{}\"", o.name)));
    let names = names.lines().map(|line| format!("{line}\n")).collect::<String>();
    let from = each(&all, |o| format!("            \"{0}\" => Self::{0},\n", o.name));
    let typed = all.iter().filter(|o| !o.typed).map(|o| format!("Self::{}", o.name)).collect::<Vec<_>>();
    let is_typed = if typed.is_empty() { "true".to_owned() } else { "Request::is_known(self)".to_owned() };
    let errors = each(&all, |o| format!("            Self::{} => &{:?},\n", o.name, o.errors));
    format!(
        "/// The operations of the service.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\npub enum Operation {{\n{variants}}}\n\n\
         impl Operation {{\n    /// All of them, by name.\n    pub const ALL: &[Self] = &[\n{list}    ];\n\n\
         /// The operation's name.\n    pub fn name(self) -> &'static str {{\n        match self {{\n{names}        }}\n    }}\n\n\
         /// The operation of this name.\n    pub fn from_name(name: &str) -> Option<Self> {{\n        Some(match name {{\n{from}            _ => return None,\n        }})\n    }}\n\n\
         /// Whether its input and output are typed here.\n    pub fn is_typed(self) -> bool {{\n        {is_typed}\n    }}\n\n\
         /// The error shapes that the model documents for it.\n    pub fn errors(self) -> &'static [&'static str] {{\n        match self {{\n{errors}        }}\n    }}\n}}\n\n"
    )
}

fn request_enum(typed: &[&Operation<'_>]) -> String {
    let variants = each(typed, |o| format!("    /// Of `{0}`.\n    {0}(Box<{0}Request>),\n", o.name));
    let reads = each(typed, |o| format!("            Operation::{0} => Self::{0}(Box::new({0}Request::read(&root, &Constraint::NONE, &mut violations))),\n", o.name));
    let operations = each(typed, |o| format!("            Self::{0}(_) => Operation::{0},\n", o.name));
    let known = typed.iter().map(|o| format!("Operation::{}", o.name)).collect::<Vec<_>>().join(" | ");
    format!(
        "/// An operation's input.\n#[derive(Clone, Debug, PartialEq)]\npub enum Request {{\n{variants}}}\n\n\
         impl Request {{\n    /// Reads the input of `operation`; none when the operation is not typed here.\n    ///\n    /// # Errors\n    /// When a value breaks the model's constraints.\n    \
         pub fn parse(operation: Operation, params: &QueryParams) -> Result<Option<Self>, ValidationError> {{\n        if !Self::is_known(operation) {{\n            return Ok(None);\n        }}\n        let root = params.root();\n        let mut violations = Violations::default();\n        let request = match operation {{\n{reads}            #[allow(unreachable_patterns, reason = \"a service may be typed whole\")]\n            _ => return Ok(None),\n        }};\n        violations.into_result(Some(request))\n    }}\n\n\
         /// The operation that this is the input of.\n    pub fn operation(&self) -> Operation {{\n        match self {{\n{operations}        }}\n    }}\n\n\
         fn is_known(operation: Operation) -> bool {{\n        matches!(operation, {known})\n    }}\n}}\n\n"
    )
}

fn response_enum(service: &Service, typed: &[&Operation<'_>]) -> String {
    let variants = each(typed, |o| format!("    /// Of `{0}`.\n    {0}(Box<{0}Response>),\n", o.name));
    let froms = {
        let mut seen = std::collections::BTreeMap::<&str, usize>::new();
        for o in typed {
            *seen.entry(o.output.unwrap_or(o.name)).or_default() += 1;
        }
        each(typed, |o| {
            // A type that two operations answer with can't tell which it is.
            if seen.get(o.output.unwrap_or(o.name)).copied().unwrap_or(0) > 1 {
                return String::new();
            }
            format!("impl From<{0}Response> for Response {{\n    fn from(response: {0}Response) -> Self {{\n        Self::{0}(Box::new(response))\n    }}\n}}\n\n", o.name)
        })
    };
    let writes = each(typed, |o| {
        let wrapper = o.wrapper.map_or("None".to_owned(), |w| format!("Some({w:?})"));
        format!("            Self::{0}(r) => envelope(\"{0}Response\", {wrapper}, request_id, |x| r.members(x)),\n", o.name)
    });
    let envelope = if service.is_ec2() {
        "fn envelope(name: &str, _: Option<&str>, request_id: &str, members: impl FnOnce(&mut XmlWriter)) -> String {\n    let mut xml = XmlWriter::with_capacity(1024);\n    xml.root(name, NAMESPACE, |xml| {\n        xml.element(\"requestId\", request_id);\n        members(xml);\n    });\n    format!(\"<?xml version=\\\"1.0\\\" encoding=\\\"UTF-8\\\"?>\\n{}\", xml.finish())\n}\n\n"
    } else {
        "fn envelope(name: &str, wrapper: Option<&str>, request_id: &str, members: impl FnOnce(&mut XmlWriter)) -> String {\n    let mut xml = XmlWriter::with_capacity(1024);\n    xml.root(name, NAMESPACE, |xml| {\n        if let Some(wrapper) = wrapper {\n            xml.nested(wrapper, members);\n        }\n        xml.nested(\"ResponseMetadata\", |xml| xml.element(\"RequestId\", request_id));\n    });\n    xml.finish()\n}\n\n"
    };
    format!(
        "/// An operation's output.\n#[derive(Clone, Debug, PartialEq)]\npub enum Response {{\n{variants}}}\n\n{froms}\
         impl Response {{\n    /// The whole answer's body.\n    pub fn to_xml(&self, request_id: &str) -> String {{\n        match self {{\n{writes}        }}\n    }}\n}}\n\n{envelope}"
    )
}

/// Errors that every service may answer with, as AWS documents for all.
const COMMON: &[(&str, u16)] = &[
    ("AccessDenied", 403),
    ("InternalFailure", 500),
    ("NotImplemented", 400),
    ("ServiceUnavailable", 503),
    ("Throttling", 400),
    ("ValidationError", 400),
];

fn error_enum(service: &Service) -> String {
    let mut errors = service.errors();
    for (code, status) in COMMON {
        errors.entry((*code).to_owned()).or_insert(*status);
    }
    let variant = |code: &str| super::names::camel(&code.replace('.', ""));
    let variants: String = errors.keys().map(|code| format!("    /// `{code}`\n    {},\n", variant(code))).collect();
    let codes: String = errors.keys().map(|code| format!("            Self::{} => {code:?},\n", variant(code))).collect();
    let statuses: String = errors.iter().map(|(code, status)| format!("            Self::{} => {status},\n", variant(code))).collect();
    format!(
        "/// The errors of the service.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\npub enum ErrorCode {{\n{variants}}}\n\n\
         impl ErrorCode {{\n    /// The code on the wire.\n    pub fn code(self) -> &'static str {{\n        match self {{\n{codes}        }}\n    }}\n\n\
         /// The HTTP status that goes with it.\n    #[allow(clippy::match_same_arms, reason = \"one line an error\")]\n    pub fn status(self) -> u16 {{\n        match self {{\n{statuses}        }}\n    }}\n}}\n"
    )
}
