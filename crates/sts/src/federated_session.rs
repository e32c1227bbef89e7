//! The session for an identity provider's word, by whichever protocol it came.

use rolecall_access::session::{Session, SessionKind, TemporaryCredentials};
use rolecall_aws_model::sts as wire;
use rolecall_state::{AccessKeyId, Entropy, Partition, Snapshot, Timestamp};

use crate::assume_role::{find, session_seconds};
use crate::env::Limits;
use crate::error::StsError;
use crate::federated_claims::FederatedClaims;
use crate::session_policies::SessionPolicies;
use crate::views;

/// What a session for an identity provider's word is made with; there is no caller.
pub struct Issuing<'a> {
    /// When.
    pub now: Timestamp,
    /// Where ids and secrets come from.
    pub entropy: &'a dyn Entropy,
    /// What everything is decided on.
    pub snapshot: &'a Snapshot,
    /// By which limits.
    pub limits: &'a Limits,
}

/// What is asked for.
pub(crate) struct Asked<'a> {
    /// The operation's action.
    pub(crate) action: &'static str,
    pub(crate) role_arn: &'a str,
    pub(crate) partition: Partition,
    pub(crate) session_name: &'a str,
    pub(crate) policy: Option<&'a str>,
    pub(crate) policy_arns: &'a [wire::PolicyDescriptorType],
    pub(crate) seconds: Option<i32>,
    /// When the session ends at the latest.
    pub(crate) ends_by: Option<Timestamp>,
    pub(crate) min_token_size: Option<i32>,
    pub(crate) claims: &'a FederatedClaims,
    /// The context keys that the session carries.
    pub(crate) context: Vec<(String, Vec<String>)>,
}

/// What came of it.
pub(crate) struct Made {
    pub(crate) user: wire::AssumedRoleUser,
    pub(crate) credentials: TemporaryCredentials,
    pub(crate) packed_policy_size: Option<i32>,
}

/// Makes the session.
///
/// # Errors
/// When its length or its policies are not possible.
pub(crate) fn make(env: &Issuing<'_>, asked: Asked<'_>) -> Result<Made, StsError> {
    let denied = || StsError::AccessDenied(format!("Not authorized to perform {}", asked.action));
    let (account, role) = find(env.snapshot, asked.role_arn).ok_or_else(denied)?;
    let seconds = session_seconds(asked.seconds, role, false, env.limits.min_session_seconds)?;
    let expires = env.now.plus_seconds(i64::from(seconds));
    let policies = SessionPolicies::check(asked.policy, asked.policy_arns, env.snapshot, account.id())?;
    let packed_policy_size = policies.packed_size(&asked.claims.tags)?;
    let session = Session {
        key: AccessKeyId::temporary(account.id(), env.entropy),
        account: account.id(),
        kind: SessionKind::AssumedRole { role: role.id.clone(), name: asked.session_name.to_owned() },
        issued: env.now,
        expires: asked.ends_by.map_or(expires, |end| expires.min(end)),
        policies: policies.inline,
        policy_arns: policies.arns,
        tags: asked.claims.tags.clone(),
        transitive_tag_keys: asked.claims.transitive_keys.clone(),
        source_identity: asked.claims.source_identity.clone(),
        mfa: None,
        context: asked.context,
        chained: false,
        delegate: None,
    };
    let credentials = views::issue((env.snapshot, env.entropy), &session, asked.min_token_size)?;
    let user = views::assumed_role_user(asked.partition, account.id(), role, asked.session_name);
    Ok(Made { user, credentials, packed_policy_size })
}
