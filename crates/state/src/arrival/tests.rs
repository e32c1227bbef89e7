use super::*;
use crate::entities::{AccountRecord, User};
use crate::faulty::Fixture;
use crate::{MasterKey, Timestamp};

const USERS: usize = 500;

fn account() -> AccountId {
    "123456789012".parse().unwrap()
}

fn record() -> AccountRecord {
    AccountRecord::new(account(), "root".into(), Timestamp(1))
}

fn user(number: usize) -> User {
    serde_json::from_str(&format!(
        r#"{{"v":1,"id":"AIDA{number:016}","name":"user-{number}","path":"/","created":1,"tags":[],"inline":{{}},"attached":[],"groups":[],"access_keys":[]}}"#
    ))
    .unwrap()
}

async fn state(fixture: &Fixture) -> State {
    let master = MasterKey::new([1; 32]).unwrap();
    State::open(fixture.store.clone(), master).await.unwrap()
}

fn fill(users: usize) -> impl FnOnce(&mut Txn) {
    move |txn| (0..users).for_each(|number| txn.put(&user(number)))
}

async fn arrive(state: &State, arrival: &Arrival) -> Result<(), StateError> {
    let landing = |txn: &mut Txn| {
        txn.create_record(&record());
        txn.land(arrival);
        Ok(())
    };
    state.write(account(), landing).await
}

fn users(state: &State) -> Option<usize> {
    state.snapshot().account(account()).map(|account| account.users.iter().count())
}

#[tokio::test]
async fn an_account_is_there_when_its_record_is() {
    let fixture = Fixture::new();
    let state = state(&fixture).await;
    let arrival = bring(&state, account(), fill(USERS)).await.unwrap();
    state.await_revision(fixture.store.latest().await.unwrap()).await.unwrap();
    assert_eq!(users(&state), None);
    assert!(is_begun(&*fixture.store).await.unwrap());
    arrive(&state, &arrival).await.unwrap();
    assert_eq!(users(&state), Some(USERS));
    assert!(!is_begun(&*fixture.store).await.unwrap());
    // Who loads sees what who followed sees.
    assert_eq!(users(&self::state(&fixture).await), Some(USERS));
    let again = bring(&state, account(), fill(1)).await;
    assert!(matches!(again, Err(StateError::Disturbed)));
    assert_eq!(users(&state), Some(USERS));
}

#[tokio::test]
async fn what_was_cut_short_is_seen_by_nobody_and_begun_anew() {
    let mut cut_short = 0;
    for transactions in 0.. {
        let fixture = Fixture::new();
        state(&fixture).await;
        let breaking = std::sync::Arc::new(fixture.breaking_after(transactions));
        let broken = State::open(breaking, MasterKey::new([1; 32]).unwrap()).await.unwrap();
        if bring(&broken, account(), fill(USERS)).await.is_ok() {
            break;
        }
        cut_short += 1;
        let state = state(&fixture).await;
        assert_eq!(users(&state), None);
        // Nobody makes an account of what is there in part.
        let made = state.write(account(), |txn| {
            txn.create_record(&record());
            Ok::<_, StateError>(())
        });
        assert_eq!(made.await.is_ok(), !is_begun(&*fixture.store).await.unwrap());
        if users(&state).is_some() {
            continue;
        }
        let arrival = bring(&state, account(), fill(3)).await.unwrap();
        arrive(&state, &arrival).await.unwrap();
        assert_eq!(users(&state), Some(3));
    }
    assert!(cut_short > 3, "it was never cut short in its middle");
}

#[tokio::test]
async fn of_two_who_bring_the_same_account_one_does() {
    let fixture = Fixture::new();
    let state = state(&fixture).await;
    let first = bring(&state, account(), fill(USERS)).await.unwrap();
    let second = bring(&state, account(), fill(3)).await.unwrap();
    assert!(matches!(arrive(&state, &first).await, Err(StateError::Contended)));
    arrive(&state, &second).await.unwrap();
    assert_eq!(users(&state), Some(3));
}
