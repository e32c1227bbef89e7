//! Refresh tokens: the session of the console behind a tool's credentials, sealed and bound to the tool's key. Each is
//! replaced by the next; one that comes again later than that was stolen, and ends them all.

use ring::digest::{SHA256, digest};
use rolecall_access::sealed;
use rolecall_access::session::Session;
use rolecall_federation::dpop::Thumbprint;
use rolecall_state::entities::Note;
use rolecall_state::{Entropy, Snapshot, Timestamp, Txn, UniqueId};
use serde::{Deserialize, Serialize};

use super::{Client, LoginError, hex};

const PURPOSE: &str = "login-refresh";
/// So long a token that was replaced still counts, in seconds: tools that share one refresh at the same time.
const SHARED_SECONDS: i64 = 60;
/// The model's bound on a token's length.
const MAX_LEN: usize = 2_048;

/// What a refresh token carries.
#[derive(Serialize, Deserialize)]
pub struct RefreshToken {
    /// The session of the console.
    pub session: Session,
    /// For which kind of tool.
    pub client: Client,
    /// The thumbprint of the tool's key.
    key: String,
    /// Which of the tokens that followed each other it is.
    serial: String,
    /// Which tokens follow each other.
    family: String,
}

impl RefreshToken {
    /// The first token of a tool.
    pub fn first(session: Session, client: Client, key: &Thumbprint, entropy: &dyn Entropy) -> Self {
        let [serial, family] = [entropy.bytes::<16>(), entropy.bytes::<16>()].map(|bytes| hex(&bytes));
        Self { session, client, key: key.as_str().to_owned(), serial, family }
    }

    /// The token that follows this one.
    #[must_use]
    pub fn next(self, entropy: &dyn Entropy) -> Self {
        Self { serial: hex(&entropy.bytes::<16>()), ..self }
    }

    /// As the tool gets it.
    ///
    /// # Errors
    /// When it is longer than the model allows, or there is no key to seal it with.
    pub fn seal(&self, snapshot: &Snapshot, entropy: &dyn Entropy) -> Result<String, LoginError> {
        let text = serde_json::to_vec(self).map_err(|_| LoginError::NoSessionKey)?;
        let sealed = sealed::seal(&text, PURPOSE, snapshot.key_ring(), entropy);
        let sealed = sealed.ok_or(LoginError::NoSessionKey)?;
        if sealed.len() > MAX_LEN {
            return Err(LoginError::Invalid(
                "The session's policies and tags take more room than a token has.".into(),
            ));
        }
        Ok(sealed)
    }

    /// Opens a token that a tool shows with a proof of its key.
    ///
    /// # Errors
    /// [`LoginError`].
    pub fn open(
        text: &str,
        client: Client,
        key: &Thumbprint,
        snapshot: &Snapshot,
    ) -> Result<Self, LoginError> {
        let opened = sealed::open(text, PURPOSE, snapshot.key_ring());
        let token: Option<Self> = opened.and_then(|text| serde_json::from_slice(&text).ok());
        let token = token.ok_or(LoginError::TokenExpired)?;
        if token.client != client || token.key != key.as_str() {
            return Err(LoginError::Invalid("The refresh token is bound to another client or key.".into()));
        }
        Ok(token)
    }

    /// Uses the token: from now on the next one counts.
    ///
    /// # Errors
    /// [`LoginError::TokenExpired`] where its family has ended.
    pub fn spend(&self, txn: &mut Txn, now: Timestamp) -> Result<Spent, LoginError> {
        let (used, ended) = (note_id("used", &self.serial), note_id("ended", &self.family));
        if txn.read(|account| &account.notes, ended.as_str()).is_some() {
            return Err(LoginError::TokenExpired);
        }
        let before = txn.read(|account| &account.notes, used.as_str());
        match before.map(|note| now.seconds_since(note.made)) {
            None => txn.note(&Note::new(used, now, self.session.expires), now),
            Some(..=SHARED_SECONDS) => {}
            Some(_) => {
                txn.note(&Note::new(ended, now, self.session.expires), now);
                return Ok(Spent::Again);
            }
        }
        Ok(Spent::Now)
    }
}

/// What came of using a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It counts.
    Now,
    /// It was replaced long ago: its family ends here.
    Again,
}

fn note_id(what: &str, of: &str) -> UniqueId {
    UniqueId::from_stored(&format!("login-{what}-{}", hex(digest(&SHA256, of.as_bytes()).as_ref())))
}
