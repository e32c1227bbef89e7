//! The state as the server holds it: a store, and the snapshot that follows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rolecall_store::{Batch, EventKind, KeyValue, Outcome, Revision, Store, StoreError, WatchError};
use tokio::sync::{mpsc, watch};

use crate::ids::AccountId;
use crate::last_used::LastUsed;
use crate::seal::{KeyId, MasterKey};
use crate::snapshot::{ApplyError, Snapshot, Texts};
use crate::txn::{Txn, Unwritable};
use crate::upgrade::{UpgradeError, upgrade};

/// How often a handler may be run again because others wrote first.
const MAX_ATTEMPTS: usize = 64;
/// Pages of the store that are read before they are taken in.
const PAGES_AHEAD: usize = 4;
/// How long a writer waits for its own write to show up in the snapshot.
const OWN_WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// Why the state could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store can't be brought to the present version.
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
    /// What the store holds can't be taken in.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// What was to be written can't be.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    /// Others changed the same entities at every attempt.
    #[error("the same entities were changed by others {MAX_ATTEMPTS} times in a row")]
    Contended,
    /// Somebody else brings in the same account, or it is there.
    #[error("somebody else brought in the same account meanwhile; run it again")]
    Disturbed,
    /// The snapshot no longer follows the store.
    #[error("this node no longer follows its store")]
    Stale,
}

/// The state: reads are of the current snapshot, writes go through the store and come back.
#[derive(Clone)]
pub struct State {
    store: Arc<dyn Store>,
    current: Arc<ArcSwap<Snapshot>>,
    applied: watch::Receiver<Revision>,
    master: MasterKey,
    lacks_key: Arc<AtomicBool>,
    last_used: Arc<LastUsed>,
    freshness: Arc<Freshness>,
}

impl State {
    /// Loads everything from the store, and follows it from there.
    ///
    /// # Errors
    /// When the store can't be read, or holds what this version can't read.
    pub async fn open(store: Arc<dyn Store>, master: MasterKey) -> Result<Self, StateError> {
        upgrade(&*store, &master).await?;
        let snapshot = load(&*store, master.clone()).await?;
        let revision = snapshot.revision;
        let current = Arc::new(ArcSwap::from_pointee(snapshot));
        let (sender, applied) = watch::channel(revision);
        let lacks_key = Arc::new(AtomicBool::new(false));
        let follower = Follower {
            store: store.clone(),
            current: current.clone(),
            applied: sender,
            master: master.clone(),
            lacks_key: lacks_key.clone(),
        };
        tokio::spawn(follower.run(revision));
        let (last_used, freshness) = Default::default();
        Ok(Self { store, current, applied, master, lacks_key, last_used, freshness })
    }

    /// The present snapshot.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// The revision that the snapshot has come to, for whoever waits for changes.
    pub fn revisions(&self) -> watch::Receiver<Revision> {
        self.applied.clone()
    }

    /// The store beneath.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The master keys that are known here, to learn another: see [`MasterKey::learn`].
    pub fn master(&self) -> &MasterKey {
        &self.master
    }

    /// Whether the store is sealed under a master key that is not known here. Until it is learnt, nothing
    /// is followed.
    pub fn lacks_master_key(&self) -> bool {
        self.lacks_key.load(Ordering::Acquire)
    }

    /// When credentials and roles were last used.
    pub fn last_used(&self) -> &LastUsed {
        &self.last_used
    }

    /// Whether the snapshot still follows the store, and is no older than the bound that
    /// [`Self::keep_within`] was given.
    pub fn is_following(&self) -> bool {
        self.applied.has_changed().is_ok() && self.freshness.is_within_bound() && !self.lacks_master_key()
    }

