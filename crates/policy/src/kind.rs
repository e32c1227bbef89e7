//! The kinds of policy, and the grammar which a document of each kind must follow.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html>

use std::fmt;

/// Where a policy is attached, which decides what it may say and how it takes part in a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyKind {
    /// Attached to a user, group or role, inline or managed.
    Identity,
    /// Attached to a resource, such as a bucket policy or a key policy.
    Resource,
    /// The resource-based policy of a role: who may assume it.
    Trust,
    /// A limit on a user's or role's identity-based policies.
    PermissionsBoundary,
    /// Passed when a session is made, a limit on that session.
    Session,
    /// A service control policy (SCP) of AWS Organizations.
    ServiceControl,
    /// A resource control policy (RCP) of AWS Organizations.
    ResourceControl,
    /// Attached to a VPC endpoint which the request came through.
    VpcEndpoint,
}

impl PolicyKind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 8] = [
        Self::Identity,
        Self::Resource,
        Self::Trust,
        Self::PermissionsBoundary,
        Self::Session,
        Self::ServiceControl,
        Self::ResourceControl,
        Self::VpcEndpoint,
    ];

    /// The kind as AWS's denial messages name it, without an article.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Trust => "role trust policy",
            Self::PermissionsBoundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
            Self::VpcEndpoint => "VPC endpoint policy",
        }
    }

    /// The kind with the article which AWS's messages put before it.
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Identity => "an identity-based policy",
            Self::Resource => "a resource-based policy",
            Self::Trust => "the role trust policy",
            Self::PermissionsBoundary => "a permissions boundary",
            Self::Session => "a session policy",
            Self::ServiceControl => "a service control policy",
            Self::ResourceControl => "a resource control policy",
            Self::VpcEndpoint => "a VPC endpoint policy",
        }
    }

    /// The kind as a word of the engine's own format.
    #[must_use]
    pub const fn keyword(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Resource => "resource",
            Self::Trust => "trust",
            Self::PermissionsBoundary => "permissionsBoundary",
            Self::Session => "session",
            Self::ServiceControl => "serviceControl",
            Self::ResourceControl => "resourceControl",
            Self::VpcEndpoint => "vpcEndpoint",
        }
    }

    /// Whether policies of this kind say whom they are about.
    #[must_use]
    pub const fn has_principal(self) -> bool {
        matches!(self, Self::Resource | Self::Trust | Self::ResourceControl | Self::VpcEndpoint)
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl serde::Serialize for PolicyKind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.keyword())
    }
}

/// What a document is parsed as: its kind, and how strict to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grammar {
    /// The kind of policy, which decides the elements a statement may and must have.
    pub kind: PolicyKind,
    /// Whether everything that AWS refuses to store is an error, or only what can't be evaluated.
    pub strictness: Strictness,
    /// The largest document accepted, in bytes. More is refused before it is looked at.
    pub max_bytes: usize,
    /// Whether an older version of the language is refused, as it is for managed policies.
    pub requires_2012: bool,
}

/// How much of AWS's validation a document must pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strictness {
    /// As when AWS stores a policy: anything it refuses is an error.
    Stored,
    /// As when a decision is asked for: an error is only what has no defined meaning.
    Evaluated,
}

impl Grammar {
    /// Above every quota of AWS (the largest is a bucket policy of 20 KiB), with room for what isn't AWS's.
    pub const DEFAULT_MAX_BYTES: usize = 1 << 20;

    /// The grammar for a document of this kind that is to be stored.
    #[must_use]
    pub const fn stored(kind: PolicyKind) -> Self {
        Self {
            kind,
            strictness: Strictness::Stored,
            max_bytes: Self::DEFAULT_MAX_BYTES,
            requires_2012: false,
        }
    }

    /// The grammar for a managed policy that is to be stored, which must be of version 2012-10-17.
    #[must_use]
    pub const fn managed(kind: PolicyKind) -> Self {
        let mut grammar = Self::stored(kind);
        grammar.requires_2012 = true;
        grammar
    }

    /// The grammar for a document of this kind that is only to be evaluated.
    #[must_use]
    pub const fn evaluated(kind: PolicyKind) -> Self {
        Self {
            kind,
            strictness: Strictness::Evaluated,
            max_bytes: Self::DEFAULT_MAX_BYTES,
            requires_2012: false,
        }
    }

    /// The same grammar with another limit on the document's size.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }
}

impl From<PolicyKind> for Grammar {
    fn from(kind: PolicyKind) -> Self {
        Self::stored(kind)
    }
}
