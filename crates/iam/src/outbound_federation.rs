//! The account as an issuer of tokens for others.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html>

use rolecall_aws_model::iam as wire;
use rolecall_credentials::token_signing::{Algorithm, Signer, generate};
use rolecall_state::Txn;
use rolecall_state::entities::{AccountRecord, OutboundFederation, TokenKey};

use crate::env::Env;
use crate::error::IamError;
use crate::ids::uuid;

fn record(txn: &mut Txn) -> Result<AccountRecord, IamError> {
    let gone = || IamError::NoSuchEntity("The account cannot be found.".into());
    Ok(AccountRecord::clone(&*txn.read_record().ok_or_else(gone)?))
}

fn disabled() -> IamError {
    IamError::FeatureDisabled("Outbound web identity federation is not enabled for this account.".into())
}

fn new_key(txn: &Txn, env: &Env<'_>, algorithm: Algorithm) -> Result<TokenKey, IamError> {
    let failed = || IamError::Failure("a key could not be made".into());
    let private = generate(algorithm, &|bytes| env.entropy.fill(bytes)).map_err(|_| failed())?;
    let signer = Signer::from_pkcs8(algorithm, &private).ok_or_else(failed)?;
    let id = uuid(env.entropy);
    Ok(TokenKey {
        algorithm: algorithm.name().to_owned(),
        created: env.now,
        private: txn.master().seal(&private, &TokenKey::purpose(&id), env.entropy),
        public: signer.public_key().into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        id,
    })
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
        None => OutboundFederation { id: uuid(env.entropy), enabled: false, keys: Vec::new() },
    };
    for algorithm in Algorithm::ALL {
        if outbound.key(algorithm.name()).is_none() {
            outbound.keys.push(new_key(txn, env, algorithm)?);
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
