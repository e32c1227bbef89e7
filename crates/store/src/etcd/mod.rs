//! The engine on etcd (3.4 and newer), for any number of nodes.
//!
//! What the store holds is under `PREFIX/data/`, readable by `etcdctl get --prefix`; only the engine
//! writes it. Reads are linearizable. A node whose member of etcd is cut off gets no answers, and
//! [`Store::latest`] fails, so that it can tell that it may be behind.
//!
//! etcd's defaults are enough: `--max-txn-ops` 128, `--max-request-bytes` 1.5 MiB. Compaction is
//! etcd's own affair (`--auto-compaction-retention`); a node that was away for longer loads again.

mod client;
mod keys;
mod settings;
mod slots;
mod transact;
mod watch;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, watch as signal};
use tokio::time::Instant;

use crate::contract::{
    BoxFuture, KeyValue, Loaded, Outcome, Revision, Scan, Store, StoreError, Transaction, Watch,
};
use client::{CallError, Client};
use keys::{Keys, end_of, revision, signed};
pub use settings::{Credentials, EtcdSettings, SettingsError, Tls};
use slots::Slots;
use wire::{Compare, DeleteRequest, PutRequest, RangeRequest, RangeResponse, Request, RequestOp, Revised};

/// The form of what is stored that this version writes.
const KNOWN_FORMAT: u64 = 1;
/// How many keys are asked for at once.
const PAGE: usize = 1_000;
/// A slot that was not written for so many revisions belongs to a node that is gone.
const UNUSED: u64 = 1_000_000;

/// Why etcd can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The settings make no sense.
    #[error("the settings of etcd are wrong: {0}")]
    Settings(String),
    /// It does not answer, or refuses.
    #[error("etcd can't be used: {0}")]
    Unusable(String),
    /// What is stored was written by a later version.
    #[error(
        "{key} in etcd has the form {found}, which only a later version can read (this one reads {known})"
    )]
    Newer {
        /// The key that tells the form.
        key: String,
        /// The form.
        found: String,
        /// The form that is known here.
        known: u64,
    },
}

/// The engine on etcd.
pub struct Etcd {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    keys: Keys,
    slots: Slots,
    deadline: Duration,
    cluster: AtomicU64,
    closed: signal::Sender<bool>,
}

