//! The input of a JSON-protocol request: its body, and for REST what its URL says.

use serde_json::Value;

use crate::error::WireError;
use crate::node::Node;
use crate::query::decode_pairs;

/// The input of a request of `awsJson1.1` or `restJson1`.
#[derive(Clone, Default)]
pub struct JsonInput {
    body: Value,
    // Of the path's labels and the URL's query; a name may stand several times.
    url: Vec<(String, String)>,
}

impl JsonInput {
    /// Reads the body of an `awsJson1.1` request.
    ///
    /// # Errors
    /// `SerializationException` when the body is not a JSON object.
    pub fn json(body: &[u8]) -> Result<Self, WireError> {
        Ok(Self { body: parse(body)?, url: Vec::new() })
    }

    /// Reads a `restJson1` request: the labels that its route gave, its URL's query and its body.
    ///
    /// # Errors
    /// `SerializationException` when the body is not a JSON object, or the query can't be decoded.
    pub fn rest(labels: Vec<(String, String)>, query: &str, body: &[u8]) -> Result<Self, WireError> {
        let mut url = labels;
        url.extend(decode_pairs(query.as_bytes()).map_err(|error| refuse(&error.to_string()))?);
        Ok(Self { body: parse(body)?, url })
    }

    pub(crate) fn root(&self) -> Node<'_> {
        Node::Rest(self)
    }

    pub(crate) fn member(&self, name: &str) -> Node<'_> {
        let values: Vec<&str> =
            self.url.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect();
        if values.is_empty() { Node::Json(self.body.get(name)) } else { Node::Url(values) }
    }
}

// Values may be secret.
impl std::fmt::Debug for JsonInput {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JsonInput")
    }
}

fn parse(body: &[u8]) -> Result<Value, WireError> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(_) => Err(refuse("Start of structure or map expected.")),
        Err(error) => {
            Err(refuse(&format!("The body is not JSON: line {}, column {}.", error.line(), error.column())))
        }
    }
}

fn refuse(message: &str) -> WireError {
    WireError::new("SerializationException", 400, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_must_be_an_object() {
        assert!(JsonInput::json(b"").is_ok() && JsonInput::json(b"{}").is_ok());
        for bad in [&b"[]"[..], b"1", b"{", b"{\"a\":\xff}"] {
            assert_eq!(JsonInput::json(bad).unwrap_err().code, "SerializationException");
        }
        let deep = "[".repeat(10_000);
        assert!(JsonInput::json(deep.as_bytes()).is_err());
    }
}
