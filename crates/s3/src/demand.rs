//! What each operation demands: IAM actions on resources, with S3's condition keys.
//! See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>.

use std::borrow::Cow;
use std::sync::Arc;

use crate::call::{Call, CopySource};
use crate::conditions;
use crate::names::BucketName;
use crate::operation::Operation;
use crate::receive::{Deletion, Input};

/// The values of a condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A key with one value.
    One(String),
    /// A multivalued key.
    Many(Vec<String>),
}

/// One action on one resource that must be decided.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Such as `s3:GetObject`.
    pub action: &'static str,
    /// An ARN, or `*`.
    pub resource: String,
    /// The bucket concerned; its owner is the resource's account, its policy the resource's policy.
    pub bucket: Option<BucketName>,
    /// The account that owns the bucket, if the bucket exists.
    pub bucket_owner: Option<Box<str>>,
    /// The bucket's policy, if it has one.
    pub bucket_policy: Option<Arc<str>>,
    /// The operation's own condition keys.
    pub context: Vec<(Cow<'static, str>, Value)>,
    pub(crate) role: Role,
}

/// What a denial of this demand means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The request is denied.
    Required,
    /// This entry of `DeleteObjects` is denied, the others are not.
    Entry(usize),
    /// The caller does not learn that there is no such key.
    Existence,
}

/// What the store knows about the objects of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// The tags of the object that the request is about; `None` if there is no such object.
    pub(crate) tags: Option<Vec<(String, String)>>,
    /// The same of a copy's source.
    pub(crate) source_tags: Option<Vec<(String, String)>>,
}

impl Demand {
    fn new(action: &'static str, resource: String, bucket: Option<&BucketName>) -> Self {
        Self {
            action,
            resource,
            bucket: bucket.cloned(),
            bucket_owner: None,
            bucket_policy: None,
            context: Vec::new(),
            role: Role::Required,
        }
    }

    pub(crate) fn on_bucket(action: &'static str, bucket: &BucketName, partition: &str) -> Self {
        Self::new(action, format!("arn:{partition}:s3:::{bucket}"), Some(bucket))
    }

    fn on_object(action: &'static str, bucket: &BucketName, key: &str, partition: &str) -> Self {
        Self::new(action, format!("arn:{partition}:s3:::{bucket}/{key}"), Some(bucket))
    }

    fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    fn existing_tags(mut self, tags: Option<&Vec<(String, String)>>) -> Self {
        for (key, value) in tags.into_iter().flatten() {
            self.context.push((format!("s3:ExistingObjectTag/{key}").into(), Value::One(value.clone())));
        }
        self
    }

    fn version(mut self, version_id: Option<&str>) -> Self {
        if let Some(version) = version_id {
            self.context.push(("s3:VersionId".into(), Value::One(version.to_owned())));
        }
        self
    }
}

/// All demands of a request, each with the keys that every demand of it has. Never empty.
pub(crate) fn demands(call: &Call, input: &Input, known: &Known, partition: &str) -> Vec<Demand> {
    let mut demands = match (call.target.bucket(), call.target.key(), input) {
        (None, ..) => vec![Demand::new(call.operation.action(), "*".to_owned(), None)],
        (Some(bucket), _, Input::Deletions(deletions)) => entries(bucket, deletions, partition),
        (Some(bucket), None, _) => bucket_demands(call, bucket, input, partition),
        (Some(bucket), Some(key), _) => object_demands(call, bucket, key, known, partition),
    };
    let common = conditions::of(call, input);
    for demand in &mut demands {
        demand.context.extend(common.iter().cloned());
    }
    demands
}

fn entries(bucket: &BucketName, deletions: &[Deletion], partition: &str) -> Vec<Demand> {
    let entry = |(index, deletion): (usize, &Deletion)| {
        let version = deletion.version_id.as_deref();
        let action = version.map_or("s3:DeleteObject", |_| "s3:DeleteObjectVersion");
        Demand::on_object(action, bucket, &deletion.key, partition).version(version).role(Role::Entry(index))
    };
    deletions.iter().enumerate().map(entry).collect()
}

