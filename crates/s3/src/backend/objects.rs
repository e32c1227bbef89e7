//! Objects: put, get, head, attributes, tags.

use futures::StreamExt;
use http::StatusCode;
use s3s::dto::*;

use super::buckets::full_control;
use super::headers::{check_settable, check_tags, no_lists};
use super::settings::tag_set;
use super::{Backend, Cx, owner, timestamp};
use crate::call::AuthType;
use crate::checksum::{Algorithm, Checksum as StoredChecksum};
use crate::disk::{Bucket, Condition, Headers, NewObject, ObjectRecord, OpenObject};
use crate::fault::Fault;
use crate::names::hex;
use crate::receive::{Input, tag_pairs};

/// The most tags of an object.
const MAX_OBJECT_TAGS: usize = 10;
const DEFAULT_CONTENT_TYPE: &str = "binary/octet-stream";

/// What of an object is asked for.
struct Slice {
    first: u64,
    length: u64,
    content_range: Option<String>,
}

/// The one checksum in the five fields that answers have for it.
#[derive(Default)]
pub(super) struct Checksums {
    pub(super) crc32: Option<String>,
    pub(super) crc32c: Option<String>,
    pub(super) crc64nvme: Option<String>,
    pub(super) sha1: Option<String>,
    pub(super) sha256: Option<String>,
    pub(super) kind: Option<ChecksumType>,
}

impl Checksums {
    pub(super) fn of(checksum: Option<&StoredChecksum>) -> Self {
        let mut all = Self::default();
        let Some(checksum) = checksum else { return all };
        let kind = if checksum.composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT };
        all.kind = Some(ChecksumType::from_static(kind));
        let field = match checksum.algorithm {
            Algorithm::Crc32 => &mut all.crc32,
            Algorithm::Crc32c => &mut all.crc32c,
            Algorithm::Crc64Nvme => &mut all.crc64nvme,
            Algorithm::Sha1 => &mut all.sha1,
            Algorithm::Sha256 => &mut all.sha256,
        };
        *field = Some(checksum.value.clone());
        all
    }
}

/// What every answer says of how objects are kept.
pub(super) fn encryption() -> Option<ServerSideEncryption> {
    Some(ServerSideEncryption::from_static(ServerSideEncryption::AES256))
}

impl Cx {
    /// `If-Match` and `If-None-Match` of a write.
    pub(super) fn write_condition(&self) -> Result<Condition, Fault> {
        match (self.header("if-none-match"), self.header("if-match")) {
            (None, None) => Ok(Condition::None),
            (Some("*"), None) => Ok(Condition::Absent),
            (None, Some(etag)) => Ok(Condition::Matches(etag.trim_matches('"').to_owned())),
            _ => Err(Fault::not_implemented("If-None-Match")),
        }
    }

    /// The tags that an object is given.
    pub(super) fn object_tags(&self) -> Result<Vec<(String, String)>, Fault> {
        match &self.input {
            Input::ObjectTags(tags) => check_tags(tags, MAX_OBJECT_TAGS).map(|()| tags.clone()),
            _ => Ok(Vec::new()),
        }
    }
}

impl Backend {
    pub(super) async fn put_object(&self, cx: &Cx, input: PutObjectInput) -> Result<PutObjectOutput, Fault> {
        let bucket = self.bucket(cx)?;
        check_settable(cx)?;
        let (condition, tags, headers) = (cx.write_condition()?, cx.object_tags()?, Headers::of(cx)?);
        let expected = cx.expected()?;
        let id = self.new_id();
        let mut new = NewObject::create(bucket.new_path(&id), expected.algorithm).await?;
        write_body(&mut new, input.body).await?;
        let sums = new.sums();
        expected.check(&sums, cx.trailers())?;
        let record = ObjectRecord {
            key: cx.key()?.to_owned(),
            id,
            size: sums.bytes,
            etag: hex(&sums.md5),
            modified_ms: cx.now_ms,
            headers,
            checksum: Some(sums.checksum),
            parts: Vec::new(),
            tags,
        };
        new.seal(&record).await?;
        bucket.commit(new, &record, &condition).await?;
        let sums = Checksums::of(record.checksum.as_ref());
        Ok(PutObjectOutput {
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
            e_tag: Some(ETag::Strong(record.etag)),
            server_side_encryption: encryption(),
            ..PutObjectOutput::default()
        })
    }

