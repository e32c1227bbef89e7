//! Why an IAM operation fails, in AWS's words; one mapping to codes.

use rolecall_aws_model::iam::ErrorCode;
use rolecall_state::StateError;

/// Why an organization's root users can't be managed.
/// FIDELITY: the messages are not AWS's, which are not documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootAccessError {
    /// The account is in no organization.
    #[error("Your account is not a member of an organization.")]
    OrganizationNotFound,
    /// The account neither manages the organization nor administers IAM for it.
    #[error(
        "The account is not the management account or a delegated administrator of IAM for its organization."
    )]
    NotAdministrator,
    /// Only the management account may do this.
    #[error("The account is not the management account of its organization.")]
    NotManagement,
    /// The organization is for billing only.
    #[error("Your organization does not have all features enabled.")]
    NotAllFeatures,
    /// The organization does not trust IAM.
    #[error("Trusted access is not enabled for IAM in your organization.")]
    ServiceAccessNotEnabled,
}

impl RootAccessError {
    fn code(self) -> ErrorCode {
        match self {
            Self::OrganizationNotFound => ErrorCode::OrganizationNotFoundException,
            Self::NotAdministrator => ErrorCode::AccountNotManagementOrDelegatedAdministratorException,
            Self::NotManagement => ErrorCode::CallerIsNotManagementAccountException,
            Self::NotAllFeatures => ErrorCode::OrganizationNotInAllFeaturesModeException,
            Self::ServiceAccessNotEnabled => ErrorCode::ServiceAccessNotEnabledException,
        }
    }
}

