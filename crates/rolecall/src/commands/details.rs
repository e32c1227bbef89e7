//! An account's authorization details, asked for at any endpoint with the keys of the environment.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rolecall_account_details::{Json, Pages};
use rolecall_aws_model::Element;

use super::request::{self, Asked, Body};
use super::{Failure, wait_for};

const QUERY: &str = "Action=GetAccountAuthorizationDetails&Version=2010-05-08&MaxItems=1000";

/// All pages of the details, as the principal of the environment; or what was said against it.
pub(super) fn ask(endpoint_url: &str, mut pages: Pages) -> Result<Result<Json, String>, Failure> {
    wait_for(async {
        let mut form = QUERY.to_owned();
        loop {
            let asked = Asked { endpoint_url, service: "iam", path: "/", body: Body::Form(&form) };
            let (status, body) = request::send(&asked).await?;
            if status != 200 {
                return Ok::<_, Failure>(Err(refusal(status, &body)));
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
