//! Uploads in parts.

use super::*;

async fn begin(lab: &Lab, target: &str) -> String {
    lab.send("POST", &format!("{target}?uploads"))
        .header("content-type", "multipart/form-data")
        .go()
        .await
        .ok()
        .one("UploadId")
}

async fn part(lab: &Lab, id: &str, number: u32, body: Vec<u8>) -> String {
    let target = format!("/bkt/big?partNumber={number}&uploadId={id}");
    lab.send("PUT", &target).body(body).go().await.ok().header("etag").to_owned()
}

fn list(parts: &[(u32, &str)]) -> String {
    let part = |(number, etag): &(u32, &str)| {
        format!("<Part><ETag>{etag}</ETag><PartNumber>{number}</PartNumber></Part>")
    };
    let parts: String = parts.iter().map(part).collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>")
}

#[tokio::test]
async fn an_upload_from_begin_to_end() {
    let lab = Lab::with_bucket("bkt").await;
    let id = begin(&lab, "/bkt/big").await;
    let first = part(&lab, &id, 1, vec![b'a'; 5 << 20]).await;
    let second = part(&lab, &id, 3, b"end".to_vec()).await;
    let listed = lab.get(&format!("/bkt/big?uploadId={id}")).await.ok();
    assert_eq!(
        (listed.all("PartNumber"), listed.all("Size")),
        (vec!["1".into(), "3".into()], vec!["5242880".into(), "3".into()])
    );
    assert_eq!(lab.get("/bkt?uploads").await.ok().one("UploadId"), id);
    lab.get("/bkt/big").await.refused(404, "NoSuchKey");
    let complete =
        |parts: &[(u32, &str)]| lab.send("POST", &format!("/bkt/big?uploadId={id}")).body(list(parts));
    complete(&[(3, &second), (1, &first)]).go().await.refused(400, "InvalidPartOrder");
    complete(&[(1, &first), (2, &second)]).go().await.refused(400, "InvalidPart");
    complete(&[]).go().await.refused(400, "MalformedXML");
    let done = complete(&[(1, &first), (3, &second)]).go().await.ok();
    assert!(done.one("ETag").ends_with("-2\""), "{}", done.body);
    let got = lab.send("GET", "/bkt/big?partNumber=2").go().await.ok();
    assert_eq!((got.body.as_str(), got.header("x-amz-mp-parts-count")), ("end", "2"));
    let got = lab.get("/bkt/big").await.ok();
    assert_eq!((got.body.len(), got.header("content-type")), ((5 << 20) + 3, "multipart/form-data"));
    complete(&[(1, &first)]).go().await.refused(404, "NoSuchUpload");
}

#[tokio::test]
async fn parts_but_the_last_have_five_mebibytes() {
    let lab = Lab::with_bucket("bkt").await;
    let id = begin(&lab, "/bkt/big").await;
    let first = part(&lab, &id, 1, b"small".to_vec()).await;
    let second = part(&lab, &id, 2, b"small".to_vec()).await;
    let send = lab.send("POST", &format!("/bkt/big?uploadId={id}")).body(list(&[(1, &first), (2, &second)]));
    send.go().await.refused(400, "EntityTooSmall");
}

#[tokio::test]
async fn an_upload_belongs_to_its_key() {
    let lab = Lab::with_bucket("bkt").await;
    let id = begin(&lab, "/bkt/big").await;
    let other = format!("/bkt/other?partNumber=1&uploadId={id}");
    lab.send("PUT", &other).body("x").go().await.refused(404, "NoSuchUpload");
    lab.send("DELETE", &format!("/bkt/other?uploadId={id}")).go().await.refused(404, "NoSuchUpload");
    lab.send("DELETE", "/bkt/big?uploadId=..%2F..%2Fobjects").go().await.refused(404, "NoSuchUpload");
    lab.send("PUT", &format!("/bkt/big?partNumber=0&uploadId={id}"))
        .go()
        .await
        .refused(400, "InvalidArgument");
    assert_eq!(lab.send("DELETE", &format!("/bkt/big?uploadId={id}")).go().await.status.as_u16(), 204);
    lab.get(&format!("/bkt/big?uploadId={id}")).await.refused(404, "NoSuchUpload");
}

#[tokio::test]
async fn parts_can_be_copied() {
    let lab = Lab::with_bucket("bkt").await;
    lab.put("/bkt/source", "0123456789").await;
    let id = begin(&lab, "/bkt/big").await;
    let target = format!("/bkt/big?partNumber=1&uploadId={id}");
    let copy = |range: &str| {
        let send = lab.send("PUT", &target).header("x-amz-copy-source", "bkt/source");
        send.header("x-amz-copy-source-range", range)
    };
    copy("bytes=2-20").go().await.refused(400, "InvalidArgument");
    let etag = copy("bytes=2-4").go().await.ok().one("ETag");
    lab.send("POST", &format!("/bkt/big?uploadId={id}")).body(list(&[(1, &etag)])).go().await.ok();
    assert_eq!(lab.get("/bkt/big").await.ok().body, "234");
}
