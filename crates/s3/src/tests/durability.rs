//! What was acknowledged is there after a restart; what is damaged is reported.

use super::*;

#[tokio::test]
async fn a_restart_finds_everything() {
    let lab = Lab::with_bucket("bkt").await;
    lab.send("PUT", "/bkt/a/k")
        .header("x-amz-meta-m", "1")
        .header("x-amz-tagging", "t=1")
        .body("data")
        .go()
        .await
        .ok();
    lab.send("PUT", "/bkt?policy").body("{}").go().await.ok();
    let id = lab.send("POST", "/bkt/up?uploads").go().await.ok().one("UploadId");
    let Lab { s3, directory } = lab;
    drop(s3);
    std::fs::write(directory.path().join("buckets/bkt/new/unfinished"), "half").unwrap();
    std::fs::create_dir(directory.path().join("buckets/.new-1")).unwrap();
    let lab = Lab::on(directory);
    let got = lab.get("/bkt/a/k").await.ok();
    assert_eq!((got.body.as_str(), got.header("x-amz-meta-m")), ("data", "1"));
    assert_eq!(lab.get("/bkt/a/k?tagging").await.ok().one("Key"), "t");
    assert_eq!(lab.get("/bkt?list-type=2").await.ok().all("Key"), ["a/k"]);
    assert_eq!(lab.s3.bucket_policy("bkt").as_deref(), Some("{}"));
    assert_eq!(lab.get("/bkt?uploads").await.ok().one("UploadId"), id);
    assert_eq!(std::fs::read_dir(lab.directory.path().join("buckets")).unwrap().count(), 1);
    assert_eq!(std::fs::read_dir(lab.directory.path().join("buckets/bkt/new")).unwrap().count(), 0);
}

fn open(directory: &TempDir) -> Result<S3, crate::OpenError> {
    S3::open(directory.path(), Endpoint::new([], "us-east-1"), entropy())
}

#[tokio::test]
async fn damaged_facts_are_named_and_left() {
    let Lab { directory, .. } = Lab::with_bucket("bkt").await;
    let path = directory.path().join("buckets/bkt/bucket.json");
    let good = std::fs::read_to_string(&path).unwrap();
    for bad in ["{", &good.replace("\"version\": 1", "\"version\": 9"), &good.replace("\"bkt\"", "\"other\"")]
    {
        std::fs::write(&path, bad).unwrap();
        let Err(error) = open(&directory) else { panic!("opened {bad}") };
        assert!(error.to_string().contains("bucket.json"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), *bad);
    }
    std::fs::write(&path, good).unwrap();
    assert!(open(&directory).is_ok());
}

#[tokio::test]
async fn a_damaged_object_is_an_error_and_not_an_absent_one() {
    let lab = Lab::with_bucket("bkt").await;
    lab.put("/bkt/k", "data").await;
    let file = lab.directory.path().join("buckets/bkt/objects/k-k");
    let bytes = std::fs::read(&file).unwrap();
    assert!(bytes.starts_with(b"data"));
    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    lab.get("/bkt/k").await.refused(500, "InternalError");
}

#[tokio::test]
async fn writes_to_one_key_at_once_leave_one_of_them() {
    let lab = Arc::new(Lab::with_bucket("bkt").await);
    let write = |n: usize| {
        let lab = lab.clone();
        async move { lab.put("/bkt/k", &n.to_string().repeat(10_000)).await }
    };
    futures::future::join_all((1..10).map(write)).await;
    let body = lab.get("/bkt/k").await.ok().body;
    assert!(body.len() == 10_000 && body.bytes().all(|byte| byte == body.as_bytes()[0]));
    assert_eq!(lab.get("/bkt?list-type=2").await.ok().all("Key"), ["k"]);
    lab.send("DELETE", "/bkt/k").go().await.ok();
    let (deleted, put) =
        tokio::join!(lab.send("DELETE", "/bkt").go(), lab.send("PUT", "/bkt/k").body("x").go());
    // One of the two came first; never both succeeded.
    assert!(deleted.status.is_success() != put.status.is_success(), "{deleted:?} {put:?}");
}
