//! Calling services as the present principal, and what came of it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use rolecall_aws_model::Element;
use serde_json::Value;

use crate::backend::{Backend, Body, Call, Ticket};
use crate::visit::Visit;

/// A refusal or a failure of a service.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) request_id: String,
}

impl Refusal {
    /// Whether it was refused for want of permission.
    pub(crate) fn is_denial(&self) -> bool {
        matches!(
            self.code.as_str(),
            "AccessDenied"
                | "AccessDeniedException"
                | "UnauthorizedOperation"
                | "Client.UnauthorizedOperation"
        )
    }

    /// That there is no such page.
    pub(crate) fn no_page() -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            code: "NotFound".to_owned(),
            message: "There is no such page.".to_owned(),
            request_id: String::new(),
        }
    }

    /// That the session ended between the page's beginning and this call.
    fn over() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            code: "ExpiredToken".to_owned(),
            message: "Your session has ended.".to_owned(),
            request_id: String::new(),
        }
    }
}

/// An answer of a service that is not one.
fn unreadable(status: StatusCode, request_id: String) -> Refusal {
    let message = "The answer can't be read.".to_owned();
    Refusal { status, code: "InternalFailure".to_owned(), message, request_id }
}

/// What a service said.
pub(crate) type Said<T> = Result<T, Refusal>;

const VERSIONS: [(&str, &str); 3] = [
    ("iam", rolecall_aws_model::iam::VERSION),
    ("sts", rolecall_aws_model::sts::VERSION),
    ("ec2", rolecall_aws_model::ec2::VERSION),
];

impl<B: Backend> Visit<'_, B> {
    /// Calls an operation of the query protocol as the present principal.
    pub(crate) async fn query(
        &self,
        service: &'static str,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Said<Element> {
        let ticket = &self.present().ok_or_else(Refusal::over)?.ticket;
        self.query_as(ticket, service, operation, parameters).await
    }

    /// Calls an operation of the query protocol as someone.
    pub(crate) async fn query_as(
        &self,
        ticket: &Ticket,
        service: &'static str,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Said<Element> {
        let version = VERSIONS.iter().find(|(known, _)| *known == service).map_or("", |(_, version)| version);
        let body = posted(operation, version, parameters);
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
        let call = Call { service, method: Method::POST, path: "/".to_owned(), headers, body: body.into() };
        let (parts, bytes) = self.whole(ticket, call).await?;
        Element::parse(&bytes).ok_or_else(|| unreadable(parts.status, String::new()))
    }

    /// Calls S3 as the present principal.
    pub(crate) async fn s3(
        &self,
        method: Method,
        path: String,
        headers: HeaderMap,
        body: Bytes,
    ) -> Said<Response<Body>> {
        let ticket = &self.present().ok_or_else(Refusal::over)?.ticket;
        self.send(ticket, Call { service: "s3", method, path, headers, body }).await
    }

    /// Asks S3, and reads the answer as XML.
    pub(crate) async fn s3_list(&self, path: String) -> Said<Element> {
        let response = self.s3(Method::GET, path, HeaderMap::new(), Bytes::new()).await?;
        let status = response.status();
        let bytes = collected(response.into_body()).await.ok_or_else(|| unreadable(status, String::new()))?;
        Element::parse(&bytes).ok_or_else(|| unreadable(status, String::new()))
    }

    /// Asks for a JSON page of the program's own, as the present principal.
    pub(crate) async fn own(&self, path: String) -> Said<Value> {
        let ticket = &self.present().ok_or_else(Refusal::over)?.ticket;
        let (method, headers, body) = (Method::GET, HeaderMap::new(), Bytes::new());
        let (parts, bytes) =
            self.whole(ticket, Call { service: "rolecall", method, path, headers, body }).await?;
        serde_json::from_slice(&bytes).map_err(|_| unreadable(parts.status, String::new()))
    }

    async fn whole(&self, ticket: &Ticket, call: Call) -> Said<(http::response::Parts, Bytes)> {
        let (parts, body) = self.send(ticket, call).await?.into_parts();
        let bytes = collected(body).await.ok_or_else(|| unreadable(parts.status, String::new()))?;
        Ok((parts, bytes))
    }

    /// Calls a service as someone; what it refuses is told as such.
    pub(crate) async fn send(&self, ticket: &Ticket, call: Call) -> Said<Response<Body>> {
        let answered = self.backend.call(ticket, &self.visitor, call).await;
        let response = answered.ok_or_else(Refusal::over)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let named = ["x-amzn-requestid", "x-amz-request-id"].iter().find_map(|name| parts.headers.get(*name));
        let request_id = named.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let bytes = collected(body).await.unwrap_or_default();
        Err(refusal(parts.status, request_id, &bytes))
    }
}

fn posted(operation: &str, version: &str, parameters: &[(&str, &str)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("Action", operation).append_pair("Version", version);
    form.extend_pairs(parameters);
    form.finish()
}

async fn collected(body: Body) -> Option<Bytes> {
    Some(body.collect().await.ok()?.to_bytes())
}

fn refusal(status: StatusCode, request_id: String, body: &[u8]) -> Refusal {
    let found = match Element::parse(body) {
        Some(xml) => {
            let first = |name: &str| xml.texts(name).into_iter().next();
            first("Code").map(|code| (code, first("Message").unwrap_or_default()))
        }
        None => serde_json::from_slice::<Value>(body).ok().map(|json| {
            let text = |names: &[&str]| {
                names.iter().find_map(|name| json.get(*name)?.as_str()).unwrap_or_default().to_owned()
            };
            (text(&["__type", "code"]), text(&["message", "Message"]))
        }),
    };
    match found {
        Some((code, message)) => Refusal { status, code, message, request_id },
        None => unreadable(status, request_id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_every_protocol_are_read() {
        let query = b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>";
        let s3 = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
        let json = br#"{"__type": "AccessDenied", "message": "no"}"#;
        for body in [&query[..], s3, json] {
            let refusal = refusal(StatusCode::FORBIDDEN, "r".into(), body);
            assert!(refusal.is_denial() && refusal.message == "no", "{refusal:?}");
        }
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, String::new(), b"?").code, "InternalFailure");
    }
}
