//! Asking EC2.

use super::super::Failure;
use super::super::request::{self, Asked, Body};
use rolecall_aws_model::Element;

const VERSION: &str = "2016-11-15";

/// EC2 at an endpoint.
pub(super) struct Api<'a> {
    pub(super) endpoint_url: &'a str,
}

impl Api<'_> {
    /// Calls an operation; none, and a word on standard error, when it is refused.
    pub(super) async fn call(
        &self,
        action: &str,
        parameters: &[(String, String)],
    ) -> Result<Option<Element>, Failure> {
        let mut form = format!("Action={action}&Version={VERSION}");
        for (name, value) in parameters {
            form.push('&');
            form.push_str(&escaped(name));
            form.push('=');
            form.push_str(&escaped(value));
        }
        let asked =
            Asked { endpoint_url: self.endpoint_url, service: "ec2", path: "/", body: Body::Form(&form) };
        let (status, body) = request::send(&asked).await?;
        let answer = Element::parse(&body).ok_or_else(|| {
            Failure::Environment(format!("{}: the answer is no XML (status {status})", self.endpoint_url))
        })?;
        if status == 200 {
            return Ok(Some(answer));
        }
        let first = |name: &str| answer.texts(name).into_iter().next().unwrap_or_default();
        eprintln!("rolecall: {}: {}", first("Code"), first("Message"));
        Ok(None)
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
