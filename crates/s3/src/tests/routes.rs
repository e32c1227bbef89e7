//! Every request is one operation, and `s3s` sees the same one.

use super::*;
use crate::Operation;

/// A request for each operation that is built.
const BUILT: [(&str, &str, &str); 54] = [
    ("GET", "/", "ListBuckets"),
    ("PUT", "/new-bucket", "CreateBucket"),
    ("HEAD", "/bkt", "HeadBucket"),
    ("GET", "/bkt", "ListObjects"),
    ("GET", "/bkt?list-type=2", "ListObjectsV2"),
    ("GET", "/bkt?versions", "ListObjectVersions"),
    ("GET", "/bkt?uploads", "ListMultipartUploads"),
    ("GET", "/bkt?location", "GetBucketLocation"),
    ("GET", "/bkt?acl", "GetBucketAcl"),
    ("PUT", "/bkt?acl", "PutBucketAcl"),
    ("GET", "/bkt?policy", "GetBucketPolicy"),
    ("PUT", "/bkt?policy", "PutBucketPolicy"),
    ("DELETE", "/bkt?policy", "DeleteBucketPolicy"),
    ("GET", "/bkt?tagging", "GetBucketTagging"),
    ("PUT", "/bkt?tagging", "PutBucketTagging"),
    ("DELETE", "/bkt?tagging", "DeleteBucketTagging"),
    ("GET", "/bkt?publicAccessBlock", "GetPublicAccessBlock"),
    ("PUT", "/bkt?publicAccessBlock", "PutPublicAccessBlock"),
    ("DELETE", "/bkt?publicAccessBlock", "DeletePublicAccessBlock"),
    ("GET", "/bkt?ownershipControls", "GetBucketOwnershipControls"),
    ("PUT", "/bkt?ownershipControls", "PutBucketOwnershipControls"),
    ("DELETE", "/bkt?ownershipControls", "DeleteBucketOwnershipControls"),
    ("GET", "/bkt?accelerate", "GetBucketAccelerateConfiguration"),
    ("GET", "/bkt?cors", "GetBucketCors"),
    ("GET", "/bkt?encryption", "GetBucketEncryption"),
    ("PUT", "/bkt?encryption", "PutBucketEncryption"),
    ("DELETE", "/bkt?encryption", "DeleteBucketEncryption"),
    ("GET", "/bkt?lifecycle", "GetBucketLifecycleConfiguration"),
    ("GET", "/bkt?logging", "GetBucketLogging"),
    ("GET", "/bkt?notification", "GetBucketNotificationConfiguration"),
    ("GET", "/bkt?object-lock", "GetObjectLockConfiguration"),
    ("GET", "/bkt?replication", "GetBucketReplication"),
    ("GET", "/bkt?requestPayment", "GetBucketRequestPayment"),
    ("GET", "/bkt?versioning", "GetBucketVersioning"),
    ("GET", "/bkt?website", "GetBucketWebsite"),
    ("POST", "/bkt?delete", "DeleteObjects"),
    ("PUT", "/bkt/k", "PutObject"),
    ("GET", "/bkt/k", "GetObject"),
    ("HEAD", "/bkt/k", "HeadObject"),
    ("GET", "/bkt/k?acl", "GetObjectAcl"),
    ("PUT", "/bkt/k?acl", "PutObjectAcl"),
    ("GET", "/bkt/k?attributes", "GetObjectAttributes"),
    ("GET", "/bkt/k?tagging", "GetObjectTagging"),
    ("PUT", "/bkt/k?tagging", "PutObjectTagging"),
    ("DELETE", "/bkt/k?tagging", "DeleteObjectTagging"),
    ("POST", "/bkt/k?uploads", "CreateMultipartUpload"),
    ("PUT", "/bkt/k?uploadId=1&partNumber=1", "UploadPart"),
    ("PUT", "/bkt/copy?uploadId=1&partNumber=1", "UploadPartCopy"),
    ("PUT", "/bkt/copy", "CopyObject"),
    ("GET", "/bkt/k?uploadId=1", "ListParts"),
    ("POST", "/bkt/k?uploadId=1", "CompleteMultipartUpload"),
    ("DELETE", "/bkt/k?uploadId=1", "AbortMultipartUpload"),
    ("DELETE", "/bkt/k", "DeleteObject"),
    ("DELETE", "/bkt", "DeleteBucket"),
];

fn route(lab: &Lab, method: &str, target: &str) -> Result<Operation, Fault> {
    let mut request = http::Request::builder().method(method).uri(target).header("host", "localhost");
    if target.starts_with("/bkt/copy") {
        request = request.header("x-amz-copy-source", "bkt/k");
    }
    let parts = request.body(()).unwrap().into_parts().0;
    let auth = AuthFacts { auth_type: AuthType::Header, signature_age_ms: 0 };
    lab.s3.route(parts, auth).map(|call| call.operation())
}

