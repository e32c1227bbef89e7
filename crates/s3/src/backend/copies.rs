//! Copies: a whole object, or a range of one as a part of an upload.

use futures::StreamExt;
use http::StatusCode;
use s3s::dto::*;

use super::headers::check_settable;
use super::objects::{Checksums, encryption, open_source};
use super::{Backend, Cx, timestamp};
use crate::call::CopySource;
use crate::checksum::Algorithm;
use crate::disk::{Bucket, Headers, NewObject, ObjectRecord, OpenObject, PartRecord};
use crate::fault::Fault;
use crate::names::hex;

impl Backend {
    /// The source that was decided on; what else the request says of it is not looked at again.
    async fn source(&self, cx: &Cx) -> Result<(CopySource, OpenObject), Fault> {
        let source = cx.copy_source.clone().ok_or_else(|| Fault::internal(&"a copy without a source"))?;
        if source.version_id.as_deref().is_some_and(|version| version != "null") {
            return Err(Fault::invalid_argument("Invalid version id specified", "versionId", ""));
        }
        let bucket = self.disk.existing(&source.bucket)?;
        let object = open_source(&bucket, cx, &source.key).await?;
        check_source(cx, &object.record)?;
        Ok((source, object))
    }

    pub(super) async fn copy_object(&self, cx: &Cx, _: CopyObjectInput) -> Result<CopyObjectOutput, Fault> {
        let bucket = self.bucket(cx)?;
        check_settable(cx)?;
        let condition = cx.write_condition()?;
        let (source, object) = self.source(cx).await?;
        let replaces = cx.header("x-amz-metadata-directive") == Some("REPLACE");
        let headers = if replaces { Headers::of(cx)? } else { kept_headers(cx, &object.record)? };
        let same = source.bucket == bucket.name && source.key == cx.key()?;
        if same && !replaces && headers == object.record.headers {
            let message = "This copy request is illegal because it is trying to copy an object to itself without \
                           changing the object's metadata, storage class, website redirect location or encryption \
                           attributes.";
            return Err(Fault::invalid_request(message));
        }
        let tags = match cx.header("x-amz-tagging-directive") {
            Some("REPLACE") => cx.object_tags()?,
            _ => self.disk.existing(&source.bucket)?.tags(&source.key).await?.unwrap_or_default(),
        };
        let algorithm = cx.header("x-amz-checksum-algorithm").and_then(Algorithm::parse);
        let kept = object.record.checksum.as_ref().map(|checksum| checksum.algorithm);
        let record = ObjectRecord {
            key: cx.key()?.to_owned(),
            id: self.new_id(),
            modified_ms: cx.now_ms,
            headers,
            parts: Vec::new(),
            tags,
            ..object.record.clone()
        };
        let record = self.copy_bytes(&bucket, object, record, algorithm.or(kept), &condition).await?;
        let sums = Checksums::of(record.checksum.as_ref());
        let result = CopyObjectResult {
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
            e_tag: Some(ETag::Strong(record.etag)),
            last_modified: Some(timestamp(record.modified_ms)),
        };
        Ok(CopyObjectOutput {
            copy_object_result: Some(result),
            server_side_encryption: encryption(),
            ..CopyObjectOutput::default()
        })
    }

    async fn copy_bytes(
        &self,
        bucket: &Bucket,
        object: OpenObject,
        mut record: ObjectRecord,
        algorithm: Option<Algorithm>,
        condition: &crate::disk::Condition,
    ) -> Result<ObjectRecord, Fault> {
        let algorithm = algorithm.unwrap_or(Algorithm::Crc64Nvme);
        let mut new = NewObject::create(bucket.new_path(&record.id), algorithm).await?;
        let size = object.record.size;
        let bytes = Box::pin(object.bytes(0, size).map(|piece| piece.map_err(Fault::from)));
        new.write_all::<_, Fault>(bytes).await?;
        let sums = new.sums();
        // A copy is one piece, whatever its source was.
        record.etag = hex(&sums.md5);
        record.checksum = Some(sums.checksum);
        new.seal(&record).await?;
        bucket.commit(new, &record, condition).await?;
        Ok(record)
    }

