//! Errors on the wire: codes, statuses, and the envelope of each protocol.

use std::borrow::Cow;

use crate::xml::XmlWriter;

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request's.
    Sender,
    /// The server's.
    Receiver,
}

/// The protocols whose errors look different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `awsQuery`, with the service's XML name space.
    Query(&'static str),
    /// `ec2Query`
    Ec2,
    /// `awsJson1.1` and `restJson1`
    Json,
}

/// An error as it goes over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireError {
    /// AWS's error code.
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// AWS's message.
    pub message: String,
}

impl WireError {
    /// An error of this code, status and message.
    pub fn new(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Self {
        Self { code: code.into(), status, message: message.into() }
    }

    /// The operation is known and not built. A 4xx, since SDKs retry 5xx for minutes.
    pub fn not_implemented(service: &str, operation: &str) -> Self {
        Self::new("NotImplemented", 400, format!("The operation {operation} of {service} is not built in Rolecall yet."))
    }

    /// There is no such operation.
    pub fn invalid_action(operation: &str, version: &str) -> Self {
        Self::new("InvalidAction", 400, format!("Could not find operation {operation} for version {version}"))
    }

    /// Something failed that is not the caller's doing. The cause is logged under the request id.
    pub fn internal() -> Self {
        Self::new("InternalFailure", 500, "The request processing has failed because of an unknown error, exception or failure.")
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        if self.status < 500 { Fault::Sender } else { Fault::Receiver }
    }

    /// The body that a protocol puts around the error.
    pub fn body(&self, protocol: Protocol, request_id: &str) -> String {
        match protocol {
            Protocol::Query(namespace) => self.query_body(namespace, request_id),
            Protocol::Ec2 => self.ec2_body(request_id),
            Protocol::Json => self.json_body(),
        }
    }

    fn query_body(&self, namespace: &str, request_id: &str) -> String {
        let fault = match self.fault() {
            Fault::Sender => "Sender",
            Fault::Receiver => "Receiver",
        };
        let mut xml = XmlWriter::with_capacity(256 + self.message.len());
        xml.root("ErrorResponse", namespace, |xml| {
            xml.nested("Error", |xml| {
                xml.element("Type", fault);
                xml.element("Code", &self.code);
                xml.element("Message", &self.message);
            });
            xml.element("RequestId", request_id);
        });
        xml.finish()
    }

    fn ec2_body(&self, request_id: &str) -> String {
        let mut xml = XmlWriter::with_capacity(256 + self.message.len());
        xml.nested("Response", |xml| {
            xml.nested("Errors", |xml| {
                xml.nested("Error", |xml| {
                    xml.element("Code", &self.code);
                    xml.element("Message", &self.message);
                });
            });
            xml.element("RequestID", request_id);
        });
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.finish())
    }

    fn json_body(&self) -> String {
        let quote = |text: &str| {
            let mut out = String::with_capacity(text.len() + 2);
            out.push('"');
            for c in text.chars() {
                match c {
                    '"' | '\\' => out.extend(['\\', c]),
                    c if u32::from(c) < 32 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
                    c => out.push(c),
                }
            }
            out.push('"');
            out
        };
        format!("{{\"__type\":{},\"message\":{}}}", quote(&self.code), quote(&self.message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_its_envelope() {
        let error = WireError::new("NoSuchEntity", 404, "The user \"<a>\" cannot be found.");
        let query = error.body(Protocol::Query("urn:x"), "r-1");
        assert!(query.contains("<Type>Sender</Type><Code>NoSuchEntity</Code>") && query.contains("&lt;a&gt;"));
        assert!(error.body(Protocol::Ec2, "r-1").contains("<RequestID>r-1</RequestID>"));
        assert_eq!(error.body(Protocol::Json, "r-1"), "{\"__type\":\"NoSuchEntity\",\"message\":\"The user \\\"<a>\\\" cannot be found.\"}");
    }
}
