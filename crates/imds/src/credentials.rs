//! The credentials of an instance's role: where they come from.

use std::time::SystemTime;

use futures::future::BoxFuture;
use zeroize::Zeroizing;

use crate::facts::InstanceFacts;

/// Where an instance's credentials come from.
pub trait CredentialSource: Send + Sync + 'static {
    /// A new session of the role in the instance's profile, named by the instance id.
    fn credentials<'a>(
        &'a self,
        request: CredentialRequest<'a>,
    ) -> BoxFuture<'a, Result<RoleCredentials, CredentialFailure>>;
}

/// What a new session is for.
#[derive(Clone, Copy, Debug)]
pub struct CredentialRequest<'a> {
    /// The instance, with its profile.
    pub instance: &'a InstanceFacts,
    /// The role's name, as the profile has it now.
    pub role_name: &'a str,
    /// Which version of the service will deliver it: `ec2:RoleDelivery` of the session.
    pub delivery: RoleDelivery,
}

/// Which version of the metadata service delivers credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoleDelivery {
    /// Without a token.
    V1,
    /// With a token.
    V2,
}

impl RoleDelivery {
    /// The value of `ec2:RoleDelivery`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "1.0",
            Self::V2 => "2.0",
        }
    }
}

/// Credentials of a role session.
#[derive(Clone)]
pub struct RoleCredentials {
    /// `ASIA…`
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: Zeroizing<String>,
    /// The session token.
    pub session_token: Zeroizing<String>,
    /// When they end.
    pub expiration: SystemTime,
    /// The role's ARN (container credentials show it).
    pub role_arn: String,
}

impl std::fmt::Debug for RoleCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoleCredentials")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

/// Why there are no credentials.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CredentialFailure {
    /// The role is gone, or the profile lost it meanwhile.
    #[error("the role does not exist")]
    NoSuchRole,
    /// The role's trust policy does not admit `ec2.amazonaws.com`.
    #[error("EC2 is not allowed to assume the role")]
    Unauthorized,
    /// A fault of ours; the text goes to the log only.
    #[error("{0}")]
    Internal(String),
}
