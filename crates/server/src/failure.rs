//! Answers that say no, in the form that the caller's protocol has for it.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use rolecall_aws_model::{Protocol, WireError};

use crate::body::{Body, full};
use crate::request_id::RequestId;

static REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The answer that carries an error.
pub(crate) fn answer(error: &WireError, protocol: Protocol, id: &RequestId) -> Response<Body> {
    let body = error.body(protocol, id.as_str());
    let content_type = match protocol {
        Protocol::Query(_) | Protocol::Ec2 => "text/xml",
        Protocol::Json => "application/x-amz-json-1.1",
    };
    let mut response = Response::new(full(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID.clone(), value);
    }
    if let (Protocol::Json, Ok(code)) = (protocol, HeaderValue::from_str(&error.code)) {
        headers.insert("x-amzn-errortype", code);
    }
    response
}

/// The answer that carries an operation's output as XML.
pub(crate) fn success(xml: String, id: &RequestId) -> Response<Body> {
    let mut response = Response::new(full(Bytes::from(xml)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID.clone(), value);
    }
    response
}
