//! Tags, by the same rules on every kind of entity.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>

use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{Tag, Tags};

use crate::env::Env;
use crate::error::IamError;
use crate::paging::{Page, Paging};

/// When two tag keys are the same: of users and roles ignoring case, of all else letter for letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// Of users and roles.
    IgnoringCase,
    /// Of policies, instance profiles, providers, certificates and MFA devices.
    Exact,
}

impl Keys {
    fn are_same(self, one: &str, other: &str) -> bool {
        match self {
            Self::IgnoringCase => one.eq_ignore_ascii_case(other),
            Self::Exact => one == other,
        }
    }
}

/// The tags that an entity is made with.
pub(crate) fn at_creation(given: &[wire::Tag], keys: Keys, env: &Env<'_>) -> Result<Tags, IamError> {
    let mut tags = Tags::default();
    add(&mut tags, given, keys, env)?;
    Ok(tags)
}

/// Adds to an entity's tags, or changes their values.
pub(crate) fn add(tags: &mut Tags, given: &[wire::Tag], keys: Keys, env: &Env<'_>) -> Result<(), IamError> {
    refuse_duplicates(given, keys)?;
    for tag in given {
        refuse_reserved(tag)?;
        let tag = Tag { key: tag.key.clone(), value: tag.value.clone() };
        match keys {
            Keys::IgnoringCase => tags.set(tag),
            Keys::Exact => tags.set_exactly(tag),
        }
    }
    if tags.len() > env.quotas.tags_per_entity {
        return Err(IamError::LimitExceeded(format!(
            "The number of tags has reached the maximum limit: {}.",
            env.quotas.tags_per_entity
        )));
    }
    Ok(())
}

/// Takes tags away.
pub(crate) fn remove(tags: &mut Tags, taken: &[String], keys: Keys) {
    for key in taken {
        match keys {
            Keys::IgnoringCase => tags.remove(key),
            Keys::Exact => tags.remove_exactly(key),
        }
    }
}

fn refuse_duplicates(given: &[wire::Tag], keys: Keys) -> Result<(), IamError> {
    for (at, tag) in given.iter().enumerate() {
        if given.iter().skip(at + 1).any(|other| keys.are_same(&other.key, &tag.key)) {
            let message = match keys {
                Keys::IgnoringCase => {
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive."
                }
                Keys::Exact => "Duplicate tag keys found.",
            };
            return Err(IamError::InvalidInput(message.into()));
        }
    }
    Ok(())
}

fn refuse_reserved(tag: &wire::Tag) -> Result<(), IamError> {
    let reserved = tag.key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    if reserved {
        return Err(IamError::InvalidInput(
            "The tag key is invalid. Tag keys that start with aws: are reserved for AWS use.".into(),
        ));
    }
    Ok(())
}

/// A page of an entity's tags.
pub(crate) fn page(
    tags: &Tags,
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Result<Page<wire::Tag>, IamError> {
    let paging = Paging::new(marker, max_items)?;
    // Lists come in the order of their keys; elsewhere tags keep the order in which they were set.
    let mut sorted: Vec<&Tag> = tags.iter().collect();
    sorted.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(paging.take(sorted, |tag| tag.key.clone()).map(wire_tag))
}

/// All of an entity's tags, as an answer shows them.
pub(crate) fn all(tags: &Tags) -> Vec<wire::Tag> {
    tags.iter().map(wire_tag).collect()
}

fn wire_tag(tag: &Tag) -> wire::Tag {
    wire::Tag { key: tag.key.clone(), value: tag.value.clone() }
}
