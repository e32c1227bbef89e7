//! One request of a browser: who asks, as whom, and what it may go on with.

use http::HeaderMap;
use http::request::Parts;

use crate::backend::{Backend, Holder, Ticket, Visitor};
use crate::cookies;
use crate::forms::{Fields, escaped, unescaped};

/// After so many seconds without a page, whoever signed in does so again.
pub(crate) const IDLE_SECONDS: i64 = 1_800;
/// How many roles are remembered.
const REMEMBERED: usize = 5;
/// The colours that a role can have, as AWS's console names them.
pub(crate) const COLOURS: [&str; 6] = ["blue", "green", "yellow", "orange", "red", "grey"];

/// A session with the ticket that stands for it.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) ticket: Ticket,
    pub(crate) holder: Holder,
}

/// A role that was switched to, or can be again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownRole {
    /// The account's id or alias.
    pub(crate) account: String,
    /// The role's name with its path.
    pub(crate) role: String,
    /// What it is called at the top right.
    pub(crate) display: String,
    /// One of [`COLOURS`].
    pub(crate) colour: String,
}

impl KnownRole {
    /// A role as a form or a link names it.
    pub(crate) fn new(account: &str, role: &str, display: &str, colour: &str) -> Self {
        let display = if display.is_empty() { format!("{role} @ {account}") } else { display.to_owned() };
        let colour = COLOURS.into_iter().find(|known| *known == colour).unwrap_or("blue");
        Self {
            account: account.to_owned(),
            role: role.to_owned(),
            display: display.chars().take(64).collect(),
            colour: colour.to_owned(),
        }
    }

    fn to_cookie(&self) -> String {
        [&self.account, &self.role, &self.display, &self.colour].map(|text| escaped(text)).join("|")
    }

    fn from_cookie(text: &str) -> Option<Self> {
        let mut parts = text.split('|').map(unescaped);
        let mut next = || parts.next().flatten();
        Some(Self::new(&next()?, &next()?, &next()?, &next()?))
    }
}

/// A request on its way through the console.
pub(crate) struct Visit<'a, B> {
    pub(crate) backend: &'a B,
    pub(crate) visitor: Visitor,
    pub(crate) now: i64,
    /// The path below `/console/`, decoded, in its segments.
    pub(crate) segments: Vec<String>,
    /// The path and query as asked for.
    pub(crate) uri: String,
    pub(crate) query: Fields,
    /// Who signed in.
    pub(crate) base: Option<Signed>,
    /// The role that was switched to.
    pub(crate) role: Option<(Signed, KnownRole)>,
    /// The roles that were switched to of late, the last first.
    pub(crate) history: Vec<KnownRole>,
    /// Whether the cookie that says when the session was last seen is due.
    pub(crate) renew_seen: bool,
}

impl<'a, B: Backend> Visit<'a, B> {
    /// Reads what a request brings.
    pub(crate) fn new(backend: &'a B, visitor: Visitor, parts: &Parts) -> Self {
        let now = backend.now();
        let path = parts.uri.path();
        let path = path.strip_prefix("/console").unwrap_or(path).trim_matches('/');
        let segments = path.split('/').filter(|s| !s.is_empty());
        let segments = segments.map(|segment| unescaped(segment).unwrap_or_default()).collect();
        let mut visit = Self {
            backend,
            visitor,
            now,
            segments,
            uri: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
            query: Fields::parse(parts.uri.query().unwrap_or_default().as_bytes()),
            base: None,
            role: None,
            history: history(&parts.headers),
            renew_seen: false,
        };
        visit.read_session(&parts.headers);
        visit
    }

    fn read_session(&mut self, headers: &HeaderMap) {
        let signed = |text: &str| {
            let ticket = Ticket::from_cookie(text)?;
            let holder = self.backend.holder(&ticket)?;
            Some(Signed { ticket, holder })
        };
        let Some(base) = cookies::get(headers, cookies::SESSION).and_then(signed) else { return };
        let seen =
            cookies::get(headers, cookies::SEEN).and_then(|text| cookies::when_seen(&base.holder, text));
        let Some(seen) = seen.filter(|seen| self.now - seen < IDLE_SECONDS) else { return };
        let role = cookies::get(headers, cookies::ROLE).and_then(|text| text.split_once('|'));
        let role = role.and_then(|(ticket, role)| Some((signed(ticket)?, KnownRole::from_cookie(role)?)));
        self.renew_seen = self.now - seen >= 60;
        self.base = Some(base);
        self.role = role;
    }

    /// The principal that acts: the role that was switched to, else who signed in.
    pub(crate) fn present(&self) -> Option<&Signed> {
        self.role.as_ref().map(|(signed, _)| signed).or(self.base.as_ref())
    }

