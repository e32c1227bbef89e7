//! AWS Signature Version 4: what a request presents, whether it is genuine, and how to make one.
//!
//! Two phases, because the secret and the body arrive later than the headers:
//!
//! 1. [`Presented::parse`] reads the `Authorization` header or the `X-Amz-*` query parameters. It
//!    needs no secret and proves nothing; it says which access key to look up.
//! 2. [`verify`] recomputes the signature with the [`SecretKey`] and returns [`Verified`], the only
//!    proof that a request is authentic.
//!
//! Bodies that S3 clients send are checked by [`PayloadDecoder`], fed piece by piece. Nothing here
//! does I/O or reads the clock. See
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>.

mod canonical;
mod chunk;
mod encoding;
mod error;
mod header_form;
mod key;
mod payload;
mod presented;
mod presigned;
mod scope;
mod sign;
mod signature;
mod text;
mod timestamp;
mod verify;

pub use chunk::{ChunkLimits, Decoded, PayloadDecoder, PayloadError, Trailers};
pub use encoding::{decode_path, decode_query};
pub use error::{Disclosure, ExpiresFault, Family, Mismatch, Missing, MissingQuery, SigError, WireError};
pub use key::{SecretKey, SigningKey};
pub use payload::PayloadHash;
pub use presented::{Form, FormKind, Presented, Request};
pub use scope::Scope;
pub use sign::{SignError, Signer};
pub use signature::Signature;
pub use text::{hex, hex_digit, hex_digits};
pub use timestamp::Timestamp;
pub use verify::{Rules, Verified, verify};
