//! Authentication: from a presented proof to the caller, or to AWS's error.

use std::sync::{Arc, Weak};

use arc_swap::ArcSwapOption;
use http::request::Parts;
use rolecall_access::{Caller, UnknownCaller, session};
use rolecall_sigv4::{Family, PayloadHash, Presented, Request, Rules, SecretKey, SigError, Verified, verify};
use rolecall_state::entities::AccessKeyStatus;
use rolecall_state::{Partition, Snapshot, Timestamp};

use crate::record::CallerFacts;

/// A caller whose signature has been checked. Private fields: [`authenticate`] is the only maker.
pub(crate) struct Authenticated {
    holder: Arc<Holder>,
    verified: Verified,
}

impl Authenticated {
    /// Who it is.
    pub(crate) fn caller(&self) -> &Caller {
        &self.holder.caller
    }

    /// What the record tells of it.
    pub(crate) fn facts(&self) -> Arc<CallerFacts> {
        self.holder.facts.clone()
    }

    /// The checked signature, which the chunks of a body continue.
    pub(crate) fn verified(&self) -> &Verified {
        &self.verified
    }
}

/// Whom credentials name in a snapshot, and the secret that its requests must be signed with.
struct Holder {
    // Only compared: an idle connection must not keep an old snapshot alive.
    snapshot: Weak<Snapshot>,
    partition: Partition,
    presented: Presented,
    secret: SecretKey,
    caller: Caller,
    facts: Arc<CallerFacts>,
}

/// The holder of the credentials last used on a connection. Clients keep to one, so the next request
/// need not open the session token and derive its secret again; its signature is checked all the same.
#[derive(Default)]
pub(crate) struct LastHolder(ArcSwapOption<Holder>);

impl std::fmt::Debug for LastHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LastHolder(…)")
    }
}

impl LastHolder {
    /// What a request of this connection presents as its proof.
    pub(crate) fn read(&self, parts: &Parts, family: Family) -> Result<Option<Presented>, SigError> {
        let last = self.0.load();
        Presented::parse_after(parts.into(), family, last.as_ref().map(|holder| &holder.presented))
    }

    fn get(
        &self,
        presented: &Presented,
        partition: Partition,
        snapshot: &Arc<Snapshot>,
        now: Timestamp,
    ) -> Option<Arc<Holder>> {
        let holder = self.0.load_full()?;
        let same = holder.snapshot.as_ptr() == Arc::as_ptr(snapshot)
            && *holder.caller.access_key_id.as_str() == *presented.access_key_id
            && holder.presented.token == presented.token
            && holder.partition == partition;
        let lives = holder.caller.session.as_ref().is_none_or(|session| now < session.expires);
        (same && lives).then_some(holder)
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
    snapshot: &Arc<Snapshot>,
    now: Timestamp,
    last: &LastHolder,
) -> Result<Authenticated, SigError> {
    let request = Request::from(parts);
    let at = rolecall_sigv4::Timestamp(now.0);
    let check = |secret: &SecretKey| verify(presented, request, secret, payload, at, &Rules::default());
    let partition = Partition::of_region(&presented.scope.region);
    if let Some(holder) = last.get(presented, partition, snapshot, now) {
        let verified = check(&holder.secret)?;
        return Ok(Authenticated { holder, verified });
    }
    let (secret, verified, caller) = match &presented.token {
        Some(token) => {
            let opened = session::open(token, &presented.access_key_id, snapshot.key_ring(), now)
                .map_err(token_error)?;
            let secret = SecretKey::new(opened.secret.expose_str().unwrap_or_default());
            let verified = check(&secret)?;
            (secret, verified, Caller::of_session(opened.session, partition, snapshot))
        }
        None => {
            let unknown = || SigError::UnknownAccessKey { access_key_id: (&*presented.access_key_id).into() };
            let key = snapshot.access_key(&presented.access_key_id).ok_or_else(unknown)?;
            if key.key.status != AccessKeyStatus::Active {
                return Err(unknown());
            }
            let secret = snapshot.secret_of(key).ok_or_else(unknown)?;
            let verified = check(secret)?;
            (secret.clone(), verified, Caller::of_key(key, partition, snapshot))
        }
    };
    let caller = caller.map_err(caller_error)?;
    let holder = Arc::new(Holder {
        snapshot: Arc::downgrade(snapshot),
        partition,
        presented: presented.clone(),
        secret,
        facts: Arc::new(CallerFacts::of(&caller)),
        caller,
    });
    last.0.store(Some(holder.clone()));
    Ok(Authenticated { holder, verified })
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
