//! Authentication: from a presented proof to the caller, or to AWS's error.

use http::request::Parts;
use rolecall_access::{Caller, UnknownCaller, session};
use rolecall_sigv4::{PayloadHash, Presented, Request, Rules, SecretKey, SigError, Verified, verify};
use rolecall_state::entities::AccessKeyStatus;
use rolecall_state::{Partition, Snapshot, Timestamp};

/// A caller whose signature has been checked. Private fields: [`authenticate`] is the only maker.
pub(crate) struct Authenticated {
    caller: Caller,
    verified: Verified,
}

impl Authenticated {
    /// Who it is.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The checked signature, which the chunks of a body continue.
    pub(crate) fn verified(&self) -> &Verified {
        &self.verified
    }
}

/// Checks the proof that a request presents, for a body of this hash.
///
/// # Errors
/// [`SigError`], with what AWS answers for it.
pub(crate) fn authenticate(
    presented: &Presented,
    parts: &Parts,
    payload: &PayloadHash,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Authenticated, SigError> {
    let request = Request::from(parts);
    let at = rolecall_sigv4::Timestamp(now.0);
    let check = |secret: &SecretKey| verify(presented, request, secret, payload, at, &Rules::default());
    let partition = Partition::of_region(&presented.scope.region);
    let unknown = || SigError::UnknownAccessKey { access_key_id: presented.access_key_id.clone() };
    if let Some(token) = &presented.token {
        let opened =
            session::open(token, &presented.access_key_id, snapshot.key_ring(), now).map_err(token_error)?;
        let secret = SecretKey::new(opened.secret.expose_str().unwrap_or_default());
        let verified = check(&secret)?;
        let caller = Caller::of_session(opened.session, partition, snapshot).map_err(caller_error)?;
        return Ok(Authenticated { caller, verified });
    }
    let key = snapshot.access_key(&presented.access_key_id).ok_or_else(unknown)?;
    if key.key.status != AccessKeyStatus::Active {
        return Err(unknown());
    }
    let secret = snapshot.secret_of(key).ok_or_else(unknown)?;
    let verified = check(secret)?;
    let caller = Caller::of_key(key, partition, snapshot).map_err(caller_error)?;
    Ok(Authenticated { caller, verified })
}

fn token_error(error: session::TokenError) -> SigError {
    match error {
        session::TokenError::Invalid => SigError::InvalidToken,
        session::TokenError::Expired => SigError::ExpiredToken,
    }
}

fn caller_error(error: UnknownCaller) -> SigError {
    match error {
        UnknownCaller::Gone => SigError::InvalidToken,
        UnknownCaller::Token(error) => token_error(error),
    }
}
