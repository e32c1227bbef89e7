//! What the canonical request says about the body.

use http::HeaderMap;

use crate::error::SigError;
use crate::text::{push_hex, sha256, unhex};

/// The header in which S3 clients declare the body's hash or form.
pub(crate) const CONTENT_SHA256: &str = "x-amz-content-sha256";

/// The last line of a canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// SHA-256 of the whole body.
    Sha256([u8; 32]),
    /// `UNSIGNED-PAYLOAD`: the body is not covered by the signature.
    Unsigned,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`: chunks, each signed.
    StreamingSigned,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`: signed chunks, then signed trailers.
    StreamingSignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`: unsigned chunks, then trailers.
    StreamingUnsignedTrailer,
}

impl PayloadHash {
    /// The hash of a body that is all there.
    pub fn of(body: &[u8]) -> Self {
        Self::Sha256(sha256(body))
    }

    /// What the client declared in `x-amz-content-sha256`; `None` without that header.
    ///
    /// # Errors
    /// When the value is neither a hash nor one of the forms known here.
    pub fn declared(headers: &HeaderMap) -> Result<Option<Self>, SigError> {
        match headers.get(CONTENT_SHA256) {
            None => Ok(None),
            Some(value) => {
                value.to_str().ok().and_then(Self::parse).map(Some).ok_or(SigError::InvalidContentSha256)
            }
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "UNSIGNED-PAYLOAD" => Some(Self::Unsigned),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Some(Self::StreamingSigned),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Some(Self::StreamingSignedTrailer),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Some(Self::StreamingUnsignedTrailer),
            _ => unhex(text.as_bytes()).map(Self::Sha256),
        }
    }

    /// The text that stands in the canonical request and in the header.
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(64);
        self.push_text(&mut text);
        text
    }

    pub(crate) fn push_text(&self, out: &mut String) {
        out.push_str(match self {
            Self::Sha256(hash) => return push_hex(out, hash),
            Self::Unsigned => "UNSIGNED-PAYLOAD",
            Self::StreamingSigned => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            Self::StreamingSignedTrailer => "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            Self::StreamingUnsignedTrailer => "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        });
    }
}
