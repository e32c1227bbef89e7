//! Reading JSON values without ceremony.

use serde_json::{Map, Value};

/// The request line or one of its policies is not of the documented form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed: {0}")]
pub struct Malformed(pub String);

/// `Result` with [`Malformed`].
pub(crate) type Read<T> = Result<T, Malformed>;

pub(crate) fn malformed<T>(what: impl Into<String>) -> Read<T> {
    Err(Malformed(what.into()))
}

/// A member that is absent or null counts as none.
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

pub(crate) fn as_object<'a>(value: &'a Value, what: &str) -> Read<&'a Map<String, Value>> {
    value.as_object().ok_or_else(|| Malformed(format!("{what} is no object")))
}

pub(crate) fn as_list<'a>(value: &'a Value, what: &str) -> Read<&'a [Value]> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| Malformed(format!("{what} is no list")))
}

pub(crate) fn as_text<'a>(value: &'a Value, what: &str) -> Read<&'a str> {
    value.as_str().ok_or_else(|| Malformed(format!("{what} is no string")))
}

/// One value or a list of them, as AWS's grammar has it nearly everywhere.
pub(crate) fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        single => vec![single],
    }
}

/// One string or a list of strings.
pub(crate) fn texts(value: &Value, what: &str) -> Read<Vec<String>> {
    one_or_many(value).into_iter().map(|value| as_text(value, what).map(str::to_owned)).collect()
}

/// A condition's values: strings, numbers and booleans, all as text.
pub(crate) fn scalar_texts(value: &Value, what: &str) -> Read<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => malformed(format!("{what} has a value that is no scalar")),
    };
    one_or_many(value).into_iter().map(text).collect()
}
