//! Reading the values of an input: one implementation for each type, whatever the protocol.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::constraint::Constraint;
use crate::node::{Form, Node, Scalar};
use crate::sensitive::Sensitive;
use crate::timestamp::Timestamp;
use crate::violations::Violations;

/// Bytes of a binary member.
pub(crate) type Blob = Vec<u8>;

/// A value that can be read from a request.
pub(crate) trait Read: Sized + Default {
    /// What must stand where the value is read.
    const FORM: Form = Form::Structure;

    /// Reads the value at `node`, which is there.
    fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self;
}

/// The kind of a JSON value, in the words of AWS's messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL_VALUE",
        Value::Bool(true) => "TRUE_VALUE",
        Value::Bool(false) => "FALSE_VALUE",
        Value::Number(_) => "NUMBER_VALUE",
        Value::String(_) => "STRING_VALUE",
        Value::Array(_) => "Start of list",
        Value::Object(_) => "Start of structure or map",
    }
}

fn text<'q>(node: &Node<'q>, violations: &mut Violations) -> Option<&'q str> {
    match node.scalar() {
        Scalar::Lexical(text) => Some(text),
        Scalar::Json(Value::String(text)) => Some(text),
        Scalar::Json(other) => {
            violations.mismatch(kind(other), "String");
            None
        }
    }
}

impl Read for String {
    const FORM: Form = Form::Scalar;

    fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self {
        let Some(text) = text(node, violations) else { return Self::new() };
        violations.check_text(text, text, constraint);
        text.to_owned()
    }
}

impl Read for Sensitive {
    const FORM: Form = Form::Scalar;

    fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self {
        let Some(text) = text(node, violations) else { return Self::default() };
        violations.check_text(text, "***", constraint);
        text.into()
    }
}

impl Read for bool {
    const FORM: Form = Form::Scalar;

    fn read(node: &Node<'_>, _: &Constraint, violations: &mut Violations) -> Self {
        match node.scalar() {
            Scalar::Lexical(text) if text.eq_ignore_ascii_case("true") => true,
            Scalar::Lexical(text) if text.eq_ignore_ascii_case("false") => false,
            Scalar::Json(Value::Bool(value)) => *value,
            Scalar::Lexical(text) => {
                violations.mismatch(text, "Boolean");
                false
            }
            Scalar::Json(other) => {
                violations.mismatch(kind(other), "Boolean");
                false
            }
        }
    }
}

macro_rules! read_number {
    ($($number:ty, $json:ident, $name:literal);*) => {$(
        impl Read for $number {
            const FORM: Form = Form::Scalar;

            fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self {
                let (number, shown) = match node.scalar() {
                    Scalar::Lexical(text) => (text.parse::<$number>().ok(), text),
                    Scalar::Json(value) => (value.$json().and_then(|n| <$number>::try_from(n).ok()), kind(value)),
                };
                match number {
                    Some(number) => {
                        violations.check_number(number as f64, &number.to_string(), constraint);
                        number
                    }
                    None => {
                        violations.mismatch(shown, $name);
                        Self::default()
                    }
                }
            }
        }
    )*};
}

read_number!(i32, as_i64, "Integer"; i64, as_i64, "Long"; f64, as_f64, "Double");

impl Read for Timestamp {
    const FORM: Form = Form::Scalar;

    fn read(node: &Node<'_>, _: &Constraint, violations: &mut Violations) -> Self {
        let (at, shown) = match node.scalar() {
            Scalar::Lexical(text) => (Self::parse(text), text.to_owned()),
            Scalar::Json(Value::String(text)) => (Self::parse(text), text.clone()),
            Scalar::Json(value) => (Self::parse(&value.to_string()), kind(value).to_owned()),
        };
        at.unwrap_or_else(|| {
            violations.mismatch(&shown, "Timestamp");
            Self::default()
        })
    }
}

impl Read for Blob {
    const FORM: Form = Form::Scalar;

    fn read(node: &Node<'_>, _: &Constraint, violations: &mut Violations) -> Self {
        use base64::Engine as _;
        let Some(text) = text(node, violations) else { return Self::default() };
        base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_else(|_| {
            violations.mismatch("A binary value", "Base64 text");
            Self::default()
        })
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self {
        let entries = node.entries().into_iter().map(|(key, value)| {
            let read = violations.in_key(&key, |violations| read_formed(&value, constraint, violations));
            (key, read)
        });
        entries.collect()
    }
}

impl<T: Read> Read for Vec<T> {
    const FORM: Form = Form::List;