    /// Asks the store again and again whether the snapshot has all that was acknowledged anywhere,
    /// so that it is known how old it may be. From now on, a snapshot that was not confirmed for
    /// longer than `bound` is not followed by anyone: [`Self::is_following`] says so.
    ///
    /// A store of this process's own needs none of this; one that others write to does.
    pub async fn keep_within(self, bound: Duration) {
        self.freshness.begin(bound);
        loop {
            let asked = Instant::now();
            match tokio::time::timeout(bound, self.confirm()).await {
                Ok(Ok(())) => self.freshness.confirmed(asked),
                Ok(Err(cause)) => tracing::warn!(%cause, "the store can't say whether this node is behind"),
                Err(_) => tracing::warn!("the store does not say whether this node is behind"),
            }
            tokio::time::sleep(bound / 4).await;
        }
    }

    async fn confirm(&self) -> Result<(), StateError> {
        let latest = self.store.latest().await?;
        self.await_revision(latest).await
    }

    /// Runs `handler` on a transaction and lands what it wrote. The handler runs again on a newer
    /// snapshot when others changed what it was decided on. When this returns, the snapshot has
    /// the write.
    ///
    /// # Errors
    /// The handler's own, or the state's.
    pub async fn write<R, E>(
        &self,
        account: AccountId,
        mut handler: impl FnMut(&mut Txn) -> Result<R, E>,
    ) -> Result<R, E>
    where
        E: From<StateError>,
    {
        for _ in 0..MAX_ATTEMPTS {
            let mut txn = Txn::new(self.snapshot(), account);
            let answer = handler(&mut txn)?;
            if txn.is_read_only() {
                return Ok(answer);
            }
            let transaction = txn.into_transaction().map_err(StateError::from)?;
            match self.store.transact(transaction).await.map_err(StateError::from)? {
                Outcome::Committed(revision) => {
                    self.await_revision(revision).await?;
                    return Ok(answer);
                }
                Outcome::Conflict { revision } => self.await_revision(revision).await?,
            }
        }
        Err(StateError::Contended.into())
    }

    /// Waits until the snapshot has come to `revision`.
    ///
    /// # Errors
    /// [`StateError::Stale`] when it does not.
    pub async fn await_revision(&self, revision: Revision) -> Result<(), StateError> {
        let mut applied = self.applied.clone();
        let wait = applied.wait_for(|have| *have >= revision);
        match tokio::time::timeout(OWN_WRITE_DEADLINE, wait).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(StateError::Stale),
        }
    }
}

/// How lately the snapshot was known to have everything. In milliseconds since `base`, so that
/// requests read it without a lock.
struct Freshness {
    base: Instant,
    confirmed: AtomicU64,
    /// 0 while there is no bound.
    bound: AtomicU64,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { base: Instant::now(), confirmed: AtomicU64::new(0), bound: AtomicU64::new(0) }
    }
}

impl Freshness {
    fn begin(&self, bound: Duration) {
        // What was loaded just now is as fresh as it can be.
        self.confirmed(Instant::now());
        let bound = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX).max(1);
        self.bound.store(bound, Ordering::Release);
    }

    fn confirmed(&self, at: Instant) {
        self.confirmed.store(self.since_base(at), Ordering::Release);
    }

    fn is_within_bound(&self) -> bool {
        let bound = self.bound.load(Ordering::Acquire);
        let age = || self.since_base(Instant::now()).saturating_sub(self.confirmed.load(Ordering::Acquire));
        bound == 0 || age() <= bound
    }

    fn since_base(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.base).as_millis()).unwrap_or(u64::MAX)
    }
}

/// Loads everything; again from the start when that breaks off, as when etcd compacts meanwhile.
async fn load(store: &dyn Store, master: MasterKey) -> Result<Snapshot, StateError> {
    const ATTEMPTS: usize = 3;
    let mut attempt = 1;
    loop {
        match load_once(store, master.clone()).await {
            Err(StateError::Store(cause)) if attempt < ATTEMPTS => {
                tracing::warn!(%cause, "loading broke off; trying again");
                attempt += 1;
            }
            done => return done,
        }
    }
}

