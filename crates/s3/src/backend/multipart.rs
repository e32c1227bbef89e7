//! Uploads in parts.
//! See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>.

use futures::StreamExt;
use http::StatusCode;
use s3s::dto::*;

use super::headers::check_settable;
use super::objects::{Checksums, encryption, write_body};
use super::{Backend, Cx, canonical_id, owner, timestamp};
use crate::checksum::{self, Algorithm};
use crate::disk::{Bucket, Headers, NewObject, ObjectRecord, PartRecord, Upload};
use crate::fault::Fault;
use crate::names::hex;

/// Every part but the last has at least this many bytes.
const MIN_PART_BYTES: u64 = 5 << 20;
const MOST_PARTS: i32 = 10_000;

/// Reads a part's number: 1 to 10,000.
pub(super) fn part_number(number: i32) -> Result<u16, Fault> {
    let message = "Part number must be an integer between 1 and 10000, inclusive";
    let invalid = || Fault::invalid_argument(message, "partNumber", &number.to_string());
    if !(1..=MOST_PARTS).contains(&number) {
        return Err(invalid());
    }
    u16::try_from(number).map_err(|_| invalid())
}

impl Backend {
    pub(super) async fn create_multipart_upload(
        &self,
        cx: &Cx,
        input: CreateMultipartUploadInput,
    ) -> Result<CreateMultipartUploadOutput, Fault> {
        let bucket = self.bucket(cx)?;
        check_settable(cx)?;
        let algorithm = match cx.header("x-amz-checksum-algorithm") {
            Some(name) => Some(Algorithm::parse(name).ok_or_else(|| {
                Fault::invalid_request("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]")
            })?),
            None => None,
        };
        let full_object = match cx.header("x-amz-checksum-type") {
            Some(kind) => kind == ChecksumType::FULL_OBJECT,
            None => matches!(algorithm, None | Some(Algorithm::Crc64Nvme)),
        };
        let upload = Upload {
            id: self.new_id(),
            key: cx.key()?.to_owned(),
            initiated_ms: cx.now_ms,
            initiator: cx.caller.account.clone().unwrap_or_default(),
            headers: Headers::of(cx)?,
            tags: cx.object_tags()?,
            algorithm,
            full_object,
        };
        let output = CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            checksum_algorithm: algorithm.map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
            key: Some(upload.key.clone()),
            server_side_encryption: encryption(),
            upload_id: Some(upload.id.clone()),
            ..CreateMultipartUploadOutput::default()
        };
        bucket.begin_upload(upload).await?;
        Ok(output)
    }

    pub(super) async fn upload_part(
        &self,
        cx: &Cx,
        input: UploadPartInput,
    ) -> Result<UploadPartOutput, Fault> {
        let bucket = self.bucket(cx)?;
        let number = part_number(input.part_number)?;
        let upload = bucket.upload(&input.upload_id, cx.key()?).await?;
        let mut expected = cx.expected()?;
        if let Some(algorithm) = upload.algorithm {
            expected = expected.unless_declared(algorithm);
        }
        let mut new = NewObject::create(bucket.new_path(&self.new_id()), expected.algorithm).await?;
        write_body(&mut new, input.body).await?;
        let sums = new.sums();
        expected.check(&sums, cx.trailers())?;
        let record = PartRecord {
            number,
            size: sums.bytes,
            md5: sums.md5,
            modified_ms: cx.now_ms,
            checksum: sums.checksum,
        };
        new.seal(&record).await?;
        bucket.commit_part(&input.upload_id, new, number).await?;
        let sums = Checksums::of(Some(&record.checksum));
        Ok(UploadPartOutput {
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            e_tag: Some(ETag::Strong(hex(&record.md5))),
            server_side_encryption: encryption(),
            ..UploadPartOutput::default()
        })
    }

    pub(super) async fn complete_multipart_upload(
        &self,
        cx: &Cx,
        input: CompleteMultipartUploadInput,
    ) -> Result<CompleteMultipartUploadOutput, Fault> {
        let bucket = self.bucket(cx)?;
        let upload = bucket.upload(&input.upload_id, cx.key()?).await?;
        let condition = cx.write_condition()?;
        let asked = input.multipart_upload.and_then(|upload| upload.parts).unwrap_or_default();
        let parts = chosen_parts(&bucket, &upload, asked).await?;
        let record = self.assemble(cx, &bucket, &upload, &parts, &condition).await?;
        bucket.end_upload(&upload.id).await?;
        let sums = Checksums::of(record.checksum.as_ref());
        Ok(CompleteMultipartUploadOutput {
            bucket: Some(bucket.name.to_string()),
            checksum_crc32: sums.crc32,
            checksum_crc32c: sums.crc32c,
            checksum_crc64nvme: sums.crc64nvme,
            checksum_sha1: sums.sha1,
            checksum_sha256: sums.sha256,
            checksum_type: sums.kind,
            e_tag: Some(ETag::Strong(record.etag)),
            key: Some(record.key.clone()),
            location: Some(format!("/{}/{}", bucket.name, record.key)),
            server_side_encryption: encryption(),
            ..CompleteMultipartUploadOutput::default()
        })
    }

    async fn assemble(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        upload: &Upload,
        parts: &[PartRecord],
        condition: &crate::disk::Condition,
    ) -> Result<ObjectRecord, Fault> {
        let id = self.new_id();
        let algorithm = upload.algorithm.unwrap_or(Algorithm::Crc64Nvme);
        let mut new = NewObject::create(bucket.new_path(&id), algorithm).await?;
        for part in parts {
            let gone = || invalid_part(&upload.id, part.number);
            let file = bucket.part(&upload.id, part.number).await?.filter(|file| file.record.md5 == part.md5);
            let bytes = file.ok_or_else(gone)?.bytes(0, part.size).map(|piece| piece.map_err(Fault::from));
            new.write_all::<_, Fault>(Box::pin(bytes)).await?;
        }
        let sums = new.sums();
        let of_parts: Vec<_> = parts.iter().map(|part| part.checksum.clone()).collect();
        let checksum =
            if upload.full_object { Some(sums.checksum) } else { checksum::composite(algorithm, &of_parts) };
        let md5s: Vec<[u8; 16]> = parts.iter().map(|part| part.md5).collect();
        let record = ObjectRecord {
            key: upload.key.clone(),
            id,
            size: sums.bytes,
            etag: checksum::multipart_etag(&md5s),
            modified_ms: cx.now_ms,
            headers: upload.headers.clone(),
            checksum,
            parts: parts.iter().map(|part| part.size).collect(),
            tags: upload.tags.clone(),
        };
        check_whole(cx, &record)?;
        new.seal(&record).await?;
        bucket.commit(new, &record, condition).await?;
        Ok(record)
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        cx: &Cx,
        input: AbortMultipartUploadInput,
    ) -> Result<AbortMultipartUploadOutput, Fault> {
        let bucket = self.bucket(cx)?;
        bucket.upload(&input.upload_id, cx.key()?).await?;
        bucket.end_upload(&input.upload_id).await?;
        Ok(AbortMultipartUploadOutput { request_charged: None })
    }

    pub(super) async fn list_parts(&self, cx: &Cx, input: ListPartsInput) -> Result<ListPartsOutput, Fault> {
        let bucket = self.bucket(cx)?;
        let upload = bucket.upload(&input.upload_id, cx.key()?).await?;
        let most = input.max_parts.unwrap_or(1_000).clamp(0, 1_000);
        let after = input.part_number_marker.unwrap_or(0);
        let mut parts = bucket.parts(&upload.id).await?;
        parts.retain(|part| i32::from(part.number) > after);
        let more = parts.len() > usize::try_from(most).unwrap_or(0);
        parts.truncate(usize::try_from(most).unwrap_or(0));
        let account = bucket.facts().owner.clone();
        Ok(ListPartsOutput {
            bucket: Some(input.bucket),
            checksum_algorithm: upload
                .algorithm
                .map(|algorithm| ChecksumAlgorithm::from_static(algorithm.name())),
            initiator: Some(Initiator { display_name: None, id: Some(canonical_id(&upload.initiator)) }),
            is_truncated: Some(more),
            key: Some(upload.key),
            max_parts: Some(most),
            next_part_number_marker: parts.last().map(|part| i32::from(part.number)),
            owner: Some(owner(&account)),
            part_number_marker: Some(after),
            parts: Some(parts.iter().map(listed_part).collect()),
            storage_class: Some(StorageClass::from(
                upload.headers.storage_class.unwrap_or_else(|| "STANDARD".into()),
            )),
            upload_id: Some(upload.id),
            ..ListPartsOutput::default()
        })
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        cx: &Cx,
        input: ListMultipartUploadsInput,
    ) -> Result<ListMultipartUploadsOutput, Fault> {
        let bucket = self.bucket(cx)?;
        if input.delimiter.as_deref().is_some_and(|delimiter| !delimiter.is_empty()) {
            return Err(Fault::not_implemented("delimiter"));
        }
        let most = input.max_uploads.unwrap_or(1_000).clamp(0, 1_000);
        let prefix = input.prefix.clone().unwrap_or_default();
        let (key_marker, id_marker) = (input.key_marker.clone(), input.upload_id_marker.clone());
        let mut uploads = bucket.uploads().await?;
        uploads.retain(|upload| upload.key.starts_with(&prefix));
        if let Some(marker) = &key_marker {
            let at = id_marker.as_ref().and_then(|id| uploads.iter().position(|upload| upload.id == *id));
            match at {
                Some(at) => drop(uploads.drain(..=at)),
                None => uploads.retain(|upload| upload.key > *marker),
            }
        }
        let more = uploads.len() > usize::try_from(most).unwrap_or(0);
        uploads.truncate(usize::try_from(most).unwrap_or(0));
        let account = bucket.facts().owner.clone();
        let listed = |upload: &Upload| MultipartUpload {
            initiated: Some(timestamp(upload.initiated_ms)),
            initiator: Some(Initiator { display_name: None, id: Some(canonical_id(&upload.initiator)) }),
            key: Some(upload.key.clone()),
            owner: Some(owner(&account)),
            upload_id: Some(upload.id.clone()),
            ..MultipartUpload::default()
        };
        let last = uploads.last().filter(|_| more);
        Ok(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(more),
            key_marker,
            max_uploads: Some(most),
            next_key_marker: last.map(|upload| upload.key.clone()),
            next_upload_id_marker: last.map(|upload| upload.id.clone()),
            prefix: input.prefix,
            upload_id_marker: id_marker,
            uploads: Some(uploads.iter().map(listed).collect()),
            ..ListMultipartUploadsOutput::default()
        })
    }
}

