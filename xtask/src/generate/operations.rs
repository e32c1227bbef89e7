//! The operations of a service: their names and what the model says of each.

use super::HEADER;
use super::model::{Operation, Protocol, Service};

/// `mod.rs` of a service.
pub(crate) fn module(service: &Service) -> String {
    let mut constants = vec![("The version of the API.", "VERSION", service.metadata("apiVersion"))];
    let namespace = service.metadata("xmlNamespace");
    match service.protocol() {
        Protocol::Query => constants.push(("The XML name space of answers.", "NAMESPACE", namespace)),
        // The model leaves out the slash that EC2 sends.
        Protocol::Ec2 => {
            constants.push((
                "The XML name space of answers.",
                "NAMESPACE",
                "http://ec2.amazonaws.com/doc/2016-11-15/",
            ));
        }
        Protocol::Json => constants.push((
            "What stands before the operation in `X-Amz-Target`, with a full stop between.",
            "TARGET_PREFIX",
            service.metadata("targetPrefix"),
        )),
        Protocol::RestJson => {}
    }
    let constants: String = constants
        .iter()
        .map(|(doc, name, value)| format!("/// {doc}\npub const {name}: &str = {value:?};\n"))
        .collect();
    format!(
        r"{HEADER}//! {}: operations, types and errors.

mod errors;
mod operations;
mod parse;
mod render;
mod request;
mod response;
mod types;

pub use errors::ErrorCode;
pub use operations::Operation;
pub use request::Request;
pub use response::Response;
pub use types::*;

#[cfg(test)]
pub(crate) use parse::WITH_PATTERNS;

{constants}",
        service.metadata("serviceId")
    )
}

pub(crate) fn each(operations: &[Operation<'_>], line: impl Fn(&Operation<'_>) -> String) -> String {
    operations.iter().map(line).collect()
}

/// `operations.rs` of a service.
pub(crate) fn file(service: &Service) -> String {
    let operations = service.operations();
    let variants = each(&operations, |o| format!("/// `{0}`\n{0},\n", o.name));
    let all = each(&operations, |o| format!("Self::{},\n", o.name));
    let facts = each(&operations, |o| facts(service, o));
    let (labels, route) = match service.protocol() {
        Protocol::RestJson => (", labels", ROUTE),
        _ => ("", ""),
    };
    format!(
        r#"{HEADER}//! The operations of the service.

use crate::operation::{{Facts{labels}}};

/// The operations of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {{
{variants}}}

impl Operation {{
    /// All of them, by name.
    pub const ALL: &[Self] = &[{all}];

    /// What the model says of it.
    pub fn facts(self) -> &'static Facts {{
        FACTS.get(self as usize).unwrap_or(&Facts::UNKNOWN)
    }}

    /// The operation's name.
    pub fn name(self) -> &'static str {{
        self.facts().name
    }}

    /// The action that stands for it in policies.
    pub fn action(self) -> &'static str {{
        self.facts().action
    }}

    /// The operation of this name.
    pub fn from_name(name: &str) -> Option<Self> {{
        let at = FACTS.binary_search_by(|facts| facts.name.cmp(name)).ok()?;
        Self::ALL.get(at).copied()
    }}

    /// Whether its input and output are typed here.
    pub fn is_typed(self) -> bool {{
        self.facts().is_typed
    }}

    /// The error shapes that the model documents for it.
    pub fn errors(self) -> &'static [&'static str] {{
        self.facts().errors
    }}
{route}}}

// In the order of the operations, which is that of their names.
static FACTS: &[Facts] = &[{facts}];
"#
    )
}

const ROUTE: &str = r"
    /// The operation that a method and a path (as it was sent) ask for, with the path's labels.
    pub fn route(method: &str, path: &str) -> Option<(Self, Vec<(String, String)>)> {
        let mut candidates = Self::ALL.iter().filter(|operation| operation.facts().method == method);
        candidates.find_map(|operation| Some((*operation, labels(operation.facts().uri, path)?)))
    }
";

fn facts(service: &Service, operation: &Operation<'_>) -> String {
    let input: Vec<&str> = match operation.input {
        Some(input) => service.shape(input).members().iter().map(|member| member.name).collect(),
        None => Vec::new(),
    };
    let action = format!("{}:{}", service.policy_prefix(), operation.name);
    format!(
        "Facts {{ name: {:?}, action: {action:?}, method: {:?}, uri: {:?}, input: &{input:?}, errors: &{:?}, is_typed: {} }},\n",
        operation.name, operation.method, operation.uri, operation.errors, operation.typed
    )
}
