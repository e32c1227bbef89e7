//! The presigned form: `X-Amz-Algorithm`, `X-Amz-Credential`, … in the query string.

use std::sync::Arc;

use crate::encoding;
use crate::error::{ExpiresFault, Family, Missing, MissingQuery, SigError};
use crate::header_form::ALGORITHM;
use crate::header_form::SECURITY_TOKEN;
use crate::presented::{
    Form, FormKind, Presented, Request, has_parameter, header_text, parse_credential, parse_signed_headers,
};
use crate::signature::Signature;
use crate::timestamp::Timestamp;

/// A presigned URL of S3 is good for a week at most.
const MAX_EXPIRES_SECONDS: u32 = 604_800;

/// Whether the query string makes this a presigned request.
pub(crate) fn is_presigned(query: &str) -> bool {
    const MARKS: [&str; 3] = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"];
    !query.is_empty() && MARKS.iter().any(|mark| has_parameter(query, mark))
}

/// Whether the query string carries S3's old signature, which must not pass for an anonymous request.
pub(crate) fn is_version_2(query: &str, family: Family) -> bool {
    family == Family::S3 && !query.is_empty() && has_parameter(query, "AWSAccessKeyId")
}

/// S3 has not taken version 2 for buckets made since June 2020.
pub(crate) fn version_2() -> SigError {
    let missing = Missing { credential: true, signature: true, signed_headers: true, date: true };
    SigError::UnknownMechanism { missing, authorization: "".into() }
}

/// The first value of a query parameter, decoded.
pub(crate) fn parameter(query: &str, wanted: &str) -> Option<String> {
    let mut pairs = encoding::pairs(query);
    let (_, value) = pairs.find(|(name, _)| encoding::decode_parameter(name).as_deref() == Some(wanted))?;
    encoding::decode_parameter(value)
}

#[derive(Default)]
struct Parameters {
    algorithm: Option<String>,
    credential: Option<String>,
    date: Option<String>,
    expires: Option<String>,
    signed_headers: Option<String>,
    signature: Option<String>,
    token: Option<String>,
}

impl Parameters {
    fn read(query: &str, family: Family) -> Result<Self, SigError> {
        let mut found = Self::default();
        for (name, value) in encoding::pairs(query) {
            let name = encoding::decode_parameter(name).ok_or(SigError::MalformedUri)?;
            let slot = match name.as_str() {
                "X-Amz-Algorithm" => &mut found.algorithm,
                "X-Amz-Credential" => &mut found.credential,
                "X-Amz-Date" => &mut found.date,
                "X-Amz-Expires" => &mut found.expires,
                "X-Amz-SignedHeaders" => &mut found.signed_headers,
                "X-Amz-Signature" => &mut found.signature,
                "X-Amz-Security-Token" => &mut found.token,
                _ => continue,
            };
            let value = encoding::decode_parameter(value).ok_or(SigError::MalformedUri)?;
            if slot.replace(value).is_some() {
                return Err(SigError::DuplicateParameter {
                    name: name.into(),
                    form: FormKind::Query,
                    family,
                });
            }
        }
        Ok(found)
    }

    fn missing(&self, family: Family) -> MissingQuery {
        MissingQuery {
            algorithm: self.algorithm.is_none(),
            credential: self.credential.is_none(),
            signature: self.signature.is_none(),
            signed_headers: self.signed_headers.is_none(),
            date: self.date.is_none(),
            expires: family == Family::S3 && self.expires.is_none(),
        }
    }
}

pub(crate) fn parse(request: Request<'_>, family: Family) -> Result<Presented, SigError> {
    let mut found = Parameters::read(request.query(), family)?;
    let missing = found.missing(family);
    let incomplete = || SigError::IncompleteQuery { missing };
    if missing.any() {
        return Err(incomplete());
    }
    let algorithm = found.algorithm.take().ok_or_else(incomplete)?;
    if algorithm != ALGORITHM {
        return Err(SigError::UnsupportedAlgorithm { got: algorithm.into(), form: FormKind::Query });
    }
    let date = found.date.take().ok_or_else(incomplete)?;
    let timestamp = Timestamp::parse_basic(&date)
        .ok_or_else(|| SigError::MalformedDate { got: date.into(), form: FormKind::Query })?;
    let expires_seconds = expires(found.expires.as_deref(), family)?;
    let credential = found.credential.take().ok_or_else(incomplete)?;
    let (access_key_id, scope) = parse_credential(&credential, FormKind::Query, None)?;
    let signed = found.signed_headers.take().ok_or_else(incomplete)?;
    let signed_headers = parse_signed_headers(&signed, None)
        .ok_or_else(|| SigError::MalformedSignedHeaders { got: signed.into(), form: FormKind::Query })?;
    let signature = found.signature.take().ok_or_else(incomplete)?;
    Ok(Presented {
        access_key_id,
        scope,
        signed_headers,
        token: token(request, found.token.take(), family)?,
        timestamp,
        form: Form::Presigned { expires_seconds },
        family,
        signature: Signature::parse(&signature),
        signature_text: signature.into(),
        lead: None,
    })
}

/// The token stands in the query; a header in its place must be signed, which [`crate::verify`] sees
/// to, and both together are refused rather than one preferred.
fn token(request: Request<'_>, query: Option<String>, family: Family) -> Result<Option<Arc<str>>, SigError> {
    let header = header_text(request.headers, &SECURITY_TOKEN);
    match (query, header) {
        (Some(_), Some(_)) => Err(SigError::DuplicateParameter {
            name: "X-Amz-Security-Token".into(),
            form: FormKind::Query,
            family,
        }),
        (Some(token), None) => Ok(Some(token.into())),
        (None, header) => Ok(header.map(Into::into)),
    }
}

/// Only S3 looks at `X-Amz-Expires`: a presigned request of STS is good for the 15 minutes of a
/// signature whatever it says (Kubernetes tokens rely on it).
fn expires(text: Option<&str>, family: Family) -> Result<Option<u32>, SigError> {
    let Some(text) = text.filter(|_| family == Family::S3) else { return Ok(None) };
    if text.starts_with('-') && text.len() > 1 && text.bytes().skip(1).all(|byte| byte.is_ascii_digit()) {
        return Err(SigError::MalformedExpires(ExpiresFault::NotPositive));
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SigError::MalformedExpires(ExpiresFault::NotANumber));
    }
    match text.parse::<u32>() {
        Ok(0) => Err(SigError::MalformedExpires(ExpiresFault::NotPositive)),
        Ok(seconds) if seconds <= MAX_EXPIRES_SECONDS => Ok(Some(seconds)),
        _ => Err(SigError::MalformedExpires(ExpiresFault::TooLong)),
    }
}
