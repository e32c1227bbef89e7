//! From method, target, query and headers to an operation. Exhaustive: what is not an operation of S3
//! is refused, and a query that names two of them is too.

use http::{HeaderMap, Method};

use crate::address::Target;
use crate::fault::Fault;
use crate::operation::Operation;

/// The decoded parameters of a query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(raw: &str) -> Result<Self, Fault> {
        let pairs = rolecall_sigv4::decode_query(raw).ok_or_else(|| {
            Fault::new("InvalidURI", http::StatusCode::BAD_REQUEST, "Couldn't parse the specified URI.")
        })?;
        for (index, (name, _)) in pairs.iter().enumerate() {
            // Which of two values counts must not be a matter of who reads them.
            if pairs.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(Fault::invalid_argument("A query parameter was given more than once.", name, ""));
            }
        }
        Ok(Self(pairs))
    }

    pub(crate) fn value(&self, wanted: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Query parameters that choose an operation; at most one may be there.
const SUBRESOURCES: [&str; 48] = [
    "abac",
    "accelerate",
    "acl",
    "analytics",
    "annotation",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
    // Not in S3's public model, but sub-resources that clients of other stores send.
    "events",
    "quota",
    "policy-status",
    "append",
    "lambdaArn",
    "replication-metrics",
    "replication-reset",
];

pub(crate) fn operation(
    method: &Method,
    target: &Target,
    query: &Query,
    headers: &HeaderMap,
) -> Result<Operation, Fault> {
    let present: Vec<&str> =
        query.iter().map(|(name, _)| name).filter(|name| SUBRESOURCES.contains(name)).collect();
    let sub = match *present.as_slice() {
        [] => None,
        [one] => Some(one),
        _ => {
            let message = format!("Conflicting query string parameters: {}", present.join(", "));
            return Err(Fault::invalid_argument(message, "ResourceType", present.first().unwrap_or(&"")));
        }
    };
    let found = match target {
        Target::Service => service(method, sub, query),
        Target::Bucket(_) => bucket(method, sub, query, headers),
        Target::Object(..) => object(method, sub, query, headers),
    };
    found.ok_or_else(|| method_not_allowed(method, target))
}

fn method_not_allowed(method: &Method, target: &Target) -> Fault {
    let kind = match target {
        Target::Service => "SERVICE",
        Target::Bucket(_) => "BUCKET",
        Target::Object(..) => "OBJECT",
    };
    let message = "The specified method is not allowed against this resource.";
    Fault::new("MethodNotAllowed", http::StatusCode::METHOD_NOT_ALLOWED, message)
        .with("Method", method.as_str())
        .with("ResourceType", kind)
}

fn service(method: &Method, sub: Option<&str>, query: &Query) -> Option<Operation> {
    match (method.as_str(), sub) {
        ("GET", None) if query.value("x-id") == Some("ListDirectoryBuckets") => {
            Some(Operation::ListDirectoryBuckets)
        }
        ("GET", None) => Some(Operation::ListBuckets),
        _ => None,
    }
}

fn bucket(method: &Method, sub: Option<&str>, query: &Query, headers: &HeaderMap) -> Option<Operation> {
    match (method.as_str(), sub) {
        ("GET", Some(sub)) => get_bucket(sub, query.has("id")),
        ("GET", None) => Some(match query.value("list-type") {
            Some("2") => Operation::ListObjectsV2,
            _ => Operation::ListObjects,
        }),
        ("PUT", Some(sub)) => put_bucket(sub),
        ("PUT", None) => Some(Operation::CreateBucket),
        ("DELETE", Some(sub)) => delete_bucket(sub),
        ("DELETE", None) => Some(Operation::DeleteBucket),
        ("HEAD", None) => Some(Operation::HeadBucket),
        ("POST", Some("delete")) => Some(Operation::DeleteObjects),
        ("POST", Some("metadataTable")) => Some(Operation::CreateBucketMetadataTableConfiguration),
        ("POST", Some("metadataConfiguration")) => Some(Operation::CreateBucketMetadataConfiguration),
        ("POST", None) if headers.contains_key("x-amz-request-route") => {
            Some(Operation::WriteGetObjectResponse)
        }
        ("POST", None) => Some(Operation::PostObject),
        _ => None,
    }
}

fn get_bucket(sub: &str, has_id: bool) -> Option<Operation> {
    use Operation as O;
    Some(match (sub, has_id) {
        ("abac", _) => O::GetBucketAbac,
        ("accelerate", _) => O::GetBucketAccelerateConfiguration,
        ("acl", _) => O::GetBucketAcl,
        ("analytics", true) => O::GetBucketAnalyticsConfiguration,
        ("analytics", false) => O::ListBucketAnalyticsConfigurations,
        ("cors", _) => O::GetBucketCors,
        ("encryption", _) => O::GetBucketEncryption,
        ("intelligent-tiering", true) => O::GetBucketIntelligentTieringConfiguration,
        ("intelligent-tiering", false) => O::ListBucketIntelligentTieringConfigurations,
        ("inventory", true) => O::GetBucketInventoryConfiguration,
        ("inventory", false) => O::ListBucketInventoryConfigurations,
        ("lifecycle", _) => O::GetBucketLifecycleConfiguration,
        ("location", _) => O::GetBucketLocation,
        ("logging", _) => O::GetBucketLogging,
        ("metadataConfiguration", _) => O::GetBucketMetadataConfiguration,
        ("metadataTable", _) => O::GetBucketMetadataTableConfiguration,
        ("metrics", true) => O::GetBucketMetricsConfiguration,
        ("metrics", false) => O::ListBucketMetricsConfigurations,
        ("notification", _) => O::GetBucketNotificationConfiguration,
        ("object-lock", _) => O::GetObjectLockConfiguration,
        ("ownershipControls", _) => O::GetBucketOwnershipControls,
        ("policy", _) => O::GetBucketPolicy,
        ("policyStatus", _) => O::GetBucketPolicyStatus,
        ("publicAccessBlock", _) => O::GetPublicAccessBlock,
        ("replication", _) => O::GetBucketReplication,
        ("requestPayment", _) => O::GetBucketRequestPayment,
        ("session", _) => O::CreateSession,
        ("tagging", _) => O::GetBucketTagging,
        ("uploads", _) => O::ListMultipartUploads,
        ("versioning", _) => O::GetBucketVersioning,
        ("versions", _) => O::ListObjectVersions,
        ("website", _) => O::GetBucketWebsite,
        _ => return None,
    })
}

fn put_bucket(sub: &str) -> Option<Operation> {
    use Operation as O;
    Some(match sub {
        "abac" => O::PutBucketAbac,
        "accelerate" => O::PutBucketAccelerateConfiguration,
        "acl" => O::PutBucketAcl,
        "analytics" => O::PutBucketAnalyticsConfiguration,
        "cors" => O::PutBucketCors,
        "encryption" => O::PutBucketEncryption,
        "intelligent-tiering" => O::PutBucketIntelligentTieringConfiguration,
        "inventory" => O::PutBucketInventoryConfiguration,
        "lifecycle" => O::PutBucketLifecycleConfiguration,
        "logging" => O::PutBucketLogging,
        "metadataAnnotationTable" => O::UpdateBucketMetadataAnnotationTableConfiguration,
        "metadataInventoryTable" => O::UpdateBucketMetadataInventoryTableConfiguration,
        "metadataJournalTable" => O::UpdateBucketMetadataJournalTableConfiguration,
        "metrics" => O::PutBucketMetricsConfiguration,
        "notification" => O::PutBucketNotificationConfiguration,
        "object-lock" => O::PutObjectLockConfiguration,
        "ownershipControls" => O::PutBucketOwnershipControls,
        "policy" => O::PutBucketPolicy,
        "publicAccessBlock" => O::PutPublicAccessBlock,
        "replication" => O::PutBucketReplication,
        "requestPayment" => O::PutBucketRequestPayment,
        "tagging" => O::PutBucketTagging,
        "versioning" => O::PutBucketVersioning,
        "website" => O::PutBucketWebsite,
        _ => return None,
    })
}

fn delete_bucket(sub: &str) -> Option<Operation> {
    use Operation as O;
    Some(match sub {
        "analytics" => O::DeleteBucketAnalyticsConfiguration,
        "cors" => O::DeleteBucketCors,
        "encryption" => O::DeleteBucketEncryption,
        "intelligent-tiering" => O::DeleteBucketIntelligentTieringConfiguration,
        "inventory" => O::DeleteBucketInventoryConfiguration,
        "lifecycle" => O::DeleteBucketLifecycle,
        "metadataConfiguration" => O::DeleteBucketMetadataConfiguration,
        "metadataTable" => O::DeleteBucketMetadataTableConfiguration,
        "metrics" => O::DeleteBucketMetricsConfiguration,
        "ownershipControls" => O::DeleteBucketOwnershipControls,
        "policy" => O::DeleteBucketPolicy,
        "publicAccessBlock" => O::DeletePublicAccessBlock,
        "replication" => O::DeleteBucketReplication,
        "tagging" => O::DeleteBucketTagging,
        "website" => O::DeleteBucketWebsite,
        _ => return None,
    })
}

fn object(method: &Method, sub: Option<&str>, query: &Query, headers: &HeaderMap) -> Option<Operation> {
    use Operation as O;
    let copies = headers.contains_key("x-amz-copy-source");
    Some(match (method.as_str(), sub) {
        ("GET", None) => O::GetObject,
        ("GET", Some("acl")) => O::GetObjectAcl,
        ("GET", Some("annotation")) if query.has("annotation-name") => O::GetObjectAnnotation,
        ("GET", Some("annotation")) => O::ListObjectAnnotations,
        ("GET", Some("attributes")) => O::GetObjectAttributes,
        ("GET", Some("legal-hold")) => O::GetObjectLegalHold,
        ("GET", Some("retention")) => O::GetObjectRetention,
        ("GET", Some("tagging")) => O::GetObjectTagging,
        ("GET", Some("torrent")) => O::GetObjectTorrent,
        ("GET", Some("uploadId")) => O::ListParts,
        ("HEAD", None) => O::HeadObject,
        ("PUT", None) if query.has("partNumber") => return None,
        ("PUT", None) if copies => O::CopyObject,
        ("PUT", None) => O::PutObject,
        ("PUT", Some("acl")) => O::PutObjectAcl,
        ("PUT", Some("annotation")) => O::PutObjectAnnotation,
        ("PUT", Some("encryption")) => O::UpdateObjectEncryption,
        ("PUT", Some("legal-hold")) => O::PutObjectLegalHold,
        ("PUT", Some("renameObject")) => O::RenameObject,
        ("PUT", Some("retention")) => O::PutObjectRetention,
        ("PUT", Some("tagging")) => O::PutObjectTagging,
        ("PUT", Some("uploadId")) if !query.has("partNumber") => return None,
        ("PUT", Some("uploadId")) if copies => O::UploadPartCopy,
        ("PUT", Some("uploadId")) => O::UploadPart,
        ("POST", Some("restore")) => O::RestoreObject,
        ("POST", Some("select")) => O::SelectObjectContent,
        ("POST", Some("uploadId")) => O::CompleteMultipartUpload,
        ("POST", Some("uploads")) => O::CreateMultipartUpload,
        ("DELETE", None) => O::DeleteObject,
        ("DELETE", Some("annotation")) => O::DeleteObjectAnnotation,
        ("DELETE", Some("tagging")) => O::DeleteObjectTagging,
        ("DELETE", Some("uploadId")) => O::AbortMultipartUpload,
        _ => return None,
    })
}