    fn read(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> Self {
        items(&node.items(Some("member")), constraint, violations)
    }
}

fn read_formed<T: Read>(node: &Node<'_>, constraint: &Constraint, violations: &mut Violations) -> T {
    if node.has_form(T::FORM) {
        return T::read(node, constraint, violations);
    }
    violations.wrong_form(match T::FORM {
        Form::List => "Start of list expected.",
        Form::Structure | Form::Scalar => "Start of structure or map expected.",
    });
    T::default()
}

fn items<T: Read>(items: &[Node<'_>], constraint: &Constraint, violations: &mut Violations) -> Vec<T> {
    let read = |(at, item): (usize, &Node<'_>)| {
        violations.in_item(at + 1, |violations| read_formed(item, constraint, violations))
    };
    items.iter().enumerate().map(read).collect()
}

/// Where a member stands: its name on the wire, and as messages show it.
#[derive(Clone, Copy)]
pub(crate) struct Name(pub(crate) &'static str, pub(crate) &'static str);

/// Reads a member that may be absent.
pub(crate) fn optional<T: Read>(
    node: &Node<'_>,
    name: Name,
    constraint: &Constraint,
    violations: &mut Violations,
) -> Option<T> {
    let member = node.member(name.0);
    let read = |violations: &mut Violations| read_formed(&member, constraint, violations);
    member.is_present().then(|| violations.in_member(name.0, name.1, read))
}

/// Reads a member that must be there.
pub(crate) fn required<T: Read>(
    node: &Node<'_>,
    name: Name,
    constraint: &Constraint,
    violations: &mut Violations,
) -> T {
    optional(node, name, constraint, violations).unwrap_or_else(|| {
        violations.in_member(name.0, name.1, Violations::missing);
        T::default()
    })
}

/// How a list stands in the request.
pub(crate) struct ListForm {
    /// The word between the list's name and the numbers of a query; none when the list is flattened.
    pub(crate) item: Option<&'static str>,
    /// Whether the list must be there.
    pub(crate) required: bool,
    /// How many items there may be.
    pub(crate) size: &'static Constraint,
}

/// Reads a list.
pub(crate) fn list<T: Read>(
    node: &Node<'_>,
    name: Name,
    form: &ListForm,
    constraint: &Constraint,
    violations: &mut Violations,
) -> Vec<T> {
    let member = node.member(name.0);
    if !member.is_present() {
        if form.required {
            violations.in_member(name.0, name.1, Violations::missing);
        }
        return Vec::new();
    }
    violations.in_member(name.0, name.1, |violations| {
        if !member.has_form(Form::List) {
            violations.wrong_form("Start of list expected.");
        }
        let nodes = member.items(form.item);
        // FIDELITY: AWS shows the list as Java would; its length is what matters.
        let shown = if nodes.is_empty() { "[]" } else { "[...]" };
        violations.check_length(nodes.len(), shown, form.size);
        items(&nodes, constraint, violations)
    })
}

/// Reads a map, which may be absent.
pub(crate) fn map<T: Read>(
    node: &Node<'_>,
    name: Name,
    constraint: &Constraint,
    violations: &mut Violations,
) -> BTreeMap<String, T> {
    optional(node, name, constraint, violations).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{JsonInput, QueryParams, accessanalyzer, ec2, iam};

    #[test]
    fn query_inputs_are_read() {
        let params = QueryParams::parse(b"UserName=u&Tags.member.1.Key=k&Tags.member.1.Value=").unwrap();
        let Ok(Some(iam::Request::CreateUser(request))) =
            iam::Request::parse(iam::Operation::CreateUser, &params)
        else {
            panic!("not read");
        };
        assert_eq!(request.user_name, "u");
        assert_eq!((request.tags[0].key.as_str(), request.tags[0].value.as_str()), ("k", ""));
        assert_eq!(request.path, None);
    }

    #[test]
    fn ec2_lists_have_no_words_between() {
        let body = b"Filter.1.Name=n&Filter.1.Value.1=a&Filter.1.Value.2=b&InstanceId.1=i-1&MaxResults=5";
        let params = QueryParams::parse(body).unwrap();
        let Ok(Some(ec2::Request::DescribeInstances(request))) =
            ec2::Request::parse(ec2::Operation::DescribeInstances, &params)
        else {
            panic!("not read");
        };
        assert_eq!(
            (request.filters[0].name.as_deref(), request.filters[0].values.as_slice()),
            (Some("n"), &["a".to_owned(), "b".to_owned()][..])
        );
        assert_eq!((request.instance_ids, request.max_results), (vec!["i-1".to_owned()], Some(5)));
    }

    #[test]
    fn rest_inputs_come_from_path_query_and_body() {
        let (operation, labels) = accessanalyzer::Operation::route("GET", "/analyzer/my%2Done").unwrap();
        let input = JsonInput::rest(labels, "", b"").unwrap();
        let Ok(Some(accessanalyzer::Request::GetAnalyzer(request))) =
            accessanalyzer::Request::parse(operation, &input)
        else {
            panic!("not read");
        };
        assert_eq!(request.analyzer_name, "my-one");
        let (operation, labels) = accessanalyzer::Operation::route("PUT", "/archive-rule").unwrap();
        assert_eq!((operation, labels), (accessanalyzer::Operation::ApplyArchiveRule, Vec::new()));
    }

    #[test]
    fn maps_are_read() {
        let body = br#"{"type":"ACCOUNT","analyzerName":"a","tags":{"k":"v"}}"#;
        let input = JsonInput::rest(Vec::new(), "", body).unwrap();
        let parsed = accessanalyzer::Request::parse(accessanalyzer::Operation::CreateAnalyzer, &input);
        let Ok(Some(accessanalyzer::Request::CreateAnalyzer(request))) = parsed else { panic!("{parsed:?}") };
        assert_eq!(request.tags, BTreeMap::from([("k".to_owned(), "v".to_owned())]));
    }
}
