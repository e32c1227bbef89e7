//! Sign-in tokens: for those who hold temporary credentials, a way into the console.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_enable-console-custom-url.html>

use rolecall_access::sealed;
use rolecall_access::session::{self, SessionKind};
use rolecall_console::{SigninToken, Ticket};
use rolecall_state::AccessKeyId;
use subtle::ConstantTimeEq;

use super::Inner;

/// How long a sign-in token is good for, in seconds.
const TOKEN_SECONDS: i64 = 900;
const PURPOSE: &str = "signin-token";

/// A sign-in token for credentials: key id, secret and session token.
pub(super) fn signin_token(
    inner: &Inner,
    (access_key_id, secret, token): (&str, &str, &str),
    seconds: Option<i64>,
) -> SigninToken {
    let wrong = || "The credentials are not valid.".to_owned();
    let snapshot = inner.endpoint.state().snapshot();
    let (ring, now) = (snapshot.key_ring(), inner.endpoint.now());
    let opened = session::open(token, access_key_id, ring, now).map_err(|_| wrong())?;
    if !bool::from(opened.secret.expose().ct_eq(secret.as_bytes())) {
        return Err(wrong());
    }
    let mut own = opened.session;
    // What was delegated is for a program, and ends when it was said to.
    if own.delegate.is_some() {
        return Err("Only the credentials of AssumeRole or GetFederationToken open the console.".to_owned());
    }
    match (&own.kind, seconds) {
        (SessionKind::AssumedRole { .. } | SessionKind::FederatedUser { .. }, None) => {}
        // As AWS: the sessions of roles that another role assumed end when their credentials do.
        (SessionKind::AssumedRole { .. }, Some(seconds)) if !own.chained => {
            own.expires = now.plus_seconds(seconds);
        }
        (SessionKind::AssumedRole { .. } | SessionKind::FederatedUser { .. }, Some(_)) => {
            return Err("SessionDuration is not for these credentials.".to_owned());
        }
        _ => {
            return Err(
                "Only the credentials of AssumeRole or GetFederationToken open the console.".to_owned()
            );
        }
    }
    // A session of its own: signing out of the console ends neither the credentials nor the next session.
    own.key = AccessKeyId::temporary(own.account, inner.endpoint.entropy());
    let issued = session::issue(&own, ring, inner.endpoint.entropy());
    let issued = issued.ok_or_else(|| "There is no key to make sessions with.".to_owned())?;
    let ticket = Ticket {
        access_key_id: issued.access_key_id.to_string(),
        token: issued.session_token.expose_str().unwrap_or_default().to_owned(),
    };
    let note = format!("{} {}", now.0 + TOKEN_SECONDS, ticket.to_cookie());
    sealed::seal(note.as_bytes(), PURPOSE, ring, inner.endpoint.entropy())
        .ok_or_else(|| "There is no key to seal with.".to_owned())
}

/// The session that a sign-in token stands for.
pub(super) fn redeem(inner: &Inner, signin_token: &str) -> Option<Ticket> {
    let snapshot = inner.endpoint.state().snapshot();
    let note = sealed::open(signin_token, PURPOSE, snapshot.key_ring())?;
    let (until, ticket) = std::str::from_utf8(&note).ok()?.split_once(' ')?;
    let until: i64 = until.parse().ok()?;
    (inner.endpoint.now().0 < until).then(|| Ticket::from_cookie(ticket)).flatten()
}
