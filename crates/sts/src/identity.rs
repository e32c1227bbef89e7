//! Who is calling, and whose a key is.

use rolecall_aws_model::sts as wire;
use rolecall_state::AccessKeyId;

use crate::env::Env;
use crate::error::StsError;

pub(crate) fn get_caller_identity(
    env: &Env<'_>,
    request: &wire::GetCallerIdentityRequest,
) -> Result<wire::GetCallerIdentityResponse, StsError> {
    let wire::GetCallerIdentityRequest {} = request;
    Ok(wire::GetCallerIdentityResponse {
        user_id: Some(env.caller.user_id().to_owned()),
        account: Some(env.caller.account.to_string()),
        arn: Some(env.caller.arn().to_owned()),
    })
}

/// The account stands in the key id itself: no look-up, and any well-formed id is answered.
pub(crate) fn get_access_key_info(
    _env: &Env<'_>,
    request: &wire::GetAccessKeyInfoRequest,
) -> Result<wire::GetAccessKeyInfoResponse, StsError> {
    let wire::GetAccessKeyInfoRequest { access_key_id } = request;
    let account = AccessKeyId::from_presented(access_key_id).account();
    let account = account
        .ok_or_else(|| StsError::Validation(format!("{access_key_id} is not a valid access key id.")))?;
    Ok(wire::GetAccessKeyInfoResponse { account: Some(account.to_string()) })
}
