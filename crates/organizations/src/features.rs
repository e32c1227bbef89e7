//! From consolidated billing to all features: every invited member must consent.
//!
//! <https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAllFeatures.html>

use std::sync::Arc;

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::{FeatureSet, Handshake, HandshakeAction, HandshakeState, JoinedMethod};
use rolecall_state::snapshot::Organization;

use crate::env::{Env, changing};
use crate::error::{HandshakeConstraint, OrganizationsError};
use crate::handshakes::{Sent, new, state, view};

/// How long members have to consent.
const CONSENT_SECONDS: i64 = 90 * 86_400;

pub(crate) fn enable_all_features(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::EnableAllFeaturesRequest,
) -> Result<wire::EnableAllFeaturesResponse, OrganizationsError> {
    let wire::EnableAllFeaturesRequest {} = request;
    let found = changing(txn, env)?;
    if found.record.features == FeatureSet::All {
        return Err(HandshakeConstraint::HasAllFeatures.into());
    }
    let pending = |handshake: &Arc<Handshake>| {
        handshake.action == HandshakeAction::EnableAllFeatures
            && matches!(state(&found, handshake, env.now), "OPEN" | "REQUESTED")
    };
    if found.handshakes().any(pending) {
        return Err(HandshakeConstraint::PendingAllFeatures.into());
    }
    let handshake = Arc::new(new(env, HandshakeAction::EnableAllFeatures, CONSENT_SECONDS));
    txn.put_in_organization(&found.record.id, &*handshake);
    let invited = found
        .members()
        .filter(|member| member.method == JoinedMethod::Invited && !found.is_managed_by(member.id));
    let mut asked = 0;
    for member in invited {
        let action = HandshakeAction::ApproveAllFeatures { account: member.id, parent: handshake.id.clone() };
        txn.put_in_organization(&found.record.id, &new(env, action, CONSENT_SECONDS));
        asked += 1;
    }
    let mut shown = view(env, txn.snapshot(), &Sent { organization: found.clone(), handshake });
    if asked > 0 {
        shown.state = Some("REQUESTED".to_owned());
    }
    Ok(wire::EnableAllFeaturesResponse { handshake: Some(shown) })
}

/// Whether members have not all consented yet. Those who have left are not waited for.
pub(crate) fn waits_for_members(organization: &Organization, handshake: &Handshake) -> bool {
    handshake.action == HandshakeAction::EnableAllFeatures
        && organization.handshakes().any(|asked| match &asked.action {
            HandshakeAction::ApproveAllFeatures { account, parent } => {
                *parent == handshake.id
                    && asked.state != HandshakeState::Accepted
                    && organization.member(*account).is_some()
            }
            _ => false,
        })
}

/// Takes back what members were asked.
pub(crate) fn withdraw(txn: &mut Txn, sent: &Sent) {
    for asked in sent.organization.handshakes() {
        let HandshakeAction::ApproveAllFeatures { parent, .. } = &asked.action else { continue };
        if *parent == sent.handshake.id && asked.state == HandshakeState::Open {
            let taken_back = Handshake { state: HandshakeState::Canceled, ..Handshake::clone(asked) };
            txn.put_in_organization(&sent.organization.record.id, &taken_back);
        }
    }
}