#[tokio::test]
async fn every_built_operation_has_a_request_and_both_readers_agree_on_it() {
    let lab = Lab::with_bucket("bkt").await;
    lab.put("/bkt/k", "x").await;
    let mut seen = Vec::new();
    for (method, target, name) in BUILT {
        let operation = route(&lab, method, target).unwrap();
        assert_eq!(operation.name(), name, "{method} {target}");
        seen.push(operation);
        let mut send = lab.send(method, target).header("content-type", "multipart/form-data; boundary=x");
        if target.starts_with("/bkt/copy") {
            send = send.header("x-amz-copy-source", "bkt/k");
        }
        let body = match name {
            "PutObjectTagging" | "PutBucketTagging" => "<Tagging><TagSet></TagSet></Tagging>",
            "DeleteObjects" => "<Delete><Object><Key>z</Key></Object></Delete>",
            _ => "",
        };
        let answer = send.body(body).go().await;
        assert!(!matches!(answer.status.as_u16(), 403 | 500 | 501), "{method} {target}: {answer:?}");
    }
    let built: Vec<_> = Operation::ALL.iter().filter(|operation| operation.is_built()).collect();
    assert!(built.iter().all(|operation| seen.contains(operation)), "an operation has no request here");
    assert_eq!(built.len(), BUILT.len());
}

#[tokio::test]
async fn whatever_is_sent_both_readers_agree_or_it_is_refused() {
    let lab = Lab::with_bucket("bkt").await;
    let subs = [
        "",
        "abac",
        "accelerate",
        "acl",
        "analytics",
        "analytics&id=1",
        "annotation",
        "attributes",
        "cors",
        "delete",
        "encryption",
        "intelligent-tiering&id=1",
        "inventory",
        "legal-hold",
        "lifecycle",
        "list-type=2",
        "location",
        "logging",
        "metadataTable",
        "metrics&id=1",
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
        "select&select-type=2",
        "session",
        "tagging",
        "torrent",
        "uploadId=1",
        "uploadId=1&partNumber=1",
        "uploads",
        "versioning",
        "versions",
        "website",
        "events",
        "partNumber=1",
        "x-id=ListDirectoryBuckets",
        "x-id=GetObject",
    ];
    for method in ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH"] {
        for path in ["/", "/bkt", "/bkt/k"] {
            for sub in subs {
                let target = format!("{path}?{sub}");
                let mut decisions = 0;
                let answer = lab.send(method, &target).decided_by(|_| {
                    decisions += 1;
                    Ok(())
                });
                let status = answer.await.status.as_u16();
                assert_ne!(status, 403, "{method} {target}: read in two ways");
                assert_ne!(status, 500, "{method} {target}");
                assert!(
                    decisions > 0 || matches!(status, 400 | 405 | 501),
                    "{method} {target}: {status} undecided"
                );
                lab.send("PUT", "/bkt").go().await.ok();
            }
        }
    }
}

#[test]
fn requests_that_could_be_two_operations_are_refused() {
    let lab = Lab::new();
    let code = |target: &str| route(&lab, "GET", target).unwrap_err().code;
    assert_eq!(code("/bkt?acl&policy"), "InvalidArgument");
    assert_eq!(code("/bkt?policy&policy"), "InvalidArgument");
    assert_eq!(code("/bkt?%70olicy&acl"), "InvalidArgument");
    assert_eq!(code("/bkt/k?x-amz-tagging=a"), "NotImplemented");
    assert_eq!(code("/bkt/k?torrent"), "NotImplemented");
    let fault = route(&lab, "PATCH", "/bkt").unwrap_err();
    assert_eq!((fault.code, fault.status.as_u16()), ("MethodNotAllowed", 405));
}

#[test]
fn headers_that_decide_come_once() {
    let lab = Lab::new();
    let request = http::Request::builder().method("PUT").uri("/bkt/k").header("x-amz-acl", "private");
    let parts = request.header("x-amz-acl", "public-read").body(()).unwrap().into_parts().0;
    let auth = AuthFacts { auth_type: AuthType::Header, signature_age_ms: 0 };
    assert_eq!(lab.s3.route(parts, auth).unwrap_err().code, "InvalidArgument");
}

#[test]
fn every_operation_names_an_action() {
    for operation in Operation::ALL {
        assert!(operation.action().starts_with("s3"), "{operation:?}");
        assert!(operation.action().contains(':'));
    }
    assert!(Operation::ALL.len() >= 110);
}
