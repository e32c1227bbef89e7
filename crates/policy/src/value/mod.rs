//! The typed values that condition operators compare.

mod network;
mod number;
mod timestamp;

pub(crate) use network::{Network, parse_address};
pub(crate) use number::Number;
pub(crate) use timestamp::Timestamp;

/// Reads a boolean, ignoring case.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Whether two texts are Base64 of the same bytes. Padding may be left out.
pub(crate) fn same_base64(one: &str, other: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let (one, other) = (one.trim_end_matches('='), other.trim_end_matches('='));
    one == other && one.len() % 4 != 1 && one.bytes().all(known)
}
