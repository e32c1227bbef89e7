//! Percent-encoding as SigV4 defines it, and the decoding that goes with it.
//!
//! Routers use the same decoders, so that what was signed and what is acted on cannot differ.

/// A malformed percent escape: what was found after the `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadEscape;

/// What a `+` stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    Literal,
    Space,
}

/// Decodes a path: `%XX` only, a `+` stays. `None` for a malformed escape or what is not UTF-8.
pub fn decode_path(path: &str) -> Option<String> {
    let bytes = decode(path.as_bytes(), Plus::Literal).ok()?;
    String::from_utf8(bytes).ok()
}

/// Decodes a query string into its parameters, in order; a `+` is a space, as S3 and the query
/// services read it. `None` for a malformed escape or what is not UTF-8.
pub fn decode_query(query: &str) -> Option<Vec<(String, String)>> {
    pairs(query).map(|(name, value)| Some((decode_parameter(name)?, decode_parameter(value)?))).collect()
}

/// Decodes one name or value of a query string.
pub(crate) fn decode_parameter(text: &str) -> Option<String> {
    let bytes = decode(text.as_bytes(), Plus::Space).ok()?;
    String::from_utf8(bytes).ok()
}

/// The raw `name=value` pairs of a query string; an absent `=` gives an empty value.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Appends `bytes` with everything but the unreserved characters escaped.
pub(crate) fn encode(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        push_encoded(out, *byte);
    }
}

/// As [`encode`], but slashes stay.
pub(crate) fn encode_keeping_slashes(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        if *byte == b'/' { out.push('/') } else { push_encoded(out, *byte) }
    }
}

/// Decodes and encodes again: the one canonical spelling of a path.
pub(crate) fn normalise_path(out: &mut String, path: &str) -> Result<(), BadEscape> {
    encode_keeping_slashes(out, &decode(path.as_bytes(), Plus::Literal)?);
    Ok(())
}

/// Decodes and encodes again: the one canonical spelling of a query parameter's name or value.
pub(crate) fn normalise_parameter(text: &str) -> Result<String, BadEscape> {
    if text.bytes().all(is_unreserved) {
        return Ok(text.to_owned());
    }
    let mut out = String::with_capacity(text.len() + 8);
    encode(&mut out, &decode(text.as_bytes(), Plus::Space)?);
    Ok(out)
}

fn decode(bytes: &[u8], plus: Plus) -> Result<Vec<u8>, BadEscape> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'%' => hex_digit(rest.next())? << 4 | hex_digit(rest.next())?,
            b'+' if plus == Plus::Space => b' ',
            other => *other,
        });
    }
    Ok(out)
}

fn hex_digit(byte: Option<&u8>) -> Result<u8, BadEscape> {
    match byte {
        Some(digit @ b'0'..=b'9') => Ok(digit - b'0'),
        Some(digit @ b'a'..=b'f') => Ok(digit - b'a' + 10),
        Some(digit @ b'A'..=b'F') => Ok(digit - b'A' + 10),
        _ => Err(BadEscape),
    }
}

fn push_encoded(out: &mut String, byte: u8) {
    const UPPER: &[u8; 16] = b"0123456789ABCDEF";
    if is_unreserved(byte) {
        out.push(char::from(byte));
        return;
    }
    out.push('%');
    for nibble in [byte >> 4, byte & 0x0f] {
        out.push(char::from(UPPER.get(usize::from(nibble)).copied().unwrap_or(b'0')));
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_upper_case_and_complete() {
        let mut out = String::new();
        encode(&mut out, "a/ b~é*".as_bytes());
        assert_eq!(out, "a%2F%20b~%C3%A9%2A");
    }

    #[test]
    fn malformed_escapes_are_refused() {
        for text in ["%", "%2", "%2g", "a%zz"] {
            assert_eq!(decode_path(text), None, "{text}");
        }
        assert_eq!(decode_path("%ff"), None);
        assert_eq!(decode_path("a%2fb+c"), Some("a/b+c".to_owned()));
    }

    #[test]
    fn queries_decode_in_order() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            decode_query("b=1+2&a&&c=%3D="),
            Some(vec![pair("b", "1 2"), pair("a", ""), pair("c", "==")])
        );
    }
}
