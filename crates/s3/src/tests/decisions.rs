//! Nothing happens without a decision, and each operation asks for what AWS asks for.

use std::collections::BTreeMap;

use super::*;
use crate::demand::Value;

fn denied(demand: &Demand) -> Fault {
    Fault::access_denied(format!("not authorized to perform: {}", demand.action))
}

#[tokio::test]
async fn a_denied_request_changes_nothing() {
    let lab = Lab::with_bucket("bkt").await;
    lab.put("/bkt/k", "1").await;
    let requests = [
        ("PUT", "/other"),
        ("DELETE", "/bkt"),
        ("PUT", "/bkt/k"),
        ("DELETE", "/bkt/k"),
        ("PUT", "/bkt?policy"),
        ("PUT", "/bkt/k?tagging"),
        ("POST", "/bkt/k?uploads"),
        ("GET", "/bkt/k"),
        ("GET", "/"),
        ("HEAD", "/bkt"),
    ];
    for (method, target) in requests {
        let body = match target {
            "/bkt?policy" => "{}",
            "/bkt/k?tagging" => "<Tagging><TagSet></TagSet></Tagging>",
            _ => "",
        };
        let answer = lab.send(method, target).body(body).decided_by(|demand| Err(denied(demand))).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {target}");
        if method != "HEAD" {
            assert!(answer.one("Message").starts_with("not authorized to perform: s3:"), "{}", answer.body);
        }
    }
    assert_eq!(lab.get("/bkt/k").await.ok().body, "1");
    assert_eq!(lab.get("/").await.ok().all("Name"), ["bkt"]);
    assert_eq!(lab.get("/bkt?uploads").await.ok().all("UploadId").len(), 0);
}

#[tokio::test]
async fn what_operations_demand() {
    let lab = Lab::with_bucket("bkt").await;
    lab.send("PUT", "/bkt/k").header("x-amz-tagging", "team=blue").body("1").go().await.ok();
    let (bucket, object) = ("arn:aws:s3:::bkt", "arn:aws:s3:::bkt/k");
    let cases: [(&str, &str, Vec<String>); 15] = [
        ("GET", "/", vec!["s3:ListAllMyBuckets *".into()]),
        ("HEAD", "/bkt", vec![format!("s3:ListBucket {bucket}")]),
        ("GET", "/bkt?list-type=2", vec![format!("s3:ListBucket {bucket}")]),
        ("GET", "/bkt?versions", vec![format!("s3:ListBucketVersions {bucket}")]),
        ("GET", "/bkt?uploads", vec![format!("s3:ListBucketMultipartUploads {bucket}")]),
        ("GET", "/bkt?encryption", vec![format!("s3:GetEncryptionConfiguration {bucket}")]),
        ("PUT", "/bkt?encryption", vec![format!("s3:PutEncryptionConfiguration {bucket}")]),
        ("GET", "/bkt/k", vec![format!("s3:GetObject {object}")]),
        ("HEAD", "/bkt/k", vec![format!("s3:GetObject {object}")]),
        ("GET", "/bkt/k?versionId=null", vec![format!("s3:GetObjectVersion {object}")]),
        ("GET", "/bkt/k?tagging", vec![format!("s3:GetObjectTagging {object}")]),
        (
            "GET",
            "/bkt/k?attributes",
            vec![format!("s3:GetObject {object}"), format!("s3:GetObjectAttributes {object}")],
        ),
        ("POST", "/bkt/k?uploads", vec![format!("s3:PutObject {object}")]),
        (
            "GET",
            "/bkt/none",
            vec!["s3:GetObject arn:aws:s3:::bkt/none".into(), format!("s3:ListBucket {bucket}")],
        ),
        ("DELETE", "/bkt?publicAccessBlock", vec![format!("s3:PutBucketPublicAccessBlock {bucket}")]),
    ];
    for (method, target, wanted) in cases {
        assert_eq!(lab.send(method, target).demands().await, wanted, "{method} {target}");
    }
    let put = lab
        .send("PUT", "/bkt/n")
        .header("x-amz-acl", "private")
        .header("x-amz-tagging", "a=1")
        .demands()
        .await;
    assert_eq!(
        put,
        ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"].map(|a| format!("{a} arn:aws:s3:::bkt/n"))
    );
    let copy = lab.send("PUT", "/bkt/n").header("x-amz-copy-source", "bkt/k").demands().await;
    let (new, old) = ("arn:aws:s3:::bkt/n", "arn:aws:s3:::bkt/k");
    let wanted =
        [("PutObject", new), ("GetObject", old), ("GetObjectTagging", old), ("PutObjectTagging", new)];
    assert_eq!(copy, wanted.map(|(action, arn)| format!("s3:{action} {arn}")));
}

