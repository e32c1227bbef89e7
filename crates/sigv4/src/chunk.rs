//! Bodies as S3 clients send them: whole with a hash, unsigned, or `aws-chunked` with a signature
//! on each chunk and trailers. Feed bytes in, take proven payload out; no I/O.
//! See <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>.

use bytes::Bytes;
use ring::digest;
use subtle::ConstantTimeEq;

use crate::payload::PayloadHash;
use crate::text::hex;
use crate::verify::Verified;

mod error;
mod framing;
mod trailers;

pub use error::PayloadError;
use framing::Chunked;
pub use trailers::Trailers;

#[cfg(test)]
mod tests;

/// How much a body may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Bytes of one signed chunk, which is held in memory until its signature is checked.
    pub chunk_bytes: usize,
    /// Bytes of the whole payload.
    pub payload_bytes: u64,
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self { chunk_bytes: 16 << 20, payload_bytes: 5 << 30 }
    }
}

/// What [`PayloadDecoder::decode`] came to.
#[derive(Debug, PartialEq, Eq)]
pub enum Decoded {
    /// All input is used up; feed more, or call [`PayloadDecoder::finish`] if there is none.
    NeedMore,
    /// A piece of the payload. Of a signed chunk it is proven; of a body with one hash, it is proven
    /// only once [`PayloadDecoder::finish`] succeeds.
    Data(Bytes),
}

/// Takes a body apart and checks it against what was signed.
#[derive(Debug)]
pub struct PayloadDecoder {
    mode: Mode,
    limits: ChunkLimits,
    /// `x-amz-decoded-content-length`, or the length of a body that is not chunked.
    expected_bytes: Option<u64>,
    produced_bytes: u64,
}

enum Mode {
    Unsigned,
    Hashed { context: Box<digest::Context>, claimed: [u8; 32] },
    Chunked(Box<Chunked>),
}

impl std::fmt::Debug for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unsigned => "Unsigned",
            Self::Hashed { .. } => "Hashed",
            Self::Chunked(_) => "Chunked",
        })
    }
}

impl PayloadDecoder {
    /// For the body of a verified request. `expected_bytes` is the payload's length where it was
    /// declared: `x-amz-decoded-content-length` of a chunked body, else `Content-Length`.
    pub fn new(verified: &Verified, expected_bytes: Option<u64>, limits: ChunkLimits) -> Self {
        let mode = match verified.payload() {
            PayloadHash::Unsigned => Mode::Unsigned,
            PayloadHash::Sha256(claimed) => Mode::hashed(*claimed),
            PayloadHash::StreamingUnsignedTrailer => Mode::chunked(Chunked::unsigned()),
            PayloadHash::StreamingSigned => Mode::chunked(Chunked::signed(verified, false)),
            PayloadHash::StreamingSignedTrailer => Mode::chunked(Chunked::signed(verified, true)),
        };
        Self { mode, limits, expected_bytes, produced_bytes: 0 }
    }

    /// For the body of a request without a signature; `None` if it declares signed chunks.
    pub fn anonymous(
        payload: &PayloadHash,
        expected_bytes: Option<u64>,
        limits: ChunkLimits,
    ) -> Option<Self> {
        let mode = match payload {
            PayloadHash::Unsigned => Mode::Unsigned,
            PayloadHash::Sha256(claimed) => Mode::hashed(*claimed),
            PayloadHash::StreamingUnsignedTrailer => Mode::chunked(Chunked::unsigned()),
            PayloadHash::StreamingSigned | PayloadHash::StreamingSignedTrailer => return None,
        };
        Some(Self { mode, limits, expected_bytes, produced_bytes: 0 })
    }

    /// Takes bytes off the front of `input`. Call again until [`Decoded::NeedMore`].
    ///
    /// # Errors
    /// As soon as the body cannot be what was signed. Nothing more may be taken from it then.
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Decoded, PayloadError> {
        let decoded = match &mut self.mode {
            Mode::Unsigned => take_all(input),
            Mode::Hashed { context, .. } => {
                context.update(input);
                take_all(input)
            }
            Mode::Chunked(chunked) => chunked.decode(input, self.limits.chunk_bytes)?,
        };
        if let Decoded::Data(piece) = &decoded {
            self.count(piece.len())?;
        }
        Ok(decoded)
    }

    /// Ends the body: everything that could only be known at the end is checked here.
    ///
    /// # Errors
    /// If the body is short or its hash is wrong. What was decoded must then be thrown away.
    pub fn finish(self) -> Result<Trailers, PayloadError> {
        if self.expected_bytes.is_some_and(|expected| expected != self.produced_bytes) {
            return Err(PayloadError::Incomplete);
        }
        match self.mode {
            Mode::Unsigned => Ok(Trailers::default()),
            Mode::Hashed { context, claimed } => {
                let computed = context.finish();
                if bool::from(computed.as_ref().ct_eq(&claimed)) {
                    return Ok(Trailers::default());
                }
                Err(PayloadError::HashMismatch { claimed: hex(&claimed), computed: hex(computed.as_ref()) })
            }
            Mode::Chunked(chunked) => chunked.finish(),
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), PayloadError> {
        let bytes = u64::try_from(bytes).map_err(|_| PayloadError::TooLarge)?;
        self.produced_bytes = self.produced_bytes.saturating_add(bytes);
        if self.produced_bytes > self.limits.payload_bytes {
            return Err(PayloadError::TooLarge);
        }
        if self.expected_bytes.is_some_and(|expected| self.produced_bytes > expected) {
            return Err(PayloadError::Incomplete);
        }
        Ok(())
    }
}

impl Mode {
    fn hashed(claimed: [u8; 32]) -> Self {
        Self::Hashed { context: Box::new(digest::Context::new(&digest::SHA256)), claimed }
    }

    fn chunked(chunked: Chunked) -> Self {
        Self::Chunked(Box::new(chunked))
    }
}

fn take_all(input: &mut Bytes) -> Decoded {
    if input.is_empty() { Decoded::NeedMore } else { Decoded::Data(std::mem::take(input)) }
}
