//! S3's errors and their XML.

use http::StatusCode;
use quick_xml::escape::escape;

use rolecall_sigv4::WireError;

/// An error as S3 answers it: a code, a status, a message, and elements that depend on the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// S3's code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// What S3 says.
    pub message: String,
    /// Elements after the message, in order.
    pub fields: Vec<(&'static str, String)>,
}

impl Fault {
    pub(crate) fn new(code: &'static str, status: StatusCode, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), fields: Vec::new() }
    }

    /// Adds an element.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// A denial; `message` says who may not do what, and why.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new("AccessDenied", StatusCode::FORBIDDEN, message)
    }

    /// Too many requests.
    pub fn slow_down() -> Self {
        Self::new("SlowDown", StatusCode::SERVICE_UNAVAILABLE, "Please reduce your request rate.")
    }

    pub(crate) fn no_such_bucket(bucket: &str) -> Self {
        Self::new("NoSuchBucket", StatusCode::NOT_FOUND, "The specified bucket does not exist")
            .with("BucketName", bucket)
    }

    pub(crate) fn no_such_key(key: &str) -> Self {
        Self::new("NoSuchKey", StatusCode::NOT_FOUND, "The specified key does not exist.").with("Key", key)
    }

    pub(crate) fn no_such_upload(upload_id: &str) -> Self {
        let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
                       been aborted or completed.";
        Self::new("NoSuchUpload", StatusCode::NOT_FOUND, message).with("UploadId", upload_id)
    }

    pub(crate) fn invalid_argument(message: impl Into<String>, name: &str, value: &str) -> Self {
        Self::new("InvalidArgument", StatusCode::BAD_REQUEST, message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequest", StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn malformed_xml() -> Self {
        let message =
            "The XML you provided was not well-formed or did not validate against our published schema";
        Self::new("MalformedXML", StatusCode::BAD_REQUEST, message)
    }

    /// An operation or feature that is not built. S3's status for it is 501, which the SDKs, unlike
    /// other 5xx, do not retry.
    pub(crate) fn not_implemented(what: &str) -> Self {
        let message = "A header or query you provided requested a function that is not implemented.";
        Self::new("NotImplemented", StatusCode::NOT_IMPLEMENTED, message).with("Header", what)
    }

    pub(crate) fn precondition_failed(condition: &str) -> Self {
        let message = "At least one of the pre-conditions you specified did not hold";
        Self::new("PreconditionFailed", StatusCode::PRECONDITION_FAILED, message).with("Condition", condition)
    }

    /// The cause goes to the log, never to the caller.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "the object store failed");
        let message = "We encountered an internal error. Please try again.";
        Self::new("InternalError", StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// The `Error` document.
    pub fn to_xml(&self, resource: &str, request_id: &str) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
        element(&mut xml, "Code", self.code);
        element(&mut xml, "Message", &self.message);
        for (name, value) in &self.fields {
            element(&mut xml, name, value);
        }
        element(&mut xml, "Resource", resource);
        element(&mut xml, "RequestId", request_id);
        element(&mut xml, "HostId", request_id);
        xml.push_str("</Error>");
        xml
    }

    /// The error as S3 Control answers it.
    pub(crate) fn to_control_xml(&self, request_id: &str) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ErrorResponse><Error>");
        element(&mut xml, "Code", self.code);
        element(&mut xml, "Message", &self.message);
        for (name, value) in &self.fields {
            element(&mut xml, name, value);
        }
        xml.push_str("</Error>");
        element(&mut xml, "RequestId", request_id);
        element(&mut xml, "HostId", request_id);
        xml.push_str("</ErrorResponse>");
        xml
    }
}

/// An element with a text. Characters that XML cannot hold at all are left out.
pub(crate) fn element(xml: &mut String, name: &str, value: &str) {
    let allowed: String = value
        .chars()
        .filter(
            |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..),
        )
        .collect();
    xml.push('<');
    xml.push_str(name);
    xml.push('>');
    xml.push_str(&escape(allowed));
    xml.push_str("</");
    xml.push_str(name);
    xml.push('>');
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<WireError> for Fault {
    fn from(error: WireError) -> Self {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self { code: error.code, status, message: error.message, fields: error.fields }
    }
}
