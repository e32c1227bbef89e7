//! The authorization code: what someone agreed to in the console, until the tool fetches it, once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use rolecall_access::sealed;
use rolecall_access::session::Session;
use rolecall_state::entities::Note;
use rolecall_state::{Entropy, Snapshot, Timestamp, Txn, UniqueId};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{Client, LoginError, hex};

/// How long a code is good for, in seconds.
const CODE_SECONDS: i64 = 300;
const PURPOSE: &str = "login-code";
/// The path on loopback at which tools listen.
const CALLBACK: &str = "/oauth/callback";
/// The page of this server that shows a code to carry over.
const CONFIRMATION: &str = "/v1/sessions/confirmation";

/// What a tool asks for, checked: the parameters of the authorize page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    client: Client,
    redirect_uri: String,
    challenge: String,
}

impl Authorization {
    /// Checks what a tool asks for. `host` is this server's.
    ///
    /// # Errors
    /// [`LoginError::Invalid`]: such a request goes nowhere, not even to the address that it names.
    pub fn new(
        client_id: &str,
        redirect_uri: &str,
        (challenge, method): (&str, &str),
        host: &str,
    ) -> Result<Self, LoginError> {
        let invalid = |what: &str| LoginError::Invalid(format!("{what} is not valid."));
        let client = Client::of_id(client_id).ok_or_else(|| invalid("client_id"))?;
        // The AWS CLI calls the method of RFC 7636 by the name of its hash.
        if !matches!(method, "S256" | "SHA-256") {
            return Err(invalid("code_challenge_method"));
        }
        let is_hash = URL_SAFE_NO_PAD.decode(challenge).is_ok_and(|bytes| bytes.len() == 32);
        if !is_hash {
            return Err(invalid("code_challenge"));
        }
        let to = match client {
            Client::SameDevice => is_loopback(redirect_uri),
            Client::CrossDevice => is_confirmation(redirect_uri, host),
        };
        if !to {
            return Err(invalid("redirect_uri"));
        }
        Ok(Self { client, redirect_uri: redirect_uri.to_owned(), challenge: challenge.to_owned() })
    }

    /// Which kind of tool asks.
    pub fn client(&self) -> Client {
        self.client
    }
}

fn is_loopback(uri: &str) -> bool {
    let Some(rest) = uri.strip_prefix("http://").and_then(|rest| rest.strip_suffix(CALLBACK)) else {
        return false;
    };
    let rest = ["127.0.0.1", "localhost", "[::1]"].iter().find_map(|host| rest.strip_prefix(host));
    let is_port =
        |port: &str| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port);
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

fn is_confirmation(uri: &str, host: &str) -> bool {
    let rest = ["http://", "https://"].iter().find_map(|scheme| uri.strip_prefix(scheme));
    rest.and_then(|rest| rest.strip_suffix(CONFIRMATION))
        .is_some_and(|named| named.eq_ignore_ascii_case(host))
}

/// What was agreed to.
#[derive(Serialize, Deserialize)]
pub struct Grant {
    /// The session to pass on.
    pub session: Session,
    /// To which kind of tool.
    pub client: Client,
    redirect_uri: String,
    challenge: String,
}

