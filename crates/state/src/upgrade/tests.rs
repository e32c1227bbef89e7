use std::sync::Arc;

use super::*;
use crate::faulty::{Fixture, sealed_in, secrets, values};
use crate::{State, StateError, SystemEntropy};

fn master() -> MasterKey {
    // The first of several is not the one that the store is sealed under.
    MasterKey::parse(&format!("{} {}", "22".repeat(32), "11".repeat(32))).unwrap()
}

/// A store as the first version wrote it: no version, and sealed values without the id of their key.
async fn first_version() -> Fixture {
    let old = MasterKey::parse(&"11".repeat(32)).unwrap();
    let fixture = Fixture::new();
    let seal = |purpose: &str| {
        let (_, secret) = secrets().into_iter().find(|(of, _)| *of == purpose).unwrap();
        let named = serde_json::to_value(old.seal(secret.as_bytes(), purpose, &SystemEntropy)).unwrap();
        named.as_str().unwrap().split_once('.').unwrap().1.to_owned()
    };
    for (key, value) in values(seal) {
        // What an instance has besides is not read here.
        if !key.contains("/instances/") {
            fixture.put(&key, value).await;
        }
    }
    fixture
}

async fn is_second_version(fixture: &Fixture) {
    let old = MasterKey::parse(&"11".repeat(32)).unwrap();
    let found = sealed_in(fixture).await;
    assert_eq!(found.len(), secrets().len() - 1);
    for (purpose, sealed) in &found {
        assert_eq!(sealed.key_id(), old.id(), "{purpose}");
        assert_eq!(old.open(sealed, purpose).unwrap().expose_str(), Some(&*format!("secret of {purpose}")));
    }
    let all = fixture.all().await;
    let at = |wanted: &str| all.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone());
    assert_eq!(at("schema").unwrap(), r#"{"v":1,"version":2}"#);
    assert_eq!(at("sealing/master-key").unwrap(), format!(r#"{{"v":1,"key":"{}"}}"#, old.id().unwrap()));
    assert_eq!(at("entities/123456789012/references/AIDA1/member/AGPA1").unwrap(), "{}");
}

#[tokio::test]
async fn a_store_of_the_first_version_is_upgraded_before_it_is_read() {
    let fixture = first_version().await;
    let state = State::open(fixture.store.clone(), master()).await.unwrap();
    is_second_version(&fixture).await;
    let snapshot = state.snapshot();
    let key = snapshot.access_key("AKIAUSER000000000000").unwrap();
    let secret = snapshot.open_secret(key).unwrap();
    assert_eq!(secret.expose_str(), Some("secret of access-key/AKIAUSER000000000000"));
    assert_eq!(snapshot.key_ring().newest().map(|key| key.number), Some(2));
    // What is sealed from now on is sealed under the key of the store.
    let sealing = snapshot.sealing().unwrap();
    assert_eq!(sealing.key, MasterKey::parse(&"11".repeat(32)).unwrap().id().unwrap());
    let before = fixture.all().await;
    State::open(fixture.store.clone(), master()).await.unwrap();
    assert_eq!(fixture.all().await, before);
}

#[tokio::test]
async fn a_step_that_was_broken_off_goes_on() {
    let mut broken_off = 0;
    for transactions in 0.. {
        let fixture = first_version().await;
        if upgrade(&fixture.breaking_after(transactions), &master()).await.is_ok() {
            break;
        }
        broken_off += 1;
        upgrade(&*fixture.store, &master()).await.unwrap();
        is_second_version(&fixture).await;
    }
    assert!(broken_off >= 3, "it was never broken off in its middle");
}

#[tokio::test]
async fn several_nodes_take_a_step_at_once() {
    let fixture = first_version().await;
    let one = || async { upgrade(&*fixture.store, &master()).await };
    let (a, b, c) = tokio::join!(one(), one(), one());
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
    is_second_version(&fixture).await;
}

#[tokio::test]
async fn what_an_earlier_node_writes_meanwhile_is_upgraded_too() {
    let fixture = first_version().await;
    upgrade(&fixture.breaking_after(2), &master()).await.unwrap_err();
    let again = first_version().await.all().await;
    for (key, value) in again.iter().filter(|(key, _)| key.contains("/users/")) {
        fixture.put(key, value).await;
    }
    upgrade(&*fixture.store, &master()).await.unwrap();
    is_second_version(&fixture).await;
}

#[tokio::test]
async fn a_later_version_is_refused_and_left_alone() {
    for stamp in [r#"{"v":1,"version":3}"#, r#"{"v":9,"version":2,"upgrading":3,"more":true}"#] {
        let fixture = first_version().await;
        fixture.put("schema", stamp).await;
        let before = fixture.all().await;
        let refused = State::open(fixture.store.clone(), master()).await.err().unwrap();
        assert!(matches!(refused, StateError::Upgrade(UpgradeError::Newer { found: 3, known: 2 })));
        assert!(refused.to_string().contains("version 3"), "{refused}");
        assert_eq!(fixture.all().await, before);
    }
}

#[tokio::test]
async fn a_node_that_serves_stops_when_a_later_version_takes_the_store() {
    let fixture = first_version().await;
    let state = State::open(fixture.store.clone(), master()).await.unwrap();
    fixture.put("schema", r#"{"v":1,"version":2,"upgrading":3}"#).await;
    let mut revisions = state.revisions();
    while revisions.changed().await.is_ok() {}
    assert!(!state.is_following());
}

#[tokio::test]
async fn without_its_master_key_nothing_is_upgraded() {
    let fixture = first_version().await;
    let stranger = MasterKey::parse(&"33".repeat(32)).unwrap();
    let refused = upgrade(&*fixture.store, &stranger).await.unwrap_err();
    assert!(refused.to_string().contains("does not open"), "{refused}");
    // The mark stays, so that no earlier version takes the store; with the key it goes on.
    upgrade(&*fixture.store, &master()).await.unwrap();
    is_second_version(&fixture).await;
}

#[tokio::test]
async fn an_empty_store_is_stamped() {
    let fixture = Fixture::new();
    let state = State::open(fixture.store.clone(), master()).await.unwrap();
    assert_eq!(state.snapshot().sealing().map(|sealing| sealing.key), master().id());
    let other = State::open(fixture.store.clone(), MasterKey::parse(&"33".repeat(32)).unwrap()).await;
    assert!(other.err().unwrap().to_string().contains("which is not known here"));
}

#[tokio::test]
async fn a_node_that_lacks_the_key_answers_again_when_it_is_given_it() {
    let fixture = Fixture::new();
    let old = MasterKey::parse(&"11".repeat(32)).unwrap();
    let state = State::open(fixture.store.clone() as Arc<dyn Store>, old).await.unwrap();
    let to = MasterKey::parse(&"22".repeat(32)).unwrap();
    let now = crate::Timestamp(1);
    crate::sealing::rotate(&*fixture.store, &master(), to.id().unwrap(), now, &SystemEntropy).await.unwrap();
    while !state.lacks_master_key() {
        tokio::task::yield_now().await;
    }
    assert!(!state.is_following());
    state.master().learn(&to);
    state.await_revision(fixture.store.latest().await.unwrap()).await.unwrap();
    assert!(state.is_following());
    assert_eq!(state.snapshot().sealing().map(|sealing| sealing.key), to.id());
}
