//! Encoded authorization messages: the details of a denial, which only those may read who may call
//! `sts:DecodeAuthorizationMessage` in the same account.
//!
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, NONCE_LEN, Nonce};
use rolecall_policy::{Outcome, PrincipalKind};
use rolecall_state::{AccountId, Entropy, KeyRing};
use serde_json::{Value, json};

use crate::evidence::Evidence;

const HEADER_LEN: usize = 4 + NONCE_LEN;

/// Seals the details of a denial for the account that it happened in. None when the key ring is empty.
pub fn encode(
    evidence: &Evidence,
    account: AccountId,
    ring: &KeyRing,
    entropy: &dyn Entropy,
) -> Option<String> {
    let key = ring.newest()?;
    let nonce = entropy.bytes::<NONCE_LEN>();
    let mut body = details(evidence).to_string().into_bytes();
    let aad = Aad::from(purpose(account));
    key.sealing.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body).ok()?;
    let mut message = key.number.to_be_bytes().to_vec();
    message.extend_from_slice(&nonce);
    message.extend_from_slice(&body);
    Some(URL_SAFE_NO_PAD.encode(message))
}

/// Opens a message that was sealed for `account`; none when it is no such message.
pub fn decode(message: &str, account: AccountId, ring: &KeyRing) -> Option<String> {
    let mut bytes = URL_SAFE_NO_PAD.decode(message).ok()?;
    if bytes.len() < HEADER_LEN {
        return None;
    }
    let mut body = bytes.split_off(HEADER_LEN);
    let number = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let nonce: [u8; NONCE_LEN] = bytes.get(4..)?.try_into().ok()?;
    let key = ring.key(number)?;
    let aad = Aad::from(purpose(account));
    let plain = key.sealing.open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut body).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

fn purpose(account: AccountId) -> Vec<u8> {
    format!("authorization message {account}").into_bytes()
}

fn details(evidence: &Evidence) -> Value {
    let principal = evidence.principal();
    let items: Vec<Value> = evidence
        .context()
        .iter()
        .map(|(key, values)| {
            let items: Vec<Value> = values.iter().map(|value| json!({ "value": value })).collect();
            json!({"key": key, "values": {"items": items}})
        })
        .collect();
    json!({
        "allowed": evidence.outcome == Outcome::Allowed,
        "explicitDeny": evidence.outcome == Outcome::ExplicitlyDenied,
        "matchedStatements": {"items": []},
        "failures": {"items": []},
        "context": {
            "principal": {
                "id": principal.unique_id(),
                "name": principal.name(),
                "arn": (principal.kind() != PrincipalKind::Service).then(|| principal.name()),
            },
            "action": evidence.action,
            "resource": evidence.resource,
            "conditions": {"items": items},
        },
    })
}
