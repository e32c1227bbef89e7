//! The canonical request and the string to sign.
//! See <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::borrow::Cow;

use http::HeaderName;

use crate::encoding;
use crate::error::{Family, SigError};
use crate::header_form::ALGORITHM;
use crate::payload::PayloadHash;
use crate::presented::Request;
use crate::scope::Scope;
use crate::text::{push_hex, sha256};
use crate::timestamp::Timestamp;

/// How the path and the query are spelled in the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// Decoded and encoded anew: what AWS documents.
    Normalised,
    /// As the client sent it. Some signers sign what they send where it needs no escape; both
    /// spellings mean the same path and parameters, so either may stand under the signature.
    AsSent,
}

/// What a canonical request is made of.
pub(crate) struct Canonical<'a> {
    pub(crate) request: Request<'a>,
    pub(crate) family: Family,
    /// Sorted.
    pub(crate) signed_headers: &'a [HeaderName],
    pub(crate) payload: &'a PayloadHash,
    /// Whether the signature stands in the query, where it does not sign itself.
    pub(crate) presigned: bool,
    pub(crate) path: Spelling,
    pub(crate) query: Spelling,
}

impl Canonical<'_> {
    /// The text, and whether every header that is named as signed is there.
    pub(crate) fn text(&self) -> Result<(String, bool), SigError> {
        let mut out = String::with_capacity(1_024);
        out.push_str(self.request.method.as_str());
        out.push('\n');
        self.push_path(&mut out)?;
        out.push('\n');
        self.push_query(&mut out)?;
        out.push('\n');
        let mut complete = true;
        for name in self.signed_headers {
            complete &= self.push_header(&mut out, name);
        }
        out.push('\n');
        push_joined(&mut out, self.signed_headers);
        out.push('\n');
        self.payload.push_text(&mut out);
        Ok((out, complete))
    }

    fn push_path(&self, out: &mut String) -> Result<(), SigError> {
        let path = self.request.uri.path();
        match (path, self.family, self.path) {
            ("/", _, _) => out.push('/'),
            // The authority form, which no service has.
            ("", _, _) => {}
            (_, Family::S3, Spelling::AsSent) => out.push_str(path),
            (_, Family::S3, Spelling::Normalised) => {
                encoding::normalise_path(out, path).map_err(|_| SigError::MalformedUri)?;
            }
            // Other services encode the path that is sent once more, without its dot segments.
            (_, _, _) => encoding::encode_keeping_slashes(out, remove_dot_segments(path).as_bytes()),
        }
        Ok(())
    }

    fn push_query(&self, out: &mut String) -> Result<(), SigError> {
        let query = self.request.query();
        if query.is_empty() {
            return Ok(());
        }
        let mut pairs = Vec::new();
        for (name, value) in encoding::pairs(query) {
            let (name, value) = match self.query {
                Spelling::AsSent => (name.to_owned(), value.to_owned()),
                Spelling::Normalised => (normalise(name)?, normalise(value)?),
            };
            if !(self.presigned && name == "X-Amz-Signature") {
                pairs.push((name, value));
            }
        }
        pairs.sort_unstable();
        for (index, (name, value)) in pairs.iter().enumerate() {
            if index > 0 {
                out.push('&');
            }
            out.push_str(name);
            out.push('=');
            out.push_str(value);
        }
        Ok(())
    }

    /// Writes a header's line, an empty one where it is absent; says whether it was there.
    fn push_header(&self, out: &mut String, name: &HeaderName) -> bool {
        out.push_str(name.as_str());
        out.push(':');
        let mut values = self.request.headers.get_all(name).iter();
        let first = values.next();
        // HTTP/2 has the authority in place of a host header.
        let authority =
            (first.is_none() && name == http::header::HOST).then(|| self.request.host()).flatten();
        out.push_str(authority.unwrap_or_default());
        if let Some(first) = first {
            push_trimmed(out, first.as_bytes());
            for value in values {
                out.push(',');
                push_trimmed(out, value.as_bytes());
            }
        }
        out.push('\n');
        first.is_some() || authority.is_some()
    }
}

fn normalise(text: &str) -> Result<String, SigError> {
    encoding::normalise_parameter(text).map_err(|_| SigError::MalformedUri)
}

pub(crate) fn push_joined(out: &mut String, names: &[HeaderName]) {
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            out.push(';');
        }
        out.push_str(name.as_str());
    }
}

/// Blanks around a header's value go, and those inside shrink to one. Bytes outside ASCII are taken
/// as UTF-8 where they are; anything else cannot have been signed by a client of AWS.
fn push_trimmed(out: &mut String, value: &[u8]) {
    let text = std::str::from_utf8(value).map_or_else(|_| String::from_utf8_lossy(value), Cow::Borrowed);
    // Most values, the longest of all, have no blank.
    if memchr::memchr2(b' ', b'\t', value).is_none() {
        out.push_str(&text);
        return;
    }
    let words = text.split([' ', '\t']).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
}

/// Resolves `.` and `..` and drops empty segments; a final slash stays.
fn remove_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if out.is_empty() || path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..") {
        out.push('/');
    }
    out
}

/// The string to sign of a whole request.
pub(crate) fn string_to_sign(timestamp: Timestamp, scope: &Scope, canonical: &str) -> String {
    let mut out = String::with_capacity(160);
    out.push_str(ALGORITHM);
    out.push('\n');
    out.push_str(std::str::from_utf8(&timestamp.basic_digits()).unwrap_or_default());
    out.push('\n');
    push_scope(&mut out, scope);
    out.push('\n');
    push_hex(&mut out, &sha256(canonical.as_bytes()));
    out
}

/// Appends the scope as it stands in every string to sign.
pub(crate) fn push_scope(out: &mut String, scope: &Scope) {
    for part in [&*scope.date, &*scope.region, &*scope.service] {
        out.push_str(part);
        out.push('/');
    }
    out.push_str(crate::scope::TERMINATOR);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_segments_are_resolved() {
        for (path, wanted) in [
            ("/a/b/../c", "/a/c"),
            ("/../..", "/"),
            ("//a//b/", "/a/b/"),
            ("/./", "/"),
            ("/a/.", "/a/"),
            ("/a/b/..", "/a/"),
        ] {
            assert_eq!(remove_dot_segments(path), wanted, "{path}");
        }
    }
}