    /// The mark that forms carry; empty when nobody signed in.
    pub(crate) fn form_mark(&self) -> String {
        self.base.as_ref().map(|base| cookies::form_mark(&base.holder)).unwrap_or_default()
    }

    /// The path's segments as texts.
    pub(crate) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }
}

/// The value of the cookie of a role that was switched to.
pub(crate) fn role_cookie(ticket: &Ticket, role: &KnownRole) -> String {
    format!("{}|{}", ticket.to_cookie(), role.to_cookie())
}

fn history(headers: &HeaderMap) -> Vec<KnownRole> {
    let text = cookies::get(headers, cookies::HISTORY).unwrap_or_default();
    text.split('!').filter_map(KnownRole::from_cookie).take(REMEMBERED).collect()
}

/// The value of the cookie of the roles that were switched to, `role` now the first of them.
pub(crate) fn history_cookie(history: &[KnownRole], role: &KnownRole) -> String {
    let others = history.iter().filter(|known| (&known.account, &known.role) != (&role.account, &role.role));
    let all = std::iter::once(role).chain(others).take(REMEMBERED);
    all.map(KnownRole::to_cookie).collect::<Vec<_>>().join("!")
}

#[cfg(test)]
mod tests {
    use http::{Request, Response, header};

    use super::*;
    use crate::backend::{Body, Call, Kind, Proof, SigninToken, Step};

    /// A server at a time, whose one session ends at another.
    struct At(i64, i64);

    impl Backend for At {
        fn now(&self) -> i64 {
            self.0
        }

        fn holder(&self, _: &Ticket) -> Option<Holder> {
            (self.0 < self.1).then(|| Holder {
                account: "123456789012".into(),
                alias: None,
                arn: String::new(),
                name: "alice".into(),
                kind: Kind::User,
                expires: self.1,
                mfa: false,
                mark: [7; 32],
            })
        }

        async fn sign_in(&self, _: Proof, _: &Visitor) -> Step {
            Step::No { message: String::new(), again: None }
        }

        async fn sign_out(&self, _: &Ticket) -> bool {
            false
        }

        async fn call(&self, _: &Ticket, _: &Visitor, _: Call) -> Option<Response<Body>> {
            None
        }

        fn signin_token(&self, _: (&str, &str, &str), _: Option<i64>) -> SigninToken {
            Err(String::new())
        }

        fn redeem(&self, _: &str) -> Option<Ticket> {
            None
        }
    }

    /// Whether a session that ends at 50,000 and was seen at `seen` is one at `now`, and whether that is to be noted.
    fn visited(seen: i64, now: i64) -> (bool, bool) {
        let backend = At(now, 50_000);
        let mark = backend.holder(&Ticket { access_key_id: "ASIA".into(), token: "t".into() });
        let seen = mark.map(|holder| cookies::seen(&holder, seen)).unwrap_or_default();
        let cookies = format!("{}=ASIA.t; {}={seen}", cookies::SESSION, cookies::SEEN);
        let request = Request::builder().uri("/console/").header(header::COOKIE, cookies).body(()).unwrap();
        let peer = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let visitor = Visitor { peer, secure: false, host: String::new(), user_agent: None };
        let visit = Visit::new(&backend, visitor, &request.into_parts().0);
        (visit.base.is_some(), visit.renew_seen)
    }

    #[test]
    fn a_session_ends_when_nobody_was_there_for_half_an_hour() {
        assert_eq!(visited(1_000, 1_059), (true, false));
        assert_eq!(visited(1_000, 1_060), (true, true));
        assert_eq!(visited(1_000, 1_000 + IDLE_SECONDS - 1), (true, true));
        assert_eq!(visited(1_000, 1_000 + IDLE_SECONDS), (false, false));
    }

    #[test]
    fn a_session_ends_at_its_end_however_busy_it_was() {
        assert_eq!(visited(49_999, 49_999), (true, false));
        assert_eq!(visited(49_999, 50_000), (false, false));
    }

    #[test]
    fn five_roles_are_remembered_the_last_first() {
        let mut known: Vec<KnownRole> = Vec::new();
        for name in ["a", "b", "c|!;", "d", "e", "f", "b"] {
            let cookie = history_cookie(&known, &KnownRole::new("123456789012", name, "", "red"));
            assert!(!cookie.contains([';', ',', ' ', '"', '\\']));
            known = cookie.split('!').filter_map(KnownRole::from_cookie).collect();
        }
        let names: Vec<_> = known.iter().map(|known| known.role.as_str()).collect();
        assert_eq!(names, ["b", "f", "e", "d", "c|!;"]);
        assert_eq!(known[0].display, "b @ 123456789012");
        assert_eq!(KnownRole::new("1", "r", "", "javascript:").colour, "blue");
    }
}
