//! An account's authorization details, asked for at any endpoint with the keys of the environment.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rolecall_account_details::{Json, Pages};
use rolecall_aws_model::Element;

use super::Failure;
use super::request::{self, Asked, Body};

const QUERY: &str = "Action=GetAccountAuthorizationDetails&Version=2010-05-08&MaxItems=1000";

/// The details as JSON in lines.
pub(super) fn as_text(answer: &Json) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(answer);
    Ok(text.map_err(|cause| Failure::Environment(cause.to_string()))? + "\n")
}

/// All pages of the details, as the principal of the environment; or what was said against it.
pub(super) fn ask(endpoint_url: &str, mut pages: Pages) -> Result<Result<Json, String>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::Environment(format!("no runtime: {cause}")))?;
    runtime.block_on(async {
        let mut form = QUERY.to_owned();
        loop {
            let asked = Asked { endpoint_url, service: "iam", path: "/", body: Body::Form(&form) };
            let (status, body) = request::send(&asked).await?;
            if status != 200 {
                return Ok(Err(refusal(status, &body)));
            }
            let next = pages.add(&body);
            match next.map_err(|cause| Failure::Environment(format!("{endpoint_url}: {cause}")))? {
                Some(marker) => {
                    form = format!("{QUERY}&Marker={}", utf8_percent_encode(&marker, NON_ALPHANUMERIC));
                }
                None => return Ok(Ok(pages.joined())),
            }
        }
    })
}

/// What was said against a request, of an answer in XML.
pub(super) fn refusal(status: u16, body: &[u8]) -> String {
    let root = Element::parse(body);
    // S3's answers are the error itself.
    let error =
        root.as_ref().and_then(|root| root.child("Error").or((root.name() == "Error").then_some(root)));
    let said = |name| error.and_then(|error| error.text(name)).unwrap_or_default().to_owned();
    format!("refused with status {status}: {}: {}", said("Code"), said("Message"))
}
