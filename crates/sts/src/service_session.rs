//! Sessions that a service makes for its users, as EC2 does for instances: the role's trust policy
//! must admit the service, and nothing else is asked.

use std::sync::Arc;

use rolecall_access::session::{Session, SessionKind, TemporaryCredentials, issue_padded};
use rolecall_access::{AccessError, Demand, Evidence, RequestFacts, Subject, authorize};
use rolecall_state::entities::Role;
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{AccessKeyId, Entropy, Partition, Snapshot, arn};

use crate::error::StsError;

/// What a service asks for.
pub struct ServiceSession<'a> {
    /// Such as `ec2.amazonaws.com`.
    pub service: &'static str,
    /// The role's account.
    pub account: &'a Arc<Account>,
    /// The role.
    pub role: &'a Arc<Entry<Role>>,
    /// The partition of the role's ARN.
    pub partition: Partition,
    /// The session's name, such as the instance's id.
    pub name: &'a str,
    /// How long it lasts.
    pub seconds: i64,
    /// What requests with it carry: `ec2:SourceInstanceARN` and its like.
    pub context: Vec<(String, Vec<String>)>,
}

/// Makes the session, if the role's trust policy admits the service; and tells what was decided.
pub fn assume_for_service(
    asked: ServiceSession<'_>,
    facts: &RequestFacts,
    snapshot: &Snapshot,
    entropy: &dyn Entropy,
) -> (Result<TemporaryCredentials, StsError>, Vec<Evidence>) {
    let demand = match demand(&asked) {
        Ok(demand) => demand,
        Err(error) => return (Err(error), Vec::new()),
    };
    let subject = Subject::Service(asked.service);
    let ruling = authorize(asked, subject, facts, snapshot, vec![demand]);
    let made = match ruling.result {
        Ok(authorized) => session(authorized.into_input(), facts, snapshot, entropy),
        Err(AccessError::Denied { message }) => Err(StsError::AccessDenied(message)),
        Err(AccessError::Unevaluable(cause)) => Err(StsError::Unevaluable(cause)),
        Err(other) => Err(StsError::AccessDenied(other.to_string())),
    };
    (made, ruling.evidence)
}

fn demand(asked: &ServiceSession<'_>) -> Result<Demand, StsError> {
    let (account, role) = (asked.account, asked.role);
    let role_arn = arn::iam(asked.partition, account.id(), "role", &role.path, &role.name);
    let mut demand = Demand::new("sts:AssumeRole", role_arn).with("sts:RoleSessionName", asked.name);
    demand.resource_account = Some(account.id());
    demand.resource_policy_required = true;
    demand.resource_policy = Some(account.trust_policy(role)?.clone());
    Ok(demand)
}

fn session(
    asked: ServiceSession<'_>,
    facts: &RequestFacts,
    snapshot: &Snapshot,
    entropy: &dyn Entropy,
) -> Result<TemporaryCredentials, StsError> {
    let account = asked.account.id();
    let session = Session {
        key: AccessKeyId::temporary(account, entropy),
        account,
        kind: SessionKind::AssumedRole { role: asked.role.id.clone(), name: asked.name.to_owned() },
        issued: facts.now,
        expires: facts.now.plus_seconds(asked.seconds),
        policies: Vec::new(),
        policy_arns: Vec::new(),
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
        mfa: None,
        context: asked.context,
        chained: false,
        delegate: None,
    };
    issue_padded(&session, snapshot.key_ring(), entropy, 0).ok_or(StsError::NoSessionKey)
}
