//! Tags of instances, their disks, and key pairs.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>

use rolecall_aws_model::ec2 as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{Instance, InstanceState, KeyPair, Tag, Tags};

use crate::env::{Env, account};
use crate::error::Ec2Error;
use crate::filters::{Fixed, keep};
use crate::{disks, ids, metadata_options, paging, views};

const MAX_TAGS: usize = 50;

/// The tags that a request gives to resources of this type. Other types that it may name are looked
/// at and kept by no one, since they are parts of an instance here.
pub(crate) fn of_specifications(
    specifications: &[wire::TagSpecification],
    resource_type: &str,
    others: &[&str],
) -> Result<Tags, Ec2Error> {
    let mut tags = Tags::default();
    for specification in specifications {
        let kind = specification.resource_type.as_deref().unwrap_or_default();
        if kind != resource_type && !others.contains(&kind) {
            let words = format!("'{kind}' is not a valid taggable resource type for this operation.");
            return Err(Ec2Error::client("InvalidParameterValue", words));
        }
        for tag in &specification.tags {
            let tag = checked(tag)?;
            if kind == resource_type {
                if tags.iter().any(|known| known.key == tag.key) {
                    let words = format!("Duplicate tag key '{}' specified.", tag.key);
                    return Err(Ec2Error::client("InvalidParameterValue", words));
                }
                tags.set(tag);
            }
        }
    }
    if tags.len() > MAX_TAGS { Err(too_many()) } else { Ok(tags) }
}

