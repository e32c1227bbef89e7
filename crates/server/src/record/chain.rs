//! The chain through the audit trail: each line ends in a hash over the line and the hash before it, so
//! that none can be altered, removed, inserted or moved without breaking every hash from there on.

use ring::digest;

/// A hash of the chain, as text: 64 hexadecimal digits.
pub(super) type Link = [u8; LINK_LEN];

pub(super) const LINK_LEN: usize = 64;
/// What stands for the hash before the first line of all.
pub(super) const BEGINNING: Link = [b'0'; LINK_LEN];

const PREVIOUS: &[u8] = b",\"previous\":\"";
const CHAIN: &[u8] = b",\"chain\":\"";
const END: &[u8] = b"\"}";

/// What a line says of the chain.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Linked<'l> {
    /// The line without its own hash.
    pub(super) event: Vec<u8>,
    /// The hash before it, which the first line of a file names.
    pub(super) previous: Option<&'l [u8]>,
    /// Its own.
    pub(super) chain: Link,
}

/// The hash of an event behind `before`.
pub(super) fn link(before: &Link, event: &[u8]) -> Link {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(before);
    context.update(event);
    context.finish().as_ref().try_into().map_or(BEGINNING, rolecall_sigv4::hex_digits)
}

/// Ends the event that begins at `from` in `lines`, and gives its hash. The first line of a file names
/// the hash before it, since the file before may be gone one day.
pub(super) fn close(lines: &mut Vec<u8>, from: usize, before: &Link, first_of_file: bool) -> Link {
    if first_of_file && lines.pop().is_some() {
        lines.extend_from_slice(PREVIOUS);
        lines.extend_from_slice(before);
        lines.extend_from_slice(END);
    }
    let own = link(before, lines.get(from..).unwrap_or_default());
    lines.pop();
    lines.extend_from_slice(CHAIN);
    lines.extend_from_slice(&own);
    lines.extend_from_slice(END);
    own
}

/// Reads what a line says of the chain; none when it says nothing.
pub(super) fn read(line: &[u8]) -> Option<Linked<'_>> {
    let (rest, chain) = member(line, CHAIN)?;
    let chain: Link = chain.try_into().ok()?;
    let mut event = rest.to_vec();
    event.push(b'}');
    let previous = named_before(rest);
    Some(Linked { event, previous, chain })
}

/// The hash that the last member of an unclosed event names as the one before.
fn named_before(event: &[u8]) -> Option<&[u8]> {
    let at = event.len().checked_sub(PREVIOUS.len() + LINK_LEN + 1)?;
    event.get(at..)?.strip_prefix(PREVIOUS)?.strip_suffix(b"\"")
}

/// Splits a line before its last member, if that is `name` with a hash for a value.
fn member<'l>(line: &'l [u8], name: &[u8]) -> Option<(&'l [u8], &'l [u8])> {
    let at = line.len().checked_sub(name.len() + LINK_LEN + END.len())?;
    let (rest, tail) = line.split_at_checked(at)?;
    let value = tail.strip_prefix(name)?.strip_suffix(END)?;
    value.iter().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b)).then_some((rest, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_it_was_closed_with() {
        let mut lines = b"{\"a\":1}".to_vec();
        let first = close(&mut lines, 0, &BEGINNING, true);
        let read_back = read(&lines).unwrap();
        assert_eq!((read_back.previous, read_back.chain), (Some(&BEGINNING[..]), first));
        assert_eq!(link(&BEGINNING, &read_back.event), first);
        let mut next = b"{\"a\":\"b\"}".to_vec();
        let second = close(&mut next, 0, &first, false);
        let read_back = read(&next).unwrap();
        assert_eq!((read_back.previous, read_back.chain), (None, second));
        assert_eq!(read_back.event, b"{\"a\":\"b\"}");
        assert_eq!(link(&first, &read_back.event), second);
        assert_eq!(read(b"{\"a\":1}"), None);
        assert!(serde_json::from_slice::<serde_json::Value>(&lines).is_ok());
    }
}
