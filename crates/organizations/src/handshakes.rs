//! Invitations and other handshakes.
//!
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_Handshake.html>

use std::sync::Arc;

use rolecall_aws_model::Sensitive;
use rolecall_aws_model::organizations as wire;
use rolecall_state::entities::{
    FeatureSet, Format, Handshake, HandshakeAction, HandshakeState, JoinedMethod, MemberAccount, OrgId,
    OrgIdKind, OrganizationRecord,
};
use rolecall_state::snapshot::Organization;
use rolecall_state::{AccountId, Partition, Snapshot, Timestamp, Txn, arn};

use crate::account_creation::{email_of, has_service_linked_role, service_linked_role};
use crate::env::{Env, changing, organization};
use crate::error::{HandshakeConstraint, InvalidInput, OrganizationsError};
use crate::organization::member;
use crate::paging::Paging;
use crate::{features, tags, views};

/// How long an invitation waits for an answer.
const INVITATION_SECONDS: i64 = 15 * 86_400;

/// A handshake, and the organization that sent it.
pub(crate) struct Sent {
    pub(crate) organization: Arc<Organization>,
    pub(crate) handshake: Arc<Handshake>,
}

impl Sent {
    /// The handshake with this id, whichever organization sent it.
    pub(crate) fn find(snapshot: &Snapshot, id: &str) -> Option<Self> {
        snapshot.organizations().find_map(|organization| {
            let handshake = organization.handshake(id)?.clone();
            Some(Self { organization: organization.clone(), handshake })
        })
    }

    /// Who may accept or decline it.
    pub(crate) fn recipient(&self) -> AccountId {
        match &self.handshake.action {
            HandshakeAction::Invite { account, .. } | HandshakeAction::ApproveAllFeatures { account, .. } => {
                *account
            }
            HandshakeAction::EnableAllFeatures => self.organization.record.management,
        }
    }

    fn is_party(&self, account: AccountId) -> bool {
        self.recipient() == account || self.organization.is_managed_by(account)
    }

    pub(crate) fn arn(&self, partition: Partition) -> String {
        let (record, id) = (&self.organization.record, &self.handshake.id);
        let action = action(&self.handshake).to_ascii_lowercase();
        arn::organizations(partition, record.management, &format!("handshake/{}/{action}/{id}", record.id))
    }
}

fn action(handshake: &Handshake) -> &'static str {
    match handshake.action {
        HandshakeAction::Invite { .. } => "INVITE",
        HandshakeAction::EnableAllFeatures => "ENABLE_ALL_FEATURES",
        HandshakeAction::ApproveAllFeatures { .. } => "APPROVE_ALL_FEATURES",
    }
}

/// Where a handshake is, as AWS tells it.
pub(crate) fn state(organization: &Organization, handshake: &Handshake, now: Timestamp) -> &'static str {
    match handshake.state {
        HandshakeState::Canceled => "CANCELED",
        HandshakeState::Accepted => "ACCEPTED",
        HandshakeState::Declined => "DECLINED",
        HandshakeState::Open if now >= handshake.expires => "EXPIRED",
        HandshakeState::Open if features::waits_for_members(organization, handshake) => "REQUESTED",
        HandshakeState::Open => "OPEN",
    }
}

fn is_open(organization: &Organization, handshake: &Handshake, now: Timestamp) -> bool {
    matches!(state(organization, handshake, now), "OPEN" | "REQUESTED")
}

