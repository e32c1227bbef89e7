//! The check itself: times, scope, signed headers, signature.

use std::sync::Arc;

use http::header::{CONTENT_TYPE, HOST, HeaderName};

use crate::canonical::{Canonical, Spelling, string_to_sign};
use crate::error::{Family, Mismatch, SigError};
use crate::key::{SecretKey, SigningKey};
use crate::payload::{CONTENT_SHA256, PayloadHash};
use crate::presented::{Form, Presented, Request};
use crate::scope::Scope;
use crate::signature::Signature;
use crate::timestamp::Timestamp;

/// What an endpoint asks of a signature beyond its being right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules<'a> {
    /// How far a request's time may be from now, either way.
    pub skew_seconds: u32,
    /// The service that the scope must name; `None` if the scope decides where a request goes.
    pub service: Option<&'a str>,
    /// The region that the scope must name; `None` to take every region.
    pub region: Option<&'a str>,
}

impl Default for Rules<'_> {
    fn default() -> Self {
        Self { skew_seconds: 15 * 60, service: None, region: None }
    }
}

/// A request whose signature has been checked. [`verify`] is the only maker.
#[derive(Debug)]
pub struct Verified {
    access_key_id: Arc<str>,
    scope: Scope,
    timestamp: Timestamp,
    form: Form,
    signature: Signature,
    key: SigningKey,
    payload: PayloadHash,
}

impl Verified {
    /// The access key that signed.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The scope that it signed for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// When it signed.
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// Header or presigned.
    pub fn form(&self) -> Form {
        self.form
    }

    /// What was signed about the body.
    pub fn payload(&self) -> &PayloadHash {
        &self.payload
    }

    /// The request's own signature, with which the first chunk of a body is chained.
    pub(crate) fn seed(&self) -> &Signature {
        &self.signature
    }

    pub(crate) fn key(&self) -> &SigningKey {
        &self.key
    }
}

/// Checks that the holder of `secret` signed `request` with this body, lately enough.
///
/// `payload` is the hash of the body that really came, or, for S3, what the request declares
/// ([`Presented::declared_payload`]); the body must then pass through [`crate::PayloadDecoder`].
///
/// # Errors
/// See [`SigError`]; the checks run in the order in which AWS reports them.
pub fn verify(
    presented: &Presented,
    request: Request<'_>,
    secret: &SecretKey,
    payload: &PayloadHash,
    now: Timestamp,
    rules: &Rules<'_>,
) -> Result<Verified, SigError> {
    check_time(presented, now, rules)?;
    check_headers(presented, request)?;
    check_scope(presented, rules)?;
    let key = secret.signing_key(&presented.scope);
    let signature = check_signature(presented, request, &key, payload)?;
    Ok(Verified {
        access_key_id: presented.access_key_id.clone(),
        scope: presented.scope.clone(),
        timestamp: presented.timestamp,
        form: presented.form,
        signature,
        key,
        payload: *payload,
    })
}

fn check_time(presented: &Presented, now: Timestamp, rules: &Rules<'_>) -> Result<(), SigError> {
    let (timestamp, skew_seconds) = (presented.timestamp, rules.skew_seconds);
    if timestamp > now.plus(i64::from(skew_seconds)) {
        return Err(SigError::NotYetCurrent { timestamp, now, skew_seconds });
    }
    match presented.form {
        Form::Presigned { expires_seconds: Some(expires_seconds) } => {
            let expired = timestamp.plus(i64::from(expires_seconds));
            if now > expired {
                Err(SigError::PresignedExpired { expires_seconds, expired, now })
            } else {
                Ok(())
            }
        }
        Form::Presigned { expires_seconds: None } | Form::Header => {
            let oldest = now.plus(-i64::from(skew_seconds));
            if timestamp < oldest { Err(SigError::Expired { timestamp, now, skew_seconds }) } else { Ok(()) }
        }
    }
}

