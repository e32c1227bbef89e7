//! For tests: a store that breaks off after so many transactions, as a killed process does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rolecall_store::{
    BoxFuture, Embedded, KeyValue, Loaded, Op, Outcome, Revision, Store, StoreError, Transaction, Watch,
};
use tokio::sync::mpsc;

/// An embedded store of the test's own.
pub(crate) struct Fixture {
    pub(crate) store: Arc<Embedded>,
    _directory: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Embedded::open(&directory.path().join("store")).unwrap());
        Self { store, _directory: directory }
    }

    pub(crate) async fn put(&self, key: &str, value: impl AsRef<[u8]>) {
        let put = Op::Put {
            key: bytes::Bytes::copy_from_slice(key.as_bytes()),
            value: bytes::Bytes::copy_from_slice(value.as_ref()),
        };
        self.store.transact(Transaction { compares: vec![], ops: vec![put] }).await.unwrap();
    }

    pub(crate) async fn all(&self) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (all, _) = self.store.load(b"").await.unwrap();
        all.iter().map(|kv| (text(&kv.key), text(&kv.value))).collect()
    }

    /// The same store, that lands only so many transactions.
    pub(crate) fn breaking_after(&self, transactions: usize) -> Breaking {
        Breaking { store: self.store.clone(), left: AtomicUsize::new(transactions) }
    }
}

pub(crate) struct Breaking {
    store: Arc<Embedded>,
    left: AtomicUsize,
}

impl Store for Breaking {
    fn transact(&self, transaction: Transaction) -> BoxFuture<'_, Result<Outcome, StoreError>> {
        let some_left =
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        match some_left {
            Ok(_) => self.store.transact(transaction),
            Err(_) => Box::pin(async { Err(StoreError::Engine("the process was killed".into())) }),
        }
    }

    fn load(&self, prefix: &[u8]) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        self.store.load(prefix)
    }

    fn range(&self, prefix: &[u8], after: &[u8], limit: usize) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        self.store.range(prefix, after, limit)
    }

    fn scan(
        &self,
        prefix: &[u8],
        pages: mpsc::Sender<Vec<KeyValue>>,
    ) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.store.scan(prefix, pages)
    }

    fn get(&self, key: &[u8]) -> BoxFuture<'_, Result<Option<KeyValue>, StoreError>> {
        self.store.get(key)
    }

    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        self.store.latest()
    }

    fn watch(&self, prefix: &[u8], after: Revision) -> Watch {
        self.store.watch(prefix, after)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// What a secret is sealed for, where it stands, and the secret: one of each kind.
pub(crate) fn secrets() -> Vec<(&'static str, String)> {
    let of = |purpose: &'static str| (purpose, format!("secret of {purpose}"));
    [
        "access-key/AKIAROOT000000000000",
        "token-key/t1",
        "access-key/AKIAUSER000000000000",
        "access-key/AKIAUSER000000000001",
        "service-specific-credential/ACCA1",
        "mfa-device/AMFA1",
        "server-certificate/ASCA1",
        "user-data/i-1",
        "session-key/1",
        "session-key/2",
    ]
    .map(of)
    .to_vec()
}

/// Values of every kind that holds sealed secrets, written down as the store has them; `seal` gives the text
/// of a sealed one.
pub(crate) fn values(mut seal: impl FnMut(&str) -> String) -> Vec<(String, String)> {
    let account = "123456789012";
    let mut s = |purpose: &str| seal(purpose);
    let record = format!(
        r#"{{"v":1,"id":"{account}","name":"root","created":1,"outbound":{{"id":"x","enabled":true,"keys":[{{"id":"t1","algorithm":"ES384","created":1,"private":"{}","public":{{}}}}]}},"root":{{"access_keys":[{{"id":"AKIAROOT000000000000","status":"Active","created":1,"secret":"{}"}}]}}}}"#,
        s("token-key/t1"),
        s("access-key/AKIAROOT000000000000"),
    );
    let user = format!(
        r#"{{"v":1,"id":"AIDA0000000000000001","name":"Jane","path":"/","created":1,"tags":[],"inline":{{}},"attached":[],"groups":[],"access_keys":[{{"id":"AKIAUSER000000000000","status":"Active","created":1,"secret":"{}"}},{{"id":"AKIAUSER000000000001","status":"Inactive","created":1,"secret":"{}"}}],"service_credentials":[{{"id":"ACCA1","service":"codecommit.amazonaws.com","name":"jane-at-1","status":"Active","created":1,"secret":"{}"}}]}}"#,
        s("access-key/AKIAUSER000000000000"),
        s("access-key/AKIAUSER000000000001"),
        s("service-specific-credential/ACCA1"),
    );
    let mfa = format!(
        r#"{{"v":1,"id":"AMFA1","name":"phone","path":"/","created":1,"tags":[],"seed":"{}"}}"#,
        s("mfa-device/AMFA1")
    );
    let certificate = format!(
        r#"{{"v":1,"id":"ASCA1","name":"web","path":"/","uploaded":1,"expires":2,"body":"B","private_key":"{}","tags":[]}}"#,
        s("server-certificate/ASCA1")
    );
    let ring = format!(
        r#"{{"v":1,"keys":[{{"number":1,"created":1,"key":"{}"}},{{"number":2,"created":2,"key":"{}"}}]}}"#,
        s("session-key/1"),
        s("session-key/2"),
    );
    // Instances have more to them than a test of sealing needs; this one is read by its own members alone.
    let instance = format!(r#"{{"v":1,"id":"i-1","user_data":"{}"}}"#, s("user-data/i-1"));
    let in_account = |name: &str, value: String| (format!("entities/{account}/{name}"), value);
    vec![
        (format!("accounts/{account}"), record),
        in_account("users/jane", user),
        in_account("mfa-devices/phone", mfa),
        in_account("server-certificates/web", certificate),
        in_account("instances/i-1", instance),
        in_account("references/AIDA1/member/AGPA1", "{}".into()),
        ("sessions/key-ring".into(), ring),
        ("aliases/home".into(), format!("\"{account}\"")),
    ]
}

/// The sealed texts of a stored value that is there now, by what they are sealed for.
pub(crate) async fn sealed_in(fixture: &Fixture) -> Vec<(String, crate::Sealed)> {
    let mut found = Vec::new();
    for (key, value) in fixture.all().await {
        let mut value = serde_json::from_str(&value).unwrap();
        crate::sealing::each_sealed(&key, &mut value, &mut |sealed, purpose| {
            found.push((purpose.to_owned(), sealed.clone()));
            Ok::<_, std::convert::Infallible>(None)
        })
        .unwrap();
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}
