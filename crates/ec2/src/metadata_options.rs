//! How an instance's metadata service behaves.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html>

use rolecall_aws_model::ec2 as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{Instance, InstanceMetadataOptions, InstanceState, Tags};

use crate::env::Env;
use crate::error::Ec2Error;
use crate::instances::find;
use crate::views;

/// What a request changes.
struct Change<'a> {
    http_tokens: Option<&'a str>,
    hop_limit: Option<i32>,
    http_endpoint: Option<&'a str>,
    ipv6: Option<&'a str>,
    tags: Option<&'a str>,
}

impl Change<'_> {
    fn apply(&self, options: &mut InstanceMetadataOptions) -> Result<(), Ec2Error> {
        if let Some(tokens) = self.http_tokens {
            options.tokens_required = either(tokens, "required", "optional", "HttpTokens")?;
        }
        if let Some(limit) = self.hop_limit {
            let good = u8::try_from(limit).ok().filter(|limit| (1..=64).contains(limit));
            options.hop_limit = good.ok_or_else(|| {
                Ec2Error::value(
                    &limit.to_string(),
                    "HttpPutResponseHopLimit",
                    "The value must be between 1 and 64.",
                )
            })?;
        }
        if let Some(endpoint) = self.http_endpoint {
            options.enabled = either(endpoint, "enabled", "disabled", "HttpEndpoint")?;
        }
        if let Some(tags) = self.tags {
            options.tags = either(tags, "enabled", "disabled", "InstanceMetadataTags")?;
        }
        match self.ipv6 {
            Some("enabled") => Err(Ec2Error::unsupported("HttpProtocolIpv6=enabled")),
            _ => Ok(()),
        }
    }
}

fn either(given: &str, yes: &str, no: &str, parameter: &str) -> Result<bool, Ec2Error> {
    match given {
        given if given == yes => Ok(true),
        given if given == no => Ok(false),
        other => Err(Ec2Error::value(other, parameter, "")),
    }
}

/// The options of a new instance.
pub(crate) fn at_launch(
    given: Option<&wire::InstanceMetadataOptionsRequest>,
) -> Result<InstanceMetadataOptions, Ec2Error> {
    let mut options = InstanceMetadataOptions::default();
    if let Some(given) = given {
        let change = Change {
            http_tokens: given.http_tokens.as_deref(),
            hop_limit: given.http_put_response_hop_limit,
            http_endpoint: given.http_endpoint.as_deref(),
            ipv6: given.http_protocol_ipv6.as_deref(),
            tags: given.instance_metadata_tags.as_deref(),
        };
        change.apply(&mut options)?;
    }
    Ok(options)
}

/// Tags that are shown as paths must be able to stand in one.
pub(crate) fn check_tags(options: &InstanceMetadataOptions, tags: &Tags) -> Result<(), Ec2Error> {
    let bad = |key: &str| key.contains(['/', ' ']) || matches!(key, "." | ".." | "_index");
    match tags.iter().find(|tag| options.tags && bad(&tag.key)) {
        Some(tag) => {
            let words = format!(
                "'{}' is not a valid tag key. Tag keys must match pattern ([0-9a-zA-Z\\-_+=,.@:]{{1,255}}), and must not be a reserved name ('.', '..', '_index')",
                tag.key
            );
            Err(Ec2Error::client("InvalidParameterValue", words))
        }
        None => Ok(()),
    }
}

pub(crate) fn modify_instance_metadata_options(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::ModifyInstanceMetadataOptionsRequest,
) -> Result<wire::ModifyInstanceMetadataOptionsResult, Ec2Error> {
    let wire::ModifyInstanceMetadataOptionsRequest {
        instance_id,
        http_tokens,
        http_put_response_hop_limit,
        http_endpoint,
        dry_run: _,
        http_protocol_ipv6,
        instance_metadata_tags,
    } = request;
    let mut instance = Instance::clone(&*find(txn, instance_id)?);
    if matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated) {
        let words = format!(
            "The instance '{instance_id}' is not in a state from which its metadata options can be modified."
        );
        return Err(Ec2Error::client("IncorrectInstanceState", words));
    }
    let change = Change {
        http_tokens: http_tokens.as_deref(),
        hop_limit: *http_put_response_hop_limit,
        http_endpoint: http_endpoint.as_deref(),
        ipv6: http_protocol_ipv6.as_deref(),
        tags: instance_metadata_tags.as_deref(),
    };
    change.apply(&mut instance.metadata)?;
    check_tags(&instance.metadata, &instance.tags)?;
    txn.put(&instance);
    let options = wire::InstanceMetadataOptionsResponse {
        state: Some("pending".into()),
        ..views::metadata_options(&instance.metadata)
    };
    Ok(wire::ModifyInstanceMetadataOptionsResult {
        instance_id: Some(instance_id.clone()),
        instance_metadata_options: Some(options),
    })
}