/// The parts that the client names, in its order, each as it was uploaded.
async fn chosen_parts(
    bucket: &Bucket,
    upload: &Upload,
    asked: Vec<CompletedPart>,
) -> Result<Vec<PartRecord>, Fault> {
    if asked.is_empty() {
        return Err(Fault::malformed_xml());
    }
    let present = bucket.parts(&upload.id).await?;
    let mut chosen: Vec<PartRecord> = Vec::with_capacity(asked.len());
    for part in asked {
        let number = part_number(part.part_number.unwrap_or(0))?;
        if chosen.last().is_some_and(|last| last.number >= number) {
            let message = "The list of parts was not in ascending order. Parts list must be specified in order by \
                           part number.";
            return Err(Fault::new("InvalidPartOrder", StatusCode::BAD_REQUEST, message)
                .with("UploadId", upload.id.as_str()));
        }
        let etag = part.e_tag.map(ETag::into_value).unwrap_or_default();
        let found = present.iter().find(|present| present.number == number && hex(&present.md5) == etag);
        chosen.push(found.cloned().ok_or_else(|| invalid_part(&upload.id, number))?);
    }
    let mut all_but_last = chosen.iter().take(chosen.len().saturating_sub(1));
    if let Some(part) = all_but_last.find(|part| part.size < MIN_PART_BYTES) {
        let message = "Your proposed upload is smaller than the minimum allowed size";
        return Err(Fault::new("EntityTooSmall", StatusCode::BAD_REQUEST, message)
            .with("ProposedSize", part.size.to_string())
            .with("MinSizeAllowed", MIN_PART_BYTES.to_string())
            .with("PartNumber", part.number.to_string())
            .with("ETag", hex(&part.md5)));
    }
    Ok(chosen)
}

