//! What a request presents as its proof, read before any secret is known.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, Method, Uri};

use crate::encoding;
use crate::error::{Family, SigError};
use crate::header_form::SECURITY_TOKEN;
use crate::payload::{CONTENT_SHA256, PayloadHash};
use crate::scope::Scope;
use crate::signature::Signature;
use crate::timestamp::Timestamp;
use crate::{header_form, presigned};

/// The parts of a request that a signature covers, beside the body.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query as they came over the wire; the authority too where HTTP/2 carries it.
    pub uri: &'a Uri,
    /// All headers.
    pub headers: &'a HeaderMap,
}

impl<'a> From<&'a http::request::Parts> for Request<'a> {
    fn from(parts: &'a http::request::Parts) -> Self {
        Self { method: &parts.method, uri: &parts.uri, headers: &parts.headers }
    }
}

impl<'a> Request<'a> {
    /// The `Host` header, or HTTP/2's `:authority`.
    pub fn host(&self) -> Option<&'a str> {
        match self.headers.get(http::header::HOST) {
            Some(value) => value.to_str().ok(),
            None => self.uri.authority().map(http::uri::Authority::as_str),
        }
    }

    /// The raw query string, empty where there is none.
    pub(crate) fn query(&self) -> &'a str {
        self.uri.query().unwrap_or_default()
    }
}

/// In which form a request carries its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The `Authorization` header.
    Header,
    /// The `X-Amz-*` query parameters.
    Presigned {
        /// `X-Amz-Expires`. S3 requires it; other services do not look at it.
        expires_seconds: Option<u32>,
    },
}

/// What a request claims. Nothing here is proven until [`crate::verify`] says so.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The access key id, the first part of `Credential`.
    pub access_key_id: Arc<str>,
    /// The rest of `Credential`.
    pub scope: Scope,
    /// The names of the signed headers, sorted, each once.
    pub signed_headers: Arc<[HeaderName]>,
    /// The session token, from the header or the query.
    pub token: Option<Arc<str>>,
    /// When the request says that it was signed.
    pub timestamp: Timestamp,
    /// Header or presigned.
    pub form: Form,
    /// Whose rules and error texts apply.
    pub family: Family,
    /// `None` if what was given cannot be a signature; it then matches nothing.
    pub(crate) signature: Option<Signature>,
    pub(crate) signature_text: Box<str>,
    /// The `Authorization` header up to its signature, where that stands last.
    pub(crate) lead: Option<Arc<str>>,
}

impl Presented {
    /// Reads the proof from `request`; `Ok(None)` if it carries none (an anonymous request).
    ///
    /// # Errors
    /// If there is a proof but it is incomplete, malformed or given twice.
    pub fn parse(request: Request<'_>, family: Family) -> Result<Option<Self>, SigError> {
        Self::parse_after(request, family, None)
    }

    /// As [`Presented::parse`], where an `earlier` request of the same connection is at hand: clients
    /// keep to one key, scope and list of headers, so what is the same again is shared and not read anew.
    ///
    /// # Errors
    /// As [`Presented::parse`].
    pub fn parse_after(
        request: Request<'_>,
        family: Family,
        earlier: Option<&Self>,
    ) -> Result<Option<Self>, SigError> {
        let in_query = presigned::is_presigned(request.query());
        let mut headers = request.headers.get_all(http::header::AUTHORIZATION).iter();
        match (headers.next(), in_query) {
            (None, false) if presigned::is_version_2(request.query(), family) => Err(presigned::version_2()),
            (None, false) => Ok(None),
            (None, true) => presigned::parse(request, family).map(Some),
            (Some(_), true) => Err(SigError::TwoMechanisms),
            (Some(_), false) if headers.next().is_some() => Err(SigError::TwoMechanisms),
            (Some(value), false) => header_form::parse(request, family, value, earlier).map(Some),
        }
    }

