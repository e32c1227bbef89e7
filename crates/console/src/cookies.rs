//! Cookies, and the marks that prove where forms and cookies came from.

use http::{HeaderMap, HeaderValue, header};
use ring::hmac;

use crate::backend::Holder;

/// The session of whoever signed in.
pub(crate) const SESSION: &str = "rolecall-session";
/// The role that was switched to: its session, display name and colour.
pub(crate) const ROLE: &str = "rolecall-role";
/// The roles that were switched to of late.
pub(crate) const HISTORY: &str = "rolecall-roles";
/// When the session was last seen, with a mark.
pub(crate) const SEEN: &str = "rolecall-seen";

/// Cookies end here; the sessions in them end on their own.
const PATH: &str = "/console";

/// The value of a cookie of a request.
pub(crate) fn get<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(given, _)| *given == name)
        .map(|(_, value)| value)
}

/// A cookie to set. It lasts as long as the browser, or `seconds`.
pub(crate) fn set(name: &str, value: &str, seconds: Option<i64>, secure: bool) -> Option<HeaderValue> {
    let mut text = format!("{name}={value}; Path={PATH}; HttpOnly; SameSite=Lax");
    if let Some(seconds) = seconds {
        text.push_str(&format!("; Max-Age={seconds}"));
    }
    if secure {
        text.push_str("; Secure");
    }
    HeaderValue::try_from(text).ok()
}

/// A cookie to forget.
pub(crate) fn clear(name: &str, secure: bool) -> Option<HeaderValue> {
    set(name, "", Some(0), secure)
}

fn key(holder: &Holder) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, &holder.mark)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// What each form of a session carries, so that no other site can send one.
pub(crate) fn form_mark(holder: &Holder) -> String {
    hex(hmac::sign(&key(holder), b"form").as_ref())
}

/// Whether a form carries its session's mark.
pub(crate) fn is_form_mark(holder: &Holder, given: &str) -> bool {
    unhex(given).is_some_and(|given| hmac::verify(&key(holder), b"form", &given).is_ok())
}

/// When a session was seen, so that it can't be said otherwise.
pub(crate) fn seen(holder: &Holder, now: i64) -> String {
    format!("{now}.{}", hex(hmac::sign(&key(holder), format!("seen {now}").as_bytes()).as_ref()))
}

/// When the session was seen, by its cookie.
pub(crate) fn when_seen(holder: &Holder, cookie: &str) -> Option<i64> {
    let (at, mark) = cookie.split_once('.')?;
    let given = unhex(mark)?;
    hmac::verify(&key(holder), format!("seen {at}").as_bytes(), &given).ok()?;
    at.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Kind;

    fn holder(mark: u8) -> Holder {
        Holder {
            account: "123456789012".into(),
            alias: None,
            arn: String::new(),
            name: String::new(),
            kind: Kind::User,
            expires: 0,
            mfa: false,
            mark: [mark; 32],
        }
    }

    #[test]
    fn marks_are_of_their_session() {
        let (ours, others) = (holder(1), holder(2));
        assert!(is_form_mark(&ours, &form_mark(&ours)));
        assert!(!is_form_mark(&ours, &form_mark(&others)));
        assert!(!is_form_mark(&ours, ""));
        assert_eq!(when_seen(&ours, &seen(&ours, 77)), Some(77));
        assert_eq!(when_seen(&ours, &seen(&others, 77)), None);
        assert_eq!(when_seen(&ours, &seen(&ours, 77).replacen("77", "78", 1)), None);
    }

    #[test]
    fn cookies_are_found_by_their_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_static("a=1; xrolecall-role=2; rolecall-role=3"));
        assert_eq!(get(&headers, ROLE), Some("3"));
        assert_eq!(get(&headers, SESSION), None);
    }
}
