//! Checksums of objects: those that a client declares are verified, and one is always kept.
//! See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use md5::{Digest, Md5};
use ring::digest;
use serde::{Deserialize, Serialize};

use rolecall_sigv4::Trailers;

use crate::fault::Fault;

/// The algorithms that S3 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// The header or trailer that carries a value.
    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// The name in requests and documents.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }
}

/// A checksum of an object or part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    /// Base 64.
    pub(crate) value: String,
    /// Whether it is the checksum of the parts' checksums.
    pub(crate) composite: bool,
}

enum State {
    Crc(crc_fast::Digest, usize),
    Ring(digest::Context),
}

/// Computes the size, the MD5 and one checksum of what flows through.
pub(crate) struct Hasher {
    algorithm: Algorithm,
    state: State,
    md5: Md5,
    pub(crate) bytes: u64,
}

/// What a [`Hasher`] came to.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    pub(crate) bytes: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksum: Checksum,
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        use crc_fast::CrcAlgorithm as Crc;
        let crc = |kind, width| State::Crc(crc_fast::Digest::new(kind), width);
        let state = match algorithm {
            Algorithm::Crc32 => crc(Crc::Crc32IsoHdlc, 4),
            Algorithm::Crc32c => crc(Crc::Crc32Iscsi, 4),
            Algorithm::Crc64Nvme => crc(Crc::Crc64Nvme, 8),
            Algorithm::Sha1 => State::Ring(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY)),
            Algorithm::Sha256 => State::Ring(digest::Context::new(&digest::SHA256)),
        };
        Self { algorithm, state, md5: Md5::new(), bytes: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        self.md5.update(bytes);
        match &mut self.state {
            State::Crc(digest, _) => digest.update(bytes),
            State::Ring(context) => context.update(bytes),
        }
    }

    pub(crate) fn finish(self) -> Sums {
        let value = match self.state {
            State::Crc(digest, width) => {
                let all = digest.finalize().to_be_bytes();
                STANDARD.encode(all.get(all.len() - width..).unwrap_or_default())
            }
            State::Ring(context) => STANDARD.encode(context.finish().as_ref()),
        };
        let checksum = Checksum { algorithm: self.algorithm, value, composite: false };
        Sums { bytes: self.bytes, md5: self.md5.finalize().into(), checksum }
    }
}

/// What a client says about the bytes that it sends.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) algorithm: Algorithm,
    /// The value, unless it comes as a trailer or not at all.
    value: Option<String>,
    md5: Option<[u8; 16]>,
    declared: bool,
}

impl Expected {
    /// Reads `x-amz-checksum-*`, `x-amz-trailer`, `x-amz-sdk-checksum-algorithm` and `Content-MD5`.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let declared: Vec<Algorithm> =
            Algorithm::ALL.into_iter().filter(|algorithm| headers.contains_key(algorithm.header())).collect();
        if declared.len() > 1 {
            return Err(Fault::invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        let trailer = text("x-amz-trailer").map(str::to_ascii_lowercase);
        let trailed = trailer
            .and_then(|name| Algorithm::ALL.into_iter().find(|algorithm| algorithm.header() == name.trim()));
        let named = text("x-amz-sdk-checksum-algorithm").and_then(Algorithm::parse);
        let declared = declared.first().copied();
        let asked = declared.or(trailed).or(named);
        let algorithm = asked.unwrap_or(Algorithm::Crc64Nvme);
        let value = declared.and_then(|algorithm| text(algorithm.header())).map(str::to_owned);
        Ok(Self {
            algorithm,
            value,
            md5: text("content-md5").map(content_md5).transpose()?,
            declared: asked.is_some(),
        })
    }

    /// The same, with this algorithm if the request names none.
    pub(crate) fn unless_declared(mut self, algorithm: Algorithm) -> Self {
        if !self.declared {
            self.algorithm = algorithm;
        }
        self
    }

    /// Compares with what came.
    pub(crate) fn check(&self, sums: &Sums, trailers: Option<&Trailers>) -> Result<(), Fault> {
        if self.md5.is_some_and(|md5| md5 != sums.md5) {
            return Err(bad_digest("The Content-MD5 you specified did not match what we received."));
        }
        let trailed = trailers.and_then(|trailers| trailers.value(self.algorithm.header()));
        match self.value.as_deref().or(trailed) {
            Some(value) if value != sums.checksum.value => Err(bad_digest(format!(
                "The {} you specified did not match the calculated checksum.",
                self.algorithm.name()
            ))),
            _ => Ok(()),
        }
    }
}

/// Checks a small body against what the client says of it.
pub(crate) fn check_document(
    headers: &HeaderMap,
    document: &[u8],
    trailers: Option<&Trailers>,
) -> Result<(), Fault> {
    let expected = Expected::of(headers)?;
    let mut hasher = Hasher::new(expected.algorithm);
    hasher.update(document);
    expected.check(&hasher.finish(), trailers)
}

fn content_md5(text: &str) -> Result<[u8; 16], Fault> {
    let message = "The Content-MD5 you specified was invalid.";
    let invalid = || Fault::new("InvalidDigest", StatusCode::BAD_REQUEST, message).with("Content-MD5", text);
    STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(invalid)
}

fn bad_digest(message: impl Into<String>) -> Fault {
    Fault::new("BadDigest", StatusCode::BAD_REQUEST, message)
}

/// The checksum of the parts' checksums.
pub(crate) fn composite(algorithm: Algorithm, parts: &[Checksum]) -> Option<Checksum> {
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        if part.algorithm != algorithm {
            return None;
        }
        hasher.update(&STANDARD.decode(&part.value).ok()?);
    }
    let value = format!("{}-{}", hasher.finish().checksum.value, parts.len());
    Some(Checksum { algorithm, value, composite: true })
}

/// The entity tag of an object that was uploaded in parts: the MD5 of the parts' MD5s.
pub(crate) fn multipart_etag(parts: &[[u8; 16]]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part);
    }
    format!("{}-{}", crate::names::hex(&md5.finalize()), parts.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_a_known_text() {
        // Check values of "123456789" from the catalogue of CRC algorithms, and of SHA and MD5.
        for (algorithm, value) in [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            let mut hasher = Hasher::new(algorithm);
            hasher.update(b"1234");
            hasher.update(b"56789");
            let sums = hasher.finish();
            assert_eq!(sums.bytes, 9);
            assert_eq!(crate::names::hex(&sums.md5), "25f9e794323b453885f5181f1b624d0b");
            assert_eq!(sums.checksum.value, value, "{algorithm:?}");
        }
    }
}