    pub(super) async fn upload_part_copy(
        &self,
        cx: &Cx,
        input: UploadPartCopyInput,
    ) -> Result<UploadPartCopyOutput, Fault> {
        let bucket = self.bucket(cx)?;
        let number = super::multipart::part_number(input.part_number)?;
        let upload = bucket.upload(&input.upload_id, cx.key()?).await?;
        let (_, object) = self.source(cx).await?;
        let (first, length) = copied_range(input.copy_source_range.as_deref(), object.record.size)?;
        let algorithm = upload.algorithm.unwrap_or(Algorithm::Crc64Nvme);
        let mut new = NewObject::create(bucket.new_path(&self.new_id()), algorithm).await?;
        let bytes = Box::pin(object.bytes(first, length).map(|piece| piece.map_err(Fault::from)));
        new.write_all::<_, Fault>(bytes).await?;
        let sums = new.sums();
        let record = PartRecord {
            number,
            size: sums.bytes,
            md5: sums.md5,
            modified_ms: cx.now_ms,
            checksum: sums.checksum,
        };
        new.seal(&record).await?;
        bucket.commit_part(&input.upload_id, new, number).await?;
        let result = CopyPartResult {
            e_tag: Some(ETag::Strong(hex(&record.md5))),
            last_modified: Some(timestamp(record.modified_ms)),
            ..CopyPartResult::default()
        };
        Ok(UploadPartCopyOutput {
            copy_part_result: Some(result),
            server_side_encryption: encryption(),
            ..UploadPartCopyOutput::default()
        })
    }
}

/// The source's headers, with the storage class and redirection of the request, which are never copied.
fn kept_headers(cx: &Cx, source: &ObjectRecord) -> Result<Headers, Fault> {
    let asked = Headers::of(cx)?;
    Ok(Headers {
        storage_class: asked.storage_class,
        website_redirect_location: asked.website_redirect_location,
        ..source.headers.clone()
    })
}

/// `x-amz-copy-source-if-…`.
fn check_source(cx: &Cx, record: &ObjectRecord) -> Result<(), Fault> {
    let seconds = record.modified_ms.div_euclid(1_000);
    let time = |name: &str| cx.header(name).and_then(rolecall_sigv4::Timestamp::parse_http_date);
    let is = |etag: &str| etag == "*" || etag.trim_matches('"') == record.etag;
    let failed = [
        ("x-amz-copy-source-If-Match", cx.header("x-amz-copy-source-if-match").is_some_and(|etag| !is(etag))),
        ("x-amz-copy-source-If-None-Match", cx.header("x-amz-copy-source-if-none-match").is_some_and(is)),
        (
            "x-amz-copy-source-If-Unmodified-Since",
            time("x-amz-copy-source-if-unmodified-since").is_some_and(|since| seconds > since.0),
        ),
        (
            "x-amz-copy-source-If-Modified-Since",
            time("x-amz-copy-source-if-modified-since").is_some_and(|since| seconds <= since.0),
        ),
    ];
    match failed.into_iter().find(|(_, failed)| *failed) {
        Some((condition, _)) => Err(Fault::precondition_failed(condition)),
        None => Ok(()),
    }
}

/// `bytes=first-last`, both needed and both within the source.
fn copied_range(text: Option<&str>, size: u64) -> Result<(u64, u64), Fault> {
    let Some(text) = text else { return Ok((0, size)) };
    let message = "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are \
                   the zero-based offsets of the first and last bytes to copy";
    let invalid = || Fault::invalid_argument(message, "x-amz-copy-source-range", text);
    let (first, last) =
        text.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(invalid)?;
    let (first, last): (u64, u64) =
        (first.parse().map_err(|_| invalid())?, last.parse().map_err(|_| invalid())?);
    if first > last {
        return Err(invalid());
    }
    if last >= size {
        let message = format!("Range specified is not valid for source object of size: {size}");
        return Err(Fault::new("InvalidArgument", StatusCode::BAD_REQUEST, message));
    }
    Ok((first, last - first + 1))
}