impl Grant {
    /// Keeps what was agreed to, and gives the code for it.
    ///
    /// # Errors
    /// [`LoginError::NoSessionKey`].
    pub fn keep(
        session: &Session,
        asked: &Authorization,
        txn: &mut Txn,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<String, LoginError> {
        let Authorization { client, redirect_uri, challenge } = asked.clone();
        let grant = Self { session: session.clone(), client, redirect_uri, challenge };
        let text = serde_json::to_vec(&grant).map_err(|_| LoginError::NoSessionKey)?;
        let sealed = sealed::seal(&text, PURPOSE, txn.snapshot().key_ring(), entropy);
        let secret = hex(&entropy.bytes::<32>());
        let mut note = Note::new(note_id(&secret), now, now.plus_seconds(CODE_SECONDS));
        note.sealed = Some(sealed.ok_or(LoginError::NoSessionKey)?);
        txn.note(&note, now);
        Ok(format!("{}-{secret}", session.account))
    }

    /// What a code stands for, if the tool that shows it is the one that asked.
    ///
    /// # Errors
    /// [`LoginError::CodeExpired`], or [`LoginError::Invalid`] where it is another tool.
    pub fn find(
        code: &str,
        (client, redirect_uri, verifier): (Client, &str, &str),
        snapshot: &Snapshot,
        now: Timestamp,
    ) -> Result<Self, LoginError> {
        let note = account_and_secret(code).and_then(|(account, secret)| {
            snapshot.account(account.parse().ok()?)?.notes.by_id(&note_id(secret))
        });
        let sealed = note.filter(|note| now < note.until).and_then(|note| note.sealed.as_ref());
        let opened = sealed.and_then(|text| sealed::open(text, PURPOSE, snapshot.key_ring()));
        let grant = opened.and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        let grant = grant.ok_or(LoginError::CodeExpired)?;
        let shown = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let proven = bool::from(shown.as_bytes().ct_eq(grant.challenge.as_bytes()));
        if grant.client != client || grant.redirect_uri != redirect_uri || !proven {
            return Err(LoginError::Invalid("The code was given to another client.".into()));
        }
        Ok(grant)
    }
}

/// Uses a code up: of several that do so at once, one is the first.
///
/// # Errors
/// [`LoginError::CodeExpired`] for the others.
pub fn redeem(code: &str, txn: &mut Txn) -> Result<(), LoginError> {
    let id = account_and_secret(code).map(|(_, secret)| note_id(secret)).ok_or(LoginError::CodeExpired)?;
    let note = txn.read(|account| &account.notes, id.as_str()).ok_or(LoginError::CodeExpired)?;
    txn.delete(&*note.value);
    Ok(())
}

fn account_and_secret(code: &str) -> Option<(&str, &str)> {
    code.split_once('-')
}

/// What is kept does not give the code away.
fn note_id(secret: &str) -> UniqueId {
    UniqueId::from_stored(&format!("login-code-{}", hex(digest(&SHA256, secret.as_bytes()).as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn asked(client: Client, redirect_uri: &str) -> Result<Authorization, LoginError> {
        Authorization::new(client.id(), redirect_uri, (HASH, "S256"), "rolecall.example:4566")
    }

    #[test]
    fn a_code_goes_to_this_computer_or_to_our_own_page() {
        for good in [
            "http://127.0.0.1:41000/oauth/callback",
            "http://localhost/oauth/callback",
            "http://[::1]:1/oauth/callback",
        ] {
            assert!(asked(Client::SameDevice, good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "https://127.0.0.1:1/oauth/callback",
            "http://127.0.0.1:1/other",
            "http://127.0.0.1.evil.example/oauth/callback",
            "http://evil.example/oauth/callback",
            "http://127.0.0.1:1@evil.example/oauth/callback",
            "http://127.0.0.1:0/oauth/callback",
            "http://127.0.0.1:99999/oauth/callback",
            "http://127.0.0.1:1/oauth/callback#x",
            "http://rolecall.example:4566/v1/sessions/confirmation",
        ] {
            assert!(asked(Client::SameDevice, bad).is_err(), "{bad}");
        }
        assert!(asked(Client::CrossDevice, "https://rolecall.example:4566/v1/sessions/confirmation").is_ok());
        for bad in ["http://evil.example/v1/sessions/confirmation", "http://127.0.0.1:1/oauth/callback"] {
            assert!(asked(Client::CrossDevice, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_challenge_is_a_hash() {
        let to = "http://127.0.0.1:1/oauth/callback";
        for challenge in [("plain-text", "S256"), (HASH, "plain"), ("", "SHA-256"), (HASH, "")] {
            assert!(
                Authorization::new(Client::SameDevice.id(), to, challenge, "h").is_err(),
                "{challenge:?}"
            );
        }
        assert!(Authorization::new(Client::SameDevice.id(), to, (HASH, "SHA-256"), "h").is_ok());
        assert!(Authorization::new("arn:aws:signin:::devtools/other", to, (HASH, "S256"), "h").is_err());
    }
}
