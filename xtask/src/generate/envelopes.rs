//! The inputs and outputs of a service's operations as one type each, and its errors.

use std::collections::BTreeMap;

use super::HEADER;
use super::model::{Operation, Protocol, Service};
use super::operations::each;

fn variants(typed: &[Operation<'_>], suffix: &str) -> String {
    each(typed, |o| format!("/// Of `{0}`.\n{0}(Box<{0}{suffix}>),\n", o.name))
}

/// `request.rs` of a service.
pub(crate) fn request_file(service: &Service) -> String {
    let typed = service.typed_operations();
    let (input, dialect) = match service.protocol() {
        Protocol::Query if service.is("iam") => ("QueryParams", "Dialect::Iam".to_owned()),
        Protocol::Query => ("QueryParams", "Dialect::Query".to_owned()),
        Protocol::Ec2 => ("QueryParams", "Dialect::Ec2".to_owned()),
        Protocol::Json | Protocol::RestJson => {
            ("JsonInput", format!("Dialect::Json({:?})", service.validation_code()))
        }
    };
    let whole = typed.len() == service.operations().len();
    let other = if whole { "" } else { "_ => return Ok(None),\n" };
    let variants = variants(&typed, "Request");
    let reads =
        each(&typed, |o| format!("Operation::{0} => Self::{0}(read(&root, &mut violations)),\n", o.name));
    let operations = each(&typed, |o| format!("Self::{0}(_) => Operation::{0},\n", o.name));
    format!(
        r"{HEADER}//! The operations' inputs.

use super::operations::Operation;
use super::types::*;
use crate::constraint::Constraint;
use crate::node::Node;
use crate::read::Read;
use crate::violations::{{Dialect, ValidationError, Violations}};
use crate::{input};

/// An operation's input.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {{
{variants}}}

impl Request {{
    /// Reads the input of `operation`; none when the operation is not typed here.
    ///
    /// # Errors
    /// When a value breaks the model's constraints.
    pub fn parse(operation: Operation, input: &{input}) -> Result<Option<Self>, ValidationError> {{
        let root = input.root();
        let mut violations = Violations::new({dialect});
        let request = match operation {{
{reads}{other}        }};
        violations.into_result(Some(request))
    }}

    /// The operation that this is the input of.
    pub fn operation(&self) -> Operation {{
        match self {{
{operations}        }}
    }}
}}

fn read<T: Read>(root: &Node<'_>, violations: &mut Violations) -> Box<T> {{
    Box::new(T::read(root, &Constraint::NONE, violations))
}}
"
    )
}

/// `response.rs` of a service.
pub(crate) fn response_file(service: &Service) -> String {
    let typed = service.typed_operations();
    let variants = variants(&typed, "Response");
    let conversions = conversions(&typed);
    let (uses, body) = match service.protocol() {
        Protocol::Query | Protocol::Ec2 => {
            ("use super::NAMESPACE;\nuse crate::xml::XmlWriter;\n", to_xml(service, &typed))
        }
        Protocol::Json | Protocol::RestJson => ("use crate::json::JsonWriter;\n", to_json(service, &typed)),
    };
    format!(
        r"{HEADER}//! The operations' outputs.

use super::types::*;
{uses}
/// An operation's output.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {{
{variants}}}

{body}{conversions}"
    )
}

fn conversions(typed: &[Operation<'_>]) -> String {
    let mut seen = BTreeMap::<&str, usize>::new();
    for operation in typed {
        *seen.entry(operation.output.unwrap_or(operation.name)).or_default() += 1;
    }
    each(typed, |o| {
        // A type that two operations answer with can't tell which it is.
        if seen.get(o.output.unwrap_or(o.name)).is_some_and(|count| *count > 1) {
            return String::new();
        }
        format!(
            "\nimpl From<{0}Response> for Response {{\n    fn from(response: {0}Response) -> Self {{\n        Self::{0}(Box::new(response))\n    }}\n}}\n",
            o.name
        )
    })
}

fn to_xml(service: &Service, typed: &[Operation<'_>]) -> String {
    let writes = each(typed, |o| {
        let wrapper = o.wrapper.map_or("None".to_owned(), |w| format!("Some({w:?})"));
        format!(
            "Self::{0}(r) => envelope(\"{0}Response\", {wrapper}, request_id, &|x| r.members(x)),\n",
            o.name
        )
    });
    let envelope = if service.protocol() == Protocol::Ec2 { EC2_ENVELOPE } else { QUERY_ENVELOPE };
    format!(
        r"impl Response {{
    /// The whole answer's body.
    pub fn to_xml(&self, request_id: &str) -> String {{
        match self {{
{writes}        }}
    }}
}}

{envelope}"
    )
}

const QUERY_ENVELOPE: &str = r#"
fn envelope(name: &str, wrapper: Option<&str>, request_id: &str, members: &dyn Fn(&mut XmlWriter)) -> String {
    XmlWriter::document(name, NAMESPACE, |xml| {
        if let Some(wrapper) = wrapper {
            xml.nested(wrapper, members);
        }
        xml.nested("ResponseMetadata", |xml| xml.element("RequestId", request_id));
    })
}
"#;

const EC2_ENVELOPE: &str = r#"
fn envelope(name: &str, _: Option<&str>, request_id: &str, members: &dyn Fn(&mut XmlWriter)) -> String {
    XmlWriter::declared_document(name, NAMESPACE, |xml| {
        xml.element("requestId", request_id);
        members(xml);
    })
}
"#;

fn to_json(service: &Service, typed: &[Operation<'_>]) -> String {
    let document = if service.protocol() == Protocol::RestJson { "document_iso8601" } else { "document" };
    let writes =
        each(typed, |o| format!("Self::{}(r) => JsonWriter::{document}(|x| r.members(x)),\n", o.name));
    format!(
        r"impl Response {{
    /// The whole answer's body.
    pub fn to_json(&self) -> String {{
        match self {{
{writes}        }}
    }}
}}
"
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

/// `errors.rs` of a service.
pub(crate) fn errors_file(service: &Service) -> String {
    let mut errors = service.errors();
    // Not in the model: what STS says of session tags.
    if service.is("sts") {
        errors.entry("InvalidParameterValue".to_owned()).or_insert(400);
    }
    for (code, status) in COMMON {
        errors.entry((*code).to_owned()).or_insert(*status);
    }
    let variant = |code: &str| super::names::camel(&code.replace('.', ""));
    let lines = |line: &dyn Fn(&str, u16) -> String| -> String {
        errors.iter().map(|(code, status)| line(code, *status)).collect()
    };
    let variants = lines(&|code, _| format!("/// `{code}`\n{},\n", variant(code)));
    let all = lines(&|code, _| format!("Self::{},\n", variant(code)));
    let rows = lines(&|code, status| format!("Self::{} => ({code:?}, {status}),\n", variant(code)));
    format!(
        r"{HEADER}//! The errors of the service.

/// The errors of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorCode {{
{variants}}}

impl ErrorCode {{
    /// All of them, by code.
    pub const ALL: &[Self] = &[{all}];

    /// The code on the wire.
    pub fn code(self) -> &'static str {{
        self.row().0
    }}

    /// The HTTP status that goes with it.
    pub fn status(self) -> u16 {{
        self.row().1
    }}

    fn row(self) -> (&'static str, u16) {{
        match self {{
{rows}        }}
    }}
}}
"
    )
}
