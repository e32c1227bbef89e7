//! Why a proof was refused, and what AWS answers in each case.

use http::HeaderName;

use crate::presented::FormKind;
use crate::timestamp::Timestamp;

mod wire;

pub use wire::{Disclosure, WireError};

/// The services that share codes, texts and rules for signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IAM, STS and the others of the query protocol.
    Query,
    /// EC2, which has codes of its own.
    Ec2,
    /// Services that speak JSON: their codes end in `Exception`.
    Json,
    /// S3.
    S3,
}

/// Which parts of the header form are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// `Credential`.
    pub credential: bool,
    /// `Signature`.
    pub signature: bool,
    /// `SignedHeaders`.
    pub signed_headers: bool,
    /// Both `X-Amz-Date` and `Date`.
    pub date: bool,
}

/// Which query parameters of the presigned form are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingQuery {
    /// `X-Amz-Algorithm`.
    pub algorithm: bool,
    /// `X-Amz-Credential`.
    pub credential: bool,
    /// `X-Amz-Signature`.
    pub signature: bool,
    /// `X-Amz-SignedHeaders`.
    pub signed_headers: bool,
    /// `X-Amz-Date`.
    pub date: bool,
    /// `X-Amz-Expires`.
    pub expires: bool,
}

impl MissingQuery {
    pub(crate) fn any(self) -> bool {
        let Self { algorithm, credential, signature, signed_headers, date, expires } = self;
        algorithm || credential || signature || signed_headers || date || expires
    }
}

/// What is wrong with `X-Amz-Expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiresFault {
    /// Not a number.
    NotANumber,
    /// Zero or negative.
    NotPositive,
    /// More than a week.
    TooLong,
}

/// Both signatures differ: what was signed here, for the caller to compare.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The key that was claimed.
    pub access_key_id: Box<str>,
    /// The signature that came.
    pub provided: Box<str>,
    /// The canonical request as computed here. It may hold the caller's session token.
    pub canonical_request: Box<str>,
    /// The string to sign as computed here.
    pub string_to_sign: Box<str>,
}

impl std::fmt::Debug for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mismatch").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// A refused proof. `Display` is for logs and names nothing secret; [`SigError::wire`] is for the
/// caller.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub enum SigError {
    /// No proof where one is needed.
    #[error("no authentication token")]
    MissingAuthenticationToken,
    /// The header is not of `AWS4-HMAC-SHA256`.
    #[error("unknown authorization mechanism")]
    UnknownMechanism {
        /// What the header form would need.
        missing: Missing,
        /// The whole header.
        authorization: Box<str>,
    },
    /// More than one of header, second header and query parameters.
    #[error("more than one authentication mechanism")]
    TwoMechanisms,
    /// The header lacks parts.
    #[error("incomplete authorization header: {missing:?}")]
    IncompleteHeader {
        /// Which.
        missing: Missing,
        /// The whole header.
        authorization: Box<str>,
    },
    /// A part of the header has no equal sign.
    #[error("a part of the authorization header is no key=value pair")]
    NotKeyValue {
        /// The part.
        part: Box<str>,
        /// The whole header.
        authorization: Box<str>,
    },
    /// A parameter is given twice.
    #[error("parameter {name} given twice")]
    DuplicateParameter {
        /// Its name.
        name: Box<str>,
        /// Where.
        form: FormKind,
        /// Of which services.
        family: Family,
    },
    /// The query lacks parameters.
    #[error("incomplete presigned request: {missing:?}")]
    IncompleteQuery {
        /// Which.
        missing: MissingQuery,
    },
    /// An algorithm of AWS that is not spoken here.
    #[error("unsupported algorithm {got}")]
    UnsupportedAlgorithm {
        /// Which.
        got: Box<str>,
        /// Where.
        form: FormKind,
    },
    /// `Credential` does not have five parts.
    #[error("malformed credential")]
    MalformedCredential {
        /// What was given.
        credential: Box<str>,
        /// Where.
        form: FormKind,
    },
    /// `SignedHeaders` is no list of distinct header names.
    #[error("malformed list of signed headers")]
    MalformedSignedHeaders {
        /// What was given.
        got: Box<str>,
        /// Where.
        form: FormKind,
    },
    /// The scope does not end in `aws4_request`.
    #[error("credential scope ends in {got}")]
    WrongTerminator {
        /// What it ends in.
        got: Box<str>,
        /// Where.
        form: FormKind,
    },
    /// The scope's date is not the date of the request.
    #[error("credential scope of {scope_date} on a request of {timestamp}")]
    ScopeDateMismatch {
        /// The scope's date.
        scope_date: Box<str>,
        /// The request's time.
        timestamp: Timestamp,
        /// Where.
        form: FormKind,
    },
    /// Signed for another service.
    #[error("credential scoped to service {got}, not {expected}")]
    WrongService {
        /// The scope's service.
        got: Box<str>,
        /// The service of this endpoint.
        expected: Box<str>,
        /// Where.
        form: FormKind,
    },
    /// Signed for another region.
    #[error("credential scoped to region {got}, not {expected}")]
    WrongRegion {
        /// The scope's region.
        got: Box<str>,
        /// The region of this endpoint.
        expected: Box<str>,
        /// Where.
        form: FormKind,
    },
    /// The date can't be read.
    #[error("malformed date {got:?}")]
    MalformedDate {
        /// What was given.
        got: Box<str>,
        /// Where.
        form: FormKind,
    },
    /// `X-Amz-Expires` is out of bounds.
    #[error("malformed X-Amz-Expires: {0:?}")]
    MalformedExpires(ExpiresFault),
    /// Headers that must be signed are not.
    #[error("headers not signed: {0:?}")]
    HeadersNotSigned(Vec<HeaderName>),
    /// Signed too long ago.
    #[error("signed at {timestamp}, now {now}")]
    Expired {
        /// When it was signed.
        timestamp: Timestamp,
        /// When it was checked.
        now: Timestamp,
        /// The skew that is allowed.
        skew_seconds: u32,
    },
    /// Signed in the future.
    #[error("signed at {timestamp}, which is later than now {now}")]
    NotYetCurrent {
        /// When it says it was signed.
        timestamp: Timestamp,
        /// When it was checked.
        now: Timestamp,
        /// The skew that is allowed.
        skew_seconds: u32,
    },
    /// The presigned URL's time is over.
    #[error("presigned request expired at {expired}, now {now}")]
    PresignedExpired {
        /// `X-Amz-Expires`.
        expires_seconds: u32,
        /// When it expired.
        expired: Timestamp,
        /// When it was checked.
        now: Timestamp,
    },
    /// The path or query has a malformed escape.
    #[error("malformed path or query")]
    MalformedUri,
    /// S3 needs `x-amz-content-sha256`.
    #[error("x-amz-content-sha256 missing")]
    MissingContentSha256,
    /// `x-amz-content-sha256` is neither a hash nor a known form.
    #[error("x-amz-content-sha256 malformed")]
    InvalidContentSha256,
    /// The signature is wrong.
    #[error("signature does not match")]
    SignatureDoesNotMatch(Box<Mismatch>),
    /// There is no such access key, or it is inactive.
    #[error("unknown or inactive access key {access_key_id}")]
    UnknownAccessKey {
        /// The key that was claimed.
        access_key_id: Box<str>,
    },
    /// The session token can't be read, or belongs to another key.
    #[error("invalid session token")]
    InvalidToken,
    /// The session has ended.
    #[error("expired session token")]
    ExpiredToken,
}

impl std::fmt::Debug for SigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The header and the token may be among the fields; the log text is all that may print.
        write!(f, "SigError({self})")
    }
}
