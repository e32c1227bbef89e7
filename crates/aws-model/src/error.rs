//! Errors on the wire: codes, statuses, and the envelope of each protocol.

use std::borrow::Cow;

use crate::json::JsonWriter;
use crate::query::QueryError;
use crate::render::Sink as _;
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
    /// The member `Reason` of the errors that have one.
    pub reason: Option<&'static str>,
}

impl WireError {
    /// An error of this code, status and message.
    pub fn new(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Self {
        Self { code: code.into(), status, message: message.into(), reason: None }
    }

    /// The same with the member `Reason`, which only the JSON protocols show.
    #[must_use]
    pub fn with_reason(mut self, reason: Option<&'static str>) -> Self {
        self.reason = reason;
        self
    }

    /// The operation is known and not built. A 4xx, since SDKs retry 5xx for minutes.
    pub fn not_implemented(service: &str, operation: &str) -> Self {
        Self::new(
            "NotImplemented",
            400,
            format!("The operation {operation} of {service} is not built in Rolecall yet."),
        )
    }

    /// There is no such operation.
    pub fn invalid_action(operation: &str, version: &str) -> Self {
        Self::new("InvalidAction", 400, format!("Could not find operation {operation} for version {version}"))
    }

    /// A code that every service may answer with.
    pub fn common(code: CommonError, message: impl Into<String>) -> Self {
        Self::new(code.code(), code.status(), message)
    }

    /// Something failed that is not the caller's doing. The cause is logged under the request id.
    pub fn internal() -> Self {
        Self::new(
            "InternalFailure",
            500,
            "The request processing has failed because of an unknown error, exception or failure.",
        )
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

    // Clients read either name, and Organizations' own errors have the capital one; the type is also
    // sent as the header `x-amzn-errortype`.
    fn json_body(&self) -> String {
        JsonWriter::document(|json| {
            json.text("__type", &self.code);
            json.text("message", &self.message);
            if let Some(reason) = self.reason {
                json.text("Reason", reason);
            }
        })
    }
}

/// The errors that any service may answer with, and their statuses.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>, with what the
/// services send where it says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommonError {
    /// The caller may not do this.
    AccessDenied,
    /// The session's credentials have ended.
    ExpiredToken,
    /// The signature is not of AWS's form.
    IncompleteSignature,
    /// The server failed.
    InternalFailure,
    /// There is no such operation.
    InvalidAction,
    /// There is no such access key, or its session token is not genuine.
    InvalidClientTokenId,
    /// The parameters can't be read.
    MalformedQueryString,
    /// There is no operation at all.
    MissingAction,
    /// There is no signature at all.
    MissingAuthenticationToken,
    /// The operation is known and not built.
    NotImplemented,
    /// The request is too old or from the future.
    RequestExpired,
    /// The server can't answer at the moment.
    ServiceUnavailable,
    /// The signature is not the right one.
    SignatureDoesNotMatch,
    /// Too many requests.
    Throttling,
    /// A value breaks the model's constraints.
    ValidationError,
}

impl CommonError {
    /// The code on the wire.
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status that goes with it.
    pub fn status(self) -> u16 {
        self.row().1
    }

    fn row(self) -> (&'static str, u16) {
        match self {
            Self::AccessDenied => ("AccessDenied", 403),
            Self::ExpiredToken => ("ExpiredToken", 403),
            Self::IncompleteSignature => ("IncompleteSignature", 400),
            Self::InternalFailure => ("InternalFailure", 500),
            Self::InvalidAction => ("InvalidAction", 400),
            Self::InvalidClientTokenId => ("InvalidClientTokenId", 403),
            // FIDELITY: the page says 404; a client that is told "not found" is misled.
            Self::MalformedQueryString => ("MalformedQueryString", 400),
            Self::MissingAction => ("MissingAction", 400),
            Self::MissingAuthenticationToken => ("MissingAuthenticationToken", 403),
            // A 4xx, since SDKs retry 5xx for minutes.
            Self::NotImplemented => ("NotImplemented", 400),
            Self::RequestExpired => ("RequestExpired", 400),
            Self::ServiceUnavailable => ("ServiceUnavailable", 503),
            Self::SignatureDoesNotMatch => ("SignatureDoesNotMatch", 403),
            Self::Throttling => ("Throttling", 400),
            Self::ValidationError => ("ValidationError", 400),
        }
    }
}

impl QueryError {
    /// The error as it goes over the wire.
    pub fn wire(&self) -> WireError {
        WireError::common(CommonError::MalformedQueryString, self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_its_envelope() {
        let error = WireError::new("NoSuchEntity", 404, "The user \"<a>\" cannot be found.");
        let query = error.body(Protocol::Query("urn:x"), "r-1");
        assert!(
            query.contains("<Type>Sender</Type><Code>NoSuchEntity</Code>") && query.contains("&lt;a&gt;")
        );
        assert!(error.body(Protocol::Ec2, "r-1").contains("<RequestID>r-1</RequestID>"));
        assert_eq!(
            error.body(Protocol::Json, "r-1"),
            "{\"__type\":\"NoSuchEntity\",\"message\":\"The user \\\"<a>\\\" cannot be found.\"}"
        );
        let reasoned = WireError::new("E", 400, "m").with_reason(Some("R"));
        assert_eq!(
            reasoned.body(Protocol::Json, "r-1"),
            "{\"__type\":\"E\",\"message\":\"m\",\"Reason\":\"R\"}"
        );
    }
}
