//! A request that has been read but not decided: what it is and on what.

use http::header::HeaderName;
use http::request::Parts;

use crate::address::{Endpoint, Target, invalid_bucket_name};
use crate::fault::Fault;
use crate::names::{BucketName, MAX_KEY_BYTES};
use crate::operation::Operation;
use crate::route::{self, Query};

/// How a request was authenticated, as far as S3's condition keys tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthType {
    /// The `Authorization` header.
    Header,
    /// A presigned address.
    QueryString,
    /// Nothing.
    Anonymous,
}

/// What the authenticated line knows about the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthFacts {
    /// Header, query or none.
    pub auth_type: AuthType,
    /// Milliseconds since the request was signed.
    pub signature_age_ms: u64,
}

/// The source of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopySource {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: String,
    /// Its version, if one was named.
    pub version_id: Option<String>,
}

/// An S3 request: the operation, its target, and the parts that it was read from. The parts stay
/// inside, so that a decision on them cannot be used for others.
#[derive(Debug)]
pub struct Call {
    pub(crate) operation: Operation,
    pub(crate) target: Target,
    pub(crate) query: Query,
    pub(crate) copy_source: Option<CopySource>,
    pub(crate) auth: AuthFacts,
    pub(crate) parts: Parts,
}

impl Call {
    pub(crate) fn read(parts: Parts, endpoint: &Endpoint, auth: AuthFacts) -> Result<Self, Fault> {
        let host = rolecall_sigv4::Request::from(&parts).host();
        let target = endpoint.target(host, parts.uri.path())?;
        let query = Query::parse(parts.uri.query().unwrap_or_default())?;
        for (name, _) in query.iter() {
            // A second spelling of a header could be read by one part of the program and not by another.
            if name.len() > 6
                && name.to_ascii_lowercase().starts_with("x-amz-")
                && !is_signature_parameter(name)
            {
                return Err(Fault::not_implemented(name));
            }
        }
        single_headers(&parts)?;
        let operation = route::operation(&parts.method, &target, &query, &parts.headers)?;
        let copies = matches!(operation, Operation::CopyObject | Operation::UploadPartCopy);
        let copy_source = if copies { Some(copy_source(&parts)?) } else { None };
        Ok(Self { operation, target, query, copy_source, auth, parts })
    }

    /// Which operation it is.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// What it is about.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The source, if it copies.
    pub fn copy_source(&self) -> Option<&CopySource> {
        self.copy_source.as_ref()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The version that is named. `null` is the version that an unversioned bucket's object has.
    pub(crate) fn version_id(&self) -> Option<&str> {
        self.query.value("versionId").filter(|version| !version.is_empty())
    }

    pub(crate) fn resource(&self) -> String {
        match (self.target.bucket(), self.target.key()) {
            (Some(bucket), Some(key)) => format!("/{bucket}/{key}"),
            (Some(bucket), None) => format!("/{bucket}"),
            _ => "/".to_owned(),
        }
    }
}

/// Parameters that carry the signature and are used up when the request gets here.
pub(crate) fn is_signature_parameter(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "X-Amz-Content-Sha256",
    ];
    NAMES.contains(&name)
}

/// Headers that a decision depends on come once.
fn single_headers(parts: &Parts) -> Result<(), Fault> {
    let decides =
        |name: &&HeaderName| name.as_str().starts_with("x-amz-") && !name.as_str().starts_with("x-amz-meta-");
    let twice =
        parts.headers.keys().filter(decides).find(|name| parts.headers.get_all(*name).iter().count() > 1);
    match twice {
        Some(name) => Err(Fault::invalid_argument("A header was given more than once.", name.as_str(), "")),
        None => Ok(()),
    }
}

/// Reads `x-amz-copy-source`: `[/]bucket/key[?versionId=…]`, escaped.
fn copy_source(parts: &Parts) -> Result<CopySource, Fault> {
    let raw =
        parts.headers.get("x-amz-copy-source").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let message = "Copy Source must mention the source bucket and key: sourcebucket/sourcekey";
    let invalid = || Fault::invalid_argument(message, "x-amz-copy-source", raw);
    let (path, version_id) = match raw.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version.to_owned())),
        None => (raw, None),
    };
    let decoded = rolecall_sigv4::decode_path(path).ok_or_else(invalid)?;
    if decoded.starts_with("arn:") {
        return Err(Fault::not_implemented("x-amz-copy-source"));
    }
    let (bucket, key) = decoded.strip_prefix('/').unwrap_or(&decoded).split_once('/').ok_or_else(invalid)?;
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        return Err(invalid());
    }
    let bucket = BucketName::parse(bucket).ok_or_else(|| invalid_bucket_name(bucket))?;
    Ok(CopySource { bucket, key: key.to_owned(), version_id })
}
