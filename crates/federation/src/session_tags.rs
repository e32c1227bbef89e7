//! The session tags that an issuer gives its users.

/// Tags of a session, and which of them pass down a chain of roles. The limits on their number, length and
/// characters are the caller's to check, as for tags of any other source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionTags {
    /// Keys and values, in the order of the keys.
    pub tags: Vec<(String, String)>,
    /// The keys that pass down.
    pub transitive_keys: Vec<String>,
}

/// The issuer's tags are not in the form that AWS asks for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionTagsError {
    /// A tag has no value, several, or one that is not text.
    #[error("the tag {0} does not have exactly one value")]
    NotOneValue(String),
    /// The claim is of another shape.
    #[error("the session tags are malformed")]
    Malformed,
}