fn too_many() -> Ec2Error {
    Ec2Error::client("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
}

fn checked(tag: &wire::Tag) -> Result<Tag, Ec2Error> {
    let key = tag.key.clone().unwrap_or_default();
    let value = tag.value.clone().unwrap_or_default();
    if key.is_empty() || key.chars().count() > 127 {
        let words = format!("Tag key '{key}' must be between 1 and 127 characters long.");
        return Err(Ec2Error::client("InvalidParameterValue", words));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        let words = "Tag keys starting with 'aws:' are reserved for internal use";
        return Err(Ec2Error::client("InvalidParameterValue", words));
    }
    if value.chars().count() > 255 {
        let words = format!("Tag value exceeds the maximum length of 255 characters: '{value}'");
        return Err(Ec2Error::client("InvalidParameterValue", words));
    }
    Ok(Tag { key, value })
}

/// Something that has tags.
enum Tagged {
    Instance(Box<Instance>),
    Disk(Box<Instance>),
    KeyPair(Box<KeyPair>),
}

impl Tagged {
    fn find(txn: &mut Txn, id: &str) -> Result<Self, Ec2Error> {
        let absent = || Ec2Error::client("InvalidID", format!("The ID '{id}' is not valid"));
        if id.starts_with("i-") {
            return crate::instances::find(txn, id)
                .map(|found| Self::Instance(Box::new(Instance::clone(&found))));
        }
        if id.starts_with("key-") {
            let found = account(txn)?.key_pairs.by_id_str(id).cloned().ok_or_else(|| {
                Ec2Error::client("InvalidKeyPair.NotFound", format!("The key pair ID '{id}' does not exist"))
            })?;
            txn.depend_on(&found);
            return Ok(Self::KeyPair(Box::new(KeyPair::clone(&found))));
        }
        if id.starts_with("vol-") {
            let account = account(txn)?;
            let instances = account.instances.iter().map(|instance| &***instance);
            let id = disks::holder(instances, id)
                .map(|found| found.id.to_string())
                .ok_or_else(|| disks::no_volume(id))?;
            let found = crate::instances::find(txn, &id)?;
            return Ok(Self::Disk(Box::new(Instance::clone(&found))));
        }
        match ["vpc-", "subnet-", "sg-", "eni-", "ami-"].iter().any(|prefix| id.starts_with(prefix)) {
            true => Err(Ec2Error::unsupported(&format!("Tagging of {id}"))),
            false => Err(absent()),
        }
    }

    fn tags(&mut self) -> &mut Tags {
        match self {
            Self::Instance(instance) => &mut instance.tags,
            Self::Disk(instance) => &mut instance.disk.tags,
            Self::KeyPair(pair) => &mut pair.tags,
        }
    }

    fn put(&self, txn: &mut Txn) -> Result<(), Ec2Error> {
        match self {
            Self::Instance(instance) => {
                metadata_options::check_tags(&instance.metadata, &instance.tags)?;
                txn.put(&**instance);
            }
            Self::Disk(instance) => txn.put(&**instance),
            Self::KeyPair(pair) => txn.put(&**pair),
        }
        Ok(())
    }
}

pub(crate) fn create_tags(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::CreateTagsRequest,
) -> Result<wire::CreateTagsResponse, Ec2Error> {
    let wire::CreateTagsRequest { dry_run: _, resources, tags } = request;
    let tags: Vec<Tag> = tags.iter().map(checked).collect::<Result<_, _>>()?;
    for id in resources {
        let mut tagged = Tagged::find(txn, id)?;
        tags.iter().for_each(|tag| tagged.tags().set(tag.clone()));
        if tagged.tags().len() > MAX_TAGS {
            return Err(too_many());
        }
        tagged.put(txn)?;
    }
    Ok(wire::CreateTagsResponse {})
}

pub(crate) fn delete_tags(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DeleteTagsRequest,
) -> Result<wire::DeleteTagsResponse, Ec2Error> {
    let wire::DeleteTagsRequest { dry_run: _, resources, tags } = request;
    for id in resources {
        let mut tagged = Tagged::find(txn, id)?;
        let gone: Vec<String> =
            tagged.tags().iter().filter(|tag| is_meant(tags, tag)).map(|tag| tag.key.clone()).collect();
        gone.iter().for_each(|key| tagged.tags().remove(key));
        tagged.put(txn)?;
    }
    Ok(wire::DeleteTagsResponse {})
}

/// Without tags all are meant; with a value, only that value.
fn is_meant(given: &[wire::Tag], tag: &Tag) -> bool {
    let means = |given: &wire::Tag| {
        given.key.as_deref() == Some(&tag.key) && given.value.as_ref().is_none_or(|value| *value == tag.value)
    };
    given.is_empty() || given.iter().any(means)
}

pub(crate) fn describe_tags(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DescribeTagsRequest,
) -> Result<wire::DescribeTagsResult, Ec2Error> {
    let wire::DescribeTagsRequest { dry_run: _, filters, max_results, next_token } = request;
    let account = account(txn)?;
    let instances = account.instances.iter().map(|i| (i.id.to_string(), "instance", &i.tags));
    let key_pairs = account.key_pairs.iter().map(|pair| (pair.id.to_string(), "key-pair", &pair.tags));
    let there = account.instances.iter().filter(|i| i.state != InstanceState::Terminated);
    let disks = there.map(|i| (views::volume_id(i.id.as_str()), "volume", &i.disk.tags));
    let all: Vec<_> = instances
        .chain(disks)
        .chain(key_pairs)
        .flat_map(|(id, kind, tags)| tags.iter().map(move |tag| (id.clone(), kind, tag.clone())))
        .collect();
    let shown = all.into_iter().map(|(id, kind, tag)| {
        let pairs = vec![
            ("resource-id", id.clone()),
            ("resource-type", kind.to_owned()),
            ("key", tag.key.clone()),
            ("value", tag.value.clone()),
        ];
        let description = wire::TagDescription {
            key: Some(tag.key),
            resource_id: Some(id),
            resource_type: Some(kind.to_owned()),
            value: Some(tag.value),
        };
        Fixed::new(description, pairs)
    });
    let mut found: Vec<_> = keep(filters, shown)?.into_iter().map(|fixed| fixed.value).collect();
    let key = |tag: &wire::TagDescription| {
        format!(
            "{}/{}",
            tag.resource_id.as_deref().unwrap_or_default(),
            tag.key.as_deref().unwrap_or_default()
        )
    };
    found.sort_by_key(key);
    let page = paging::take(found, *max_results, next_token.as_deref(), 5, key)?;
    Ok(wire::DescribeTagsResult { next_token: page.next_token, tags: page.items })
}

/// What kind of resource an id is of, as ARNs have it.
pub(crate) fn resource_type(id: &str) -> &'static str {
    let prefix = id.split('-').next().unwrap_or_default();
    match prefix {
        "i" => "instance",
        "key" => "key-pair",
        "vpc" => "vpc",
        "subnet" => "subnet",
        "sg" => "security-group",
        "eni" => "network-interface",
        "vol" => "volume",
        "ami" => "image",
        _ => "*",
    }
}

/// Whether an id is an instance's, in form.
pub(crate) fn is_instance(id: &str) -> bool {
    ids::check_instance_id(id).is_ok()
}
