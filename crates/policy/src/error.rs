//! What can be wrong with a policy document, in the words AWS uses for it.

use crate::span::{Position, Span};

/// The first thing that is wrong with a document, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} (line {}, column {}{})", position.line, position.column, Shown(detail))]
pub struct ParseError {
    /// What is wrong.
    pub problem: Problem,
    /// What was found and what was wanted, for a person; AWS's message says less.
    pub detail: Box<str>,
    /// Where in the text.
    pub span: Span,
    /// The line and column of [`ParseError::span`].
    pub position: Position,
}

struct Shown<'a>(&'a str);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, ": {}", self.0) }
    }
}

impl ParseError {
    /// AWS's message, as in the answer to `CreatePolicy` under the code `MalformedPolicyDocument`.
    #[must_use]
    pub fn message(&self) -> String {
        self.problem.to_string()
    }
}

/// The ways in which a document can be malformed. The text of each is AWS's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The text is not JSON.
    #[error("This policy contains invalid Json")]
    InvalidJson,
    /// The text is longer than the limit it was parsed with.
    #[error("The policy document is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// An unknown or repeated element, a wrong type, a missing effect, an unknown operator.
    #[error("Syntax errors in policy.")]
    Syntax,
    /// A version that is missing or old where AWS wants the newest.
    #[error("Policy document must be version 2012-10-17 or greater.")]
    Version,
    /// Two statements with one `Sid`.
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    DuplicateSid,
    /// A `Sid` with characters that AWS doesn't take.
    #[error(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    )]
    InvalidSid,
    /// An element that policies of this kind don't have.
    #[error("Has prohibited field {0}")]
    ProhibitedField(&'static str),
    /// An identity-based policy that names a principal.
    #[error("Policy document should not specify a principal.")]
    PrincipalInIdentityPolicy,
    /// An element that policies of this kind must have.
    #[error("Missing required field {0}")]
    MissingField(&'static str),
    /// A statement of an identity-based policy without actions.
    #[error("Policy statement must contain actions.")]
    MissingActions,
    /// A statement of an identity-based policy without resources.
    #[error("Policy statement must contain resources.")]
    MissingResources,
    /// An action without its service.
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    MissingVendor,
    /// An action with two colons.
    #[error("Actions/Condition can contain only one colon.")]
    TwoColons,
    /// An action whose service has impossible characters.
    #[error("Vendor {0} is not valid")]
    InvalidVendor(Box<str>),
    /// A trust policy about actions that don't make sessions.
    #[error("AssumeRole policy may only specify STS AssumeRole actions.")]
    NotAnAssumeRoleAction,
    /// What AWS's older parser refuses: a wrong date, an ARN with too few fields, an effect in other case.
    #[error("The policy failed legacy parsing")]
    LegacyParsing,
    /// A resource that is no ARN.
    #[error("Resource {0} must be in ARN format or \"*\".")]
    ResourceNotAnArn(Box<str>),
    /// A resource of an unknown partition.
    #[error("Partition \"{partition}\" is not valid for resource \"{resource}\".")]
    InvalidPartition {
        /// The partition as written.
        partition: Box<str>,
        /// The resource, with its missing fields shown as `*`.
        resource: Box<str>,
    },
    /// A resource without a service, or with a wildcard in it.
    #[error("Resource vendor must be fully qualified and cannot contain regexes.")]
    ResourceVendor,
    /// An IAM resource with a region.
    #[error("IAM resource {0} cannot contain region information.")]
    IamRegion(Box<str>),
    /// A bucket or object with a region.
    #[error("Resource {0} can not contain region information.")]
    S3Region(Box<str>),
    /// An IAM resource of an unknown type.
    #[error("IAM resource path must either be \"*\" or start with {IAM_RESOURCE_TYPES}.")]
    IamResourceType,
    /// A principal that is not one.
    #[error("Invalid principal in policy: \"{principal_type}\":\"{principal}\"")]
    InvalidPrincipal {
        /// The entry's key, in AWS's capitals.
        principal_type: &'static str,
        /// The principal as written.
        principal: Box<str>,
    },
}

/// The types of IAM resources, as AWS's message lists them.
pub(crate) const IAM_RESOURCE_TYPES: &str = "user/, federated-user/, role/, group/, instance-profile/, mfa/, \
     server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/";