impl Etcd {
    /// Connects to etcd.
    ///
    /// # Errors
    /// [`ConnectError`]; nothing was written then.
    pub async fn connect(settings: &EtcdSettings) -> Result<Self, ConnectError> {
        if settings.endpoints.is_empty() || settings.node.is_empty() || settings.node.contains('/') {
            return Err(ConnectError::Settings(
                "there must be an endpoint, and a name of the node with no slash".into(),
            ));
        }
        let inner = Inner {
            client: Client::new(settings).map_err(ConnectError::Settings)?,
            keys: Keys::new(&settings.prefix),
            slots: Slots::new(&settings.node),
            deadline: settings.deadline,
            cluster: AtomicU64::new(0),
            closed: signal::Sender::new(false),
        };
        inner.check_format().await?;
        if let Err(cause) = inner.sweep().await {
            tracing::warn!(
                cause = cause.message(),
                "slots of nodes that are gone could not be removed from etcd"
            );
        }
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Inner {
    fn deadline(&self) -> Instant {
        Instant::now() + self.deadline
    }

    async fn check_format(&self) -> Result<(), ConnectError> {
        let (key, value) = (self.keys.format(), KNOWN_FORMAT.to_string().into_bytes());
        let absent = Compare {
            result: wire::EQUAL,
            target: wire::CREATE,
            key: key.clone(),
            to: Some(Revised::Create(0)),
            range_end: Vec::new(),
        };
        let put = Request::Put(PutRequest { key: key.clone(), value });
        let request = wire::TxnRequest {
            compare: vec![absent],
            success: vec![RequestOp { request: Some(put) }],
            failure: vec![slots::read(key.clone())],
        };
        // Done twice it does nothing the second time.
        let answer = self.client.again(wire::TXN, &request, self.deadline()).await;
        let answer: wire::TxnResponse = answer.map_err(|error| ConnectError::Unusable(error.message()))?;
        self.cluster.store(answer.header.map_or(0, |header| header.cluster_id), Ordering::Release);
        let found = answer.responses.into_iter().find_map(|response| response.range?.kvs.into_iter().next());
        match found {
            Some(found) if found.value != KNOWN_FORMAT.to_string() => Err(ConnectError::Newer {
                key: String::from_utf8_lossy(&key).into_owned(),
                found: String::from_utf8_lossy(&found.value).into_owned(),
                known: KNOWN_FORMAT,
            }),
            _ => Ok(()),
        }
    }

    /// Removes slots that nobody has used for long.
    async fn sweep(&self) -> Result<(), CallError> {
        let slots = self.keys.slots();
        let head = self.latest().await?;
        let Some(before) = head.0.checked_sub(UNUSED) else { return Ok(()) };
        let old = RangeRequest {
            range_end: end_of(&slots),
            key: slots,
            limit: PAGE as i64,
            keys_only: true,
            max_mod_revision: signed(Revision(before)),
            ..RangeRequest::default()
        };
        let old: RangeResponse = self.client.again(wire::RANGE, &old, self.deadline()).await?;
        for some in old.kvs.chunks(Transaction::MAX_OPS) {
            let remove = |key: &wire::Stored| {
                let request = DeleteRequest { key: key.key.to_vec(), range_end: Vec::new() };
                RequestOp { request: Some(Request::Delete(request)) }
            };
            let request =
                wire::TxnRequest { success: some.iter().map(remove).collect(), ..Default::default() };
            let _: wire::TxnResponse = self.client.again(wire::TXN, &request, self.deadline()).await?;
        }
        Ok(())
    }

    /// Whether an answer comes from the cluster that everything known was loaded from.
    fn is_same_cluster(&self, cluster: u64) -> bool {
        self.cluster.load(Ordering::Acquire) == cluster
    }

    async fn page(&self, request: &RangeRequest) -> Result<RangeResponse, CallError> {
        self.client.again(wire::RANGE, request, self.deadline()).await
    }

    /// The keys from `from` on that start with `prefix`, at most `limit` of them, at one revision.
    async fn read(&self, prefix: &[u8], from: Vec<u8>, limit: usize) -> Result<Loaded, CallError> {
        let mut request = RangeRequest { key: from, range_end: end_of(prefix), ..RangeRequest::default() };
        let (mut found, mut at) = (Vec::new(), Revision(0));
        loop {
            // To etcd 0 is no limit.
            request.limit = PAGE.min(limit - found.len()).max(1) as i64;
            let answer = self.page(&request).await?;
            if let (0, Some(header)) = (request.revision, &answer.header) {
                (request.revision, at) = (header.revision, revision(header.revision));
                self.cluster.store(header.cluster_id, Ordering::Release);
            }
            if let Some(last) = answer.kvs.last() {
                request.key = [&last.key[..], b"\0"].concat();
            }
            found.extend(answer.kvs.into_iter().filter_map(|stored| self.keys.key_value(stored)));
            if !answer.more || found.len() >= limit {
                found.truncate(limit);
                return Ok((found, at));
            }
        }
    }

    /// Sends everything page by page, at one revision, until nobody reads.
    async fn send_pages(
        &self,
        prefix: &[u8],
        sender: &mpsc::Sender<Result<Loaded, StoreError>>,
    ) -> Result<(), CallError> {
        let mut request = RangeRequest {
            key: prefix.to_vec(),
            range_end: end_of(prefix),
            limit: PAGE as i64,
            ..RangeRequest::default()
        };
        loop {
            let answer = self.page(&request).await?;
            if let (0, Some(header)) = (request.revision, &answer.header) {
                request.revision = header.revision;
            }
            if let Some(last) = answer.kvs.last() {
                request.key = [&last.key[..], b"\0"].concat();
            }
            let page = answer.kvs.into_iter().filter_map(|stored| self.keys.key_value(stored)).collect();
            if sender.send(Ok((page, revision(request.revision)))).await.is_err() || !answer.more {
                return Ok(());
            }
        }
    }

    /// Reads everything; again from the start when the revision is compacted meanwhile.
    async fn load(&self, prefix: &[u8]) -> Result<Loaded, CallError> {
        const ATTEMPTS: usize = 3;
        let mut attempt = 1;
        loop {
            match self.read(prefix, prefix.to_vec(), usize::MAX).await {
                Err(CallError::Refused(status))
                    if status.code() == tonic::Code::OutOfRange && attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn latest(&self) -> Result<Revision, CallError> {
        let request = RangeRequest { key: self.keys.head(), ..RangeRequest::default() };
        let answer = self.page(&request).await?;
        Ok(answer.kvs.first().map_or(Revision(0), |head| revision(head.mod_revision)))
    }

    /// Removes this node's slots: nothing of it is under way any more.
    async fn close(&self) {
        self.closed.send_replace(true);
        self.slots.close();
        let key = self.keys.slots_of(self.slots.node());
        let remove = Request::Delete(DeleteRequest { range_end: end_of(&key), key });
        let request =
            wire::TxnRequest { success: vec![RequestOp { request: Some(remove) }], ..Default::default() };
        if let Err(cause) = self.client.once::<_, wire::TxnResponse>(wire::TXN, &request).await {
            tracing::debug!(cause = cause.message(), "the node's slots stay in etcd");
        }
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        self.inner.closed.send_replace(true);
    }
}

fn engine(error: CallError) -> StoreError {
    StoreError::Engine(error.message())
}

impl Store for Etcd {
    fn transact(&self, transaction: Transaction) -> BoxFuture<'_, Result<Outcome, StoreError>> {
        let inner = self.inner.clone();
        // Whoever stops waiting does not stop the transaction, whose slot must be seen to.
        let landing = tokio::spawn(async move { inner.transact(&transaction).await });
        Box::pin(async move {
            landing
                .await
                .unwrap_or_else(|cause| Err(StoreError::Unknown(format!("the engine stopped: {cause}"))))
        })
    }

    fn load(&self, prefix: &[u8]) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let prefix = self.inner.keys.data(prefix);
        Box::pin(async move { self.inner.load(&prefix).await.map_err(engine) })
    }

    fn range(&self, prefix: &[u8], after: &[u8], limit: usize) -> BoxFuture<'_, Result<Loaded, StoreError>> {
        let (prefix, after) =
            (self.inner.keys.data(prefix), [&self.inner.keys.data(after)[..], b"\0"].concat());
        Box::pin(async move {
            let from = if after > prefix { after } else { prefix.clone() };
            self.inner.read(&prefix, from, limit).await.map_err(engine)
        })
    }

    fn scan(&self, prefix: &[u8]) -> Scan {
        let (inner, prefix) = (self.inner.clone(), self.inner.keys.data(prefix));
        let (sender, receiver) = mpsc::channel(Scan::WAITING);
        tokio::spawn(async move {
            if let Err(error) = inner.send_pages(&prefix, &sender).await {
                let _ = sender.send(Err(engine(error))).await;
            }
        });
        Scan::new(receiver)
    }

    fn get(&self, key: &[u8]) -> BoxFuture<'_, Result<Option<KeyValue>, StoreError>> {
        let request = RangeRequest { key: self.inner.keys.data(key), ..RangeRequest::default() };
        Box::pin(async move {
            let answer = self.inner.page(&request).await.map_err(engine)?;
            Ok(answer.kvs.into_iter().next().and_then(|stored| self.inner.keys.key_value(stored)))
        })
    }

    fn latest(&self) -> BoxFuture<'_, Result<Revision, StoreError>> {
        Box::pin(async move { self.inner.latest().await.map_err(engine) })
    }

    fn watch(&self, prefix: &[u8], after: Revision) -> Watch {
        let (sender, receiver) = mpsc::unbounded_channel();
        if !*self.inner.closed.borrow() {
            tokio::spawn(watch::Follower::new(self.inner.clone(), prefix, after, sender).run());
        }
        Watch::new(receiver)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.inner.close())
    }
}
