//! `DecodeAuthorizationMessage`.

use rolecall_access::message;
use rolecall_aws_model::sts as wire;

use crate::env::Env;
use crate::error::StsError;

pub(crate) fn decode_authorization_message(
    env: &Env<'_>,
    request: &wire::DecodeAuthorizationMessageRequest,
) -> Result<wire::DecodeAuthorizationMessageResponse, StsError> {
    let wire::DecodeAuthorizationMessageRequest { encoded_message } = request;
    let decoded = message::decode(encoded_message, env.caller.account, env.snapshot.key_ring());
    let decoded = decoded
        .ok_or_else(|| StsError::InvalidAuthorizationMessage("Invalid authorization message.".into()))?;
    Ok(wire::DecodeAuthorizationMessageResponse { decoded_message: Some(decoded) })
}
