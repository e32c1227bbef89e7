//! Just enough DER (X.690) to write a certificate and a signed message.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const UTC_TIME: u8 = 0x17;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;
pub(crate) const CONTEXT_0: u8 = 0xa0;
pub(crate) const NULL: [u8; 2] = [0x05, 0x00];

/// One value: tag, length, content.
pub(crate) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|&byte| byte == 0).collect();
            out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(8));
            out.extend(bytes);
        }
    }
    out.extend(content);
    out
}

/// A sequence of values.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(SEQUENCE, &parts.concat())
}

/// The content of a set of values: DER wants them in order of their bytes.
pub(crate) fn set_content(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    parts.concat()
}

/// An object identifier from its content.
pub(crate) fn object(content: &[u8]) -> Vec<u8> {
    value(OBJECT_IDENTIFIER, content)
}

/// A positive integer.
pub(crate) fn positive(bytes: &[u8]) -> Vec<u8> {
    let bytes: Vec<u8> = bytes.iter().copied().skip_while(|&byte| byte == 0).collect();
    let padded = match bytes.first() {
        Some(first) if *first < 0x80 => bytes,
        _ => [&[0], bytes.as_slice()].concat(),
    };
    value(INTEGER, &padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_integers_are_minimal() {
        assert_eq!(value(OCTET_STRING, &[7]), [4, 1, 7]);
        assert_eq!(value(OCTET_STRING, &[0; 0x80])[..3], [4, 0x81, 0x80]);
        assert_eq!(value(OCTET_STRING, &[0; 0x100])[..4], [4, 0x82, 1, 0]);
        assert_eq!(positive(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(positive(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(positive(&[]), [2, 1, 0]);
    }
}
