//! Tags, by the same rules on every kind of entity.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>

use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{Tag, Tags};

use crate::env::Env;
use crate::error::IamError;
use crate::paging::{Page, Paging};

/// The tags that an entity is made with.
pub(crate) fn at_creation(given: &[wire::Tag], env: &Env<'_>) -> Result<Tags, IamError> {
    let mut tags = Tags::default();
    add(&mut tags, given, env)?;
    Ok(tags)
}

/// Adds to an entity's tags, or changes their values.
pub(crate) fn add(tags: &mut Tags, given: &[wire::Tag], env: &Env<'_>) -> Result<(), IamError> {
    refuse_duplicates(given)?;
    for tag in given {
        refuse_reserved(tag)?;
        tags.set(Tag { key: tag.key.clone(), value: tag.value.clone() });
    }
    if tags.len() > env.quotas.tags_per_entity {
        return Err(IamError::LimitExceeded(format!(
            "The number of tags has reached the maximum limit: {}.",
            env.quotas.tags_per_entity
        )));
    }
    Ok(())
}

fn refuse_duplicates(given: &[wire::Tag]) -> Result<(), IamError> {
    for (at, tag) in given.iter().enumerate() {
        if given.iter().skip(at + 1).any(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
            return Err(IamError::InvalidInput(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.".into(),
            ));
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
    // The position is the sort key: tags keep the order in which they were set.
    let page = paging.take(tags.iter().enumerate(), |(at, _)| format!("{at:04}"));
    Ok(page.map(|(_, tag)| wire_tag(tag)))
}

/// All of an entity's tags, as an answer shows them.
pub(crate) fn all(tags: &Tags) -> Vec<wire::Tag> {
    tags.iter().map(wire_tag).collect()
}

fn wire_tag(tag: &Tag) -> wire::Tag {
    wire::Tag { key: tag.key.clone(), value: tag.value.clone() }
}