pub(crate) fn view(env: &Env<'_>, snapshot: &Snapshot, sent: &Sent) -> wire::Handshake {
    let (record, handshake) = (&sent.organization.record, &sent.handshake);
    let party = |id: String, kind: &str| wire::HandshakeParty { id: id.into(), r#type: kind.to_owned() };
    let resource = |kind: &str, value: String| wire::HandshakeResource {
        value: Some(value.into()),
        r#type: Some(kind.to_owned()),
        resources: Vec::new(),
    };
    let mut parties = vec![party(record.id.to_string(), "ORGANIZATION")];
    let mut resources = vec![resource("ORGANIZATION", record.id.to_string())];
    if let Some(first) = resources.first_mut() {
        first.resources = about(snapshot, record);
    }
    match &handshake.action {
        HandshakeAction::Invite { account, email, notes, .. } => {
            let (kind, value) = match email {
                Some(email) => ("EMAIL", email.clone()),
                None => ("ACCOUNT", account.to_string()),
            };
            parties.push(party(value.clone(), kind));
            resources.push(resource(kind, value));
            resources.extend(notes.iter().map(|notes| resource("NOTES", notes.clone())));
        }
        HandshakeAction::EnableAllFeatures => {}
        HandshakeAction::ApproveAllFeatures { account, parent } => {
            parties.push(party(account.to_string(), "ACCOUNT"));
            resources.push(resource("PARENT_HANDSHAKE", parent.to_string()));
        }
    }
    wire::Handshake {
        id: Some(handshake.id.to_string()),
        arn: Some(sent.arn(env.partition())),
        parties,
        state: Some(state(&sent.organization, handshake, env.now).to_owned()),
        requested_timestamp: Some(views::timestamp(handshake.requested)),
        expiration_timestamp: Some(views::timestamp(handshake.expires)),
        action: Some(action(handshake).to_owned()),
        resources,
    }
}

/// What a recipient is told of the organization.
fn about(snapshot: &Snapshot, record: &OrganizationRecord) -> Vec<wire::HandshakeResource> {
    let management = snapshot.account(record.management).map(|account| &account.record);
    let features = Some(("ORGANIZATION_FEATURE_SET", record.features.as_str().to_owned()));
    let email = management.map(|management| ("MASTER_EMAIL", email_of(management)));
    let name = management.map(|management| ("MASTER_NAME", management.name.clone()));
    let shown = |(kind, value): (&str, String)| wire::HandshakeResource {
        value: Some(Sensitive::from(value)),
        r#type: Some(kind.to_owned()),
        resources: Vec::new(),
    };
    [email, name, features].into_iter().flatten().map(shown).collect()
}

pub(crate) fn invite_account_to_organization(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::InviteAccountToOrganizationRequest,
) -> Result<wire::InviteAccountToOrganizationResponse, OrganizationsError> {
    let wire::InviteAccountToOrganizationRequest { target, notes, tags: wanted } = request;
    let found = changing(txn, env)?;
    let account = invited(txn.snapshot(), target)?;
    may_join(txn.snapshot(), env, &found, account)?;
    let pending = |handshake: &Arc<Handshake>| is_open(&found, handshake, env.now);
    if found.handshakes().any(|h| pending(h) && h.action == HandshakeAction::EnableAllFeatures) {
        return Err(HandshakeConstraint::InviteDisabled.into());
    }
    let same = |handshake: &Arc<Handshake>| matches!(&handshake.action, HandshakeAction::Invite { account: other, .. } if *other == account);
    if found.handshakes().any(|handshake| same(handshake) && pending(handshake)) {
        return Err(OrganizationsError::DuplicateHandshake);
    }
    let action = HandshakeAction::Invite {
        account,
        email: (target.r#type == "EMAIL").then(|| target.id.expose().to_owned()),
        notes: notes.as_ref().map(|notes| notes.expose().to_owned()),
        tags: tags::new(env, wanted)?,
    };
    let handshake = Arc::new(new(env, action, INVITATION_SECONDS));
    txn.put_in_organization(&found.record.id, &*handshake);
    let shown = view(env, txn.snapshot(), &Sent { organization: found, handshake });
    Ok(wire::InviteAccountToOrganizationResponse { handshake: Some(shown) })
}

/// A new handshake, which waits this long.
pub(crate) fn new(env: &Env<'_>, action: HandshakeAction, seconds: i64) -> Handshake {
    Handshake {
        v: Format,
        id: OrgId::generate(OrgIdKind::Handshake, env.entropy),
        action,
        state: HandshakeState::Open,
        requested: env.now,
        expires: env.now.plus_seconds(seconds),
    }
}

// FIDELITY: AWS invites an address that no account has, and waits for one; here there is no mail.
fn invited(snapshot: &Snapshot, target: &wire::HandshakeParty) -> Result<AccountId, OrganizationsError> {
    let id = target.id.expose();
    let account = match target.r#type.as_str() {
        "ACCOUNT" => id.parse().ok().and_then(|id| snapshot.account(id)),
        "EMAIL" => snapshot.accounts().find(|account| email_of(&account.record).eq_ignore_ascii_case(id)),
        _ => None,
    };
    let open = account.filter(|account| account.record.closed.is_none());
    open.map(|account| account.id()).ok_or_else(|| InvalidInput::PartyType.into())
}

fn may_join(
    snapshot: &Snapshot,
    env: &Env<'_>,
    organization: &Organization,
    account: AccountId,
) -> Result<(), OrganizationsError> {
    if snapshot.organization_of(account).is_some() {
        return Err(HandshakeConstraint::InOrganization.into());
    }
    if organization.member_count() >= env.quotas.accounts {
        return Err(HandshakeConstraint::Accounts.into());
    }
    Ok(())
}

/// A handshake that is still to be answered, to answer it: it must be one that the caller may answer.
fn answering(
    txn: &mut Txn,
    env: &Env<'_>,
    id: &str,
    may: impl Fn(&Sent) -> bool,
    wanted: HandshakeState,
) -> Result<Sent, OrganizationsError> {
    let sent = Sent::find(txn.snapshot(), id).filter(|sent| sent.is_party(env.account()));
    let sent = sent.ok_or(OrganizationsError::HandshakeNotFound)?;
    if !may(&sent) {
        return Err(OrganizationsError::AccessDenied);
    }
    if sent.handshake.state == wanted {
        return Err(OrganizationsError::HandshakeAlreadyInState);
    }
    if state(&sent.organization, &sent.handshake, env.now) != "OPEN"
        && (wanted == HandshakeState::Accepted || !is_open(&sent.organization, &sent.handshake, env.now))
    {
        return Err(OrganizationsError::InvalidHandshakeTransition);
    }
    txn.change_organization(&sent.organization);
    Ok(sent)
}

fn answered(txn: &mut Txn, env: &Env<'_>, sent: Sent, state: HandshakeState) -> wire::Handshake {
    let handshake = Arc::new(Handshake { state, ..Handshake::clone(&sent.handshake) });
    txn.put_in_organization(&sent.organization.record.id, &*handshake);
    view(env, txn.snapshot(), &Sent { handshake, ..sent })
}

pub(crate) fn accept_handshake(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AcceptHandshakeRequest,
) -> Result<wire::AcceptHandshakeResponse, OrganizationsError> {
    let wire::AcceptHandshakeRequest { handshake_id } = request;
    let mine = |sent: &Sent| sent.recipient() == env.account();
    let sent = answering(txn, env, handshake_id, mine, HandshakeState::Accepted)?;
    match &sent.handshake.action {
        HandshakeAction::Invite { tags, .. } => {
            may_join(txn.snapshot(), env, &sent.organization, env.account())?;
            join(txn, env, &sent.organization, tags.clone());
        }
        HandshakeAction::EnableAllFeatures => {
            let record = OrganizationRecord::clone(&sent.organization.record);
            txn.put_organization(&OrganizationRecord { features: FeatureSet::All, ..record });
        }
        HandshakeAction::ApproveAllFeatures { .. } => {}
    }
    let handshake = answered(txn, env, sent, HandshakeState::Accepted);
    Ok(wire::AcceptHandshakeResponse { handshake: Some(handshake) })
}

fn join(txn: &mut Txn, env: &Env<'_>, organization: &Organization, tags: rolecall_state::entities::Tags) {
    let record = &organization.record;
    let joined = MemberAccount { tags, ..member(env, record.root.id.clone(), JoinedMethod::Invited) };
    txn.put_in_organization(&record.id, &joined);
    txn.join_organization(env.account(), &record.id);
    let role_is_due = txn
        .account()
        .is_some_and(|account| record.features == FeatureSet::All && !has_service_linked_role(account));
    if role_is_due {
        txn.create_in(env.account(), &service_linked_role(env.now, env.entropy));
    }
}

pub(crate) fn decline_handshake(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeclineHandshakeRequest,
) -> Result<wire::DeclineHandshakeResponse, OrganizationsError> {
    let wire::DeclineHandshakeRequest { handshake_id } = request;
    let mine = |sent: &Sent| sent.recipient() == env.account();
    let sent = answering(txn, env, handshake_id, mine, HandshakeState::Declined)?;
    let handshake = answered(txn, env, sent, HandshakeState::Declined);
    Ok(wire::DeclineHandshakeResponse { handshake: Some(handshake) })
}

pub(crate) fn cancel_handshake(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CancelHandshakeRequest,
) -> Result<wire::CancelHandshakeResponse, OrganizationsError> {
    let wire::CancelHandshakeRequest { handshake_id } = request;
    let own = |sent: &Sent| sent.organization.is_managed_by(env.account());
    let sent = answering(txn, env, handshake_id, own, HandshakeState::Canceled)?;
    if sent.handshake.action == HandshakeAction::EnableAllFeatures {
        features::withdraw(txn, &sent);
    }
    let handshake = answered(txn, env, sent, HandshakeState::Canceled);
    Ok(wire::CancelHandshakeResponse { handshake: Some(handshake) })
}

pub(crate) fn describe_handshake(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeHandshakeRequest,
) -> Result<wire::DescribeHandshakeResponse, OrganizationsError> {
    let wire::DescribeHandshakeRequest { handshake_id } = request;
    let sent = Sent::find(txn.snapshot(), handshake_id).filter(|sent| sent.is_party(env.account()));
    let sent = sent.ok_or(OrganizationsError::HandshakeNotFound)?;
    Ok(wire::DescribeHandshakeResponse { handshake: Some(view(env, txn.snapshot(), &sent)) })
}

fn matches(filter: Option<&wire::HandshakeFilter>, handshake: &Handshake) -> bool {
    let Some(wire::HandshakeFilter { action_type, parent_handshake_id }) = filter else { return true };
    let parent = match &handshake.action {
        HandshakeAction::ApproveAllFeatures { parent, .. } => Some(parent.as_str()),
        _ => None,
    };
    action_type.as_deref().is_none_or(|wanted| wanted == action(handshake))
        && parent_handshake_id.as_deref().is_none_or(|wanted| Some(wanted) == parent)
}

pub(crate) fn list_handshakes_for_account(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListHandshakesForAccountRequest,
) -> Result<wire::ListHandshakesForAccountResponse, OrganizationsError> {
    let wire::ListHandshakesForAccountRequest { filter, next_token, max_results } = request;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let mut found: Vec<Sent> = Vec::new();
    for organization in txn.snapshot().organizations() {
        let sent = |handshake: &Arc<Handshake>| Sent {
            organization: organization.clone(),
            handshake: handshake.clone(),
        };
        found.extend(organization.handshakes().map(sent).filter(|sent| sent.recipient() == env.account()));
    }
    found.retain(|sent| matches(filter.as_ref(), &sent.handshake));
    found.sort_by(|a, b| a.handshake.id.cmp(&b.handshake.id));
    let (page, next_token) = paging.take(found, |sent| sent.handshake.id.to_string());
    let handshakes = page.iter().map(|sent| view(env, txn.snapshot(), sent)).collect();
    Ok(wire::ListHandshakesForAccountResponse { handshakes, next_token })
}

pub(crate) fn list_handshakes_for_organization(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListHandshakesForOrganizationRequest,
) -> Result<wire::ListHandshakesForOrganizationResponse, OrganizationsError> {
    let wire::ListHandshakesForOrganizationRequest { filter, next_token, max_results } = request;
    let organization = organization(txn, env)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let wanted = organization.handshakes().filter(|handshake| matches(filter.as_ref(), handshake));
    let (page, next_token) = paging.take(wanted, |handshake| handshake.id.to_string());
    let shown = |handshake: &Arc<Handshake>| {
        let sent = Sent { organization: organization.clone(), handshake: handshake.clone() };
        view(env, txn.snapshot(), &sent)
    };
    Ok(wire::ListHandshakesForOrganizationResponse {
        handshakes: page.into_iter().map(shown).collect(),
        next_token,
    })
}
