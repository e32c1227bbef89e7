//! Session tags: their rules, and how they pass on to further sessions.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use rolecall_access::Caller;
use rolecall_aws_model::sts as wire;
use rolecall_state::entities::Tag;

use crate::error::StsError;

/// The tags that a session will have.
#[derive(Debug, Default)]
pub(crate) struct SessionTags {
    /// All of them, inherited ones first.
    pub(crate) tags: Vec<Tag>,
    /// The keys of those that pass on.
    pub(crate) transitive_keys: Vec<String>,
}

impl SessionTags {
    /// The tags that a request brings, joined with what the caller's own session passes on.
    ///
    /// # Errors
    /// When a key is given twice ignoring case, is reserved, or tries to change an inherited tag.
    pub(crate) fn join(
        caller: &Caller,
        given: &[wire::Tag],
        transitive: &[String],
    ) -> Result<Self, StsError> {
        Self::inherited(caller).and(given, transitive)
    }

    /// These tags with further ones.
    ///
    /// # Errors
    /// As [`SessionTags::join`].
    pub(crate) fn and(self, given: &[wire::Tag], transitive: &[String]) -> Result<Self, StsError> {
        let mut joined = self;
        for (at, tag) in given.iter().enumerate() {
            if given.iter().skip(at + 1).any(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
                return Err(StsError::InvalidParameterValue(
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive.".into(),
                ));
            }
            if tag.key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
                return Err(StsError::InvalidParameterValue(
                    "Tag keys that start with aws: are reserved for AWS use.".into(),
                ));
            }
            if joined.tags.iter().any(|own| own.key.eq_ignore_ascii_case(&tag.key)) {
                return Err(StsError::InvalidParameterValue(
                    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.".into(),
                ));
            }
        }
        for key in transitive {
            let known = given.iter().any(|tag| tag.key.eq_ignore_ascii_case(key))
                || joined.transitive_keys.iter().any(|own| own.eq_ignore_ascii_case(key));
            if !known {
                return Err(StsError::InvalidParameterValue(
                    "The specified transitive tag key must be included in the requested tags.".into(),
                ));
            }
        }
        joined.tags.extend(given.iter().map(|tag| Tag { key: tag.key.clone(), value: tag.value.clone() }));
        for key in transitive {
            if !joined.transitive_keys.iter().any(|own| own.eq_ignore_ascii_case(key)) {
                joined.transitive_keys.push(key.clone());
            }
        }
        Ok(joined)
    }

    /// What the caller's own session passes on.
    pub(crate) fn inherited(caller: &Caller) -> Self {
        let Some(session) = &caller.session else { return Self::default() };
        let passes =
            |tag: &&Tag| session.transitive_tag_keys.iter().any(|key| key.eq_ignore_ascii_case(&tag.key));
        Self {
            tags: session.tags.iter().filter(passes).cloned().collect(),
            transitive_keys: session.transitive_tag_keys.clone(),
        }
    }
}
