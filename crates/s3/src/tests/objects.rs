//! Objects: what goes in comes out, however odd the key.

use super::*;

#[tokio::test]
async fn an_object_comes_back_as_it_was_put() {
    let lab = Lab::with_bucket("bkt").await;
    let put = lab
        .send("PUT", "/bkt/hello.txt")
        .header("content-type", "text/plain; charset=utf-8")
        .header("cache-control", "no-cache")
        .header("content-encoding", "aws-chunked,gzip")
        .header("x-amz-meta-colour", "blue")
        .body("hello world")
        .go()
        .await
        .ok();
    assert_eq!(put.header("etag"), "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"");
    assert_eq!(put.header("x-amz-checksum-type"), "FULL_OBJECT");
    let got = lab.get("/bkt/hello.txt").await.ok();
    assert_eq!(got.body, "hello world");
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("cache-control", "no-cache"),
        ("content-encoding", "gzip"),
        ("x-amz-meta-colour", "blue"),
        ("content-length", "11"),
        ("etag", "\"5eb63bbbe01eeed093cb22bb8f5acdc3\""),
        ("last-modified", "Mon, 21 Sep 2026 14:13:20 GMT"),
        ("x-amz-server-side-encryption", "AES256"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(got.header(name), value, "{name}");
    }
    let head = lab.send("HEAD", "/bkt/hello.txt").go().await.ok();
    assert_eq!((head.header("content-length"), head.body.as_str()), ("11", ""));
    let missing = lab.get("/bkt/nothing").await.refused(404, "NoSuchKey");
    assert_eq!(missing.one("Key"), "nothing");
    assert_eq!(missing.one("Resource"), "/bkt/nothing");
    lab.send("PUT", "/none/x").body("x").go().await.refused(404, "NoSuchBucket");
}

#[tokio::test]
async fn ranges() {
    let lab = Lab::with_bucket("bkt").await;
    lab.put("/bkt/k", "0123456789").await;
    for (range, body, content_range) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=8-100", "89", "bytes 8-9/10"),
    ] {
        let got = lab.send("GET", "/bkt/k").header("range", range).go().await;
        assert_eq!((got.status.as_u16(), got.body.as_str()), (206, body), "{range}");
        assert_eq!(got.header("content-range"), content_range);
    }
    let refused =
        lab.send("GET", "/bkt/k").header("range", "bytes=10-").go().await.refused(416, "InvalidRange");
    assert_eq!(refused.one("ActualObjectSize"), "10");
}

#[tokio::test]
async fn conditions_of_reads_and_writes() {
    let lab = Lab::with_bucket("bkt").await;
    let etag = lab.put("/bkt/k", "1").await.header("etag").to_owned();
    let get = |name: &str, value: &str| lab.send("GET", "/bkt/k").header(name, value);
    get("if-match", &etag).go().await.ok();
    get("if-match", "\"other\"").go().await.refused(412, "PreconditionFailed");
    assert_eq!(get("if-none-match", &etag).go().await.status.as_u16(), 304);
    assert_eq!(get("if-modified-since", "Mon, 21 Sep 2026 14:13:20 GMT").go().await.status.as_u16(), 304);
    get("if-unmodified-since", "Mon, 21 Sep 2026 14:13:19 GMT").go().await.refused(412, "PreconditionFailed");
    let put = |name: &str, value: &str| lab.send("PUT", "/bkt/k").header(name, value).body("2");
    put("if-none-match", "*").go().await.refused(412, "PreconditionFailed");
    put("if-match", "\"other\"").go().await.refused(412, "PreconditionFailed");
    assert_eq!(lab.get("/bkt/k").await.body, "1");
    put("if-match", &etag).go().await.ok();
    assert_eq!(lab.get("/bkt/k").await.body, "2");
}