/// Takes in page after page while the next is read: a million principals are never there twice.
async fn load_once(store: &dyn Store, master: MasterKey) -> Result<Snapshot, StateError> {
    let (sender, mut pages) = mpsc::channel::<Vec<KeyValue>>(PAGES_AHEAD);
    // It owns the pages: when it stops early, whoever reads is told and stops too.
    let take_in = async move {
        let (mut snapshot, texts) = (Snapshot::empty(master), Texts::default());
        // INVARIANT: accounts come before everything that belongs to one: the order of keys sees to it.
        while let Some(page) = pages.recv().await {
            for kv in page {
                snapshot.apply_raw(&kv.key, Some(&kv.value), kv.mod_revision, &texts)?;
            }
        }
        Ok::<_, StateError>(snapshot)
    };
    let (revision, snapshot) = tokio::join!(store.scan(b"", sender), take_in);
    let mut snapshot = snapshot?;
    snapshot.revision = revision?;
    Ok(snapshot)
}

/// Moves the snapshot forward by what the store commits.
struct Follower {
    store: Arc<dyn Store>,
    current: Arc<ArcSwap<Snapshot>>,
    applied: watch::Sender<Revision>,
    master: MasterKey,
    lacks_key: Arc<AtomicBool>,
}

/// Why the store is not followed for now.
enum Pause {
    /// The watch ended.
    Watch(WatchError),
    /// A change can't be taken in.
    Change(ApplyError),
}

impl Follower {
    async fn run(self, mut revision: Revision) {
        loop {
            match self.follow(&mut revision).await {
                Pause::Watch(WatchError::Closed) => return,
                Pause::Watch(cause) => {
                    tracing::warn!(%cause, "the watch on the store was lost; loading everything again");
                }
                Pause::Change(ApplyError::MasterKey(id)) => self.await_key(id).await,
                Pause::Change(cause) => {
                    // Answering from a picture that misses a change could let someone in.
                    tracing::error!(%cause, "a committed change can't be taken in; this node stops answering");
                    return;
                }
            }
            if let Err(cause) = self.reload(&mut revision).await {
                tracing::error!(%cause, "the store can't be loaded");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }

    /// Waits until the key that everything is sealed under from now on is known here too.
    async fn await_key(&self, id: KeyId) {
        self.lacks_key.store(true, Ordering::Release);
        tracing::error!(
            "the store is sealed under the master key {id} now, which is not known here; \
             this node stops answering until it is given that key"
        );
        while self.master.using(id).is_none() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tracing::info!("the master key {id} is known; this node answers again");
    }

    async fn follow(&self, revision: &mut Revision) -> Pause {
        let mut watch = self.store.watch(b"", *revision);
        while let Some(batch) = watch.next().await {
            let batch = match batch {
                Ok(batch) => batch,
                Err(cause) => return Pause::Watch(cause),
            };
            if let Err(cause) = self.advance(&batch) {
                return Pause::Change(cause);
            }
            *revision = batch.revision;
        }
        Pause::Watch(WatchError::Closed)
    }

    fn advance(&self, batch: &Batch) -> Result<(), ApplyError> {
        let mut next = Snapshot::clone(&self.current.load());
        let texts = Texts::default();
        for event in &batch.events {
            match &event.kind {
                EventKind::Put(kv) => next.apply_raw(&kv.key, Some(&kv.value), kv.mod_revision, &texts)?,
                EventKind::Delete { key, .. } => next.apply_raw(key, None, batch.revision, &texts)?,
            }
        }
        next.revision = batch.revision;
        self.current.store(Arc::new(next));
        self.applied.send_replace(batch.revision);
        Ok(())
    }

    async fn reload(&self, revision: &mut Revision) -> Result<(), StateError> {
        let snapshot = load(&*self.store, self.master.clone()).await?;
        *revision = snapshot.revision;
        self.current.store(Arc::new(snapshot));
        self.lacks_key.store(false, Ordering::Release);
        self.applied.send_replace(*revision);
        Ok(())
    }
}
