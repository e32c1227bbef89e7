//! The `Authorization` header: `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use crate::error::{Family, Missing, SigError};
use crate::presented::{
    Form, FormKind, Presented, Request, header_text, parse_credential, parse_signed_headers, token_header,
};
use crate::signature::Signature;
use crate::timestamp::Timestamp;

/// The one algorithm spoken here.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const ALGORITHM_FAMILY: &str = "AWS4-";
// Looked up by name, they would be read anew for each request.
static AMZ_DATE: HeaderName = HeaderName::from_static("x-amz-date");
pub(crate) static SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

pub(crate) fn parse(
    request: Request<'_>,
    family: Family,
    value: &HeaderValue,
    earlier: Option<&Presented>,
) -> Result<Presented, SigError> {
    if let Some(presented) = earlier.and_then(|earlier| parse_like(earlier, request, family, value)) {
        return Ok(presented);
    }
    // What a client sends is ASCII; anything else is only shown back in an error.
    let text = value.to_str().map_or_else(|_| String::from_utf8_lossy(value.as_bytes()), Cow::Borrowed);
    let (algorithm, rest) = text.split_once(' ').unwrap_or((&text, ""));
    if !algorithm.starts_with(ALGORITHM_FAMILY) {
        return Err(unknown_mechanism(request, &text));
    }
    let parameters = Parameters::parse(rest, family, &text)?;
    let (date, missing_date) = date(request);
    let (Some(credential), Some(signature), Some(signed), Some(date)) =
        (parameters.credential, parameters.signature, parameters.signed_headers, date)
    else {
        return Err(parameters.incomplete(missing_date, &text));
    };
    let timestamp = date
        .timestamp()
        .ok_or_else(|| SigError::MalformedDate { got: date.text().into(), form: FormKind::Header })?;
    if algorithm != ALGORITHM {
        return Err(SigError::UnsupportedAlgorithm { got: algorithm.into(), form: FormKind::Header });
    }
    let (access_key_id, scope) = parse_credential(credential, FormKind::Header, earlier)?;
    let signed_headers = parse_signed_headers(signed, earlier)
        .ok_or_else(|| SigError::MalformedSignedHeaders { got: signed.into(), form: FormKind::Header })?;
    let checked = Signature::parse(signature);
    let lead = checked.as_ref().and_then(|_| text.strip_suffix(signature)).map(Arc::from);
    Ok(Presented {
        access_key_id,
        scope,
        signed_headers,
        token: token_header(request.headers, earlier.and_then(|earlier| earlier.token.as_ref())),
        timestamp,
        form: Form::Header,
        family,
        signature: checked,
        signature_text: signature.into(),
        lead,
    })
}

/// Reads a header that differs from an `earlier` one in nothing but its signature, as nearly all of a
/// connection do. None where it differs in more, or is not good: then it is read from its beginning.
fn parse_like(
    earlier: &Presented,
    request: Request<'_>,
    family: Family,
    value: &HeaderValue,
) -> Option<Presented> {
    let lead = earlier.lead.as_ref()?;
    let text = std::str::from_utf8(value.as_bytes().strip_prefix(lead.as_bytes())?).ok()?;
    let signature = Signature::parse(text)?;
    let timestamp = date(request).0?.timestamp()?;
    Some(Presented {
        access_key_id: earlier.access_key_id.clone(),
        scope: earlier.scope.clone(),
        signed_headers: earlier.signed_headers.clone(),
        token: token_header(request.headers, earlier.token.as_ref()),
        timestamp,
        form: Form::Header,
        family,
        signature: Some(signature),
        signature_text: text.into(),
        lead: Some(lead.clone()),
    })
}

/// A mechanism that is none of ours: other schemes, or SigV2's `AWS key:signature`.
fn unknown_mechanism(request: Request<'_>, text: &str) -> SigError {
    let (_, missing_date) = date(request);
    let missing = Missing { credential: true, signature: true, signed_headers: true, date: missing_date };
    SigError::UnknownMechanism { missing, authorization: text.into() }
}

#[derive(Default)]
struct Parameters<'a> {
    credential: Option<&'a str>,
    signature: Option<&'a str>,
    signed_headers: Option<&'a str>,
}

impl<'a> Parameters<'a> {
    /// Blanks separate parameters as commas do, which is why a key id with a blank in it is reported
    /// by AWS as a part without an equal sign.
    fn parse(text: &'a str, family: Family, authorization: &str) -> Result<Self, SigError> {
        let mut found = Self::default();
        for part in parts(text).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(SigError::NotKeyValue { part: part.into(), authorization: authorization.into() });
            };
            let slot = match name {
                "Credential" => &mut found.credential,
                "Signature" => &mut found.signature,
                "SignedHeaders" => &mut found.signed_headers,
                // FIDELITY: what AWS does with a parameter it does not know; it is ignored here.
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(SigError::DuplicateParameter {
                    name: name.into(),
                    form: FormKind::Header,
                    family,
                });
            }
        }
        let present = |value: &mut Option<&'a str>| *value = value.filter(|text| !text.is_empty());
        present(&mut found.credential);
        present(&mut found.signature);
        present(&mut found.signed_headers);
        Ok(found)
    }

    fn incomplete(&self, missing_date: bool, authorization: &str) -> SigError {
        let missing = Missing {
            credential: self.credential.is_none(),
            signature: self.signature.is_none(),
            signed_headers: self.signed_headers.is_none(),
            date: missing_date,
        };
        SigError::IncompleteHeader { missing, authorization: authorization.into() }
    }
}

/// What stands between commas and blanks.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = memchr::memchr3(b',', b' ', b'\t', text.as_bytes());
        rest = end.and_then(|end| text.get(end + 1..));
        end.map_or(Some(text), |end| text.get(..end))
    })
}

/// The date that counts: `X-Amz-Date` before `Date`.
enum DateHeader<'a> {
    Amz(&'a str),
    Http(&'a str),
}

impl<'a> DateHeader<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Amz(text) | Self::Http(text) => text,
        }
    }

    fn timestamp(&self) -> Option<Timestamp> {
        match self {
            Self::Amz(text) => Timestamp::parse_basic(text),
            Self::Http(text) => Timestamp::parse_http_date(text),
        }
    }
}

fn date(request: Request<'_>) -> (Option<DateHeader<'_>>, bool) {
    let amz = header_text(request.headers, &AMZ_DATE).map(DateHeader::Amz);
    let date = amz.or_else(|| header_text(request.headers, &http::header::DATE).map(DateHeader::Http));
    let missing = date.is_none();
    (date, missing)
}
