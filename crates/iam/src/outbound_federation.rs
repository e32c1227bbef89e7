//! The account as an issuer of tokens for others.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html>

use rolecall_aws_model::iam as wire;
use rolecall_credentials::token_signing::{Algorithm, Signer, generate};
use rolecall_state::entities::{AccountRecord, OutboundFederation, TokenKey};
use rolecall_state::{Entropy, Timestamp, Txn, Uuid};

use crate::env::Env;
use crate::error::IamError;

fn record(txn: &mut Txn) -> Result<AccountRecord, IamError> {
    let gone = || IamError::NoSuchEntity("The account cannot be found.".into());
    Ok(AccountRecord::clone(&*txn.read_record().ok_or_else(gone)?))
}

fn disabled() -> IamError {
    IamError::FeatureDisabled("Outbound web identity federation is not enabled for this account.".into())
}

/// As long as a token can be good, in seconds.
const LONGEST_TOKEN: i64 = 3_600;
/// How long a key is shown before it signs, in seconds: verifiers keep what they fetched for a while.
const SHOWN_BEFORE: i64 = 600;
/// How far the clocks of nodes and verifiers may be apart, in seconds.
const SKEW: i64 = 300;

fn new_key(
    txn: &Txn,
    (now, signs_from): (Timestamp, Timestamp),
    entropy: &dyn Entropy,
    algorithm: Algorithm,
) -> Result<TokenKey, IamError> {
    let failed = || IamError::Failure("a key could not be made".into());
    let private = generate(algorithm, &|bytes| entropy.fill(bytes)).map_err(|_| failed())?;
    let signer = Signer::from_pkcs8(algorithm, &private).ok_or_else(failed)?;
    let id = Uuid::random(entropy).to_string();
    Ok(TokenKey {
        algorithm: algorithm.name().to_owned(),
        created: now,
        signs_from: Some(signs_from),
        private: txn.master().seal(&private, &TokenKey::purpose(&id), entropy),
        public: signer.public_key().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        id,
    })
}

/// The algorithms of which an account that signs tokens needs a new key, after `period` seconds with the last.
fn due(outbound: &OutboundFederation, period: i64, now: Timestamp) -> impl Iterator<Item = Algorithm> {
    let is_due = move |algorithm: &Algorithm| {
        let last = outbound.keys_of(algorithm.name()).next_back();
        outbound.enabled && last.is_some_and(|key| now.seconds_since(key.created) >= period)
    };
    Algorithm::ALL.into_iter().filter(is_due)
}

/// Whether a key is of no more use: its successor has signed for longer than any token is good.
fn is_spent(outbound: &OutboundFederation, key: &TokenKey, now: Timestamp) -> bool {
    let mut later = outbound.keys_of(&key.algorithm).skip_while(|other| other.id != key.id).skip(1);
    later.next().is_some_and(|next| now.seconds_since(next.signs_from()) > LONGEST_TOKEN + SKEW)
}

/// Whether [`rotate_token_keys`] has something to do for an account.
pub fn token_keys_are_due(record: &AccountRecord, period: i64, now: Timestamp) -> bool {
    record.outbound.as_ref().is_some_and(|outbound| {
        due(outbound, period, now).next().is_some()
            || outbound.keys.iter().any(|key| is_spent(outbound, key, now))
    })
}

/// Gives the transaction's account new keys to sign tokens with, where the last are `period` seconds old. A new key
/// is shown before it signs, and an old one as long as a token of it may be good.
///
/// FIDELITY: AWS does not say how often it does.
///
/// # Errors
/// When a key can't be made.
pub fn rotate_token_keys(
    txn: &mut Txn,
    period: i64,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), IamError> {
    let mut record = record(txn)?;
    if !token_keys_are_due(&record, period, now) {
        return Ok(());
    }
    let Some(mut outbound) = record.outbound.take() else { return Ok(()) };
    let signs_from = now.plus_seconds(SHOWN_BEFORE.min(period / 2));
    let new: Vec<_> = due(&outbound, period, now)
        .map(|algorithm| new_key(txn, (now, signs_from), entropy, algorithm))
        .collect::<Result<_, _>>()?;
    outbound.keys.extend(new);
    let spent: Vec<String> =
        outbound.keys.iter().filter(|key| is_spent(&outbound, key, now)).map(|key| key.id.clone()).collect();
    outbound.keys.retain(|key| !spent.contains(&key.id));
    record.outbound = Some(outbound);
    txn.put_record(&record);
    Ok(())
}

