//! What `s3s` calls once a request is decided, and the facts about the request that it hands through.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use s3s::dto::*;
use s3s::{S3, S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

use crate::address::{Endpoint, Target};
use crate::call::{AuthType, Call, CopySource};
use crate::checksum::Expected;
use crate::decide::Verdicts;
use crate::disk::{Bucket, Disk, PublicAccessBlock};
use crate::fault::Fault;
use crate::names::{BucketName, hex};
use crate::operation::Operation;
use crate::receive::{Input, Outcome};
use crate::service::{Caller, Entropy};

mod buckets;
mod copies;
mod deletions;
mod headers;
mod lists;
mod multipart;
mod objects;
mod settings;

pub(crate) use headers::check_tags;
pub(crate) use settings::MAX_BUCKET_TAGS;

/// The facts about one request.
pub(crate) struct Cx {
    pub(crate) operation: Operation,
    pub(crate) target: Target,
    pub(crate) copy_source: Option<CopySource>,
    pub(crate) input: Input,
    pub(crate) verdicts: Verdicts,
    pub(crate) caller: Caller,
    pub(crate) now_ms: i64,
    pub(crate) version_id: Option<String>,
    auth_type: AuthType,
    http_headers: http::HeaderMap,
    outcome: Option<Arc<Outcome>>,
    fault: OnceLock<Fault>,
}

impl Cx {
    pub(crate) fn new(
        call: Call,
        input: Input,
        verdicts: Verdicts,
        outcome: Option<Arc<Outcome>>,
        caller: Caller,
        now_ms: i64,
    ) -> Self {
        let version_id = call.version_id().map(str::to_owned);
        let Call { operation, target, copy_source, parts, auth, .. } = call;
        let (http_headers, fault) = (parts.headers, OnceLock::new());
        Self {
            operation,
            target,
            copy_source,
            input,
            verdicts,
            caller,
            now_ms,
            version_id,
            auth_type: auth.auth_type,
            http_headers,
            outcome,
            fault,
        }
    }

    /// The fault that ended the request; one of the body comes before what it led to.
    pub(crate) fn take_fault(&self) -> Option<Fault> {
        let of_body = self.outcome.as_ref().and_then(|outcome| outcome.fault.get());
        of_body.or(self.fault.get()).cloned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.http_headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn expected(&self) -> Result<Expected, Fault> {
        Expected::of(&self.http_headers)
    }

    fn trailers(&self) -> Option<&rolecall_sigv4::Trailers> {
        self.outcome.as_ref().and_then(|outcome| outcome.trailers.get())
    }

    fn bucket_name(&self) -> Result<&BucketName, Fault> {
        self.target.bucket().ok_or_else(|| Fault::internal(&"a request without a bucket"))
    }

    fn key(&self) -> Result<&str, Fault> {
        self.target.key().ok_or_else(|| Fault::internal(&"a request without a key"))
    }

    /// There is no such key, or who may not list the bucket does not learn it.
    fn no_such_key(&self, key: &str) -> Fault {
        self.verdicts.concealed.clone().unwrap_or_else(|| Fault::no_such_key(key))
    }

    /// Buckets have no versions here: the one that there is has the id `null`.
    fn only_version(&self) -> Result<(), Fault> {
        match self.version_id.as_deref() {
            None | Some("null") => Ok(()),
            Some(version) => {
                Err(Fault::invalid_argument("Invalid version id specified", "versionId", version))
            }
        }
    }
}

pub(crate) struct Backend {
    disk: Arc<Disk>,
    endpoint: Arc<Endpoint>,
    entropy: Entropy,
}

impl Backend {
    pub(crate) fn new(disk: Arc<Disk>, endpoint: Arc<Endpoint>, entropy: Entropy) -> Self {
        Self { disk, endpoint, entropy }
    }

    fn new_id(&self) -> String {
        hex(&(self.entropy)())
    }

    fn bucket(&self, cx: &Cx) -> Result<Arc<Bucket>, Fault> {
        self.disk.existing(cx.bucket_name()?)
    }
}

fn context<T>(request: &S3Request<T>) -> S3Result<Arc<Cx>> {
    request.extensions.get::<Arc<Cx>>().cloned().ok_or_else(|| S3Error::new(S3ErrorCode::AccessDenied))
}

/// Keeps the fault for the service to render; `s3s` only learns that there was one.
fn answer<T>(cx: &Cx, result: Result<T, Fault>) -> S3Result<S3Response<T>> {
    result.map(S3Response::new).map_err(|fault| {
        let mut error = S3Error::new(S3ErrorCode::InvalidRequest);
        error.set_status_code(fault.status);
        // Nothing was set before: an operation fails once.
        let _ = cx.fault.set(fault);
        error
    })
}

/// Milliseconds since 1970 as `s3s` has them.
fn timestamp(ms: i64) -> Timestamp {
    let since = std::time::Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    Timestamp::from(std::time::UNIX_EPOCH + since)
}

/// The canonical user id of an account: AWS's is 64 hexadecimal digits that only it can compute.
fn canonical_id(account: &str) -> String {
    hex(ring::digest::digest(&ring::digest::SHA256, account.as_bytes()).as_ref())
}

fn owner(account: &str) -> Owner {
    Owner { display_name: None, id: Some(canonical_id(account)) }
}

fn public_access_block(block: PublicAccessBlock) -> PublicAccessBlockConfiguration {
    PublicAccessBlockConfiguration {
        block_public_acls: Some(block.block_public_acls),
        block_public_policy: Some(block.block_public_policy),
        ignore_public_acls: Some(block.ignore_public_acls),
        restrict_public_buckets: Some(block.restrict_public_buckets),
    }
}

/// One method of `s3s`'s trait for each operation, each a call of the method of ours that does it.
macro_rules! operations {
    ($($method:ident $input:ident $output:ident,)+) => {
        #[async_trait]
        impl S3 for Backend {
            $(async fn $method(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                let cx = context(&request)?;
                answer(&cx, self.$method(&cx, request.input).await)
            })+
        }
    };
}

operations! {
    abort_multipart_upload AbortMultipartUploadInput AbortMultipartUploadOutput,
    complete_multipart_upload CompleteMultipartUploadInput CompleteMultipartUploadOutput,
    copy_object CopyObjectInput CopyObjectOutput,
    create_bucket CreateBucketInput CreateBucketOutput,
    create_multipart_upload CreateMultipartUploadInput CreateMultipartUploadOutput,
    delete_bucket DeleteBucketInput DeleteBucketOutput,
    delete_bucket_encryption DeleteBucketEncryptionInput DeleteBucketEncryptionOutput,
    delete_bucket_ownership_controls DeleteBucketOwnershipControlsInput DeleteBucketOwnershipControlsOutput,
    delete_bucket_policy DeleteBucketPolicyInput DeleteBucketPolicyOutput,
    delete_bucket_tagging DeleteBucketTaggingInput DeleteBucketTaggingOutput,
    delete_object DeleteObjectInput DeleteObjectOutput,
    delete_object_tagging DeleteObjectTaggingInput DeleteObjectTaggingOutput,
    delete_objects DeleteObjectsInput DeleteObjectsOutput,
    delete_public_access_block DeletePublicAccessBlockInput DeletePublicAccessBlockOutput,
    get_bucket_accelerate_configuration GetBucketAccelerateConfigurationInput GetBucketAccelerateConfigurationOutput,
    get_bucket_acl GetBucketAclInput GetBucketAclOutput,
    get_bucket_cors GetBucketCorsInput GetBucketCorsOutput,
    get_bucket_encryption GetBucketEncryptionInput GetBucketEncryptionOutput,
    get_bucket_lifecycle_configuration GetBucketLifecycleConfigurationInput GetBucketLifecycleConfigurationOutput,
    get_bucket_location GetBucketLocationInput GetBucketLocationOutput,
    get_bucket_logging GetBucketLoggingInput GetBucketLoggingOutput,
    get_bucket_notification_configuration GetBucketNotificationConfigurationInput GetBucketNotificationConfigurationOutput,
    get_bucket_ownership_controls GetBucketOwnershipControlsInput GetBucketOwnershipControlsOutput,
    get_bucket_policy GetBucketPolicyInput GetBucketPolicyOutput,
    get_bucket_replication GetBucketReplicationInput GetBucketReplicationOutput,
    get_bucket_request_payment GetBucketRequestPaymentInput GetBucketRequestPaymentOutput,
    get_bucket_tagging GetBucketTaggingInput GetBucketTaggingOutput,
    get_bucket_versioning GetBucketVersioningInput GetBucketVersioningOutput,
    get_bucket_website GetBucketWebsiteInput GetBucketWebsiteOutput,
    get_object GetObjectInput GetObjectOutput,
    get_object_acl GetObjectAclInput GetObjectAclOutput,
    get_object_attributes GetObjectAttributesInput GetObjectAttributesOutput,
    get_object_lock_configuration GetObjectLockConfigurationInput GetObjectLockConfigurationOutput,
    get_object_tagging GetObjectTaggingInput GetObjectTaggingOutput,
    get_public_access_block GetPublicAccessBlockInput GetPublicAccessBlockOutput,
    head_bucket HeadBucketInput HeadBucketOutput,
    head_object HeadObjectInput HeadObjectOutput,
    list_buckets ListBucketsInput ListBucketsOutput,
    list_multipart_uploads ListMultipartUploadsInput ListMultipartUploadsOutput,
    list_object_versions ListObjectVersionsInput ListObjectVersionsOutput,
    list_objects ListObjectsInput ListObjectsOutput,
    list_objects_v2 ListObjectsV2Input ListObjectsV2Output,
    list_parts ListPartsInput ListPartsOutput,
    put_bucket_acl PutBucketAclInput PutBucketAclOutput,
    put_bucket_encryption PutBucketEncryptionInput PutBucketEncryptionOutput,
    put_bucket_ownership_controls PutBucketOwnershipControlsInput PutBucketOwnershipControlsOutput,
    put_bucket_policy PutBucketPolicyInput PutBucketPolicyOutput,
    put_bucket_tagging PutBucketTaggingInput PutBucketTaggingOutput,
    put_object PutObjectInput PutObjectOutput,
    put_object_acl PutObjectAclInput PutObjectAclOutput,
    put_object_tagging PutObjectTaggingInput PutObjectTaggingOutput,
    put_public_access_block PutPublicAccessBlockInput PutPublicAccessBlockOutput,
    upload_part UploadPartInput UploadPartOutput,
    upload_part_copy UploadPartCopyInput UploadPartCopyOutput,
}