#[tokio::test]
async fn odd_keys_stay_apart_and_inside() {
    let lab = Lab::with_bucket("bkt").await;
    let long = "l".repeat(1_024);
    let keys = [
        "..",
        ".",
        "../../escape",
        "a/../b",
        "a/./b",
        "a//b",
        "/lead",
        "trail/",
        "A",
        "a",
        "%41",
        "%2e%2e",
        "sp ace",
        "plus+plus",
        "é",
        "e\u{301}",
        "日本",
        "a\u{0}b",
        "con",
        "new",
        "bucket.json",
        "q?x=1&y",
        "#hash",
        long.as_str(),
    ];
    let path = |key: &str| {
        let mut path = "/bkt/".to_owned();
        crate::service::escape(&mut path, key);
        path
    };
    for (index, key) in keys.iter().enumerate() {
        lab.put(&path(key), &index.to_string()).await;
    }
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(lab.get(&path(key)).await.ok().body, index.to_string(), "{key:?}");
    }
    let mut sorted: Vec<&str> = keys.to_vec();
    sorted.sort_unstable();
    let listed = lab.get("/bkt?list-type=2&encoding-type=url").await.ok().all("Key");
    let decoded: Vec<String> = listed.iter().map(|key| rolecall_sigv4::decode_path(key).unwrap()).collect();
    assert_eq!(decoded, sorted);
    let outside: Vec<_> = std::fs::read_dir(lab.directory.path()).unwrap().collect();
    assert_eq!(outside.len(), 1, "{outside:?}");
    let too_long = format!("/bkt/{}", "l".repeat(1_025));
    lab.send("PUT", &too_long).go().await.refused(400, "KeyTooLongError");
}

#[tokio::test]
async fn a_body_that_is_not_what_was_signed_leaves_no_object() {
    let lab = Lab::with_bucket("bkt").await;
    let put = |payload| lab.send("PUT", "/bkt/k").body("body").payload(payload);
    put(PayloadHash::of(b"other")).go().await.refused(400, "XAmzContentSHA256Mismatch");
    lab.get("/bkt/k").await.refused(404, "NoSuchKey");
    put(PayloadHash::of(b"body")).go().await.ok();
    lab.send("PUT", "/bkt?policy")
        .body("{}")
        .payload(PayloadHash::of(b""))
        .go()
        .await
        .refused(400, "XAmzContentSHA256Mismatch");
    assert_eq!(lab.s3.bucket_policy("bkt"), None);
    let new = lab.directory.path().join("buckets/bkt/new");
    assert_eq!(std::fs::read_dir(new).unwrap().count(), 0);
}

#[tokio::test]
async fn checksums_in_headers_and_trailers() {
    let lab = Lab::with_bucket("bkt").await;
    let put = |name: &str, value: &str| lab.send("PUT", "/bkt/k").header(name, value).body("hello world");
    put("x-amz-checksum-crc32", "DUoRhQ==").go().await.ok();
    put("x-amz-checksum-crc32", "AAAAAA==").go().await.refused(400, "BadDigest");
    put("content-md5", "XrY7u+Ae7tCTyyK7j1rNww==").go().await.ok();
    put("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==").go().await.refused(400, "BadDigest");
    put("content-md5", "nonsense").go().await.refused(400, "InvalidDigest");
    let chunked = |value: &str| {
        let body = format!("b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:{value}\r\n\r\n");
        let send = lab.send("PUT", "/bkt/t").header("x-amz-trailer", "x-amz-checksum-crc32").body(body);
        send.header("content-encoding", "aws-chunked").payload(PayloadHash::StreamingUnsignedTrailer)
    };
    chunked("AAAAAA==").go().await.refused(400, "BadDigest");
    chunked("DUoRhQ==").go().await.ok();
    let got = lab.send("GET", "/bkt/t").header("x-amz-checksum-mode", "ENABLED").go().await.ok();
    assert_eq!((got.body.as_str(), got.header("x-amz-checksum-crc32")), ("hello world", "DUoRhQ=="));
    assert_eq!(got.header("content-encoding"), "");
}

