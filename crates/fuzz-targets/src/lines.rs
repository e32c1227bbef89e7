//! Requests as text that a fuzzer can change: a line with method and target, a line for each header, an empty line,
//! the body.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

/// The first line, and the rest.
pub(crate) fn first_line(input: &[u8]) -> (&[u8], &[u8]) {
    match input.iter().position(|byte| *byte == b'\n') {
        Some(at) => input
            .split_at_checked(at)
            .map_or((input, &[]), |(line, rest)| (line, rest.get(1..).unwrap_or(&[]))),
        None => (input, &[]),
    }
}

/// A request; none where a client could not have sent it.
pub(crate) fn request(input: &[u8]) -> Option<(Parts, Bytes)> {
    let (line, mut rest) = first_line(input);
    let (method, target) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    let mut parts = Request::new(()).into_parts().0;
    parts.method = Method::from_bytes(method.as_bytes()).ok()?;
    parts.uri = Uri::try_from(target).ok()?;
    loop {
        let (line, after) = first_line(rest);
        rest = after;
        let Some(at) = line.iter().position(|byte| *byte == b':') else { break };
        let (name, value) = (HeaderName::from_bytes(line.get(..at)?).ok()?, line.get(at + 1..)?);
        parts.headers.append(name, HeaderValue::from_bytes(value.trim_ascii()).ok()?);
    }
    Some((parts, Bytes::copy_from_slice(rest)))
}
