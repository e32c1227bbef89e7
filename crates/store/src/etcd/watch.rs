//! Watches: opened again where they broke off, until the history has been compacted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tonic::{Code, Status};

use super::Inner;
use super::client::Pauses;
use super::keys::{end_of, revision, signed};
use super::wire::{Changed, DELETED, WatchCreate, WatchResponse};
use crate::contract::{Batch, Event, EventKind, Revision, WatchError};

type Sender = UnboundedSender<Result<Batch, WatchError>>;

/// Attempts go on for as long as somebody listens; this only orders their pauses.
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// Why a stream ended.
enum End {
    /// Nobody listens, or the store was closed.
    Over,
    /// It can be opened again where it broke off.
    Broken(String),
    /// It can't.
    Failed(WatchError),
}

/// One watch.
pub(super) struct Follower {
    inner: Arc<Inner>,
    prefix: Bytes,
    /// Everything up to here was told.
    told: Revision,
    sender: Sender,
}

impl Follower {
    pub(super) fn new(inner: Arc<Inner>, prefix: &[u8], after: Revision, sender: Sender) -> Self {
        Self { inner, prefix: Bytes::copy_from_slice(prefix), told: after, sender }
    }

    /// Tells of changes until nobody listens any more.
    pub(super) async fn run(mut self) {
        let mut pauses = Pauses::new();
        loop {
            let before = self.told;
            match self.follow().await {
                End::Over => return,
                End::Failed(error) => {
                    let _ = self.sender.send(Err(error));
                    return;
                }
                End::Broken(cause) => tracing::warn!(cause, "a watch on etcd broke off; opening it again"),
            }
            if self.told > before {
                pauses = Pauses::new();
            }
            pauses.wait(Instant::now() + FOREVER).await;
        }
    }

    async fn follow(&mut self) -> End {
        let mut closed = self.inner.closed.subscribe();
        let member = self.inner.client.member();
        let key = self.inner.keys.all();
        let range_end = end_of(&key);
        let create = WatchCreate { key, range_end, start_revision: signed(self.told).saturating_add(1) };
        let mut stream = match self.inner.client.watch(member, create).await {
            Ok(stream) => stream,
            Err(status) => return self.broken(member, &status),
        };
        loop {
            let response = tokio::select! {
                response = stream.message() => response,
                () = self.sender.closed() => return End::Over,
                _ = closed.wait_for(|closed| *closed) => return End::Over,
            };
            match response {
                Ok(Some(response)) => {
                    if let Some(end) = self.take_in(member, response) {
                        return end;
                    }
                }
                Ok(None) => return self.broken(member, &Status::unavailable("the stream ended")),
                Err(status) => return self.broken(member, &status),
            }
        }
    }

    fn broken(&self, member: usize, status: &Status) -> End {
        if matches!(status.code(), Code::PermissionDenied | Code::Unimplemented) {
            return End::Failed(WatchError::Lost(status.message().to_owned()));
        }
        self.inner.client.turn_from(member);
        End::Broken(format!("{:?}: {}", status.code(), status.message()))
    }

    fn take_in(&mut self, member: usize, response: WatchResponse) -> Option<End> {
        let WatchResponse { header, canceled, compact_revision, cancel_reason, events } = response;
        if header.is_some_and(|header| !self.inner.is_same_cluster(header.cluster_id)) {
            // Its revisions have nothing to do with those that are known.
            return Some(End::Failed(WatchError::Lost("etcd is another cluster now".into())));
        }
        if compact_revision > 0 {
            return Some(End::Failed(WatchError::Compacted(revision(compact_revision))));
        }
        if canceled {
            return Some(self.broken(member, &Status::unavailable(cancel_reason)));
        }
        // etcd never splits a revision over responses.
        for changes in events.chunk_by(|one, next| at(one) == at(next)) {
            let told = self.tell(changes);
            if !told {
                return Some(End::Over);
            }
        }
        None
    }

    fn tell(&mut self, changes: &[Changed]) -> bool {
        let Some(revision) = changes.first().map(at) else { return true };
        let events = changes.iter().filter_map(|change| self.event(change)).collect();
        self.told = revision;
        self.sender.send(Ok(Batch { revision, events })).is_ok()
    }

    fn event(&self, change: &Changed) -> Option<Event> {
        let stored = change.kv.as_ref()?;
        let key = self.inner.keys.name(&stored.key).filter(|key| key.starts_with(&self.prefix))?;
        let kind = match change.kind {
            DELETED => EventKind::Delete { key },
            _ => EventKind::Put(self.inner.keys.key_value(stored.clone())?),
        };
        Some(Event { kind })
    }
}

fn at(change: &Changed) -> Revision {
    change.kv.as_ref().map_or(Revision(0), |stored| revision(stored.mod_revision))
}
