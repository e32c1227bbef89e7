//! The console's door: what of a request is for its pages, and what its pages ask of the server.

mod back_off;
mod calls;
mod federation;
mod sign_in;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use ring::digest;
use rolecall_access::session::{self, OpenedToken};
use rolecall_access::{Caller, Identity};
use rolecall_console::{Backend, Call, Holder, Kind, Proof, SigninToken, Step, Ticket, Visitor};
use rolecall_state::entities::Note;
use rolecall_state::{Partition, Snapshot, StateError, Txn};

use crate::accept::{Answer, Arrival};
use crate::body::Body;
use crate::endpoint::Endpoint;
use back_off::BackOff;

/// The endpoint with the console before it.
pub struct Front(Arc<Inner>);

struct Inner {
    endpoint: Arc<Endpoint>,
    back_off: BackOff,
}

impl Front {
    /// The console before `endpoint`.
    pub fn new(endpoint: Arc<Endpoint>) -> Self {
        Self(Arc::new(Inner { endpoint, back_off: BackOff::default() }))
    }
}

impl Answer for Front {
    async fn answer(&self, request: Request<Incoming>, arrival: &Arrival) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if rolecall_console::is_for_console(&parts) {
            let visitor = visitor(&parts, arrival);
            let request = Request::from_parts(parts, body);
            return Box::pin(rolecall_console::answer(&*self.0, request, visitor)).await;
        }
        let browser = is_browser(&parts);
        let mut response = self.0.endpoint.answer(Request::from_parts(parts, body), arrival).await;
        if browser {
            // What a browser is shown of an object must not run beside the console, as one of its pages.
            let alone = HeaderValue::from_static("sandbox");
            response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, alone);
        }
        response
    }
}

// Looked up by name, it would be read anew for each request.
static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

fn is_browser(parts: &http::request::Parts) -> bool {
    parts.headers.contains_key(&SEC_FETCH_MODE)
        || parts
            .headers
            .get(header::USER_AGENT)
            .is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/"))
}

fn visitor(parts: &http::request::Parts, arrival: &Arrival) -> Visitor {
    let of = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let host = of(header::HOST).or_else(|| parts.uri.authority().map(ToString::to_string));
    Visitor {
        peer: arrival.peer,
        secure: arrival.secure,
        host: host.unwrap_or_default(),
        user_agent: of(header::USER_AGENT),
    }
}

impl Inner {
    fn open(&self, ticket: &Ticket, snapshot: &Snapshot) -> Option<OpenedToken> {
        let now = self.endpoint.now();
        let opened = session::open(&ticket.token, &ticket.access_key_id, snapshot.key_ring(), now).ok()?;
        let account = snapshot.account(opened.session.account)?;
        let left = account.notes.by_id(&Note::signed_out(&opened.session.key)).is_some();
        (!left).then_some(opened)
    }

    fn partition(&self) -> Partition {
        Partition::of_region(&self.endpoint.parts().region)
    }
}

impl Backend for Inner {
    fn now(&self) -> i64 {
        self.endpoint.now().0
    }

    fn holder(&self, ticket: &Ticket) -> Option<Holder> {
        let snapshot = self.endpoint.state().snapshot();
        let opened = self.open(ticket, &snapshot)?;
        let mark = mark(opened.secret.expose());
        let (expires, mfa) = (opened.session.expires.0, opened.session.mfa.is_some());
        let caller = Caller::of_session(opened.session, self.partition(), &snapshot).ok()?;
        let alias = snapshot.account(caller.account).and_then(|account| account.record.alias.clone());
        let (kind, name) = match &caller.identity {
            Identity::Root => (Kind::Root, "root".to_owned()),
            Identity::User(user) => (Kind::User, user.name.clone()),
            Identity::AssumedRole(role, session) => (Kind::Role, format!("{}/{session}", role.name)),
            Identity::FederatedUser(_, name) => (Kind::Federated, name.to_string()),
        };
        let (account, arn) = (caller.account.to_string(), caller.arn().to_owned());
        Some(Holder { account, alias, arn, name, kind, expires, mfa, mark })
    }

    async fn sign_in(&self, proof: Proof, visitor: &Visitor) -> Step {
        sign_in::step(self, proof, visitor).await
    }

    async fn sign_out(&self, ticket: &Ticket) -> bool {
        let state = self.endpoint.state();
        let Some(opened) = self.open(ticket, &state.snapshot()) else { return true };
        let (session, now) = (opened.session, self.endpoint.now());
        let note = Note::new(Note::signed_out(&session.key), now, session.expires);
        let leave = |txn: &mut Txn| {
            let left = txn.account().is_none_or(|account| account.notes.by_id(&note.id).is_some());
            if !left {
                txn.note(&note, now);
            }
            Ok::<_, StateError>(())
        };
        let left = state.write(session.account, leave).await;
        if let Err(cause) = &left {
            tracing::error!(%cause, "a session could not be signed out");
        }
        left.is_ok()
    }

    async fn call(&self, ticket: &Ticket, visitor: &Visitor, call: Call) -> Option<Response<Body>> {
        calls::call(self, ticket, visitor, call).await
    }

    fn signin_token(&self, credentials: (&str, &str, &str), seconds: Option<i64>) -> SigninToken {
        federation::signin_token(self, credentials, seconds)
    }

    fn redeem(&self, signin_token: &str) -> Option<Ticket> {
        federation::redeem(self, signin_token)
    }
}

/// A session's mark: it follows from the session's secret, and does not give it away.
fn mark(secret: &[u8]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"rolecall-console-mark");
    context.update(secret);
    let mut mark = [0; 32];
    mark.copy_from_slice(context.finish().as_ref());
    mark
}