    /// Opens the object that the request is about.
    async fn open(&self, cx: &Cx) -> Result<OpenObject, Fault> {
        let bucket = self.bucket(cx)?;
        cx.only_version()?;
        let key = cx.key()?;
        bucket.object(key).await?.ok_or_else(|| cx.no_such_key(key))
    }

    pub(super) async fn get_object(&self, cx: &Cx, input: GetObjectInput) -> Result<GetObjectOutput, Fault> {
        let overrides = input.response_content_type.is_some()
            || input.response_cache_control.is_some()
            || input.response_content_disposition.is_some()
            || input.response_content_encoding.is_some()
            || input.response_content_language.is_some()
            || input.response_expires.is_some();
        if overrides && cx.auth_type == AuthType::Anonymous {
            let message = "Request specific response headers cannot be used for anonymous GET requests.";
            return Err(Fault::invalid_request(message));
        }
        let object = self.open(cx).await?;
        let record = object.record.clone();
        check_read(cx, &record)?;
        let slice = slice(&record, input.range, input.part_number)?;
        let shown = input.checksum_mode.is_some() && slice.content_range.is_none();
        let sums = Checksums::of(record.checksum.as_ref().filter(|_| shown));
        let tag_count = self.bucket(cx)?.tags(&record.key).await?.map_or(0, |tags| tags.len());
        let headers = &record.headers;
        Ok(GetObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            body: Some(StreamingBlob::wrap(object.bytes(slice.first, slice.length))),
            cache_control: input.response_cache_control.or_else(|| headers.cache_control.clone()),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
            content_disposition: input
                .response_content_disposition
                .or_else(|| headers.content_disposition.clone()),
            content_encoding: input.response_content_encoding.or_else(|| headers.content_encoding.clone()),
            content_language: input.response_content_language.or_else(|| headers.content_language.clone()),
            content_length: i64::try_from(slice.length).ok(),
            content_range: slice.content_range,
            content_type: input.response_content_type.or_else(|| Some(content_type(headers))),
            e_tag: Some(ETag::Strong(record.etag.clone())),
            expires: input.response_expires.or_else(|| headers.expires_at()),
            last_modified: Some(timestamp(record.modified_ms)),
            metadata: Some(headers.metadata.clone().into_iter().collect()),
            parts_count: input.part_number.and_then(|_| parts_count(&record)),
            server_side_encryption: encryption(),
            storage_class: headers.storage_class.clone().map(StorageClass::from),
            tag_count: i32::try_from(tag_count).ok().filter(|count| *count > 0),
            website_redirect_location: headers.website_redirect_location.clone(),
            ..GetObjectOutput::default()
        })
    }

    pub(super) async fn head_object(
        &self,
        cx: &Cx,
        input: HeadObjectInput,
    ) -> Result<HeadObjectOutput, Fault> {
        let record = self.open(cx).await?.record;
        check_read(cx, &record)?;
        let slice = slice(&record, input.range, input.part_number)?;
        let shown = input.checksum_mode.is_some() && slice.content_range.is_none();
        let sums = Checksums::of(record.checksum.as_ref().filter(|_| shown));
        let headers = &record.headers;
        Ok(HeadObjectOutput {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: headers.cache_control.clone(),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
            content_disposition: headers.content_disposition.clone(),
            content_encoding: headers.content_encoding.clone(),
            content_language: headers.content_language.clone(),
            content_length: i64::try_from(slice.length).ok(),
            content_range: slice.content_range,
            content_type: Some(content_type(headers)),
            e_tag: Some(ETag::Strong(record.etag.clone())),
            expires: headers.expires_at(),
            last_modified: Some(timestamp(record.modified_ms)),
            metadata: Some(headers.metadata.clone().into_iter().collect()),
            parts_count: input.part_number.and_then(|_| parts_count(&record)),
            server_side_encryption: encryption(),
            storage_class: headers.storage_class.clone().map(StorageClass::from),
            website_redirect_location: headers.website_redirect_location.clone(),
            ..HeadObjectOutput::default()
        })
    }

    pub(super) async fn get_object_attributes(
        &self,
        cx: &Cx,
        _: GetObjectAttributesInput,
    ) -> Result<GetObjectAttributesOutput, Fault> {
        let record = self.open(cx).await?.record;
        let asked =
            cx.http_headers.get_all("x-amz-object-attributes").iter().filter_map(|value| value.to_str().ok());
        let asked: Vec<&str> = asked.flat_map(|list| list.split(',')).map(str::trim).collect();
        let wants = |name: &str| asked.contains(&name);
        let sums = Checksums::of(record.checksum.as_ref());
        let checksum = Checksum {
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
        };
        let parts = GetObjectAttributesParts {
            total_parts_count: parts_count(&record),
            ..GetObjectAttributesParts::default()
        };
        let class = record.headers.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned());
        Ok(GetObjectAttributesOutput {
            checksum: wants("Checksum").then_some(checksum),
            e_tag: wants("ETag").then_some(ETag::Strong(record.etag)),
            last_modified: Some(timestamp(record.modified_ms)),
            object_parts: (wants("ObjectParts") && !record.parts.is_empty()).then_some(parts),
            object_size: wants("ObjectSize").then(|| i64::try_from(record.size).unwrap_or(i64::MAX)),
            storage_class: wants("StorageClass").then(|| StorageClass::from(class)),
            ..GetObjectAttributesOutput::default()
        })
    }

    pub(super) async fn get_object_acl(
        &self,
        cx: &Cx,
        _: GetObjectAclInput,
    ) -> Result<GetObjectAclOutput, Fault> {
        self.open(cx).await?;
        let account = self.bucket(cx)?.facts().owner.clone();
        let (grants, owner) = (Some(full_control(&account)), Some(owner(&account)));
        Ok(GetObjectAclOutput { grants, owner, request_charged: None })
    }

    pub(super) async fn put_object_acl(
        &self,
        cx: &Cx,
        input: PutObjectAclInput,
    ) -> Result<PutObjectAclOutput, Fault> {
        self.open(cx).await?;
        check_settable(cx)?;
        if input.access_control_policy.is_some()
            || cx.header("x-amz-acl") != Some("bucket-owner-full-control")
        {
            return Err(no_lists());
        }
        Ok(PutObjectAclOutput::default())
    }

    pub(super) async fn get_object_tagging(
        &self,
        cx: &Cx,
        _: GetObjectTaggingInput,
    ) -> Result<GetObjectTaggingOutput, Fault> {
        let (bucket, key) = (self.bucket(cx)?, cx.key()?);
        cx.only_version()?;
        let tags = bucket.tags(key).await?.ok_or_else(|| cx.no_such_key(key))?;
        Ok(GetObjectTaggingOutput { tag_set: tag_set(tags), version_id: None })
    }

    pub(super) async fn put_object_tagging(
        &self,
        cx: &Cx,
        input: PutObjectTaggingInput,
    ) -> Result<PutObjectTaggingOutput, Fault> {
        cx.only_version()?;
        let tags = tag_pairs(input.tagging.tag_set);
        check_tags(&tags, MAX_OBJECT_TAGS)?;
        // INVARIANT: what is written is what was decided on.
        if cx.input != Input::ObjectTags(tags.clone()) {
            return Err(Fault::malformed_xml());
        }
        self.bucket(cx)?.set_tags(cx.key()?, &tags).await?;
        Ok(PutObjectTaggingOutput { version_id: None })
    }

    pub(super) async fn delete_object_tagging(
        &self,
        cx: &Cx,
        _: DeleteObjectTaggingInput,
    ) -> Result<DeleteObjectTaggingOutput, Fault> {
        cx.only_version()?;
        self.bucket(cx)?.set_tags(cx.key()?, &[]).await?;
        Ok(DeleteObjectTaggingOutput { version_id: None })
    }
}

