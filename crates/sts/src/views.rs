//! How sessions look in answers.

use rolecall_access::session::{Session, TemporaryCredentials, issue_padded};
use rolecall_aws_model::sts as wire;
use rolecall_state::entities::Role;
use rolecall_state::{AccountId, Entropy, Partition, Snapshot, arn};

use crate::error::StsError;

/// Seals a session into a token of at least the size that the request asks for.
pub(crate) fn issue(
    (snapshot, entropy): (&Snapshot, &dyn Entropy),
    session: &Session,
    min_size: Option<i32>,
) -> Result<TemporaryCredentials, StsError> {
    let min_size = min_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    issue_padded(session, snapshot.key_ring(), entropy, min_size).ok_or(StsError::NoSessionKey)
}

/// `SessionTokenSize`
pub(crate) fn token_size(credentials: &TemporaryCredentials) -> Option<i32> {
    i32::try_from(credentials.token_size()).ok()
}

/// `SessionTokenUtilization`
pub(crate) fn token_utilization(credentials: &TemporaryCredentials) -> Option<i32> {
    i32::try_from(credentials.token_utilization()).ok()
}

/// New credentials.
pub(crate) fn credentials(new: &TemporaryCredentials) -> wire::Credentials {
    wire::Credentials {
        access_key_id: new.access_key_id.to_string(),
        secret_access_key: new.secret_access_key.expose_str().unwrap_or_default().into(),
        session_token: new.session_token.expose_str().unwrap_or_default().into(),
        expiration: rolecall_aws_model::Timestamp::from_seconds(new.expiration.0),
    }
}

/// The principal that a session of a role is.
pub(crate) fn assumed_role_user(
    partition: Partition,
    account: AccountId,
    role: &Role,
    session_name: &str,
) -> wire::AssumedRoleUser {
    wire::AssumedRoleUser {
        assumed_role_id: format!("{}:{session_name}", role.id),
        arn: arn::assumed_role(partition, account, &role.name, session_name),
    }
}