/// What changes the meaning of a request must be under the signature.
fn check_headers(presented: &Presented, request: Request<'_>) -> Result<(), SigError> {
    let is_signed = |name: &HeaderName| presented.signed_headers.contains(name);
    let mut unsigned: Vec<HeaderName> = Vec::new();
    if !is_signed(&HOST) {
        unsigned.push(HOST);
    }
    let present = request.headers.keys().filter(|name| must_be_signed(name, presented) && !is_signed(name));
    unsigned.extend(present.cloned());
    if unsigned.is_empty() {
        return Ok(());
    }
    unsigned.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    Err(SigError::HeadersNotSigned(unsigned))
}

fn must_be_signed(name: &HeaderName, presented: &Presented) -> bool {
    match presented.family {
        // The value of `x-amz-content-sha256` is part of the canonical request as the payload's hash.
        Family::S3 => name.as_str().starts_with("x-amz-") && name != CONTENT_SHA256,
        // A presigned request of the other services is a GET without a body.
        Family::Query | Family::Ec2 | Family::Json => {
            name.as_str().starts_with("x-amz-") || (name == CONTENT_TYPE && presented.form == Form::Header)
        }
    }
}

fn check_scope(presented: &Presented, rules: &Rules<'_>) -> Result<(), SigError> {
    let (scope, form) = (&presented.scope, presented.form.kind());
    if let Some(expected) = rules.region.filter(|region| **region != *scope.region) {
        return Err(SigError::WrongRegion { got: (&*scope.region).into(), expected: expected.into(), form });
    }
    if let Some(expected) = rules.service.filter(|service| **service != *scope.service) {
        return Err(SigError::WrongService {
            got: (&*scope.service).into(),
            expected: expected.into(),
            form,
        });
    }
    if presented.timestamp.date_digits() != *scope.date.as_bytes() {
        let (scope_date, timestamp) = ((&*scope.date).into(), presented.timestamp);
        return Err(SigError::ScopeDateMismatch { scope_date, timestamp, form });
    }
    Ok(())
}

fn check_signature(
    presented: &Presented,
    request: Request<'_>,
    key: &SigningKey,
    payload: &PayloadHash,
) -> Result<Signature, SigError> {
    let mut tried: Vec<Attempt> = Vec::with_capacity(1);
    for (path, query) in SPELLINGS {
        let attempt = Attempt::new(presented, request, payload, path, query)?;
        if tried.iter().any(|earlier| earlier.canonical == attempt.canonical) {
            continue;
        }
        if let Some(signature) = attempt.matching(presented, key) {
            return Ok(signature);
        }
        tried.push(attempt);
    }
    let shown = tried.into_iter().next().unwrap_or_default();
    Err(SigError::SignatureDoesNotMatch(Box::new(Mismatch {
        access_key_id: (&*presented.access_key_id).into(),
        provided: presented.signature_text.clone(),
        canonical_request: shown.canonical.into(),
        string_to_sign: shown.to_sign.into(),
    })))
}

/// The spellings of path and query that clients sign, the documented one first. A request that is
/// escaped as documented has only one.
const SPELLINGS: [(Spelling, Spelling); 4] = [
    (Spelling::Normalised, Spelling::Normalised),
    (Spelling::AsSent, Spelling::Normalised),
    (Spelling::Normalised, Spelling::AsSent),
    (Spelling::AsSent, Spelling::AsSent),
];

#[derive(Default)]
struct Attempt {
    canonical: String,
    to_sign: String,
    /// Whether every header that is named as signed is there.
    complete: bool,
}

impl Attempt {
    fn new(
        presented: &Presented,
        request: Request<'_>,
        payload: &PayloadHash,
        path: Spelling,
        query: Spelling,
    ) -> Result<Self, SigError> {
        let (canonical, complete) = Canonical {
            request,
            family: presented.family,
            signed_headers: &presented.signed_headers,
            payload,
            presigned: presented.form != Form::Header,
            path,
            query,
        }
        .text()?;
        let to_sign = string_to_sign(presented.timestamp, &presented.scope, &canonical);
        Ok(Self { canonical, to_sign, complete })
    }

    /// The signature, if it is right. A header that is named as signed but absent would count as empty; it is
    /// refused instead.
    fn matching(&self, presented: &Presented, key: &SigningKey) -> Option<Signature> {
        let claimed = presented.signature.as_ref()?;
        let expected = key.sign(self.to_sign.as_bytes())?;
        (expected.matches(claimed) && self.complete).then_some(expected)
    }
}