/// Why an IAM operation fails.
#[derive(Debug, thiserror::Error)]
pub enum IamError {
    /// Something that the request names does not exist.
    #[error("{0}")]
    NoSuchEntity(String),
    /// Something of that name exists already.
    #[error("{0}")]
    EntityAlreadyExists(String),
    /// Something else still needs the entity.
    #[error("{0}")]
    DeleteConflict(String),
    /// A quota would be exceeded.
    #[error("{0}")]
    LimitExceeded(String),
    /// A policy document is no good.
    #[error("{0}")]
    MalformedPolicyDocument(String),
    /// A parameter's value is not possible.
    #[error("{0}")]
    InvalidInput(String),
    /// A parameter's form is not possible.
    #[error("{0}")]
    Validation(String),
    /// A policy can't be evaluated.
    #[error("{0}")]
    PolicyEvaluation(String),
    /// There is no credential report.
    #[error("No report exists. Please call GenerateCredentialReport to generate one.")]
    CredentialReportNotPresent,
    /// The credential report is too old.
    #[error("The credential report has expired. Please call GenerateCredentialReport to generate a new one.")]
    CredentialReportExpired,
    /// The marker of a list is none that an earlier answer gave.
    #[error("Invalid Marker.")]
    InvalidMarker,
    /// The entity is protected from this change.
    #[error("{0}")]
    UnmodifiableEntity(String),
    /// The entity can't be changed for the moment.
    #[error("{0}")]
    EntityTemporarilyUnmodifiable(String),
    /// Two requests changed the same entity.
    #[error("{0}")]
    ConcurrentModification(String),
    /// The policy can't be attached to anything.
    #[error("{0}")]
    PolicyNotAttachable(String),
    /// The operation is not for this caller, whatever its policies say.
    #[error("{0}")]
    AccessDenied(String),
    /// A password breaks the account's policy.
    #[error("{0}")]
    PasswordPolicyViolation(String),
    /// The operation is for users only.
    #[error("{0}")]
    InvalidUserType(String),
    /// The codes are none that the device shows about now.
    #[error("{0}")]
    InvalidAuthenticationCode(String),
    /// A public key can't be used.
    #[error("{0}")]
    InvalidPublicKey(String),
    /// A public key's form is not known.
    #[error("{0}")]
    UnrecognizedPublicKeyEncoding(String),
    /// The user has this public key already.
    #[error("{0}")]
    DuplicateSshPublicKey(String),
    /// A certificate, its chain or its key can't be read.
    #[error("{0}")]
    MalformedCertificate(String),
    /// A certificate is not of a kind that can be used.
    #[error("{0}")]
    InvalidCertificate(String),
    /// A private key is another certificate's.
    #[error("{0}")]
    KeyPairMismatch(String),
    /// The same certificate is there already.
    #[error("{0}")]
    DuplicateCertificate(String),
    /// The service has no credentials of its own.
    #[error("{0}")]
    NotSupportedService(String),
    /// No credential report was made.
    #[error("{0}")]
    ReportNotPresent(String),
    /// The request could not be carried out, and it is not the caller's fault.
    #[error("{0}")]
    Failure(String),
    /// What is asked for is turned off.
    #[error("{0}")]
    FeatureDisabled(String),
    /// What is to be turned on is on.
    #[error("{0}")]
    FeatureEnabled(String),
    /// A role that a template would make is there.
    #[error("{0}")]
    NameConflict(String),
    /// No roles are made of the template.
    #[error("{0}")]
    RoleTemplateDisabled(String),
    /// The root users of an organization can't be managed.
    #[error(transparent)]
    RootAccess(#[from] RootAccessError),
    /// The operation is not built.
    #[error("{0} is not built yet; docs/roadmap.md lists what is missing")]
    NotImplemented(&'static str),
    /// The state could not be read or changed.
    #[error("the state could not be changed")]
    State(#[from] StateError),
}

impl IamError {
    /// "The user with name X cannot be found."
    pub(crate) fn no_such(kind: &str, name: &str) -> Self {
        Self::NoSuchEntity(format!("The {kind} with name {name} cannot be found."))
    }

    /// "User with name X already exists."
    pub(crate) fn already(kind: &str, name: &str) -> Self {
        Self::EntityAlreadyExists(format!("{kind} with name {name} already exists."))
    }

    /// "Cannot delete entity, must WHAT first."
    pub(crate) fn conflict(what: &str) -> Self {
        Self::DeleteConflict(format!("Cannot delete entity, must {what} first."))
    }

    /// "Cannot exceed quota for NAME: N"
    pub(crate) fn quota(name: &str, quota: usize) -> Self {
        Self::LimitExceeded(format!("Cannot exceed quota for {name}: {quota}"))
    }
}

impl IamError {
    /// The error's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchEntity(_) => ErrorCode::NoSuchEntity,
            Self::EntityAlreadyExists(_) => ErrorCode::EntityAlreadyExists,
            Self::DeleteConflict(_) => ErrorCode::DeleteConflict,
            Self::LimitExceeded(_) => ErrorCode::LimitExceeded,
            Self::MalformedPolicyDocument(_) => ErrorCode::MalformedPolicyDocument,
            Self::InvalidInput(_) => ErrorCode::InvalidInput,
            Self::PolicyEvaluation(_) => ErrorCode::PolicyEvaluation,
            Self::CredentialReportNotPresent => ErrorCode::ReportNotPresent,
            Self::CredentialReportExpired => ErrorCode::ReportExpired,
            Self::Validation(_) | Self::InvalidMarker => ErrorCode::ValidationError,
            Self::UnmodifiableEntity(_) => ErrorCode::UnmodifiableEntity,
            Self::EntityTemporarilyUnmodifiable(_) => ErrorCode::EntityTemporarilyUnmodifiable,
            Self::ConcurrentModification(_) => ErrorCode::ConcurrentModification,
            Self::PolicyNotAttachable(_) => ErrorCode::PolicyNotAttachable,
            Self::AccessDenied(_) => ErrorCode::AccessDenied,
            Self::PasswordPolicyViolation(_) => ErrorCode::PasswordPolicyViolation,
            Self::InvalidUserType(_) => ErrorCode::InvalidUserType,
            Self::InvalidAuthenticationCode(_) => ErrorCode::InvalidAuthenticationCode,
            Self::InvalidPublicKey(_) => ErrorCode::InvalidPublicKey,
            Self::UnrecognizedPublicKeyEncoding(_) => ErrorCode::UnrecognizedPublicKeyEncoding,
            Self::DuplicateSshPublicKey(_) => ErrorCode::DuplicateSSHPublicKey,
            Self::MalformedCertificate(_) => ErrorCode::MalformedCertificate,
            Self::InvalidCertificate(_) => ErrorCode::InvalidCertificate,
            Self::KeyPairMismatch(_) => ErrorCode::KeyPairMismatch,
            Self::DuplicateCertificate(_) => ErrorCode::DuplicateCertificate,
            Self::NotSupportedService(_) => ErrorCode::NotSupportedService,
            Self::ReportNotPresent(_) => ErrorCode::ReportNotPresent,
            Self::Failure(_) => ErrorCode::ServiceFailure,
            Self::FeatureDisabled(_) => ErrorCode::FeatureDisabled,
            Self::FeatureEnabled(_) => ErrorCode::FeatureEnabled,
            Self::NameConflict(_) => ErrorCode::NameConflict,
            Self::RoleTemplateDisabled(_) => ErrorCode::RoleTemplateDisabled,
            Self::RootAccess(error) => error.code(),
            Self::NotImplemented(_) => ErrorCode::NotImplemented,
            // The cause goes to the log under the request id, never to the caller.
            Self::State(StateError::Contended) => ErrorCode::ConcurrentModification,
            Self::State(StateError::Stale) => ErrorCode::ServiceUnavailable,
            Self::State(_) => ErrorCode::ServiceFailure,
        }
    }
}