    /// What an S3 request declares its body to be, which is what its canonical request says.
    ///
    /// # Errors
    /// If the header form lacks `x-amz-content-sha256`, or the value is unknown.
    pub fn declared_payload(&self, request: Request<'_>) -> Result<PayloadHash, SigError> {
        match self.form {
            Form::Header => PayloadHash::declared(request.headers)?.ok_or(SigError::MissingContentSha256),
            Form::Presigned { .. } => match presigned::parameter(request.query(), "X-Amz-Content-Sha256") {
                Some(text) => PayloadHash::parse(&text).ok_or(SigError::InvalidContentSha256),
                None if self.signed_headers.iter().any(|name| name == CONTENT_SHA256) => {
                    Ok(PayloadHash::declared(request.headers)?.unwrap_or(PayloadHash::Unsigned))
                }
                None => Ok(PayloadHash::Unsigned),
            },
        }
    }
}

/// The five parts of `Credential`.
pub(crate) fn parse_credential(
    text: &str,
    form: FormKind,
    earlier: Option<&Presented>,
) -> Result<(Arc<str>, Scope), SigError> {
    let malformed = || SigError::MalformedCredential { credential: text.into(), form };
    // The access key id never has a slash; a client that sends one finds no key.
    let mut parts = text.split('/');
    let mut next = || parts.next().ok_or_else(malformed);
    let (access_key_id, date, region, service, terminator) = (next()?, next()?, next()?, next()?, next()?);
    if access_key_id.is_empty() || parts.next().is_some() {
        return Err(malformed());
    }
    if terminator != crate::scope::TERMINATOR {
        return Err(SigError::WrongTerminator { got: terminator.into(), form });
    }
    let scope = |of: fn(&Scope) -> &Arc<str>, text| shared(earlier.map(|earlier| of(&earlier.scope)), text);
    let scope = Scope {
        date: scope(|scope| &scope.date, date),
        region: scope(|scope| &scope.region, region),
        service: scope(|scope| &scope.service, service),
    };
    Ok((shared(earlier.map(|earlier| &earlier.access_key_id), access_key_id), scope))
}

/// The session token of a header, sharing the memory of an `earlier` one that is the same.
pub(crate) fn token_header(headers: &HeaderMap, earlier: Option<&Arc<str>>) -> Option<Arc<str>> {
    let value = headers.get(&SECURITY_TOKEN)?;
    match earlier.filter(|earlier| earlier.as_bytes() == value.as_bytes()) {
        Some(same) => Some(same.clone()),
        None => value.to_str().ok().map(Into::into),
    }
}

/// `text`, sharing the memory of an `earlier` text that is the same.
pub(crate) fn shared(earlier: Option<&Arc<str>>, text: &str) -> Arc<str> {
    earlier.filter(|earlier| &***earlier == text).cloned().unwrap_or_else(|| text.into())
}

/// The names in `SignedHeaders`, sorted. `None` if one is no header name or comes twice.
pub(crate) fn parse_signed_headers(text: &str, earlier: Option<&Presented>) -> Option<Arc<[HeaderName]>> {
    let known = earlier.map(|earlier| &earlier.signed_headers);
    if let Some(known) = known.filter(|known| is_joined(text, known)) {
        return Some(known.clone());
    }
    // AWS signs names in lower case; another spelling is not what was signed.
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let names = text.split(';').map(|name| HeaderName::from_bytes(name.as_bytes()).ok());
    let mut names: Vec<HeaderName> = names.collect::<Option<_>>()?;
    names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
    let unique = names.windows(2).all(|pair| pair.first() != pair.last());
    unique.then(|| names.into())
}

/// Whether `text` is these names with a semicolon between them.
fn is_joined(mut text: &str, names: &[HeaderName]) -> bool {
    for (index, name) in names.iter().enumerate() {
        let rest = if index == 0 { Some(text) } else { text.strip_prefix(';') };
        match rest.and_then(|rest| rest.strip_prefix(name.as_str())) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    text.is_empty()
}

/// Which form an error speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormKind {
    /// The `Authorization` header.
    Header,
    /// The query parameters.
    Query,
}

impl Form {
    /// Which form an error about it should speak of.
    pub fn kind(&self) -> FormKind {
        match self {
            Self::Header => FormKind::Header,
            Self::Presigned { .. } => FormKind::Query,
        }
    }
}

/// The value of a header as text; `None` if absent or not visible ASCII.
pub(crate) fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether the query string has this parameter, however it is escaped.
pub(crate) fn has_parameter(query: &str, wanted: &str) -> bool {
    encoding::pairs(query).any(|(name, _)| {
        name == wanted || (name.contains('%') && encoding::decode_parameter(name).as_deref() == Some(wanted))
    })
}
