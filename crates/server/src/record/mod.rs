//! Recording: what was asked, by whom, what was decided and why. It runs beside the requests: a
//! request hands its record over and goes on; a thread writes the records down in batches.

mod chain;
mod event;
mod json;
mod line;
mod lookup;
mod memo;
mod trail;
mod verify;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rolecall_access::{Caller, Evidence};
use rolecall_state::{AccountId, Timestamp, Uuid};

pub use event::to_json;
pub use lookup::backwards;
pub use trail::{TrailError, TrailSettings};
pub use verify::{Broken, Verified, verify};

pub(crate) use memo::Memo;
use trail::Trail;

/// How long records may wait to be written.
const BATCH_INTERVAL: Duration = Duration::from_millis(100);
/// With this many waiting, whoever adds one waits too: the trail is never skipped.
const MAX_WAITING: usize = 65_536;

/// A request and what became of it.
#[derive(Debug)]
pub struct Record {
    /// The request id that the answer carried.
    pub request_id: Uuid,
    /// When it came in.
    pub at: Timestamp,
    /// How long the answer took.
    pub took: Duration,
    /// The service's name as endpoints have it, such as `iam`; empty when it could not be told.
    pub service: &'static str,
    /// The operation, such as `CreateUser`; empty when it could not be told.
    pub operation: Cow<'static, str>,
    /// The region that the request was signed for.
    pub region: Arc<str>,
    /// Where it came from.
    pub source_ip: Option<Arc<str>>,
    /// `User-Agent`
    pub user_agent: Option<Arc<str>>,
    /// Who asked, when that was proven.
    pub caller: Option<Arc<CallerFacts>>,
    /// The answer's status.
    pub status: u16,
    /// The answer's error code and message, for those that failed.
    pub error: Option<(Box<str>, Box<str>)>,
    /// The decisions that were taken.
    pub evidence: Vec<Evidence>,
}

impl Record {
    /// Whether the request is one of `account`'s: of its callers, or, where no account's caller made it, as
    /// with an identity provider's token, about what the account owns.
    pub fn is_of(&self, account: AccountId) -> bool {
        match &self.caller {
            Some(caller) => caller.account == account,
            None => {
                let owner = account.to_string();
                self.evidence.iter().any(|decided| decided.resource_account() == Some(&owner))
            }
        }
    }
}

/// Who asked, as the trail tells it.
#[derive(Debug)]
pub struct CallerFacts {
    /// The ARN.
    pub arn: Box<str>,
    /// `aws:userid`
    pub principal_id: Box<str>,
    /// The account.
    pub account: AccountId,
    /// CloudTrail's `userIdentity.type`.
    pub kind: &'static str,
    /// The user's name, for users.
    pub user_name: Option<Box<str>>,
    /// The key that the request was signed with.
    pub access_key_id: Box<str>,
    /// For sessions of a role: the role's ARN.
    pub issuer_arn: Option<Box<str>>,
    /// For sessions that were delegated: the product provider's account.
    pub delegate: Option<AccountId>,
    /// For sessions: when it began, and whether with a second factor.
    pub session: Option<(Timestamp, bool)>,
    /// What was worked out for an earlier record of the same caller.
    pub(crate) memo: Memo,
}

impl CallerFacts {
    /// What was used: the role, for its sessions, else the access key.
    pub(crate) fn used_credential(&self) -> &str {
        match self.kind {
            "AssumedRole" => self.principal_id.split(':').next().unwrap_or_default(),
            _ => &self.access_key_id,
        }
    }

    /// Whose permissions were used: a user's or role's unique id, for the root user its account's id; none
    /// for federated users, who have none of their own.
    pub(crate) fn principal(&self) -> Option<&str> {
        (self.kind != "FederatedUser").then(|| self.principal_id.split(':').next().unwrap_or_default())
    }

    /// What the trail tells of a caller.
    pub fn of(caller: &Caller) -> Self {
        use rolecall_access::Identity;
        let (kind, user_name, issuer) = match &caller.identity {
            Identity::Root => ("Root", None, false),
            Identity::User(user) => ("IAMUser", Some(user.name.as_str().into()), false),
            Identity::AssumedRole(..) => ("AssumedRole", None, true),
            Identity::FederatedUser(..) => ("FederatedUser", None, false),
        };
        Self {
            arn: caller.arn().into(),
            principal_id: caller.user_id().into(),
            account: caller.account,
            kind,
            user_name,
            access_key_id: caller.access_key_id.as_str().into(),
            issuer_arn: issuer.then(|| caller.principal_arn().into()),
            delegate: caller.session.as_ref().and_then(|session| session.delegate),
            session: caller.session.as_ref().map(|session| (session.issued, session.mfa.is_some())),
            memo: Memo::default(),
        }
    }
}

