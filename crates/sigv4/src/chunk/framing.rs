//! The state machine of `aws-chunked`.

use bytes::{Buf, Bytes, BytesMut};

use super::trailers::{MAX_BYTES, Trailers};
use super::{Decoded, PayloadError};
use crate::canonical::push_scope;
use crate::key::SigningKey;
use crate::scope::Scope;
use crate::signature::Signature;
use crate::text::{push_hex, sha256};
use crate::timestamp::Timestamp;
use crate::verify::Verified;

/// The most bytes of a chunk's first line: a size and a signature need fewer than 100.
const MAX_LINE: usize = 512;

/// SHA-256 of nothing, which stands for the headers that a chunk does not have.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub(super) struct Chunked {
    state: State,
    chain: Option<Chain>,
    /// Bytes of a line or a signed chunk that is not all there yet.
    held: BytesMut,
    with_trailers: bool,
    trailers: Trailers,
}

enum State {
    /// Before or within the line that gives a chunk's size.
    Size,
    /// Within an unsigned chunk.
    Data {
        left: u64,
    },
    /// Within a signed chunk of `size` bytes.
    SignedData {
        size: usize,
        claimed: Signature,
    },
    /// Before the line break that ends a chunk.
    DataEnd,
    /// After the last chunk.
    Trailers,
    Done,
}

/// Each signature signs the one before.
struct Chain {
    key: SigningKey,
    scope: Scope,
    timestamp: Timestamp,
    previous: Signature,
}

impl Chunked {
    pub(super) fn unsigned() -> Self {
        Self::new(None, true)
    }

    pub(super) fn signed(verified: &Verified, with_trailers: bool) -> Self {
        let chain = Chain {
            key: verified.key().clone(),
            scope: verified.scope().clone(),
            timestamp: verified.timestamp(),
            previous: verified.seed().clone(),
        };
        Self::new(Some(chain), with_trailers)
    }

    fn new(chain: Option<Chain>, with_trailers: bool) -> Self {
        let trailers = Trailers::default();
        Self { state: State::Size, chain, held: BytesMut::new(), with_trailers, trailers }
    }

    pub(super) fn decode(&mut self, input: &mut Bytes, chunk_bytes: usize) -> Result<Decoded, PayloadError> {
        loop {
            let piece = match &mut self.state {
                State::Size => match take_line(&mut self.held, input, MAX_LINE)? {
                    None => return Ok(Decoded::NeedMore),
                    Some(line) => self.begin(&line, chunk_bytes)?,
                },
                State::Data { .. } => self.unsigned_data(input),
                State::SignedData { .. } => self.signed_data(input)?,
                State::DataEnd => match take_line(&mut self.held, input, 2)? {
                    None => return Ok(Decoded::NeedMore),
                    Some(line) if line.is_empty() => {
                        self.state = State::Size;
                        None
                    }
                    Some(_) => return Err(PayloadError::Malformed("bytes after a chunk")),
                },
                State::Trailers => match take_line(&mut self.held, input, MAX_BYTES)? {
                    None => return Ok(Decoded::NeedMore),
                    Some(line) => self.trailer(&line)?,
                },
                State::Done if input.is_empty() => return Ok(Decoded::NeedMore),
                State::Done => return Err(PayloadError::Malformed("bytes after the end")),
            };
            if let Some(piece) = piece {
                return Ok(Decoded::Data(piece));
            }
            let waiting = matches!(self.state, State::Data { .. } | State::SignedData { .. });
            if waiting && input.is_empty() {
                return Ok(Decoded::NeedMore);
            }
        }
    }

    pub(super) fn finish(self) -> Result<Trailers, PayloadError> {
        match self.state {
            State::Done => Ok(self.trailers),
            _ => Err(PayloadError::Incomplete),
        }
    }

    /// Reads a chunk's first line.
    fn begin(&mut self, line: &[u8], chunk_bytes: usize) -> Result<Option<Bytes>, PayloadError> {
        let text = std::str::from_utf8(line).map_err(|_| PayloadError::Malformed("chunk line"))?;
        let (size, extension) = text.split_once(';').unwrap_or((text, ""));
        let size = parse_size(size.trim())?;
        let Some(chain) = &mut self.chain else {
            self.state = if size == 0 { State::Trailers } else { State::Data { left: size } };
            return Ok(None);
        };
        let claimed = extension.trim().strip_prefix("chunk-signature=").and_then(Signature::parse);
        let claimed = claimed.ok_or(PayloadError::Malformed("chunk signature"))?;
        if size == 0 {
            chain.check_chunk(b"", &claimed)?;
            self.state = State::Trailers;
            return Ok(None);
        }
        let held = usize::try_from(size).ok().filter(|size| *size <= chunk_bytes);
        let size = held.ok_or(PayloadError::ChunkTooLarge(size))?;
        self.state = State::SignedData { size, claimed };
        Ok(None)
    }