/// Writes a request's body; the reason why a body stops is kept where the service looks for it.
pub(super) async fn write_body(new: &mut NewObject, body: Option<StreamingBlob>) -> Result<(), Fault> {
    let Some(body) = body else { return Ok(()) };
    let bytes = body.map(|piece| piece.map_err(|error| Fault::invalid_request(error.to_string())));
    new.write_all::<_, Fault>(bytes).await
}

/// The object that a copy reads.
pub(super) async fn open_source(bucket: &Bucket, cx: &Cx, key: &str) -> Result<OpenObject, Fault> {
    bucket.object(key).await?.ok_or_else(|| cx.no_such_key(key))
}

fn content_type(headers: &Headers) -> String {
    headers.content_type.clone().unwrap_or_else(|| DEFAULT_CONTENT_TYPE.to_owned())
}

fn parts_count(record: &ObjectRecord) -> Option<i32> {
    i32::try_from(record.parts.len()).ok().filter(|count| *count > 0)
}

/// The conditions of a read, in the order of RFC 9110, section 13.2.2.
fn check_read(cx: &Cx, record: &ObjectRecord) -> Result<(), Fault> {
    let seconds = record.modified_ms.div_euclid(1_000);
    let time = |name: &str| cx.header(name).and_then(rolecall_sigv4::Timestamp::parse_http_date);
    let names = |list: &str| {
        list.split(',').any(|tag| {
            matches!(tag.trim().trim_matches('"'), "*") || tag.trim().trim_matches('"') == record.etag
        })
    };
    match (cx.header("if-match"), time("if-unmodified-since")) {
        (Some(list), _) if !names(list) => return Err(Fault::precondition_failed("If-Match")),
        (None, Some(since)) if seconds > since.0 => {
            return Err(Fault::precondition_failed("If-Unmodified-Since"));
        }
        _ => {}
    }
    let unchanged = match (cx.header("if-none-match"), time("if-modified-since")) {
        (Some(list), _) => names(list),
        (None, Some(since)) => seconds <= since.0,
        (None, None) => false,
    };
    if unchanged { Err(Fault::new("NotModified", StatusCode::NOT_MODIFIED, "Not Modified")) } else { Ok(()) }
}

