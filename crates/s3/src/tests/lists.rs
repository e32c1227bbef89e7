//! Lists, against a plain model of them.

use proptest::prelude::*;

use super::*;

async fn filled(keys: &[&str]) -> Lab {
    let lab = Lab::with_bucket("bkt").await;
    for key in keys {
        lab.put(&format!("/bkt/{key}"), "x").await;
    }
    lab
}

#[tokio::test]
async fn prefixes_and_delimiters() {
    let lab = filled(&["a/1", "a/2", "b/c/d", "e", "f"]).await;
    let list = lab.get("/bkt?list-type=2&delimiter=%2F").await.ok();
    assert_eq!(list.all("Key"), ["e", "f"]);
    assert_eq!(list.all("Prefix"), ["", "a/", "b/"]);
    assert_eq!((list.one("KeyCount"), list.one("IsTruncated")), ("4".into(), "false".into()));
    let list = lab.get("/bkt?list-type=2&delimiter=%2F&prefix=a%2F").await.ok();
    assert_eq!(
        (list.all("Key"), list.all("Prefix")),
        (vec!["a/1".into(), "a/2".into()], vec!["a/".to_owned()])
    );
    assert_eq!(lab.get("/bkt?list-type=2&start-after=b").await.ok().all("Key"), ["b/c/d", "e", "f"]);
    assert_eq!(lab.get("/bkt?list-type=2&max-keys=0").await.ok().one("IsTruncated"), "false");
    lab.get("/bkt?list-type=2&continuation-token=%21").await.refused(400, "InvalidArgument");
    lab.get("/none?list-type=2").await.refused(404, "NoSuchBucket");
}

#[tokio::test]
async fn old_lists_go_on_by_marker() {
    let lab = filled(&["a", "b/1", "b/2", "c"]).await;
    let first = lab.get("/bkt?delimiter=%2F&max-keys=2").await.ok();
    assert_eq!((first.all("Key"), first.one("NextMarker")), (vec!["a".to_owned()], "b/".into()));
    assert_eq!(first.all("ID").len(), 1);
    let second = lab.get("/bkt?delimiter=%2F&max-keys=2&marker=b%2F").await.ok();
    assert_eq!((second.all("Key"), second.one("IsTruncated")), (vec!["c".to_owned()], "false".into()));
    let versions = lab.get("/bkt?versions").await.ok();
    assert_eq!((versions.all("Key").len(), versions.all("VersionId")), (4, vec!["null".to_owned(); 4]));
}

/// All pages of a list, as keys and prefixes in order of pages.
async fn pages(lab: &Lab, prefix: &str, delimiter: &str, most: usize) -> (Vec<String>, Vec<String>) {
    let (mut keys, mut prefixes, mut token) = (Vec::new(), Vec::new(), String::new());
    for _ in 0..100 {
        let query =
            format!("prefix={prefix}&delimiter={delimiter}&max-keys={most}&continuation-token={token}");
        let page = lab.get(&format!("/bkt?list-type=2&{query}")).await.ok();
        let (found, common) = (page.all("Key"), page.body.split("<CommonPrefixes>").skip(1));
        let common: Vec<String> = common
            .map(|rest| rest.split("<Prefix>").nth(1).unwrap().split('<').next().unwrap().to_owned())
            .collect();
        assert!(found.len() + common.len() <= most);
        keys.extend(found);
        prefixes.extend(common);
        if page.one("IsTruncated") == "false" {
            return (keys, prefixes);
        }
        token = page.one("NextContinuationToken");
    }
    panic!("the list does not end");
}

fn model(keys: &[String], prefix: &str, delimiter: &str) -> (Vec<String>, Vec<String>) {
    let (mut found, mut prefixes) = (Vec::new(), Vec::new());
    for key in keys.iter().filter(|key| key.starts_with(prefix)) {
        let rest = &key[prefix.len()..];
        match rest.find(delimiter).filter(|_| !delimiter.is_empty()) {
            Some(at) => prefixes.push(key[..prefix.len() + at + delimiter.len()].to_owned()),
            None => found.push(key.clone()),
        }
    }
    prefixes.dedup();
    (found, prefixes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pages_join_to_the_whole(
        keys in prop::collection::btree_set("[ab-]{1,3}(-[ab]{1,2}){0,2}", 0..14),
        prefix in "[ab-]{0,2}",
        delimiter in prop::sample::select(vec!["", "-", "ab"]),
        most in 1_usize..5,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let keys: Vec<String> = keys.into_iter().collect();
        let listed = runtime.block_on(async {
            let lab = filled(&keys.iter().map(String::as_str).collect::<Vec<_>>()).await;
            pages(&lab, &prefix, delimiter, most).await
        });
        prop_assert_eq!(listed, model(&keys, &prefix, delimiter));
    }
}
