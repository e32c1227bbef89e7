//! What is known of an account that is asked about: from a file, or from an endpoint with the keys of the environment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rolecall_account_details::{Details, Pages};
use rolecall_analysis::{Control, Controls, Given};
use rolecall_server::{Clock as _, SystemClock};
use rolecall_state::Timestamp;
use serde_json::Value;

use super::details::{self, ask, refusal};
use super::request::{self, Asked, Body};
use super::{Failure, read_text};
use crate::cli::AccountSource;

const NO_CONTROLS: &str =
    "The organization's policies over the account are not known: nothing was denied by them.";

/// What is known, or what was said against telling it.
pub(super) type Known = Result<Given, String>;

/// The present time.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// What is known of the account, with the policies of the buckets that the resources are in.
pub(super) fn known(source: &AccountSource, resources: &BTreeSet<String>) -> Result<Known, Failure> {
    match &source.from {
        Some(path) => from_file(path).map(Ok),
        None => from_server(&source.endpoint_url, resources),
    }
}

/// What a file tells.
pub(super) fn from_file(path: &Path) -> Result<Given, Failure> {
    let details = parsed(&read_text(path)?, &path.display().to_string())?;
    let unknown =
        vec![format!("{}: policies of resources are not in it.", path.display()), NO_CONTROLS.to_owned()];
    Ok(Given { details, controls: None, resource_policies: BTreeMap::new(), now: now(), unknown })
}

fn parsed(text: &str, name: &str) -> Result<Details, Failure> {
    Details::parse(text).map_err(|cause| Failure::Environment(format!("{name}: {cause}")))
}

/// What an endpoint tells.
pub(super) fn from_server(endpoint_url: &str, resources: &BTreeSet<String>) -> Result<Known, Failure> {
    let text = match ask(endpoint_url, Pages::verbatim())? {
        Ok(answer) => details::as_text(&answer)?,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let details = parsed(&text, endpoint_url)?;
    let mut unknown = Vec::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::Environment(format!("no runtime: {cause}")))?;
    let (controls, resource_policies) = runtime.block_on(async {
        let controls = controls(endpoint_url).await?;
        if controls.is_none() {
            unknown.push(NO_CONTROLS.to_owned());
        }
        let policies = bucket_policies(endpoint_url, resources, &mut unknown).await?;
        Ok::<_, Failure>((controls.flatten(), policies))
    })?;
    Ok(Ok(Given { details, controls, resource_policies, now: now(), unknown }))
}

/// The organization's policies, where there is one; none when the endpoint does not tell.
async fn controls(endpoint_url: &str) -> Result<Option<Option<Controls>>, Failure> {
    let asked = Asked { endpoint_url, service: "rolecall", path: "/rolecall/controls", body: Body::Nothing };
    let (status, body) = request::send(&asked).await?;
    let Some(answer) = serde_json::from_slice::<Value>(&body).ok().filter(|_| status == 200) else {
        return Ok(None);
    };
    let id = answer.get("organization").and_then(Value::as_str).map(str::to_owned);
    let levels = |name: &str| {
        let levels = answer.get(name)?.as_array()?.iter();
        Some(
            levels
                .map(|level| level.as_array().into_iter().flatten().filter_map(control).collect())
                .collect(),
        )
    };
    let (service, resource) = (levels("serviceControl"), levels("resourceControl"));
    Ok(Some(id.is_some().then_some(Controls { id, service, resource })))
}

fn control(value: &Value) -> Option<Control> {
    let of = |name: &str| value.get(name)?.as_str();
    Some(Control { name: of("name")?.to_owned(), document: of("document")?.into() })
}

/// The buckets that some resources are, or are in.
fn buckets(resources: &BTreeSet<String>) -> BTreeSet<&str> {
    let rest = resources.iter().filter_map(|arn| arn.split_once(":s3:::").map(|(_, rest)| rest));
    let names = rest.filter_map(|rest| rest.split('/').next());
    let is_name = |name: &&str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
    };
    names.filter(is_name).collect()
}

async fn bucket_policies(
    endpoint_url: &str,
    resources: &BTreeSet<String>,
    unknown: &mut Vec<String>,
) -> Result<BTreeMap<String, Control>, Failure> {
    let mut found = BTreeMap::new();
    for bucket in buckets(resources) {
        let path = format!("/{bucket}?policy");
        let asked = Asked { endpoint_url, service: "s3", path: &path, body: Body::Nothing };
        let (status, body) = request::send(&asked).await?;
        let document = String::from_utf8_lossy(&body).into_owned();
        match status {
            200 => {
                let name = format!("bucket policy of {bucket}");
                found.insert(format!("arn:aws:s3:::{bucket}"), Control { name, document: document.into() });
            }
            404 if document.contains("NoSuchBucketPolicy") => {}
            404 => unknown.push(format!("There is no bucket {bucket}.")),
            _ => unknown
                .push(format!("The policy of bucket {bucket} is not known: {}", refusal(status, &body))),
        }
    }
    Ok(found)
}
