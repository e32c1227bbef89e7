//! Sessions: everything that temporary credentials say about their holder, sealed into the session
//! token. No node stores them; every node with the key ring can check them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce};
use ring::hmac;
use rolecall_state::entities::Tag;
use rolecall_state::{AccessKeyId, AccountId, Entropy, KeyRing, RingKey, Secret, Timestamp, UniqueId};
use serde::{Deserialize, Serialize};

/// The first byte of a token: how it is built.
const TOKEN_FORM: u8 = 1;
const HEADER_LEN: usize = 1 + 4 + NONCE_LEN;
/// No token is longer than this; a longer text is refused unread.
const MAX_TOKEN_LEN: usize = 16_384;

/// Whose session it is, and by which operation it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionKind {
    /// Of a role, by one of the `AssumeRole…` operations or through an instance profile.
    #[serde(rename = "role")]
    AssumedRole {
        /// The role's unique id: a role made again under the same name is another one.
        role: UniqueId,
        /// `RoleSessionName`
        name: String,
    },
    /// Of a user or the root user itself, by `GetSessionToken`.
    #[serde(rename = "session")]
    SessionToken {
        /// The user; none for the root user.
        user: Option<UniqueId>,
    },
    /// Of a user or the root user itself, by signing in to the console with a password.
    #[serde(rename = "console")]
    Console {
        /// The user; none for the root user.
        user: Option<UniqueId>,
    },
    /// Of a federated user, by `GetFederationToken`.
    #[serde(rename = "federated")]
    FederatedUser {
        /// The user that vouched; none for the root user.
        user: Option<UniqueId>,
        /// The federated user's name.
        name: String,
    },
    /// Of a user or the root user itself, by a product provider to whom it delegated some of its permissions. Of a
    /// role's session, what was delegated is a session of the role.
    #[serde(rename = "delegated")]
    Delegated {
        /// The user; none for the root user.
        user: Option<UniqueId>,
    },
    /// Of a member account's root user, by `AssumeRoot`.
    #[serde(rename = "root")]
    AssumedRoot {
        /// The name of the task policy that limits the session.
        task_policy: String,
    },
}

/// What a session token carries.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The access key id that the token belongs to.
    pub key: AccessKeyId,
    /// The account that the session acts in.
    pub account: AccountId,
    /// Whose session it is.
    pub kind: SessionKind,
    /// `aws:TokenIssueTime`
    pub issued: Timestamp,
    /// From this second on the session is over.
    pub expires: Timestamp,
    /// Inline session policies, as sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// ARNs of managed session policies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policy_arns: Vec<String>,
    /// Session tags: they stand over the role's own tags of the same key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// Which of them pass on to further sessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitive_tag_keys: Vec<String>,
    /// `aws:SourceIdentity`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// When the holder proved a second factor, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<Timestamp>,
    /// Further context keys that the session carries (`aws:FederatedProvider`, those of the
    /// identity provider, `ec2:RoleDelivery`, …).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<(String, Vec<String>)>,
    /// Whether the session was made by another role's session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub chained: bool,
    /// The product provider's account that acts by the session, where it was delegated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegate: Option<AccountId>,
}

/// New temporary credentials.
#[derive(Clone, Debug)]
pub struct TemporaryCredentials {
    /// `ASIA…`
    pub access_key_id: AccessKeyId,
    /// 40 characters; derived from the token, stored nowhere.
    pub secret_access_key: Secret,
    /// The sealed session.
    pub session_token: Secret,
    /// When they end.
    pub expiration: Timestamp,
}

/// Why a session token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is none of ours, was changed, or belongs to another key.
    #[error("The security token included in the request is invalid")]
    Invalid,
    /// Its session is over.
    #[error("The security token included in the request is expired")]
    Expired,
}

/// The size that AWS allows a session token, in bytes.
pub const TOKEN_SIZE_LIMIT: usize = 4_096;

impl TemporaryCredentials {
    /// The session token's size in bytes.
    pub fn token_size(&self) -> usize {
        self.session_token.expose().len()
    }

    /// How much of the allowed size the session token takes, in percent.
    pub fn token_utilization(&self) -> usize {
        (self.token_size() * 100).div_ceil(TOKEN_SIZE_LIMIT).min(100)
    }
}

/// Seals `session` under the newest key of the ring. None when the ring is empty.
pub fn issue(session: &Session, ring: &KeyRing, entropy: &dyn Entropy) -> Option<TemporaryCredentials> {
    issue_padded(session, ring, entropy, 0)
}

/// As [`issue`], with a token of at least `min_token_size` bytes.
pub fn issue_padded(
    session: &Session,
    ring: &KeyRing,
    entropy: &dyn Entropy,
    min_token_size: usize,
) -> Option<TemporaryCredentials> {
    let key = ring.newest()?;
    let nonce = entropy.bytes::<NONCE_LEN>();
    let mut token = Vec::with_capacity(512);
    token.push(TOKEN_FORM);
    token.extend_from_slice(&key.number.to_be_bytes());
    token.extend_from_slice(&nonce);
    let mut body = serde_json::to_vec(session).ok()?;
    // White space behind the JSON means nothing to its reader. Four characters stand for three bytes.
    let min_body = (min_token_size * 3).div_ceil(4).saturating_sub(HEADER_LEN + AES_256_GCM.tag_len());
    body.resize(body.len().max(min_body), b' ');
    let aad = Aad::from(session.key.as_str().as_bytes());
    key.sealing.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut body).ok()?;
    token.extend_from_slice(&body);
    Some(TemporaryCredentials {
        access_key_id: session.key.clone(),
        secret_access_key: derive_secret(key, &session.key, &nonce),
        session_token: Secret::new(STANDARD.encode(token).into_bytes()),
        expiration: session.expires,
    })
}