fn bucket_demands(call: &Call, bucket: &BucketName, input: &Input, partition: &str) -> Vec<Demand> {
    let mut actions = vec![call.operation.action()];
    if call.operation == Operation::CreateBucket {
        actions.extend(has_acl(call).then_some("s3:PutBucketAcl"));
        let locked = call.header("x-amz-bucket-object-lock-enabled").is_some();
        actions.extend(locked.then_some("s3:PutBucketObjectLockConfiguration"));
        actions.extend(locked.then_some("s3:PutBucketVersioning"));
        let owned = call.header("x-amz-object-ownership").is_some();
        actions.extend(owned.then_some("s3:PutBucketOwnershipControls"));
        let tagged = matches!(input, Input::BucketConfiguration { tags, .. } if !tags.is_empty());
        actions.extend(tagged.then_some("s3:TagResource"));
    }
    actions.into_iter().map(|action| Demand::on_bucket(action, bucket, partition)).collect()
}

fn object_demands(
    call: &Call,
    bucket: &BucketName,
    key: &str,
    known: &Known,
    partition: &str,
) -> Vec<Demand> {
    let on_object = |action| Demand::on_object(action, bucket, key, partition);
    let version = call.version_id();
    let action = version.and_then(|_| call.operation.version_action()).unwrap_or(call.operation.action());
    let mut demands = vec![on_object(action).version(version).existing_tags(known.tags.as_ref())];
    match call.operation {
        Operation::GetObjectAttributes => {
            let action = version.map_or("s3:GetObjectAttributes", |_| "s3:GetObjectVersionAttributes");
            demands.push(on_object(action).version(version).existing_tags(known.tags.as_ref()));
        }
        Operation::PutObject | Operation::CopyObject | Operation::CreateMultipartUpload => {
            demands.extend(written_with(call).into_iter().map(on_object));
        }
        _ => {}
    }
    if let Some(source) = &call.copy_source {
        demands.extend(source_demands(call, source, known, partition));
        let copies_tags = call.operation == Operation::CopyObject
            && call.header("x-amz-tagging-directive") != Some("REPLACE")
            && known.source_tags.as_ref().is_some_and(|tags| !tags.is_empty());
        demands.extend(copies_tags.then(|| on_object("s3:PutObjectTagging")));
    }
    if reads_object(call.operation) && known.tags.is_none() {
        demands.push(Demand::on_bucket("s3:ListBucket", bucket, partition).role(Role::Existence));
    }
    demands
}

/// Who may not list a bucket does not learn which keys it lacks.
fn reads_object(operation: Operation) -> bool {
    use Operation as O;
    matches!(
        operation,
        O::GetObject | O::HeadObject | O::GetObjectAcl | O::GetObjectAttributes | O::GetObjectTagging
    )
}

/// What writing an object demands beside `s3:PutObject`.
fn written_with(call: &Call) -> Vec<&'static str> {
    let mut actions = Vec::new();
    actions.extend(has_acl(call).then_some("s3:PutObjectAcl"));
    actions.extend(call.header("x-amz-tagging").map(|_| "s3:PutObjectTagging"));
    actions.extend(call.header("x-amz-object-lock-mode").map(|_| "s3:PutObjectRetention"));
    actions.extend(call.header("x-amz-object-lock-legal-hold").map(|_| "s3:PutObjectLegalHold"));
    actions
}

fn has_acl(call: &Call) -> bool {
    call.parts.headers.keys().any(|name| name == "x-amz-acl" || name.as_str().starts_with("x-amz-grant-"))
}

fn source_demands(call: &Call, source: &CopySource, known: &Known, partition: &str) -> Vec<Demand> {
    let CopySource { bucket, key, version_id } = source;
    let version = version_id.as_deref();
    let read = |plain, versioned| {
        let action = if version.is_some() { versioned } else { plain };
        let demand = Demand::on_object(action, bucket, key, partition).version(version);
        demand.existing_tags(known.source_tags.as_ref())
    };
    let mut demands = vec![read("s3:GetObject", "s3:GetObjectVersion")];
    match &known.source_tags {
        None => demands.push(Demand::on_bucket("s3:ListBucket", bucket, partition).role(Role::Existence)),
        Some(tags) if !tags.is_empty() && call.operation == Operation::CopyObject => {
            demands.push(read("s3:GetObjectTagging", "s3:GetObjectVersionTagging"));
        }
        Some(_) => {}
    }
    demands
}
