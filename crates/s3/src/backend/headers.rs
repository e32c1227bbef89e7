//! The headers that an object keeps, from a request and back to an answer.

use std::collections::BTreeMap;

use http::StatusCode;
use s3s::dto::{Timestamp, TimestampFormat};

use super::Cx;
use crate::disk::Headers;
use crate::fault::Fault;

/// The most bytes of user metadata, names and values.
const MAX_METADATA_BYTES: usize = 2_048;
const METADATA_PREFIX: &str = "x-amz-meta-";

impl Headers {
    pub(super) fn of(cx: &Cx) -> Result<Self, Fault> {
        let kept = |name: &str| cx.header(name).map(str::to_owned);
        Ok(Self {
            content_type: kept("content-type"),
            cache_control: kept("cache-control"),
            content_disposition: kept("content-disposition"),
            content_encoding: content_encoding(cx),
            content_language: kept("content-language"),
            expires: kept("expires"),
            website_redirect_location: kept("x-amz-website-redirect-location"),
            storage_class: storage_class(cx)?,
            metadata: metadata(cx)?,
        })
    }

    /// `Expires` as a time, where it is one.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        Timestamp::parse(TimestampFormat::HttpDate, self.expires.as_deref()?).ok()
    }
}

/// `aws-chunked` is the framing of the request's body, which is gone, and no encoding of the object.
fn content_encoding(cx: &Cx) -> Option<String> {
    let parts = cx.header("content-encoding")?.split(',').map(str::trim);
    let rest: Vec<&str> = parts.filter(|part| *part != "aws-chunked" && !part.is_empty()).collect();
    (!rest.is_empty()).then(|| rest.join(","))
}

fn storage_class(cx: &Cx) -> Result<Option<String>, Fault> {
    const KNOWN: [&str; 10] = [
        "STANDARD",
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "OUTPOSTS",
        "GLACIER_IR",
        "EXPRESS_ONEZONE",
    ];
    match cx.header("x-amz-storage-class") {
        None | Some("STANDARD") => Ok(None),
        Some(class) if KNOWN.contains(&class) => Ok(Some(class.to_owned())),
        Some(class) => {
            let message = "The storage class you specified is not valid";
            Err(Fault::new("InvalidStorageClass", StatusCode::BAD_REQUEST, message)
                .with("StorageClassRequested", class))
        }
    }
}

fn metadata(cx: &Cx) -> Result<BTreeMap<String, String>, Fault> {
    let mut metadata = BTreeMap::new();
    let mut bytes = 0;
    for name in cx.http_headers.keys() {
        let Some(short) = name.as_str().strip_prefix(METADATA_PREFIX) else { continue };
        let values = cx.http_headers.get_all(name).iter();
        let values: Vec<String> =
            values.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned()).collect();
        let value = values.join(",");
        bytes += short.len() + value.len();
        metadata.insert(short.to_owned(), value);
    }
    if bytes > MAX_METADATA_BYTES {
        let message = "Your metadata headers exceed the maximum allowed metadata size";
        return Err(Fault::new("MetadataTooLarge", StatusCode::BAD_REQUEST, message)
            .with("Size", bytes.to_string())
            .with("MaxSizeAllowed", MAX_METADATA_BYTES.to_string()));
    }
    Ok(metadata)
}

/// Refuses what an object cannot be given here.
///
/// Buckets have no access control lists (`BucketOwnerEnforced`, the default of AWS since 2023).
pub(super) fn check_settable(cx: &Cx) -> Result<(), Fault> {
    let grants = cx.http_headers.keys().any(|name| name.as_str().starts_with("x-amz-grant-"));
    if grants || !matches!(cx.header("x-amz-acl"), None | Some("private" | "bucket-owner-full-control")) {
        return Err(no_lists());
    }
    if cx.http_headers.keys().any(|name| name.as_str().starts_with("x-amz-object-lock-")) {
        return Err(Fault::invalid_request("Bucket is missing Object Lock Configuration"));
    }
    if !matches!(cx.header("x-amz-server-side-encryption"), None | Some("AES256")) {
        return Err(Fault::not_implemented("x-amz-server-side-encryption"));
    }
    let customer_key = "x-amz-server-side-encryption-customer-algorithm";
    if cx.header(customer_key).is_some() {
        return Err(Fault::not_implemented(customer_key));
    }
    match cx.header("x-amz-write-offset-bytes") {
        Some(_) => Err(Fault::not_implemented("x-amz-write-offset-bytes")),
        None => Ok(()),
    }
}

pub(super) fn no_lists() -> Fault {
    Fault::new("AccessControlListNotSupported", StatusCode::BAD_REQUEST, "The bucket does not allow ACLs")
}

/// Checks a set of tags against S3's limits.
pub(crate) fn check_tags(tags: &[(String, String)], most: usize) -> Result<(), Fault> {
    let invalid = |message: String| Fault::new("InvalidTag", StatusCode::BAD_REQUEST, message);
    if tags.len() > most {
        let message = format!("Object tags cannot be greater than {most}");
        return Err(Fault::new("BadRequest", StatusCode::BAD_REQUEST, message));
    }
    for (index, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > 128 {
            return Err(invalid("The TagKey you have provided is invalid".to_owned()).with("TagKey", key));
        }
        if value.chars().count() > 256 {
            return Err(
                invalid("The TagValue you have provided is invalid".to_owned()).with("TagValue", value)
            );
        }
        if tags.iter().take(index).any(|(earlier, _)| earlier == key) {
            return Err(
                invalid("Cannot provide multiple Tags with the same key".to_owned()).with("TagKey", key)
            );
        }
    }
    Ok(())
}
