//! The settings of buckets. Those that are kept can be put, read and deleted; of the others the truth
//! is told: there are none.

use http::StatusCode;
use s3s::dto::*;

use super::{Backend, Cx, headers, public_access_block};
use crate::disk;
use crate::fault::Fault;
use crate::receive::tag_pairs;

/// The largest bucket policy.
const MAX_POLICY_BYTES: usize = 20 * 1_024;
/// The most tags of a bucket.
pub(crate) const MAX_BUCKET_TAGS: usize = 50;

fn absent(code: &'static str, message: &str, bucket: &str) -> Fault {
    Fault::new(code, StatusCode::NOT_FOUND, message).with("BucketName", bucket)
}

impl Backend {
    /// Answers for a setting that buckets here never have.
    fn never<T>(&self, cx: &Cx, code: &'static str, message: &str) -> Result<T, Fault> {
        let bucket = self.bucket(cx)?;
        Err(absent(code, message, bucket.name.as_str()))
    }

    pub(super) async fn get_bucket_policy(
        &self,
        cx: &Cx,
        _: GetBucketPolicyInput,
    ) -> Result<GetBucketPolicyOutput, Fault> {
        let bucket = self.bucket(cx)?;
        let policy = bucket.facts().policy.as_deref().map(str::to_owned);
        let missing =
            || absent("NoSuchBucketPolicy", "The bucket policy does not exist", bucket.name.as_str());
        Ok(GetBucketPolicyOutput { policy: Some(policy.ok_or_else(missing)?) })
    }

    /// Keeps the text. Whether it is a policy is for the policy engine to say, before this.
    pub(super) async fn put_bucket_policy(
        &self,
        cx: &Cx,
        input: PutBucketPolicyInput,
    ) -> Result<PutBucketPolicyOutput, Fault> {
        let malformed = |message: &str| Fault::new("MalformedPolicy", StatusCode::BAD_REQUEST, message);
        if input.policy.len() > MAX_POLICY_BYTES {
            return Err(malformed("Policies must be less than 20 KB in size"));
        }
        if !serde_json::from_str::<serde_json::Value>(&input.policy).is_ok_and(|value| value.is_object()) {
            return Err(malformed("Policies must be valid JSON and the first byte must be '{'"));
        }
        self.bucket(cx)?.change_facts(|facts| facts.policy = Some(input.policy.into())).await?;
        Ok(PutBucketPolicyOutput {})
    }

    pub(super) async fn delete_bucket_policy(
        &self,
        cx: &Cx,
        _: DeleteBucketPolicyInput,
    ) -> Result<DeleteBucketPolicyOutput, Fault> {
        self.bucket(cx)?.change_facts(|facts| facts.policy = None).await?;
        Ok(DeleteBucketPolicyOutput {})
    }

    pub(super) async fn get_public_access_block(
        &self,
        cx: &Cx,
        _: GetPublicAccessBlockInput,
    ) -> Result<GetPublicAccessBlockOutput, Fault> {
        let bucket = self.bucket(cx)?;
        let message = "The public access block configuration was not found";
        let missing = || absent("NoSuchPublicAccessBlockConfiguration", message, bucket.name.as_str());
        let block = bucket.facts().public_access_block.ok_or_else(missing)?;
        Ok(GetPublicAccessBlockOutput { public_access_block_configuration: Some(public_access_block(block)) })
    }

    pub(super) async fn put_public_access_block(
        &self,
        cx: &Cx,
        input: PutPublicAccessBlockInput,
    ) -> Result<PutPublicAccessBlockOutput, Fault> {
        let given = input.public_access_block_configuration;
        let block = disk::PublicAccessBlock {
            block_public_acls: given.block_public_acls.unwrap_or(false),
            ignore_public_acls: given.ignore_public_acls.unwrap_or(false),
            block_public_policy: given.block_public_policy.unwrap_or(false),
            restrict_public_buckets: given.restrict_public_buckets.unwrap_or(false),
        };
        self.bucket(cx)?.change_facts(|facts| facts.public_access_block = Some(block)).await?;
        Ok(PutPublicAccessBlockOutput {})
    }

    pub(super) async fn delete_public_access_block(
        &self,
        cx: &Cx,
        _: DeletePublicAccessBlockInput,
    ) -> Result<DeletePublicAccessBlockOutput, Fault> {
        self.bucket(cx)?.change_facts(|facts| facts.public_access_block = None).await?;
        Ok(DeletePublicAccessBlockOutput {})
    }

