//! The second factor: `SerialNumber` and `TokenCode`.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html>

use rolecall_access::{Caller, Identity};
use rolecall_aws_model::sts::Request;
use rolecall_credentials::totp::{self, Clock, Code, Seed};
use rolecall_state::arn::{self, ArnParts};
use rolecall_state::entities::MfaDevice;
use rolecall_state::{Timestamp, Txn, UniqueId};

use crate::error::StsError;

/// That the caller has shown a second factor with this request. Private field: [`verify`] is the
/// only maker.
#[derive(Clone, Copy, Debug)]
pub struct SecondFactor {
    at: Timestamp,
}

impl SecondFactor {
    /// When it was shown.
    pub fn at(self) -> Timestamp {
        self.at
    }
}

/// What a request brings of a second factor.
#[derive(Clone, Copy, Debug)]
pub struct Presented<'a> {
    serial_number: &'a str,
    token_code: &'a str,
}

/// What a request brings of a second factor, if it brings one.
///
/// # Errors
/// When it brings half of one.
pub fn presented(request: &Request) -> Result<Option<Presented<'_>>, StsError> {
    let (serial_number, token_code) = match request {
        Request::AssumeRole(r) => (r.serial_number.as_deref(), r.token_code.as_deref()),
        Request::GetSessionToken(r) => (r.serial_number.as_deref(), r.token_code.as_deref()),
        _ => return Ok(None),
    };
    match (serial_number, token_code) {
        (None, None) => Ok(None),
        (Some(serial_number), Some(token_code)) => Ok(Some(Presented { serial_number, token_code })),
        _ => Err(StsError::AccessDenied(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code."
                .into(),
        )),
    }
}

/// Checks a second factor, and notes the code as used: it counts once this transaction has landed.
///
/// # Errors
/// When the device is not the caller's, or the code is none that it shows about now.
pub fn verify(
    txn: &mut Txn,
    caller: &Caller,
    presented: Presented<'_>,
    now: Timestamp,
) -> Result<SecondFactor, StsError> {
    let device = device(txn, caller, presented.serial_number).ok_or_else(not_the_callers)?;
    verify_device(txn, device, presented.token_code, now)
}

/// Checks a code of one device, and notes it as used.
pub(crate) fn verify_device(
    txn: &mut Txn,
    mut device: MfaDevice,
    code: &str,
    now: Timestamp,
) -> Result<SecondFactor, StsError> {
    let opened = txn
        .master()
        .open(&device.seed, &MfaDevice::purpose(&device.id))
        .map_err(|_| StsError::UnreadableSeed)?;
    let seed = opened.expose_str().and_then(Seed::from_base32).ok_or(StsError::UnreadableSeed)?;
    let assigned = device.assigned.as_mut().ok_or_else(not_the_callers)?;
    let clock = Clock { drift_steps: assigned.drift_steps, last_step: assigned.last_step };
    let code = Code::parse(code).ok_or_else(wrong_code)?;
    let clock = totp::verify(&seed, clock, code, now.0).map_err(|_| wrong_code())?;
    (assigned.drift_steps, assigned.last_step) = (clock.drift_steps, clock.last_step);
    txn.put(&device);
    Ok(SecondFactor { at: now })
}

/// The device of this serial number, if it is the caller's own.
fn device(txn: &mut Txn, caller: &Caller, serial_number: &str) -> Option<MfaDevice> {
    let owner = match &caller.identity {
        Identity::User(user) => user.id.clone(),
        Identity::Root => UniqueId::from_stored(&caller.account.to_string()),
        Identity::AssumedRole(..) | Identity::FederatedUser(..) => return None,
    };
    let parts = ArnParts::parse(serial_number).filter(|parts| parts.account_id() == Some(caller.account))?;
    let name = parts.resource.strip_prefix("mfa/")?.rsplit('/').next()?;
    let device = txn.read(|account| &account.mfa_devices, name)?;
    let full = arn::iam(caller.partition, caller.account, "mfa", &device.path, &device.name);
    let own = device.assigned.as_ref().is_some_and(|assigned| assigned.user == owner);
    (own && full == serial_number).then(|| MfaDevice::clone(&device))
}

fn not_the_callers() -> StsError {
    StsError::AccessDenied(
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.".into(),
    )
}

/// What AWS answers to a code that is wrong, used already, or tried too often.
pub fn wrong_code() -> StsError {
    StsError::AccessDenied("MultiFactorAuthentication failed with invalid MFA one time pass code. ".into())
}
