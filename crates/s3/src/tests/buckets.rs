//! Buckets and their settings.

use super::*;

#[tokio::test]
async fn a_bucket_from_creation_to_deletion() {
    let lab = Lab::new();
    let created = lab.send("PUT", "/my-bucket").go().await.ok();
    assert_eq!(created.header("location"), "/my-bucket");
    let listed = lab.get("/").await.ok();
    assert_eq!(listed.all("Name"), ["my-bucket"]);
    assert_eq!(listed.one("CreationDate"), "2026-09-21T14:13:20.000Z");
    assert_eq!(listed.one("ID").len(), 64);
    assert_eq!(lab.s3.bucket_owner("my-bucket").as_deref(), Some(ALICE));
    let head = lab.send("HEAD", "/my-bucket").go().await.ok();
    assert_eq!(head.header("x-amz-bucket-region"), "us-east-1");
    assert_eq!(head.header("x-amz-request-id"), "REQ");
    lab.put("/my-bucket/k", "v").await;
    lab.send("DELETE", "/my-bucket").go().await.refused(409, "BucketNotEmpty");
    lab.send("DELETE", "/my-bucket/k").go().await.ok();
    assert_eq!(lab.send("DELETE", "/my-bucket").go().await.status, StatusCode::NO_CONTENT);
    let gone = lab.get("/my-bucket").await.refused(404, "NoSuchBucket");
    assert_eq!(gone.one("BucketName"), "my-bucket");
    assert_eq!(lab.send("HEAD", "/my-bucket").go().await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn names_are_unique_across_accounts() {
    let lab = Lab::with_bucket("shared-name").await;
    lab.send("PUT", "/shared-name").from(BOB).go().await.refused(409, "BucketAlreadyExists");
    lab.send("PUT", "/shared-name").go().await.ok();
    let eu = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    lab.send("PUT", "/in-europe").body(eu).go().await.ok();
    lab.send("PUT", "/in-europe").body(eu).go().await.refused(409, "BucketAlreadyOwnedByYou");
    assert!(lab.get("/in-europe?location").await.ok().body.ends_with(">eu-west-1</LocationConstraint>"));
    assert!(lab.get("/shared-name?location").await.ok().body.contains("<LocationConstraint"));
    assert_eq!(lab.send("GET", "/").from(BOB).go().await.ok().all("Name").len(), 0);
}

#[tokio::test]
async fn lists_of_buckets_have_pages() {
    let lab = Lab::new();
    for name in ["aaa", "bbb", "ccc", "cdd"] {
        lab.send("PUT", &format!("/{name}")).go().await.ok();
    }
    let first = lab.get("/?max-buckets=2").await.ok();
    assert_eq!(first.all("Name"), ["aaa", "bbb"]);
    let token = first.one("ContinuationToken");
    let second = lab.get(&format!("/?max-buckets=2&continuation-token={token}")).await.ok();
    assert_eq!(
        (second.all("Name"), second.all("ContinuationToken").len()),
        (vec!["ccc".into(), "cdd".into()], 0)
    );
    assert_eq!(lab.get("/?prefix=c").await.ok().all("Name"), ["ccc", "cdd"]);
}

#[tokio::test]
async fn both_addressing_styles_reach_the_same_object() {
    let lab = Lab::with_bucket("bkt").await;
    lab.send("PUT", "/dir/key").header("host", "bkt.s3.us-east-1.amazonaws.com").body("1").go().await.ok();
    assert_eq!(lab.get("/bkt/dir/key").await.ok().body, "1");
    assert_eq!(lab.send("GET", "/dir/key").header("host", "bkt.s3.localhost:4566").go().await.ok().body, "1");
}

#[tokio::test]
async fn policies_are_kept_as_they_came() {
    let lab = Lab::with_bucket("bkt").await;
    lab.get("/bkt?policy").await.refused(404, "NoSuchBucketPolicy");
    let policy = "{\"Version\": \"2012-10-17\",  \"Statement\": []}";
    lab.send("PUT", "/bkt?policy").body(policy).go().await.ok();
    assert_eq!(lab.get("/bkt?policy").await.ok().body, policy);
    assert_eq!(lab.s3.bucket_policy("bkt").as_deref(), Some(policy));
    lab.send("PUT", "/bkt?policy").body("{").go().await.refused(400, "MalformedPolicy");
    lab.send("DELETE", "/bkt?policy").go().await.ok();
    assert_eq!(lab.s3.bucket_policy("bkt"), None);
}

#[tokio::test]
async fn settings_that_are_kept() {
    let lab = Lab::with_bucket("bkt").await;
    assert_eq!(lab.get("/bkt?publicAccessBlock").await.ok().one("BlockPublicPolicy"), "true");
    let block = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>";
    lab.send("PUT", "/bkt?publicAccessBlock").body(block).go().await.ok();
    assert_eq!(lab.get("/bkt?publicAccessBlock").await.ok().one("BlockPublicPolicy"), "false");
    lab.send("DELETE", "/bkt?publicAccessBlock").go().await.ok();
    lab.get("/bkt?publicAccessBlock").await.refused(404, "NoSuchPublicAccessBlockConfiguration");
    assert_eq!(lab.get("/bkt?ownershipControls").await.ok().one("ObjectOwnership"), "BucketOwnerEnforced");
    lab.get("/bkt?tagging").await.refused(404, "NoSuchTagSet");
    let tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>";
    lab.send("PUT", "/bkt?tagging").body(tags).go().await.ok();
    assert_eq!(lab.get("/bkt?tagging").await.ok().one("Key"), "a");
    lab.send("PUT", "/bkt?acl")
        .header("x-amz-acl", "public-read")
        .go()
        .await
        .refused(400, "AccessControlListNotSupported");
}

#[tokio::test]
async fn a_bucket_can_be_made_with_tags() {
    let lab = Lab::new();
    let tagged = |element: &str| {
        format!(
            "<CreateBucketConfiguration><{element}><Tag><Key>a</Key><Value>b</Value></Tag></{element}></CreateBucketConfiguration>"
        )
    };
    let demands = lab.send("PUT", "/bkt").body(tagged("Tags")).demands().await;
    assert_eq!(demands, ["s3:CreateBucket arn:aws:s3:::bkt", "s3:TagResource arn:aws:s3:::bkt"]);
    assert_eq!(lab.get("/bkt?tagging").await.ok().one("Value"), "b");
    lab.send("PUT", "/other").body(tagged("Labels")).go().await.refused(400, "MalformedXML");
}

#[tokio::test]
async fn settings_that_buckets_never_have() {
    let lab = Lab::with_bucket("bkt").await;
    for (sub, code) in [
        ("cors", "NoSuchCORSConfiguration"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
    ] {
        lab.get(&format!("/bkt?{sub}")).await.refused(404, code);
        lab.get(&format!("/none?{sub}")).await.refused(404, "NoSuchBucket");
    }
    for sub in ["versioning", "accelerate", "logging", "notification", "requestPayment", "encryption", "acl"]
    {
        lab.get(&format!("/bkt?{sub}")).await.ok();
    }
    lab.send("PUT", "/bkt?versioning").go().await.refused(501, "NotImplemented");
}

#[tokio::test]
async fn the_expected_owner_is_checked() {
    let lab = Lab::with_bucket("bkt").await;
    lab.send("GET", "/bkt").header("x-amz-expected-bucket-owner", ALICE).go().await.ok();
    lab.send("GET", "/bkt")
        .header("x-amz-expected-bucket-owner", BOB)
        .go()
        .await
        .refused(403, "AccessDenied");
}