/// A token that opened under the key ring, and the secret that its holder must have signed with.
pub struct OpenedToken {
    /// What the token carries.
    pub session: Session,
    /// The secret access key that goes with it.
    pub secret: Secret,
}

/// Opens a token that was presented with `access_key_id`.
///
/// # Errors
/// [`TokenError`]; of the two, `Expired` is told only of a genuine token.
pub fn open(
    token: &str,
    access_key_id: &str,
    ring: &KeyRing,
    now: Timestamp,
) -> Result<OpenedToken, TokenError> {
    if token.len() > MAX_TOKEN_LEN {
        return Err(TokenError::Invalid);
    }
    let mut bytes = STANDARD.decode(token.as_bytes()).map_err(|_| TokenError::Invalid)?;
    if bytes.len() < HEADER_LEN || bytes.first() != Some(&TOKEN_FORM) {
        return Err(TokenError::Invalid);
    }
    let mut body = bytes.split_off(HEADER_LEN);
    let number = bytes.get(1..5).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    let nonce: [u8; NONCE_LEN] = bytes.get(5..).and_then(|b| b.try_into().ok()).ok_or(TokenError::Invalid)?;
    let key = number.and_then(|n| ring.key(n)).ok_or(TokenError::Invalid)?;
    let aad = Aad::from(access_key_id.as_bytes());
    let plain = key
        .sealing
        .open_in_place(Nonce::assume_unique_for_key(nonce), aad, &mut body)
        .map_err(|_| TokenError::Invalid)?;
    let session: Session = serde_json::from_slice(plain).map_err(|_| TokenError::Invalid)?;
    if now >= session.expires {
        return Err(TokenError::Expired);
    }
    let secret = derive_secret(key, &session.key, &nonce);
    Ok(OpenedToken { session, secret })
}

fn derive_secret(key: &RingKey, id: &AccessKeyId, nonce: &[u8; NONCE_LEN]) -> Secret {
    let mut context = hmac::Context::with_key(&key.deriving);
    context.update(id.as_str().as_bytes());
    context.update(nonce);
    let tag = context.sign();
    let bytes = tag.as_ref().get(..30).unwrap_or_default();
    Secret::new(STANDARD.encode(bytes).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_state::{MasterKey, StoredKeyRing, SystemEntropy};

    fn ring() -> KeyRing {
        let master = MasterKey::new([3; 32]).unwrap();
        let stored = StoredKeyRing::default().rotated(&master, Timestamp(0), &SystemEntropy);
        KeyRing::open(&stored, &master).unwrap()
    }

    fn session() -> Session {
        let account = AccountId::from_number(123_456_789_012).unwrap();
        Session {
            key: AccessKeyId::temporary(account, &SystemEntropy),
            account,
            kind: SessionKind::AssumedRole { role: UniqueId::from_stored("AROAEXAMPLE"), name: "s1".into() },
            issued: Timestamp(1_000),
            expires: Timestamp(4_600),
            policies: vec![],
            policy_arns: vec![],
            tags: vec![],
            transitive_tag_keys: vec![],
            source_identity: None,
            mfa: None,
            context: vec![],
            chained: false,
            delegate: None,
        }
    }

    fn token_of(credentials: &TemporaryCredentials) -> String {
        credentials.session_token.expose_str().unwrap().to_owned()
    }

    #[test]
    fn a_session_ends_at_its_expiration() {
        let (ring, session) = (ring(), session());
        let token = token_of(&issue(&session, &ring, &SystemEntropy).unwrap());
        assert!(open(&token, session.key.as_str(), &ring, Timestamp(4_599)).is_ok());
        let at_the_end = open(&token, session.key.as_str(), &ring, Timestamp(4_600));
        assert_eq!(at_the_end.err(), Some(TokenError::Expired));
    }

    #[test]
    fn a_token_belongs_to_its_key_id_and_secret() {
        let (ring, session) = (ring(), session());
        let credentials = issue(&session, &ring, &SystemEntropy).unwrap();
        let token = token_of(&credentials);
        let opened = open(&token, session.key.as_str(), &ring, Timestamp(2_000)).unwrap();
        assert_eq!(opened.secret.expose(), credentials.secret_access_key.expose());
        assert_eq!(opened.secret.expose().len(), 40);
        let other = open(&token, "ASIAQNZGKIQY56JQ7WML", &ring, Timestamp(2_000));
        assert_eq!(other.err(), Some(TokenError::Invalid));
    }

    #[test]
    fn a_token_is_as_large_as_asked_for() {
        let (ring, session) = (ring(), session());
        for size in [0, 1_000, 2_047, 4_096] {
            let credentials = issue_padded(&session, &ring, &SystemEntropy, size).unwrap();
            assert!(credentials.token_size() >= size && credentials.token_size() <= size.max(900) + 4);
            assert!(open(&token_of(&credentials), session.key.as_str(), &ring, Timestamp(2_000)).is_ok());
        }
    }

    #[test]
    fn any_changed_character_spoils_a_token() {
        let (ring, session) = (ring(), session());
        let token = token_of(&issue(&session, &ring, &SystemEntropy).unwrap());
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(open(&changed, session.key.as_str(), &ring, Timestamp(2_000)).is_err(), "at {at}");
        }
    }
}