fn slice(record: &ObjectRecord, range: Option<Range>, part: Option<i32>) -> Result<Slice, Fault> {
    let size = record.size;
    let of = |first: u64, length: u64| Slice {
        first,
        length,
        content_range: Some(format!("bytes {first}-{}/{size}", (first + length).saturating_sub(1))),
    };
    match (range, part) {
        (Some(_), Some(_)) => {
            Err(Fault::invalid_request("Cannot specify both Range header and partNumber query parameter"))
        }
        (Some(range), None) => match range.check(size) {
            Ok(range) => Ok(of(range.start, range.end.saturating_sub(range.start))),
            Err(_) => Err(unsatisfiable(size)),
        },
        (None, Some(part)) if record.parts.is_empty() => {
            if part == 1 {
                Ok(Slice { first: 0, length: size, content_range: None })
            } else {
                Err(no_such_part())
            }
        }
        (None, Some(part)) => {
            let index =
                usize::try_from(part).ok().and_then(|part| part.checked_sub(1)).ok_or_else(no_such_part)?;
            let length = *record.parts.get(index).ok_or_else(no_such_part)?;
            Ok(of(record.parts.iter().take(index).sum(), length))
        }
        (None, None) => Ok(Slice { first: 0, length: size, content_range: None }),
    }
}

fn unsatisfiable(size: u64) -> Fault {
    Fault::new("InvalidRange", StatusCode::RANGE_NOT_SATISFIABLE, "The requested range is not satisfiable")
        .with("ActualObjectSize", size.to_string())
}

fn no_such_part() -> Fault {
    let message = "The requested partnumber is not satisfiable";
    Fault::new("InvalidPartNumber", StatusCode::RANGE_NOT_SATISFIABLE, message)
}
