//! PEM (RFC 7468), strictly: blocks with nothing but white space between them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// One block: what it says it is, and its bytes.
pub(crate) struct Block {
    pub(crate) label: String,
    pub(crate) der: Zeroizing<Vec<u8>>,
    /// Whether it has headers such as `Proc-Type: 4,ENCRYPTED`: then `der` is empty.
    pub(crate) has_headers: bool,
}

/// The blocks of `text`; `None` where it holds anything else, or none.
pub(crate) fn blocks(text: &str) -> Option<Vec<Block>> {
    let mut blocks = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (block, after) = block(rest)?;
        blocks.push(block);
        rest = after.trim_start();
    }
    (!blocks.is_empty()).then_some(blocks)
}

/// The one block of `text`.
pub(crate) fn single(text: &str) -> Option<Block> {
    let mut blocks = blocks(text)?;
    (blocks.len() == 1).then(|| blocks.pop()).flatten()
}

/// `der` as a block of 64 characters a line.
pub(crate) fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let body = lines(&base64, 64);
    Zeroizing::new(format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", body.as_str()))
}

/// `text` in lines of `width`, each with its end. The text is ASCII.
pub(crate) fn lines(text: &str, width: usize) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() + text.len() / width + 2));
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % width == 0 {
            out.push('\n');
        }
        out.push(character);
    }
    out.push('\n');
    out
}

fn block(text: &str) -> Option<(Block, &str)> {
    let (label, after_label) = text.strip_prefix("-----BEGIN ")?.split_once("-----")?;
    let end = format!("-----END {label}-----");
    let (body, rest) = after_label.split_once(end.as_str())?;
    let has_headers = body.contains(':');
    let der = if has_headers { Vec::new() } else { decode(body)? };
    Some((Block { label: label.to_owned(), der: Zeroizing::new(der), has_headers }, rest))
}

fn decode(body: &str) -> Option<Vec<u8>> {
    let compact: Zeroizing<String> = Zeroizing::new(body.split_ascii_whitespace().collect());
    STANDARD.decode(compact.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text = format!("{}\r\n\n{}", encode("A", &[1; 100]).as_str(), encode("B B", &[2; 3]).as_str());
        let blocks = blocks(&text).unwrap();
        assert_eq!(blocks.len(), 2);
        assert_eq!((blocks[0].label.as_str(), blocks[0].der.as_slice()), ("A", &[1; 100][..]));
        assert_eq!((blocks[1].label.as_str(), blocks[1].der.as_slice()), ("B B", &[2; 3][..]));
    }

    #[test]
    fn text_beside_the_blocks_is_refused() {
        let block = encode("A", &[1]);
        for text in [
            format!("Certificate:\n{}", block.as_str()),
            format!("{}x", block.as_str()),
            block.replace("END A", "END B"),
            block.replace("AQ==", "A"),
            String::new(),
            "-----BEGIN A-----".to_owned(),
        ] {
            assert!(blocks(&text).is_none(), "{text}");
        }
    }
}
