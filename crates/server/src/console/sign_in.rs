//! The way in: password, second factor, new password, session; every try is recorded.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, header};
use rolecall_access::sealed;
use rolecall_access::session::TemporaryCredentials;
use rolecall_console::{Call, Proof, Step, Ticket, Visitor};
use rolecall_iam::sign_in::{ShownPassword, check_password, check_root_password, named_account, named_root};
use rolecall_state::entities::AccessKeyStatus;
use rolecall_state::snapshot::KeyOwner;
use rolecall_state::{AccountId, Timestamp, UniqueId, arn};
use rolecall_sts::console::SigningIn;
use rolecall_sts::mfa::SecondFactor;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{Inner, calls};
use crate::record::{CallerFacts, Memo, Record};

/// How long the next step may take, in seconds.
const PENDING_SECONDS: i64 = 300;
const WRONG: &str = "Your authentication information is incorrect. Please try again.";
const STALE: &str = "That took too long. Please start again.";

/// What is known between two steps; sealed while it is away.
#[derive(Serialize, Deserialize)]
enum Pending {
    /// The password was right: a code is next.
    Code { account: AccountId, user: Option<UniqueId>, name: String, due: bool },
    /// The session is there, and is handed over once the password was changed.
    NewPassword { ticket: String },
}

#[derive(Serialize, Deserialize)]
struct Note {
    until: i64,
    pending: Pending,
}

const PURPOSE: &str = "console-signin";

/// Who tries to get in.
struct Trying<'a> {
    inner: &'a Inner,
    visitor: &'a Visitor,
    now: Timestamp,
}

/// One step.
pub(super) async fn step(inner: &Inner, proof: Proof, visitor: &Visitor) -> Step {
    // A node that has lost its store lets nobody in by an old picture.
    if !inner.endpoint.state().is_following() {
        return no("The server does not follow its store just now. Please try again in a moment.");
    }
    let trying = Trying { inner, visitor, now: inner.endpoint.now() };
    match proof {
        Proof::Password { account, user, password } => trying.password(&account, user, password).await,
        Proof::RootPassword { account, password } => trying.root_password(&account, password).await,
        Proof::RootKey { access_key_id, secret } => trying.root_key(&access_key_id, &secret),
        Proof::Code { pending, code } => trying.code(&pending, &code).await,
        Proof::NewPassword { pending, old, new } => trying.new_password(&pending, &old, &new).await,
    }
}

fn no(message: &str) -> Step {
    Step::No { message: message.to_owned(), again: None }
}

fn wait(seconds: i64) -> Step {
    no(&format!("Too many wrong passwords. Try again in {seconds} seconds."))
}