    pub(super) async fn get_bucket_ownership_controls(
        &self,
        cx: &Cx,
        _: GetBucketOwnershipControlsInput,
    ) -> Result<GetBucketOwnershipControlsOutput, Fault> {
        let bucket = self.bucket(cx)?;
        let message = "The bucket ownership controls were not found";
        let missing = || absent("OwnershipControlsNotFoundError", message, bucket.name.as_str());
        let ownership = bucket.facts().object_ownership.clone().ok_or_else(missing)?;
        let rule = OwnershipControlsRule { object_ownership: ObjectOwnership::from(ownership) };
        Ok(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(OwnershipControls { rules: vec![rule] }),
        })
    }

    pub(super) async fn put_bucket_ownership_controls(
        &self,
        cx: &Cx,
        input: PutBucketOwnershipControlsInput,
    ) -> Result<PutBucketOwnershipControlsOutput, Fault> {
        const KNOWN: [&str; 3] = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"];
        let mut rules = input.ownership_controls.rules.into_iter();
        let (Some(rule), None) = (rules.next(), rules.next()) else { return Err(Fault::malformed_xml()) };
        let ownership = rule.object_ownership.as_str().to_owned();
        if !KNOWN.contains(&ownership.as_str()) {
            return Err(Fault::malformed_xml());
        }
        self.bucket(cx)?.change_facts(|facts| facts.object_ownership = Some(ownership)).await?;
        Ok(PutBucketOwnershipControlsOutput {})
    }

    pub(super) async fn delete_bucket_ownership_controls(
        &self,
        cx: &Cx,
        _: DeleteBucketOwnershipControlsInput,
    ) -> Result<DeleteBucketOwnershipControlsOutput, Fault> {
        self.bucket(cx)?.change_facts(|facts| facts.object_ownership = None).await?;
        Ok(DeleteBucketOwnershipControlsOutput {})
    }

    pub(super) async fn get_bucket_tagging(
        &self,
        cx: &Cx,
        _: GetBucketTaggingInput,
    ) -> Result<GetBucketTaggingOutput, Fault> {
        let bucket = self.bucket(cx)?;
        let tags = bucket.facts().tags.clone();
        if tags.is_empty() {
            return Err(absent("NoSuchTagSet", "The TagSet does not exist", bucket.name.as_str()));
        }
        Ok(GetBucketTaggingOutput { tag_set: tag_set(tags) })
    }

    pub(super) async fn put_bucket_tagging(
        &self,
        cx: &Cx,
        input: PutBucketTaggingInput,
    ) -> Result<PutBucketTaggingOutput, Fault> {
        let tags = tag_pairs(input.tagging.tag_set);
        headers::check_tags(&tags, MAX_BUCKET_TAGS)?;
        self.bucket(cx)?.change_facts(|facts| facts.tags = tags).await?;
        Ok(PutBucketTaggingOutput {})
    }

    pub(super) async fn delete_bucket_tagging(
        &self,
        cx: &Cx,
        _: DeleteBucketTaggingInput,
    ) -> Result<DeleteBucketTaggingOutput, Fault> {
        self.bucket(cx)?.change_facts(|facts| facts.tags.clear()).await?;
        Ok(DeleteBucketTaggingOutput {})
    }

    /// What AWS answers for a bucket that was never told otherwise.
    ///
    /// FIDELITY: objects are on the disk as they came; whoever needs them encrypted encrypts the disk.
    pub(super) async fn get_bucket_encryption(
        &self,
        cx: &Cx,
        _: GetBucketEncryptionInput,
    ) -> Result<GetBucketEncryptionOutput, Fault> {
        self.bucket(cx)?;
        let default = ServerSideEncryptionByDefault {
            kms_master_key_id: None,
            sse_algorithm: ServerSideEncryption::from_static(ServerSideEncryption::AES256),
        };
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(default),
            bucket_key_enabled: Some(false),
        };
        let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
        Ok(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) })
    }

    /// Takes what all buckets have, so that declarations which say it are no change.
    pub(super) async fn put_bucket_encryption(
        &self,
        cx: &Cx,
        input: PutBucketEncryptionInput,
    ) -> Result<PutBucketEncryptionOutput, Fault> {
        self.bucket(cx)?;
        let mut rules = input.server_side_encryption_configuration.rules.into_iter();
        let (Some(rule), None) = (rules.next(), rules.next()) else { return Err(Fault::malformed_xml()) };
        let Some(default) = rule.apply_server_side_encryption_by_default else {
            return Err(Fault::malformed_xml());
        };
        match default.sse_algorithm.as_str() {
            ServerSideEncryption::AES256 if default.kms_master_key_id.is_some() => {
                let message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
                Err(Fault::invalid_argument(message, "", ""))
            }
            ServerSideEncryption::AES256 if rule.bucket_key_enabled != Some(true) => {
                Ok(PutBucketEncryptionOutput {})
            }
            _ => Err(Fault::not_implemented("aws:kms")),
        }
    }

    /// Goes back to what all buckets have.
    pub(super) async fn delete_bucket_encryption(
        &self,
        cx: &Cx,
        _: DeleteBucketEncryptionInput,
    ) -> Result<DeleteBucketEncryptionOutput, Fault> {
        self.bucket(cx).map(|_| DeleteBucketEncryptionOutput {})
    }

    pub(super) async fn get_bucket_request_payment(
        &self,
        cx: &Cx,
        _: GetBucketRequestPaymentInput,
    ) -> Result<GetBucketRequestPaymentOutput, Fault> {
        self.bucket(cx)?;
        Ok(GetBucketRequestPaymentOutput { payer: Some(Payer::from_static(Payer::BUCKET_OWNER)) })
    }

    pub(super) async fn get_bucket_versioning(
        &self,
        cx: &Cx,
        _: GetBucketVersioningInput,
    ) -> Result<GetBucketVersioningOutput, Fault> {
        self.bucket(cx).map(|_| GetBucketVersioningOutput::default())
    }

    pub(super) async fn get_bucket_accelerate_configuration(
        &self,
        cx: &Cx,
        _: GetBucketAccelerateConfigurationInput,
    ) -> Result<GetBucketAccelerateConfigurationOutput, Fault> {
        self.bucket(cx).map(|_| GetBucketAccelerateConfigurationOutput::default())
    }

    pub(super) async fn get_bucket_logging(
        &self,
        cx: &Cx,
        _: GetBucketLoggingInput,
    ) -> Result<GetBucketLoggingOutput, Fault> {
        self.bucket(cx).map(|_| GetBucketLoggingOutput::default())
    }

    pub(super) async fn get_bucket_notification_configuration(
        &self,
        cx: &Cx,
        _: GetBucketNotificationConfigurationInput,
    ) -> Result<GetBucketNotificationConfigurationOutput, Fault> {
        self.bucket(cx).map(|_| GetBucketNotificationConfigurationOutput::default())
    }

    pub(super) async fn get_bucket_cors(
        &self,
        cx: &Cx,
        _: GetBucketCorsInput,
    ) -> Result<GetBucketCorsOutput, Fault> {
        self.never(cx, "NoSuchCORSConfiguration", "The CORS configuration does not exist")
    }

    pub(super) async fn get_bucket_website(
        &self,
        cx: &Cx,
        _: GetBucketWebsiteInput,
    ) -> Result<GetBucketWebsiteOutput, Fault> {
        let message = "The specified bucket does not have a website configuration";
        self.never(cx, "NoSuchWebsiteConfiguration", message)
    }

    pub(super) async fn get_bucket_lifecycle_configuration(
        &self,
        cx: &Cx,
        _: GetBucketLifecycleConfigurationInput,
    ) -> Result<GetBucketLifecycleConfigurationOutput, Fault> {
        self.never(cx, "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
    }

    pub(super) async fn get_bucket_replication(
        &self,
        cx: &Cx,
        _: GetBucketReplicationInput,
    ) -> Result<GetBucketReplicationOutput, Fault> {
        let message = "The replication configuration was not found";
        self.never(cx, "ReplicationConfigurationNotFoundError", message)
    }

    pub(super) async fn get_object_lock_configuration(
        &self,
        cx: &Cx,
        _: GetObjectLockConfigurationInput,
    ) -> Result<GetObjectLockConfigurationOutput, Fault> {
        let message = "Object Lock configuration does not exist for this bucket";
        self.never(cx, "ObjectLockConfigurationNotFoundError", message)
    }
}

pub(super) fn tag_set(tags: Vec<(String, String)>) -> TagSet {
    tags.into_iter().map(|(key, value)| Tag { key: Some(key), value: Some(value) }).collect()
}
