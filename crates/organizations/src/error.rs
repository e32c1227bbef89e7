//! Why an operation of AWS Organizations fails, in AWS's words; one mapping to codes and reasons.

use rolecall_aws_model::organizations::ErrorCode;
use rolecall_state::StateError;

/// Why an operation of AWS Organizations fails.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says in its message what it is")]
pub enum OrganizationsError {
    #[error("Your account is not a member of an organization.")]
    NotInUse,
    #[error("You don't have permissions to access this resource.")]
    AccessDenied,
    #[error("The provided account is already closed.")]
    AccountAlreadyClosed,
    #[error("The provided account is already a delegated administrator for your organization.")]
    AccountAlreadyRegistered,
    #[error("You specified an account that doesn't exist.")]
    AccountNotFound,
    #[error("The provided account is not a registered delegated administrator for your organization.")]
    AccountNotRegistered,
    #[error("The provided account is already a member of an organization.")]
    AlreadyInOrganization,
    #[error("You specified a child that doesn't exist.")]
    ChildNotFound,
    #[error(transparent)]
    Constraint(#[from] Constraint),
    #[error("You specified a create account request that doesn't exist.")]
    CreateAccountStatusNotFound,
    #[error("You specified a destination parent that doesn't exist.")]
    DestinationParentNotFound,
    #[error("The provided account already exists in the specified destination.")]
    DuplicateAccount,
    #[error("A handshake between these parties for the same action already exists.")]
    DuplicateHandshake,
    #[error("An OU with the same name already exists.")]
    DuplicateOrganizationalUnit,
    #[error("The specified policy is already attached to the specified target.")]
    DuplicatePolicyAttachment,
    #[error("A policy with the same name already exists.")]
    DuplicatePolicy,
    #[error("The effective policy doesn't exist.")]
    EffectivePolicyNotFound,
    #[error("The handshake is already in the requested state.")]
    HandshakeAlreadyInState,
    #[error(transparent)]
    HandshakeConstraint(#[from] HandshakeConstraint),
    #[error("You specified a handshake that doesn't exist.")]
    HandshakeNotFound,
    #[error("The handshake can't go from its present state to the requested one.")]
    InvalidHandshakeTransition,
    #[error(transparent)]
    InvalidInput(#[from] InvalidInput),
    #[error(
        "The provided policy document does not meet the requirements of the specified policy type. ({0})"
    )]
    MalformedPolicyDocument(String),
    #[error("The management account can't leave its organization.")]
    MasterCannotLeave,
    #[error("To delete an organization you must first remove all member accounts (except the master).")]
    OrganizationNotEmpty,
    #[error("The organizational unit is not empty.")]
    OrganizationalUnitNotEmpty,
    #[error("You specified an organizational unit that doesn't exist.")]
    OrganizationalUnitNotFound,
    #[error("You specified parent that doesn't exist.")]
    ParentNotFound,
    #[error(
        "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation."
    )]
    PolicyInUse,
    #[error("The specified policy isn't attached to the specified target.")]
    PolicyNotAttached,
    #[error("You specified a policy that doesn't exist.")]
    PolicyNotFound,
    #[error("The specified policy type is already enabled.")]
    PolicyTypeAlreadyEnabled,
    #[error("The specified policy type isn't available for the organization's feature set.")]
    PolicyTypeNotAvailable,
    #[error("This operation can be performed only for enabled policy types.")]
    PolicyTypeNotEnabled,
    #[error("The organization has no resource policy.")]
    ResourcePolicyNotFound,
    #[error("You specified a root that doesn't exist.")]
    RootNotFound,
    #[error("You specified a source parent that doesn't exist.")]
    SourceParentNotFound,
    #[error("You specified a target that doesn't exist.")]
    TargetNotFound,
    #[error("The operation {0} of organizations is not built in Rolecall yet.")]
    NotImplemented(&'static str),
    #[error("the state could not be changed")]
    State(#[from] StateError),
}

macro_rules! reasons {
    ($(#[doc = $doc:literal])* $name:ident { $($variant:ident = $reason:literal: $message:literal,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum $name {
            $(#[error($message)] $variant,)*
        }

        impl $name {
            /// The member `Reason`.
            pub fn reason(self) -> &'static str {
                match self { $(Self::$variant => $reason,)* }
            }
        }
    };
}

reasons! {
    /// Which limit would be broken.
    Constraint {
        Accounts = "ACCOUNT_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of AWS accounts.",
        Units = "OU_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of organizational units.",
        Depth = "OU_DEPTH_LIMIT_EXCEEDED": "You have exceeded the allowed depth of organizational units.",
        Policies = "POLICY_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of policies.",
        PolicyContent = "POLICY_CONTENT_LIMIT_EXCEEDED": "You have exceeded the maximum policy size.",
        MostAttached = "MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": "You have reached the maximum number of policies of this type that can be attached to the target.",
        LeastAttached = "MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED": "You cannot remove the last policy of this type attached to the specified target.",
        Tags = "MAX_TAG_LIMIT_EXCEEDED": "You have exceeded the number of tags allowed on the resource.",
        NotAllFeatures = "ORGANIZATION_NOT_IN_ALL_FEATURES_MODE": "The organization does not have all features enabled.",
        CloseManagement = "CANNOT_CLOSE_MANAGEMENT_ACCOUNT": "You cannot close the management account.",
        RegisterManagement = "CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR": "You cannot register master account/yourself as delegated administrator for your organization.",
        RegisterSuspended = "CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR": "You cannot register a suspended account as a delegated administrator.",
        RemoveAdministrator = "CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG": "You cannot remove a delegated administrator account from your organization.",
        AdministratorExists = "DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE": "Your organization still has a delegated administrator for this service.",
        ServiceAccess = "SERVICE_ACCESS_NOT_ENABLED": "You must enable service access for this service before you register a delegated administrator.",
    }
}

reasons! {
    /// What of a handshake can't be.
    HandshakeConstraint {
        Accounts = "ACCOUNT_NUMBER_LIMIT_EXCEEDED": "You have exceeded the allowed number of AWS accounts.",
        InOrganization = "ALREADY_IN_AN_ORGANIZATION": "The account is already a member of an organization.",
        HasAllFeatures = "ORGANIZATION_ALREADY_HAS_ALL_FEATURES": "The organization already has all features enabled.",
        PendingAllFeatures = "ORGANIZATION_IS_ALREADY_PENDING_ALL_FEATURES_MIGRATION": "The organization is already enabling all features.",
        InviteDisabled = "INVITE_DISABLED_DURING_ENABLE_ALL_FEATURES": "You cannot invite accounts while the organization is enabling all features.",
    }
}

reasons! {
    /// What of a request can't be.
    InvalidInput {
        Pattern = "INVALID_PATTERN": "You provided a value that does not match the required pattern.",
        Enum = "INVALID_ENUM": "You specified an invalid value.",
        EnumPolicyType = "INVALID_ENUM_POLICY_TYPE": "You specified an invalid value.",
        Required = "INPUT_REQUIRED": "You must provide a value for all required parameters.",
        MaxLength = "MAX_LENGTH_EXCEEDED": "You provided a value that is longer than allowed.",
        MinLength = "MIN_LENGTH_EXCEEDED": "You provided a value that is shorter than allowed.",
        MaxValue = "MAX_VALUE_EXCEEDED": "You provided a value that is larger than allowed.",
        MinValue = "MIN_VALUE_EXCEEDED": "You provided a value that is smaller than allowed.",
        NextToken = "INVALID_NEXT_TOKEN": "You provided an invalid pagination token.",
        ImmutablePolicy = "IMMUTABLE_POLICY": "You can't change a policy that is managed by AWS.",
        NonDetachable = "NON_DETACHABLE_POLICY": "You can't detach this AWS managed policy.",
        RoleName = "INVALID_ROLE_NAME": "You provided a role name that is not valid.",
        SystemTags = "INVALID_SYSTEM_TAGS_PARAMETER": "You can't add, edit or delete tags whose keys begin with aws:.",
        DuplicateTagKey = "DUPLICATE_TAG_KEY": "Tag keys must be unique.",
        PartyType = "INVALID_PARTY_TYPE_TARGET": "You specified a party that can't be invited.",
        ServicePrincipal = "UNRECOGNIZED_SERVICE_PRINCIPAL": "You specified an unrecognized service principal.",
        ResourcePolicyJson = "INVALID_RESOURCE_POLICY_JSON": "The resource policy is not valid.",
        ResourcePolicyAction = "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY": "The resource policy allows an action that can't be delegated.",
        TargetNotSupported = "TARGET_NOT_SUPPORTED": "You can't perform the operation on this target.",
    }
}

impl OrganizationsError {
    /// The error's code.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotInUse => ErrorCode::AWSOrganizationsNotInUseException,
            Self::AccessDenied => ErrorCode::AccessDeniedException,
            Self::AccountAlreadyClosed => ErrorCode::AccountAlreadyClosedException,
            Self::AccountAlreadyRegistered => ErrorCode::AccountAlreadyRegisteredException,
            Self::AccountNotFound => ErrorCode::AccountNotFoundException,
            Self::AccountNotRegistered => ErrorCode::AccountNotRegisteredException,
            Self::AlreadyInOrganization => ErrorCode::AlreadyInOrganizationException,
            Self::ChildNotFound => ErrorCode::ChildNotFoundException,
            Self::Constraint(_) => ErrorCode::ConstraintViolationException,
            Self::CreateAccountStatusNotFound => ErrorCode::CreateAccountStatusNotFoundException,
            Self::DestinationParentNotFound => ErrorCode::DestinationParentNotFoundException,
            Self::DuplicateAccount => ErrorCode::DuplicateAccountException,
            Self::DuplicateHandshake => ErrorCode::DuplicateHandshakeException,
            Self::DuplicateOrganizationalUnit => ErrorCode::DuplicateOrganizationalUnitException,
            Self::DuplicatePolicyAttachment => ErrorCode::DuplicatePolicyAttachmentException,
            Self::DuplicatePolicy => ErrorCode::DuplicatePolicyException,
            Self::EffectivePolicyNotFound => ErrorCode::EffectivePolicyNotFoundException,
            Self::HandshakeAlreadyInState => ErrorCode::HandshakeAlreadyInStateException,
            Self::HandshakeConstraint(_) => ErrorCode::HandshakeConstraintViolationException,
            Self::HandshakeNotFound => ErrorCode::HandshakeNotFoundException,
            Self::InvalidHandshakeTransition => ErrorCode::InvalidHandshakeTransitionException,
            Self::InvalidInput(_) => ErrorCode::InvalidInputException,
            Self::MalformedPolicyDocument(_) => ErrorCode::MalformedPolicyDocumentException,
            Self::MasterCannotLeave => ErrorCode::MasterCannotLeaveOrganizationException,
            Self::OrganizationNotEmpty => ErrorCode::OrganizationNotEmptyException,
            Self::OrganizationalUnitNotEmpty => ErrorCode::OrganizationalUnitNotEmptyException,
            Self::OrganizationalUnitNotFound => ErrorCode::OrganizationalUnitNotFoundException,
            Self::ParentNotFound => ErrorCode::ParentNotFoundException,
            Self::PolicyInUse => ErrorCode::PolicyInUseException,
            Self::PolicyNotAttached => ErrorCode::PolicyNotAttachedException,
            Self::PolicyNotFound => ErrorCode::PolicyNotFoundException,
            Self::PolicyTypeAlreadyEnabled => ErrorCode::PolicyTypeAlreadyEnabledException,
            Self::PolicyTypeNotAvailable => ErrorCode::PolicyTypeNotAvailableForOrganizationException,
            Self::PolicyTypeNotEnabled => ErrorCode::PolicyTypeNotEnabledException,
            Self::ResourcePolicyNotFound => ErrorCode::ResourcePolicyNotFoundException,
            Self::RootNotFound => ErrorCode::RootNotFoundException,
            Self::SourceParentNotFound => ErrorCode::SourceParentNotFoundException,
            Self::TargetNotFound => ErrorCode::TargetNotFoundException,
            Self::NotImplemented(_) => ErrorCode::NotImplemented,
            // The cause goes to the log under the request id, never to the caller.
            Self::State(StateError::Contended) => ErrorCode::ConcurrentModificationException,
            Self::State(StateError::Stale) => ErrorCode::ServiceUnavailable,
            Self::State(_) => ErrorCode::ServiceException,
        }
    }

    /// The member `Reason`, of the errors that have one.
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Constraint(constraint) => Some(constraint.reason()),
            Self::HandshakeConstraint(constraint) => Some(constraint.reason()),
            Self::InvalidInput(invalid) => Some(invalid.reason()),
            _ => None,
        }
    }
}