impl Trying<'_> {
    async fn password(&self, account: &str, name: String, password: String) -> Step {
        let snapshot = self.inner.endpoint.state().snapshot();
        let account = named_account(&snapshot, account).cloned();
        let id = account.as_ref().map(|account| account.id());
        let names = self.names(&format!("{}/{}", id.map(|id| id.to_string()).unwrap_or_default(), name));
        if let Err(seconds) = self.inner.back_off.attempt(&names, self.now) {
            return wait(seconds);
        }
        let (now, tried) = (self.now, name.clone());
        let work = move || check_password(account.as_ref(), &tried, &password, now);
        let Some(shown) = tokio::task::spawn_blocking(work).await.ok().flatten() else {
            self.record_failure(id, &name);
            return no(WRONG);
        };
        self.inner.back_off.succeeded(&names);
        // The account was there, since it has this user.
        let Some(account) = id else { return no(WRONG) };
        self.after_password(account, &shown)
    }

    fn after_password(&self, account: AccountId, shown: &ShownPassword) -> Step {
        let user = shown.user();
        let signing_in = SigningIn { account, user: Some(user.id.clone()) };
        if !signing_in.needs_code(&self.inner.endpoint.state().snapshot()) {
            return self.enter(signing_in, &user.name, None, shown.must_change());
        }
        let (user, name, due) = (Some(user.id.clone()), user.name.clone(), shown.must_change());
        self.seal(Pending::Code { account, user, name, due }).map_or_else(|| no(STALE), Step::Code)
    }

    async fn root_password(&self, account: &str, password: String) -> Step {
        let account = named_root(&self.inner.endpoint.state().snapshot(), account).cloned();
        let id = account.as_ref().map(|account| account.id());
        let names = self.names(&format!("root of {}", id.map(|id| id.to_string()).unwrap_or_default()));
        if let Err(seconds) = self.inner.back_off.attempt(&names, self.now) {
            return wait(seconds);
        }
        let work = move || check_root_password(account.as_ref(), &password);
        let right = tokio::task::spawn_blocking(work).await.unwrap_or(false);
        let Some(account) = id.filter(|_| right) else {
            self.record_failure(id, "");
            return no(WRONG);
        };
        self.inner.back_off.succeeded(&names);
        self.after_root(account)
    }

    /// The root user without a password: a key of its own stands in for one.
    fn root_key(&self, access_key_id: &str, secret: &str) -> Step {
        let names = self.names(access_key_id);
        if let Err(seconds) = self.inner.back_off.attempt(&names, self.now) {
            return wait(seconds);
        }
        let snapshot = self.inner.endpoint.state().snapshot();
        let key = snapshot.access_key(access_key_id).filter(|key| key.key.status == AccessKeyStatus::Active);
        let account = key.and_then(|key| match key.owner {
            KeyOwner::Root(account) => Some(account),
            KeyOwner::User(..) => None,
        });
        let right = key.is_some_and(|key| {
            snapshot.open_secret(key).is_some_and(|known| bool::from(known.expose().ct_eq(secret.as_bytes())))
        });
        let Some(account) = account.filter(|_| right) else {
            self.record_failure(account, "");
            return no(WRONG);
        };
        self.inner.back_off.succeeded(&names);
        self.after_root(account)
    }

    fn after_root(&self, account: AccountId) -> Step {
        let signing_in = SigningIn { account, user: None };
        if !signing_in.needs_code(&self.inner.endpoint.state().snapshot()) {
            return self.enter(signing_in, "", None, false);
        }
        let pending = Pending::Code { account, user: None, name: String::new(), due: false };
        self.seal(pending).map_or_else(|| no(STALE), Step::Code)
    }

    async fn code(&self, pending: &str, code: &str) -> Step {
        let Some(Pending::Code { account, user, name, due }) = self.unseal(pending) else { return no(STALE) };
        let signing_in = SigningIn { account, user };
        let holder = self.arn(account, &name);
        let endpoint = &self.inner.endpoint;
        let again =
            || Step::No { message: WRONG.to_owned(), again: Some(Box::new(Step::Code(pending.to_owned()))) };
        if !endpoint.code_attempts().may_try(&holder, self.now) {
            return again();
        }
        let verify = |txn: &mut rolecall_state::Txn| signing_in.verify_code(txn, code, self.now);
        match endpoint.state().write(account, verify).await {
            Ok(second_factor) => self.enter(signing_in, &name, Some(second_factor), due),
            Err(_) => {
                endpoint.code_attempts().failed(&holder, self.now);
                self.record_failure(Some(account), &name);
                again()
            }
        }
    }

    async fn new_password(&self, pending: &str, old: &str, new: &str) -> Step {
        let Some(Pending::NewPassword { ticket }) = self.unseal(pending) else { return no(STALE) };
        let Some(ticket) = Ticket::from_cookie(&ticket) else { return no(STALE) };
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "ChangePassword")
            .append_pair("Version", rolecall_aws_model::iam::VERSION)
            .append_pair("OldPassword", old)
            .append_pair("NewPassword", new)
            .finish();
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
        let call =
            Call { service: "iam", method: Method::POST, path: "/".into(), headers, body: form.into() };
        let answer = calls::call(self.inner, &ticket, self.visitor, call).await;
        match answer {
            Some(response) if response.status().is_success() => Step::In(ticket),
            Some(response) => Step::No {
                message: calls::message(response).await,
                again: Some(Box::new(Step::NewPassword(pending.to_owned()))),
            },
            None => no(STALE),
        }
    }

    /// Makes the session; hands it over at once, or once the password was changed.
    fn enter(
        &self,
        signing_in: SigningIn,
        name: &str,
        second_factor: Option<SecondFactor>,
        must_change: bool,
    ) -> Step {
        let endpoint = &self.inner.endpoint;
        let (account, user) = (signing_in.account, signing_in.user.clone());
        let snapshot = endpoint.state().snapshot();
        let session = signing_in.session(second_factor, self.now, &snapshot, endpoint.entropy());
        let Some(credentials) = session else { return no("There is no key to make sessions with.") };
        if let Some(user) = &user {
            let region = &endpoint.parts().region;
            endpoint.state().last_used().note(account, user.as_str(), "signin", region, self.now);
        }
        self.record(Some(account), name, user.as_ref(), Some((&credentials, second_factor.is_some())));
        let ticket = ticket(&credentials);
        if !must_change {
            return Step::In(ticket);
        }
        self.seal(Pending::NewPassword { ticket: ticket.to_cookie() })
            .map_or_else(|| no(STALE), Step::NewPassword)
    }

    /// Under which names wrong passwords are counted: whom they were for, and where they came from.
    fn names(&self, for_whom: &str) -> [String; 2] {
        [format!("for {}", for_whom.to_ascii_lowercase()), format!("from {}", self.visitor.peer.ip())]
    }

    fn seal(&self, pending: Pending) -> Option<String> {
        let note = Note { until: self.now.0 + PENDING_SECONDS, pending };
        let (snapshot, note) = (self.inner.endpoint.state().snapshot(), serde_json::to_vec(&note).ok()?);
        sealed::seal(&note, PURPOSE, snapshot.key_ring(), self.inner.endpoint.entropy())
    }

    fn unseal(&self, text: &str) -> Option<Pending> {
        let snapshot = self.inner.endpoint.state().snapshot();
        let note: Note = serde_json::from_slice(&sealed::open(text, PURPOSE, snapshot.key_ring())?).ok()?;
        (self.now.0 < note.until).then_some(note.pending)
    }

    fn arn(&self, account: AccountId, name: &str) -> String {
        match name {
            "" => arn::root(self.inner.partition(), account),
            name => arn::iam(self.inner.partition(), account, "user", "/", name),
        }
    }

    fn record_failure(&self, account: Option<AccountId>, name: &str) {
        self.record(account, name, None, None);
    }

    /// `ConsoleLogin`, as CloudTrail has it.
    fn record(
        &self,
        account: Option<AccountId>,
        name: &str,
        user: Option<&UniqueId>,
        made: Option<(&TemporaryCredentials, bool)>,
    ) {
        let endpoint = &self.inner.endpoint;
        let caller = account.map(|account| {
            // A name that no user has may be a password in the wrong field.
            let known =
                endpoint.state().snapshot().account(account).is_some_and(|a| a.users.get(name).is_some());
            let shown = if known || name.is_empty() { name } else { "HIDDEN_DUE_TO_SECURITY_REASONS" };
            Arc::new(CallerFacts {
                arn: self.arn(account, shown).into(),
                principal_id: user.map_or_else(|| account.to_string(), ToString::to_string).into(),
                account,
                kind: if name.is_empty() { "Root" } else { "IAMUser" },
                user_name: (!shown.is_empty()).then(|| shown.into()),
                access_key_id: made.map(|(made, _)| made.access_key_id.as_str()).unwrap_or_default().into(),
                issuer_arn: None,
                delegate: None,
                session: made.map(|(_, mfa)| (self.now, mfa)),
                memo: Memo::default(),
            })
        });
        endpoint.parts().recorder.add(Record {
            request_id: endpoint.next_request_id(),
            at: self.now,
            took: std::time::Duration::ZERO,
            service: "signin",
            operation: "ConsoleLogin".into(),
            region: endpoint.parts().region.clone(),
            source_ip: Some(self.visitor.peer.ip().to_canonical().to_string().into()),
            user_agent: self.visitor.user_agent.as_deref().map(Into::into),
            caller,
            status: if made.is_some() { 200 } else { 403 },
            error: made.is_none().then(|| ("Failure".into(), "Failed authentication".into())),
            evidence: Vec::new(),
        });
    }
}

fn ticket(credentials: &TemporaryCredentials) -> Ticket {
    Ticket {
        access_key_id: credentials.access_key_id.to_string(),
        token: credentials.session_token.expose_str().unwrap_or_default().to_owned(),
    }
}
