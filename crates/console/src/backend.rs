//! What the console asks of the server that it is part of. It has no other way to anything: it keeps
//! nothing itself, and what it does for someone goes down the line of every request, as that someone.

use bytes::Bytes;
use http::{HeaderMap, Method, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};

/// The body of an answer: whole in memory, or a stream of an object's bytes.
pub type Body = Either<Full<Bytes>, UnsyncBoxBody<Bytes, std::io::Error>>;

/// What stands for a session in a cookie: its key's id and its sealed token. The secret is in neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// `ASIA…`
    pub access_key_id: String,
    /// The sealed session.
    pub token: String,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket({}, …)", self.access_key_id)
    }
}

impl Ticket {
    /// As a cookie has it.
    pub fn to_cookie(&self) -> String {
        format!("{}.{}", self.access_key_id, self.token)
    }

    /// From a cookie; none when it can't be one.
    pub fn from_cookie(text: &str) -> Option<Self> {
        let (access_key_id, token) = text.split_once('.')?;
        (!access_key_id.is_empty() && !token.is_empty())
            .then(|| Self { access_key_id: access_key_id.to_owned(), token: token.to_owned() })
    }
}

/// Which kind of principal a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The account's root user.
    Root,
    /// An IAM user.
    User,
    /// A session of a role.
    Role,
    /// A federated user.
    Federated,
}

/// Whose session a ticket is.
#[derive(Clone)]
pub struct Holder {
    /// The account's id.
    pub account: String,
    /// The account's alias, if it has one.
    pub alias: Option<String>,
    /// The principal's ARN.
    pub arn: String,
    /// What the page calls it: the user's name, or `role/session`.
    pub name: String,
    /// Which kind of principal it is.
    pub kind: Kind,
    /// When the session ends, in seconds since 1970.
    pub expires: i64,
    /// Whether a second factor was shown.
    pub mfa: bool,
    /// A secret of this session that its holder does not know: marks made with it prove that a form or
    /// a cookie came from here.
    pub mark: [u8; 32],
}

/// From where a page is asked for.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The client's address.
    pub peer: std::net::SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
    /// `Host`
    pub host: String,
    /// `User-Agent`
    pub user_agent: Option<String>,
}

/// A call of a service.
#[derive(Debug)]
pub struct Call {
    /// The service of the credential scope, such as `iam`.
    pub service: &'static str,
    /// The method.
    pub method: Method,
    /// Path and query, encoded.
    pub path: String,
    /// Headers of its own.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What was typed to sign in.
pub enum Proof {
    /// An IAM user's name and password.
    Password {
        /// The account's id or alias.
        account: String,
        /// The user's name.
        user: String,
        /// The password.
        password: String,
    },
    /// The root user's password.
    RootPassword {
        /// The account's id or alias, or its owner's e-mail address.
        account: String,
        /// The password.
        password: String,
    },
    /// An access key of the root user, which need not have a password.
    RootKey {
        /// `AKIA…`
        access_key_id: String,
        /// Its secret.
        secret: String,
    },
    /// A code of the second factor.
    Code {
        /// What the step before gave.
        pending: String,
        /// Six digits.
        code: String,
    },
    /// A new password, where one had to be chosen.
    NewPassword {
        /// What the step before gave.
        pending: String,
        /// The old password.
        old: String,
        /// The new one.
        new: String,
    },
}

/// What comes of it.
pub enum Step {
    /// The session.
    In(Ticket),
    /// A code is needed; what to bring back with it.
    Code(String),
    /// A new password is needed; what to bring back with it.
    NewPassword(String),
    /// No; in words for the one who tries.
    No {
        /// What to say.
        message: String,
        /// What to go on with, where the same step can be tried again.
        again: Option<Box<Step>>,
    },
}

/// The federation endpoint's answer to credentials, or why there is none.
pub type SigninToken = Result<String, String>;

/// The server.
pub trait Backend: Send + Sync + 'static {
    /// The time now, in seconds since 1970.
    fn now(&self) -> i64;

    /// Whose session a ticket is; none when it is no good any more.
    fn holder(&self, ticket: &Ticket) -> Option<Holder>;

    /// Goes one step on the way in. It is recorded.
    fn sign_in(&self, proof: Proof, visitor: &Visitor) -> impl Future<Output = Step> + Send;

    /// Ends a session: its ticket is no good from now on, here and on every other node. Says whether that is done.
    fn sign_out(&self, ticket: &Ticket) -> impl Future<Output = bool> + Send;

    /// Calls a service as the holder of a ticket, down the line of every request. None when the ticket
    /// is no good any more.
    fn call(
        &self,
        ticket: &Ticket,
        visitor: &Visitor,
        call: Call,
    ) -> impl Future<Output = Option<Response<Body>>> + Send;

    /// The ticket of credentials that a call of STS gave.
    fn ticket(&self, access_key_id: &str, session_token: &str) -> Ticket {
        Ticket { access_key_id: access_key_id.to_owned(), token: session_token.to_owned() }
    }

    /// A sign-in token for temporary credentials: `sessionId`, `sessionKey`, `sessionToken`, and for how
    /// many seconds the console session is to last.
    fn signin_token(&self, credentials: (&str, &str, &str), seconds: Option<i64>) -> SigninToken;

    /// The session that a sign-in token stands for.
    fn redeem(&self, signin_token: &str) -> Option<Ticket>;
}
