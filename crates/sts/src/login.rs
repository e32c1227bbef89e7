//! `aws login`: someone signed in to the console lets a tool on a computer act as the same principal for a while, by an
//! OAuth authorization code with PKCE and refresh tokens that are bound to a key of the tool's.
//!
//! <https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sign-in.html>

mod code;
mod refresh;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use rolecall_access::Caller;
use rolecall_access::session::{Session, SessionKind, TemporaryCredentials, issue};
use rolecall_state::entities::{LoginProfile, Note};
use rolecall_state::snapshot::Account;
use rolecall_state::{AccessKeyId, Entropy, Snapshot, StateError, Timestamp, hex};
use serde::{Deserialize, Serialize};

pub use code::{Authorization, Grant, redeem};
pub use refresh::{RefreshToken, Spent};

/// How long the credentials of a tool are good for, in seconds.
pub const CREDENTIAL_SECONDS: i64 = 900;

/// Who asks for a tool's credentials: it decides where the code goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// A tool on the computer that the browser runs on: it listens on loopback.
    SameDevice,
    /// A tool elsewhere: its user carries the code over.
    CrossDevice,
}

impl Client {
    /// The client of this id.
    pub fn of_id(id: &str) -> Option<Self> {
        [Self::SameDevice, Self::CrossDevice].into_iter().find(|client| client.id() == id)
    }

    /// Its id.
    pub fn id(self) -> &'static str {
        match self {
            Self::SameDevice => "arn:aws:signin:::devtools/same-device",
            Self::CrossDevice => "arn:aws:signin:::devtools/cross-device",
        }
    }

    /// The resource of `signin:AuthorizeOAuth2Access` and `signin:CreateOAuth2Token`.
    pub fn resource(self, caller: &Caller, region: &str) -> String {
        let name = match self {
            Self::SameDevice => "localhost",
            Self::CrossDevice => "remote",
        };
        format!("arn:{}:signin:{region}:{}:oauth2/public-client/{name}", caller.partition, caller.account)
    }
}

/// Why a tool gets nothing. FIDELITY: the messages are not AWS's, which are not documented.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Something that was sent is not what it should be.
    #[error("{0}")]
    Invalid(String),
    /// The code was used, is too old, or never was.
    #[error("The authorization code is invalid or has expired.")]
    CodeExpired,
    /// The refresh token, or the session of the console behind it, is over.
    #[error("The refresh token is invalid or has expired.")]
    TokenExpired,
    /// The password was changed or taken away since.
    #[error("The credentials of the user have changed since it signed in.")]
    CredentialsChanged,
    /// There is no key to seal with.
    #[error("no key to seal sessions with")]
    NoSessionKey,
    /// The state could not be changed.
    #[error("the state could not be changed: {0}")]
    State(#[from] StateError),
}

impl LoginError {
    /// The exception of the model, the member `error` in it, and the status.
    pub fn wire(&self) -> (&'static str, &'static str, u16) {
        match self {
            Self::Invalid(_) => ("ValidationException", "INVALID_REQUEST", 400),
            Self::CodeExpired => ("AccessDeniedException", "AUTHCODE_EXPIRED", 401),
            Self::TokenExpired => ("AccessDeniedException", "TOKEN_EXPIRED", 401),
            Self::CredentialsChanged => ("AccessDeniedException", "USER_CREDENTIALS_CHANGED", 403),
            Self::NoSessionKey | Self::State(_) => ("InternalServerException", "server_error", 500),
        }
    }
}

/// Whether a session is one that `aws login` may pass on: not one that could gain by it.
pub fn may_pass_on(session: &Session) -> bool {
    match session.kind {
        SessionKind::Console { .. } | SessionKind::AssumedRole { .. } | SessionKind::FederatedUser { .. } => {
            session.delegate.is_none()
        }
        SessionKind::SessionToken { .. }
        | SessionKind::Delegated { .. }
        | SessionKind::AssumedRoot { .. } => false,
    }
}

/// Checks that a session of the console still counts: it is not over, not signed out, and the password that it began
/// with is still the one.
///
/// # Errors
/// [`LoginError::TokenExpired`] or [`LoginError::CredentialsChanged`].
pub fn still_counts(session: &Session, snapshot: &Snapshot, now: Timestamp) -> Result<(), LoginError> {
    let account = snapshot.account(session.account).ok_or(LoginError::TokenExpired)?;
    let left = account.notes.by_id(&Note::signed_out(&session.key)).is_some();
    if left || now >= session.expires {
        return Err(LoginError::TokenExpired);
    }
    if password_changed(session, account) { Err(LoginError::CredentialsChanged) } else { Ok(()) }
}

fn password_changed(session: &Session, account: &Account) -> bool {
    let since = |profile: &LoginProfile| profile.password_changed > session.issued;
    match &session.kind {
        SessionKind::Console { user: Some(id) } => {
            let profile = account.users.by_id(id).and_then(|user| user.login_profile.as_ref());
            profile.is_none_or(since)
        }
        // The root user may have signed in by a key, without a password.
        SessionKind::Console { user: None } => account.record.root.login_profile.as_ref().is_some_and(since),
        _ => false,
    }
}

/// Credentials for a tool: the same principal as `session`, for a quarter of an hour at most. They keep the time at
/// which it was issued, so that a policy which ends sessions by that time ends theirs, too.
///
/// # Errors
/// [`LoginError::NoSessionKey`].
pub fn credentials(
    session: &Session,
    snapshot: &Snapshot,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<TemporaryCredentials, LoginError> {
    let expires = now.plus_seconds(CREDENTIAL_SECONDS).min(session.expires);
    let key = AccessKeyId::temporary(session.account, entropy);
    let passed_on = Session { key, expires, ..session.clone() };
    issue(&passed_on, snapshot.key_ring(), entropy).ok_or(LoginError::NoSessionKey)
}

/// The token that tells a tool who it acts as: a JWT, signed with the secret that only the tool got.
pub fn id_token(
    arn: &str,
    issuer: &str,
    client: Client,
    credentials: &TemporaryCredentials,
    now: Timestamp,
) -> String {
    let encoded = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = encoded(serde_json::json!({"alg": "HS256", "typ": "JWT"}));
    let claims = encoded(serde_json::json!({
        "iss": issuer, "sub": arn, "aud": client.id(), "iat": now.0, "exp": credentials.expiration.0,
    }));
    let key = hmac::Key::new(hmac::HMAC_SHA256, credentials.secret_access_key.expose());
    let signed = format!("{header}.{claims}");
    let signature = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