/// How the one line a request looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
    /// Not at all.
    Off,
}

/// Takes records in, and answers for the recent ones.
pub struct Recorder {
    shared: Arc<Shared>,
    directory: PathBuf,
    writer: Mutex<Option<std::thread::JoinHandle<()>>>,
}

struct Shared {
    waiting: Mutex<Waiting>,
    wake: Condvar,
    room: Condvar,
    recent: Mutex<VecDeque<Arc<Record>>>,
    keep_recent: usize,
    written: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    records: Vec<Arc<Record>>,
    stopping: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorder {
    /// Starts recording into the trail at `settings`.
    ///
    /// # Errors
    /// When the trail can't be opened.
    pub fn start(
        settings: &TrailSettings,
        keep_recent: usize,
        format: LineFormat,
    ) -> Result<Self, TrailError> {
        let trail = Trail::open(settings)?;
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            wake: Condvar::new(),
            room: Condvar::new(),
            recent: Mutex::default(),
            keep_recent,
            written: AtomicU64::new(0),
        });
        let writer = {
            let shared = shared.clone();
            let named = std::thread::Builder::new().name("audit".into());
            named.spawn(move || shared.write_until_stopped(trail, format)).map_err(TrailError::Thread)?
        };
        Ok(Self { shared, directory: settings.directory.clone(), writer: Mutex::new(Some(writer)) })
    }

    /// Where the trail's files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Hands a record over.
    pub fn add(&self, record: Record) {
        let mut waiting = lock(&self.shared.waiting);
        while waiting.records.len() >= MAX_WAITING && !waiting.stopping {
            self.shared.wake.notify_one();
            waiting = self.shared.room.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.records.push(Arc::new(record));
    }

    /// The recent record with this request id.
    pub fn find(&self, request_id: &str) -> Option<Arc<Record>> {
        let is_it = |record: &&Arc<Record>| record.request_id.as_str() == request_id;
        let waiting = lock(&self.shared.waiting).records.iter().find(is_it).cloned();
        waiting.or_else(|| lock(&self.shared.recent).iter().rev().find(is_it).cloned())
    }

    /// Recent records of an account, newest first, that `wanted` picks; at most `limit`.
    pub fn recent(&self, limit: usize, wanted: impl Fn(&Record) -> bool) -> Vec<Arc<Record>> {
        let mut found: Vec<_> = lock(&self.shared.waiting).records.iter().rev().cloned().collect();
        found.extend(lock(&self.shared.recent).iter().rev().cloned());
        found.retain(|record| wanted(record));
        found.truncate(limit);
        found
    }

    /// How many records were written down.
    pub fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }

    /// Writes what waits, and stops.
    pub fn stop(&self) {
        lock(&self.shared.waiting).stopping = true;
        self.shared.wake.notify_one();
        if let Some(writer) = lock(&self.writer).take()
            && writer.join().is_err()
        {
            tracing::error!("the audit trail's writer ended in a panic");
        }
    }
}

impl Shared {
    fn write_until_stopped(&self, mut trail: Trail, format: LineFormat) {
        loop {
            let (batch, stopping) = self.next_batch();
            if !batch.is_empty() {
                self.write(&mut trail, format, &batch);
            }
            if stopping {
                return;
            }
        }
    }

    fn next_batch(&self) -> (Vec<Arc<Record>>, bool) {
        let waiting = lock(&self.waiting);
        let enough = |waiting: &mut Waiting| waiting.records.len() < MAX_WAITING && !waiting.stopping;
        let timed = self.wake.wait_timeout_while(waiting, BATCH_INTERVAL, enough);
        let (mut waiting, _) = timed.unwrap_or_else(PoisonError::into_inner);
        let batch = std::mem::take(&mut waiting.records);
        self.room.notify_all();
        (batch, waiting.stopping)
    }

    fn write(&self, trail: &mut Trail, format: LineFormat, batch: &[Arc<Record>]) {
        if let Err(cause) = trail.append(batch) {
            tracing::error!(%cause, "the audit trail can't be written");
        }
        line::write(format, batch);
        let mut recent = lock(&self.recent);
        let room = self.keep_recent.saturating_sub(batch.len());
        while recent.len() > room {
            recent.pop_front();
        }
        let skip = batch.len().saturating_sub(self.keep_recent);
        recent.extend(batch.iter().skip(skip).cloned());
        drop(recent);
        self.written.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }
}