#[tokio::test]
async fn copies() {
    let lab = Lab::with_bucket("bkt").await;
    let put =
        lab.send("PUT", "/bkt/a").header("x-amz-meta-x", "1").header("x-amz-tagging", "t=1").body("data");
    put.go().await.ok();
    let copy = |key: &str| lab.send("PUT", &format!("/bkt/{key}")).header("x-amz-copy-source", "/bkt/a");
    let copied = copy("b%20c").go().await.ok();
    assert_eq!(copied.one("ETag"), "\"8d777f385d3dfec8815d20f7496026dc\"");
    let got = lab.get("/bkt/b%20c").await.ok();
    assert_eq!(
        (got.body.as_str(), got.header("x-amz-meta-x"), got.header("x-amz-tagging-count")),
        ("data", "1", "1")
    );
    copy("c").header("x-amz-metadata-directive", "REPLACE").header("x-amz-meta-y", "2").go().await.ok();
    let got = lab.get("/bkt/c").await.ok();
    assert_eq!((got.header("x-amz-meta-x"), got.header("x-amz-meta-y")), ("", "2"));
    copy("a").go().await.refused(400, "InvalidRequest");
    lab.send("PUT", "/bkt/d").header("x-amz-copy-source", "bkt/none").go().await.refused(404, "NoSuchKey");
    lab.send("PUT", "/bkt/d")
        .header("x-amz-copy-source", "nonsense")
        .go()
        .await
        .refused(400, "InvalidArgument");
    copy("e").header("x-amz-copy-source-if-match", "\"other\"").go().await.refused(412, "PreconditionFailed");
}

#[tokio::test]
async fn tags_of_objects() {
    let lab = Lab::with_bucket("bkt").await;
    lab.send("PUT", "/bkt/k").header("x-amz-tagging", "a=1&b=x%20y").body("1").go().await.ok();
    assert_eq!(lab.get("/bkt/k?tagging").await.ok().all("Value"), ["1", "x y"]);
    let tags = "<Tagging><TagSet><Tag><Key>c</Key><Value>3</Value></Tag></TagSet></Tagging>";
    lab.send("PUT", "/bkt/k?tagging").body(tags).go().await.ok();
    assert_eq!(lab.get("/bkt/k?tagging").await.ok().all("Key"), ["c"]);
    // A new object does not inherit the old one's tags.
    lab.put("/bkt/k", "2").await;
    assert_eq!(lab.get("/bkt/k?tagging").await.ok().all("Key").len(), 0);
    lab.send("PUT", "/bkt/k?tagging").body(tags).go().await.ok();
    lab.send("DELETE", "/bkt/k?tagging").go().await.ok();
    assert_eq!(lab.get("/bkt/k?tagging").await.ok().all("Key").len(), 0);
    let many = (0..11).map(|n| format!("k{n}=v")).collect::<Vec<_>>().join("&");
    lab.send("PUT", "/bkt/k").header("x-amz-tagging", &many).go().await.refused(400, "BadRequest");
    lab.send("PUT", "/bkt/k").header("x-amz-tagging", "a=1&a=2").go().await.refused(400, "InvalidTag");
}

#[tokio::test]
async fn what_objects_cannot_be_given() {
    let lab = Lab::with_bucket("bkt").await;
    for (name, value, status, code) in [
        ("x-amz-acl", "public-read", 400, "AccessControlListNotSupported"),
        ("x-amz-server-side-encryption", "aws:kms", 501, "NotImplemented"),
        ("x-amz-object-lock-legal-hold", "ON", 400, "InvalidRequest"),
        ("x-amz-storage-class", "CHEAP", 400, "InvalidStorageClass"),
    ] {
        lab.send("PUT", "/bkt/k").header(name, value).body("x").go().await.refused(status, code);
    }
    let big = "m".repeat(2_049);
    lab.send("PUT", "/bkt/k").header("x-amz-meta-m", &big).go().await.refused(400, "MetadataTooLarge");
    lab.get("/bkt/k").await.refused(404, "NoSuchKey");
}

#[tokio::test]
async fn attributes_and_response_headers() {
    let lab = Lab::with_bucket("bkt").await;
    lab.put("/bkt/k", "1234").await;
    let got = lab
        .send("GET", "/bkt/k?attributes")
        .header("x-amz-object-attributes", "ObjectSize,ETag")
        .go()
        .await
        .ok();
    assert_eq!(got.one("ObjectSize"), "4");
    let got = lab.get("/bkt/k?response-content-type=text%2Fx").await.ok();
    assert_eq!(got.header("content-type"), "text/x");
    lab.send("GET", "/bkt/k?response-content-type=a").anonymous().go().await.refused(400, "InvalidRequest");
    lab.get("/bkt/k?versionId=null").await.ok();
    lab.get("/bkt/k?versionId=abc").await.refused(400, "InvalidArgument");
}