/// The issuer stays the same however often it is turned off and on.
pub(crate) fn enable_outbound_web_identity_federation(
    txn: &mut Txn,
    env: &Env<'_>,
    _: &wire::EnableOutboundWebIdentityFederationRequest,
) -> Result<wire::EnableOutboundWebIdentityFederationResponse, IamError> {
    let mut record = record(txn)?;
    let mut outbound = match record.outbound.take() {
        Some(known) if known.enabled => {
            let message = "Outbound web identity federation is already enabled for this account.";
            return Err(IamError::FeatureEnabled(message.into()));
        }
        Some(known) => known,
        None => {
            OutboundFederation { id: Uuid::random(env.entropy).to_string(), enabled: false, keys: Vec::new() }
        }
    };
    for algorithm in Algorithm::ALL {
        if outbound.keys_of(algorithm.name()).next().is_none() {
            outbound.keys.push(new_key(txn, (env.now, env.now), env.entropy, algorithm)?);
        }
    }
    outbound.enabled = true;
    let issuer_identifier = Some(outbound.issuer(env.public_url));
    record.outbound = Some(outbound);
    txn.put_record(&record);
    Ok(wire::EnableOutboundWebIdentityFederationResponse { issuer_identifier })
}

pub(crate) fn disable_outbound_web_identity_federation(
    txn: &mut Txn,
    _: &Env<'_>,
    _: &wire::DisableOutboundWebIdentityFederationRequest,
) -> Result<wire::DisableOutboundWebIdentityFederationResponse, IamError> {
    let mut record = record(txn)?;
    let outbound = record.outbound.as_mut().filter(|outbound| outbound.enabled).ok_or_else(disabled)?;
    outbound.enabled = false;
    txn.put_record(&record);
    Ok(wire::DisableOutboundWebIdentityFederationResponse {})
}

pub(crate) fn get_outbound_web_identity_federation_info(
    txn: &mut Txn,
    env: &Env<'_>,
    _: &wire::GetOutboundWebIdentityFederationInfoRequest,
) -> Result<wire::GetOutboundWebIdentityFederationInfoResponse, IamError> {
    let record = record(txn)?;
    let outbound = record.outbound.as_ref().filter(|outbound| outbound.enabled).ok_or_else(disabled)?;
    Ok(wire::GetOutboundWebIdentityFederationInfoResponse {
        issuer_identifier: Some(outbound.issuer(env.public_url)),
        jwt_vending_enabled: Some(true),
    })
}

#[cfg(test)]
mod tests {
    use rolecall_state::{MasterKey, Sealed, SystemEntropy};

    use super::*;

    const PERIOD: i64 = 86_400;

    fn key(id: &str, created: i64, signs_from: i64) -> TokenKey {
        let sealed: Sealed = MasterKey::new([7; 32]).unwrap().seal(b"", "", &SystemEntropy);
        TokenKey {
            id: id.to_owned(),
            algorithm: "RS256".to_owned(),
            created: Timestamp(created),
            signs_from: Some(Timestamp(signs_from)),
            private: sealed,
            public: Default::default(),
        }
    }

    fn outbound(keys: Vec<TokenKey>) -> OutboundFederation {
        OutboundFederation { id: "issuer".to_owned(), enabled: true, keys }
    }

    #[test]
    fn a_new_key_is_shown_before_it_signs() {
        let both = outbound(vec![key("old", 0, 0), key("new", 1_000, 1_600)]);
        assert_eq!(both.signing_key("RS256", Timestamp(1_599)).unwrap().id, "old");
        assert_eq!(both.signing_key("RS256", Timestamp(1_600)).unwrap().id, "new");
        assert!(both.signing_key("ES384", Timestamp(1_600)).is_none());
    }

    #[test]
    fn an_old_key_stays_as_long_as_a_token_of_it_may_be_good() {
        let both = outbound(vec![key("old", 0, 0), key("new", 1_000, 1_600)]);
        let old = &both.keys[0];
        assert!(!is_spent(&both, old, Timestamp(1_600 + LONGEST_TOKEN + SKEW)));
        assert!(is_spent(&both, old, Timestamp(1_600 + LONGEST_TOKEN + SKEW + 1)));
        assert!(!is_spent(&both, &both.keys[1], Timestamp(i64::MAX / 2)));
    }

    #[test]
    fn a_key_is_due_when_it_is_a_period_old() {
        let one = outbound(vec![key("only", 0, 0)]);
        assert_eq!(due(&one, PERIOD, Timestamp(PERIOD - 1)).count(), 0);
        assert_eq!(due(&one, PERIOD, Timestamp(PERIOD)).count(), 1);
        let off = OutboundFederation { enabled: false, ..one };
        assert_eq!(due(&off, PERIOD, Timestamp(PERIOD)).count(), 0);
    }
}