fn invalid_part(upload_id: &str, number: u16) -> Fault {
    let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
                   specified entity tag may not match the part's entity tag.";
    Fault::new("InvalidPart", StatusCode::BAD_REQUEST, message)
        .with("UploadId", upload_id)
        .with("PartNumber", number.to_string())
}

/// The size and checksum of the whole that the client expects.
fn check_whole(cx: &Cx, record: &ObjectRecord) -> Result<(), Fault> {
    let size = cx.header("x-amz-mp-object-size").and_then(|size| size.parse::<u64>().ok());
    if size.is_some_and(|size| size != record.size) {
        let message = "The provided 'x-amz-mp-object-size' header does not match what was computed.";
        return Err(Fault::invalid_request(message));
    }
    let Some(checksum) = &record.checksum else { return Ok(()) };
    match cx.header(checksum.algorithm.header()) {
        Some(value) if value != checksum.value => Err(Fault::new(
            "BadDigest",
            StatusCode::BAD_REQUEST,
            format!("The {} you specified did not match the calculated checksum.", checksum.algorithm.name()),
        )),
        _ => Ok(()),
    }
}

fn listed_part(part: &PartRecord) -> Part {
    let sums = Checksums::of(Some(&part.checksum));
    Part {
        checksum_crc32: sums.crc32,
        checksum_crc32c: sums.crc32c,
        checksum_crc64nvme: sums.crc64nvme,
        checksum_sha1: sums.sha1,
        checksum_sha256: sums.sha256,
        e_tag: Some(ETag::Strong(hex(&part.md5))),
        last_modified: Some(timestamp(part.modified_ms)),
        part_number: Some(i32::from(part.number)),
        size: i64::try_from(part.size).ok(),
    }
}
