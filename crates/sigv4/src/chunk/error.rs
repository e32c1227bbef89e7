//! Why a body was refused, and what S3 answers.

use crate::error::WireError;

/// A body that is not what was signed or declared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The body's hash is not that of `x-amz-content-sha256`.
    #[error("the body's hash is not the one that was signed")]
    HashMismatch {
        /// What the client signed.
        claimed: String,
        /// What came.
        computed: String,
    },
    /// A chunk's or the trailers' signature is wrong.
    #[error("a chunk's signature does not match")]
    ChunkSignatureMismatch,
    /// The framing of chunks is broken.
    #[error("malformed chunk: {0}")]
    Malformed(&'static str),
    /// A chunk is larger than may be held in memory.
    #[error("a chunk of {0} bytes is too large")]
    ChunkTooLarge(u64),
    /// The payload is larger than an object may be.
    #[error("the payload is too large")]
    TooLarge,
    /// The body ended early, or its length is not the declared one.
    #[error("the body is incomplete")]
    Incomplete,
    /// The trailers are malformed.
    #[error("malformed trailers")]
    MalformedTrailers,
}

impl PayloadError {
    /// What S3 answers.
    pub fn wire(&self) -> WireError {
        let error = |code, status, message: &str| WireError {
            code,
            status,
            message: message.to_owned(),
            fields: Vec::new(),
        };
        match self {
            Self::HashMismatch { claimed, computed } => WireError {
                fields: vec![
                    ("ClientComputedContentSHA256", claimed.clone()),
                    ("S3ComputedContentSHA256", computed.clone()),
                ],
                ..error(
                    "XAmzContentSHA256Mismatch",
                    400,
                    "The provided 'x-amz-content-sha256' header does not match what was computed.",
                )
            },
            Self::ChunkSignatureMismatch => error(
                "SignatureDoesNotMatch",
                403,
                "The request signature we calculated does not match the signature you provided. \
                 Check your key and signing method.",
            ),
            // FIDELITY: S3's code for broken framing is not documented.
            Self::Malformed(_) => {
                error("InvalidRequest", 400, "The chunked encoding of the body is malformed.")
            }
            Self::ChunkTooLarge(_) => {
                error("InvalidRequest", 400, "A chunk of the body exceeds the maximum allowed size.")
            }
            Self::TooLarge => {
                error("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
            }
            Self::Incomplete => error(
                "IncompleteBody",
                400,
                "You did not provide the number of bytes specified by the Content-Length HTTP header",
            ),
            Self::MalformedTrailers => error(
                "MalformedTrailerError",
                400,
                "The request contained trailing data that was not well-formed or did not conform to our published schema.",
            ),
        }
    }
}
