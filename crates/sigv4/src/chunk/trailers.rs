//! Headers after the last chunk.

use super::PayloadError;

/// The most bytes that trailers may have, names and values.
pub(super) const MAX_BYTES: usize = 4_096;

/// The name under which signed trailers carry their signature.
const SIGNATURE: &str = "x-amz-trailer-signature";

/// Trailing headers, usually one checksum: `x-amz-checksum-crc32: …`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trailers {
    headers: Vec<(String, String)>,
    signature: Option<String>,
    bytes: usize,
}

impl Trailers {
    /// The names, lower-case, and values in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of the trailer of this lower-case name.
    pub fn value(&self, wanted: &str) -> Option<&str> {
        self.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value)
    }

    pub(super) fn add(&mut self, line: &[u8]) -> Result<(), PayloadError> {
        self.bytes += line.len();
        let text = std::str::from_utf8(line).map_err(|_| PayloadError::MalformedTrailers)?;
        let (name, value) = text.split_once(':').ok_or(PayloadError::MalformedTrailers)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let repeated = self.value(&name).is_some();
        if name.is_empty() || repeated || self.bytes > MAX_BYTES || !name.bytes().all(is_token) {
            return Err(PayloadError::MalformedTrailers);
        }
        if name != SIGNATURE {
            // Nothing may follow what the signature covers.
            if self.signature.is_some() {
                return Err(PayloadError::MalformedTrailers);
            }
            self.headers.push((name, value));
            return Ok(());
        }
        if self.signature.replace(value).is_some() { Err(PayloadError::MalformedTrailers) } else { Ok(()) }
    }

    pub(super) fn signature(&self) -> Option<&str> {
        self.signature.as_deref()
    }

    /// What the trailers' signature covers.
    pub(super) fn canonical(&self) -> String {
        self.headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect()
    }
}