    fn unsigned_data(&mut self, input: &mut Bytes) -> Option<Bytes> {
        let State::Data { left } = &mut self.state else { return None };
        let take = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
        *left = left.saturating_sub(u64::try_from(take).unwrap_or(u64::MAX));
        if *left == 0 {
            self.state = State::DataEnd;
        }
        (take > 0).then(|| input.split_to(take))
    }

    fn signed_data(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, PayloadError> {
        let State::SignedData { size, claimed } = &self.state else { return Ok(None) };
        let chunk = match (self.held.is_empty(), input.len() >= *size) {
            (true, true) => input.split_to(*size),
            _ => {
                let take = input.len().min(size.saturating_sub(self.held.len()));
                self.held.extend_from_slice(&input.split_to(take));
                if self.held.len() < *size {
                    return Ok(None);
                }
                self.held.split().freeze()
            }
        };
        if let Some(chain) = &mut self.chain {
            chain.check_chunk(&chunk, claimed)?;
        }
        self.state = State::DataEnd;
        Ok(Some(chunk))
    }

    fn trailer(&mut self, line: &[u8]) -> Result<Option<Bytes>, PayloadError> {
        // The documentation's own example ends a trailer in LF before CR LF.
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        if !line.is_empty() {
            if !self.with_trailers {
                return Err(PayloadError::Malformed("trailers that were not announced"));
            }
            self.trailers.add(line)?;
            return Ok(None);
        }
        if let Some(chain) = self.chain.as_mut().filter(|_| self.with_trailers) {
            chain.check_trailers(&self.trailers)?;
        }
        self.state = State::Done;
        Ok(None)
    }
}

impl Chain {
    fn check_chunk(&mut self, chunk: &[u8], claimed: &Signature) -> Result<(), PayloadError> {
        let mut text = self.head("AWS4-HMAC-SHA256-PAYLOAD");
        text.push_str(EMPTY_SHA256);
        text.push('\n');
        push_hex(&mut text, &sha256(chunk));
        self.check(&text, claimed)
    }

    fn check_trailers(&mut self, trailers: &Trailers) -> Result<(), PayloadError> {
        let claimed =
            trailers.signature().and_then(Signature::parse).ok_or(PayloadError::MalformedTrailers)?;
        let mut text = self.head("AWS4-HMAC-SHA256-TRAILER");
        push_hex(&mut text, &sha256(trailers.canonical().as_bytes()));
        self.check(&text, &claimed)
    }

    fn head(&self, algorithm: &str) -> String {
        let mut text = String::with_capacity(320);
        text.push_str(algorithm);
        text.push('\n');
        text.push_str(&self.timestamp.basic());
        text.push('\n');
        push_scope(&mut text, &self.scope);
        text.push('\n');
        text.push_str(&self.previous.to_hex());
        text.push('\n');
        text
    }

    fn check(&mut self, text: &str, claimed: &Signature) -> Result<(), PayloadError> {
        let expected = self.key.sign(text.as_bytes()).ok_or(PayloadError::ChunkSignatureMismatch)?;
        if !expected.matches(claimed) {
            return Err(PayloadError::ChunkSignatureMismatch);
        }
        self.previous = expected;
        Ok(())
    }
}

fn parse_size(text: &str) -> Result<u64, PayloadError> {
    let digits = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let size = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
    size.ok_or(PayloadError::Malformed("chunk size"))
}

/// Takes a line that ends in CR LF, without its end, across pieces of input.
fn take_line(held: &mut BytesMut, input: &mut Bytes, most: usize) -> Result<Option<Bytes>, PayloadError> {
    if held.last() == Some(&b'\r') && input.first() == Some(&b'\n') {
        input.advance(1);
        held.truncate(held.len().saturating_sub(1));
        return Ok(Some(held.split().freeze()));
    }
    match memchr::memmem::find(input, b"\r\n") {
        Some(end) if held.len() + end <= most => {
            let line = input.split_to(end);
            input.advance(2);
            if held.is_empty() {
                return Ok(Some(line));
            }
            held.extend_from_slice(&line);
            Ok(Some(held.split().freeze()))
        }
        Some(_) => Err(PayloadError::Malformed("line too long")),
        None if held.len() + input.len() > most + 1 => Err(PayloadError::Malformed("line too long")),
        None => {
            held.extend_from_slice(&std::mem::take(input));
            Ok(None)
        }
    }
}
