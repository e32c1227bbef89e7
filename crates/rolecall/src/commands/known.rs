//! What is known of an account that is asked about: from a file, or from an endpoint with the keys of the environment.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rolecall_account_details::{Details, DetailsError, Pages};
use rolecall_analysis::{Control, Controls, Given};
use rolecall_aws_model::Element;
use rolecall_server::{Clock as _, SystemClock};
use rolecall_state::arn::ArnParts;
use rolecall_state::{Partition, Timestamp};
use serde_json::Value;

use super::details::{ask, refusal};
use super::request::{self, Asked, Body};
use super::{Failure, pretty, read_text, wait_for};
use crate::cli::AccountSource;

const NO_CONTROLS: &str =
    "The organization's policies over the account are not known: nothing was denied by them.";

/// What is known, or what was said against telling it.
pub(super) type Known = Result<Given, String>;

/// The present time.
pub(super) fn now() -> Timestamp {
    SystemClock.now()
}

/// Where an account is asked about; its details are read once.
pub(super) struct Source<'a> {
    given: &'a AccountSource,
    details: OnceCell<Result<String, String>>,
}

impl<'a> Source<'a> {
    /// A source that was not asked yet.
    pub(super) fn of(given: &'a AccountSource) -> Self {
        Self { given, details: OnceCell::new() }
    }

    /// What is known of the account, with the policies of the buckets that the resources are in.
    pub(super) fn known(&self, resources: &BTreeSet<String>) -> Result<Known, Failure> {
        let text = match self.details.get() {
            Some(text) => text,
            None => {
                let read = match &self.given.from {
                    Some(path) => Ok(read_text(path)?),
                    None => match ask(&self.given.endpoint_url, Pages::verbatim())? {
                        Ok(answer) => Ok(pretty(&answer)?),
                        Err(refusal) => Err(refusal),
                    },
                };
                self.details.get_or_init(|| read)
            }
        };
        match (text, &self.given.from) {
            (Err(refusal), _) => Ok(Err(refusal.clone())),
            (Ok(text), Some(path)) => of_file(text, path).map(Ok),
            (Ok(text), None) => of_server(text, &self.given.endpoint_url, resources).map(Ok),
        }
    }
}

/// What a file tells.
pub(super) fn from_file(path: &Path) -> Result<Given, Failure> {
    of_file(&read_text(path)?, path)
}

fn of_file(text: &str, path: &Path) -> Result<Given, Failure> {
    let details = Details::parse(text);
    let details = details.map_err(|cause| Failure::Environment(format!("{}: {cause}", path.display())))?;
    let unknown =
        vec![format!("{}: policies of resources are not in it.", path.display()), NO_CONTROLS.to_owned()];
    Ok(Given { details, controls: None, resource_policies: BTreeMap::new(), now: now(), unknown })
}

/// An account without anything, of which its details do not say which it is.
async fn account(endpoint_url: &str) -> Result<Details, Failure> {
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let asked = Asked { endpoint_url, service: "sts", path: "/", body: Body::Form(form) };
    let (status, body) = request::send(&asked).await?;
    let root = Element::parse(&body);
    let arn = root.as_ref().and_then(|root| root.child("GetCallerIdentityResult")?.text("Arn"));
    let parts = arn.and_then(ArnParts::parse);
    let told = parts.and_then(|parts| Some((parts.account_id()?, Partition::from_name(parts.partition)?)));
    let (id, partition) = told.ok_or_else(|| Failure::Environment(refusal(status, &body)))?;
    Ok(Details::empty(id, partition))
}

/// What an endpoint tells.
fn of_server(text: &str, endpoint_url: &str, resources: &BTreeSet<String>) -> Result<Given, Failure> {
    let mut unknown = unasked(resources);
    let (details, controls, resource_policies) = wait_for(async {
        let details = match Details::parse(text) {
            Err(DetailsError::Empty) => account(endpoint_url).await?,
            parsed => parsed.map_err(|cause| Failure::Environment(format!("{endpoint_url}: {cause}")))?,
        };
        let controls = controls(endpoint_url).await?;
        if controls.is_none() {
            unknown.push(NO_CONTROLS.to_owned());
        }
        let policies = bucket_policies(endpoint_url, resources, &mut unknown).await?;
        Ok::<_, Failure>((details, controls.flatten(), policies))
    })?;
    Ok(Given { details, controls, resource_policies, now: now(), unknown })
}

/// The services whose resources may have policies that nobody is asked for here.
fn unasked(resources: &BTreeSet<String>) -> Vec<String> {
    let service = |arn: &String| arn.split(':').nth(2).map(str::to_owned);
    let mut services: BTreeSet<String> = resources.iter().filter_map(service).collect();
    // What is of the first three is asked for or has none.
    services.retain(|service| !["s3", "iam", "sts", "ec2"].contains(&service.as_str()));
    services.iter().map(|service| format!("Policies of resources of {service} are not known.")).collect()
}

/// The organization's policies, where there is one; none when the endpoint does not tell.
async fn controls(endpoint_url: &str) -> Result<Option<Option<Controls>>, Failure> {
    let asked = Asked { endpoint_url, service: "rolecall", path: "/rolecall/controls", body: Body::Nothing };
    let (status, body) = request::send(&asked).await?;
    let Some(answer) = serde_json::from_slice::<Value>(&body).ok().filter(|_| status == 200) else {
        return Ok(None);
    };
    let text = |name: &str| answer.get(name).and_then(Value::as_str).map(str::to_owned);
    let (id, path) = (text("organization"), text("path"));
    let levels = |name: &str| {
        let levels = answer.get(name)?.as_array()?.iter();
        Some(
            levels
                .map(|level| level.as_array().into_iter().flatten().filter_map(control).collect())
                .collect(),
        )
    };
    let (service, resource) = (levels("serviceControl"), levels("resourceControl"));
    Ok(Some(id.is_some().then_some(Controls { id, path, service, resource })))
}

fn control(value: &Value) -> Option<Control> {
    let of = |name: &str| value.get(name)?.as_str();
    Some(Control { name: of("name")?.to_owned(), document: of("document")?.into() })
}

/// The buckets that some resources are, or are in, with their ARNs.
fn buckets(resources: &BTreeSet<String>) -> BTreeMap<&str, String> {
    let named = resources.iter().filter_map(|arn| {
        let (start, rest) = arn.split_once(":s3:::")?;
        let name = rest.split('/').next()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        (!name.is_empty() && name.bytes().all(plain)).then(|| (name, format!("{start}:s3:::{name}")))
    });
    named.collect()
}

async fn bucket_policies(
    endpoint_url: &str,
    resources: &BTreeSet<String>,
    unknown: &mut Vec<String>,
) -> Result<BTreeMap<String, Control>, Failure> {
    let mut found = BTreeMap::new();
    for (bucket, arn) in buckets(resources) {
        let path = format!("/{bucket}?policy");
        let asked = Asked { endpoint_url, service: "s3", path: &path, body: Body::Nothing };
        let (status, body) = request::send(&asked).await?;
        let document = String::from_utf8_lossy(&body).into_owned();
        match status {
            200 => {
                let name = format!("bucket policy of {bucket}");
                found.insert(arn, Control { name, document: document.into() });
            }
            404 if document.contains("NoSuchBucketPolicy") => {}
            404 => unknown.push(format!("There is no bucket {bucket}.")),
            _ => unknown
                .push(format!("The policy of bucket {bucket} is not known: {}", refusal(status, &body))),
        }
    }
    Ok(found)
}