#[tokio::test]
async fn condition_keys() {
    let lab = Lab::with_bucket("bkt").await;
    lab.send("PUT", "/bkt/k").header("x-amz-tagging", "team=blue").body("1").go().await.ok();
    let keys = async |send: Sending<'_>| {
        let mut seen = BTreeMap::new();
        send.decided_by(|demand| {
            assert_eq!(demand.bucket_owner.as_deref(), Some(ALICE));
            seen.extend(demand.context.iter().map(|(key, value)| (key.to_string(), value.clone())));
            Ok(())
        })
        .await;
        seen
    };
    let one = |text: &str| Some(Value::One(text.to_owned()));
    let seen = keys(lab.send("GET", "/bkt?list-type=2&prefix=home%2F&delimiter=%2F&max-keys=7")).await;
    assert_eq!(seen.get("s3:prefix").cloned(), one("home/"));
    assert_eq!(seen.get("s3:delimiter").cloned(), one("/"));
    assert_eq!(seen.get("s3:max-keys").cloned(), one("7"));
    assert_eq!(seen.get("s3:authType").cloned(), one("REST-HEADER"));
    assert_eq!(seen.get("s3:signatureAge").cloned(), one("1500"));
    assert_eq!(keys(lab.send("GET", "/bkt")).await.get("s3:prefix").cloned(), one(""));
    let seen = keys(lab.send("GET", "/bkt/k")).await;
    assert_eq!(seen.get("s3:ExistingObjectTag/team").cloned(), one("blue"));
    let tags = "<Tagging><TagSet><Tag><Key>c</Key><Value>3</Value></Tag></TagSet></Tagging>";
    let seen = keys(lab.send("PUT", "/bkt/k?tagging").body(tags)).await;
    assert_eq!(seen.get("s3:RequestObjectTag/c").cloned(), one("3"));
    assert_eq!(seen.get("s3:RequestObjectTagKeys").cloned(), Some(Value::Many(vec!["c".to_owned()])));
    assert!(!keys(lab.send("GET", "/bkt").anonymous()).await.contains_key("s3:authType"));
}

#[tokio::test]
async fn deletions_are_decided_one_by_one() {
    let lab = Lab::with_bucket("bkt").await;
    for key in ["mine", "yours", "null"] {
        lab.put(&format!("/bkt/{key}"), "x").await;
    }
    let body = "<Delete><Object><Key>mine</Key></Object><Object><Key>yours</Key></Object>\
                <Object><Key>null</Key><VersionId>null</VersionId></Object></Delete>";
    let mut seen = Vec::new();
    let answer = lab.send("POST", "/bkt?delete").body(body).decided_by(|demand| {
        seen.push(demand.action);
        if demand.resource.ends_with("yours") { Err(denied(demand)) } else { Ok(()) }
    });
    let answer = answer.await.ok();
    assert_eq!(seen, ["s3:DeleteObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]);
    assert_eq!(answer.all("Key"), ["mine", "null", "yours"]);
    assert_eq!(
        (answer.one("Code"), answer.one("Message")),
        ("AccessDenied".into(), "not authorized to perform: s3:DeleteObject".into())
    );
    lab.get("/bkt/mine").await.refused(404, "NoSuchKey");
    assert_eq!(lab.get("/bkt/yours").await.ok().body, "x");
    lab.send("POST", "/bkt?delete").body("<Delete></Delete>").go().await.refused(400, "MalformedXML");
}

#[tokio::test]
async fn who_may_not_list_does_not_learn_what_is_missing() {
    let lab = Lab::with_bucket("bkt").await;
    let no_list =
        |demand: &Demand| if demand.action == "s3:ListBucket" { Err(denied(demand)) } else { Ok(()) };
    let answer = lab.send("GET", "/bkt/none").decided_by(no_list).await.refused(403, "AccessDenied");
    assert_eq!(answer.one("Message"), "not authorized to perform: s3:ListBucket");
    lab.put("/bkt/there", "x").await;
    lab.send("GET", "/bkt/there").decided_by(no_list).await.ok();
    let copy = lab.send("PUT", "/bkt/new").header("x-amz-copy-source", "bkt/none");
    copy.decided_by(no_list).await.refused(403, "AccessDenied");
}
