//! What stands between `redb` and the file: it holds back the writes of an open until the file has
//! proven good, and remembers whether a sync has ever failed.

use std::fmt::Debug;
use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use redb::{BackendError, StorageBackend};

use super::lock;

type Range = Bound<u64>;

/// A storage that can be shared with the database that owns it.
#[derive(Clone, Debug)]
pub(super) struct Guarded(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    storage: Box<dyn StorageBackend>,
    /// Nothing is held back any more; checked without the lock.
    released: AtomicBool,
    held: Mutex<Held>,
    sync_failed: AtomicBool,
}

/// What was to be written meanwhile, in order.
#[derive(Debug)]
struct Held {
    steps: Vec<Step>,
    len: u64,
}

#[derive(Debug)]
enum Step {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
}

impl Guarded {
    /// Holds every write back until [`Guarded::release`].
    pub(super) fn new(storage: Box<dyn StorageBackend>) -> io::Result<Self> {
        let len = storage.len()?;
        Ok(Self(Arc::new(Inner {
            storage,
            released: AtomicBool::new(false),
            held: Mutex::new(Held { steps: Vec::new(), len }),
            sync_failed: AtomicBool::new(false),
        })))
    }

    /// Lets the writes through, in the order and with the syncs that they came in: whoever crashes
    /// meanwhile leaves a file that can be opened.
    pub(super) fn release(&self) -> io::Result<()> {
        let mut held = lock(&self.0.held);
        for step in held.steps.drain(..) {
            match step {
                Step::Write(offset, data) => self.0.storage.write(offset, &data)?,
                Step::SetLen(len) => self.0.storage.set_len(len)?,
                Step::Sync => self.0.sync()?,
            }
        }
        self.0.released.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether a sync has failed. What the file holds then can't be found out by reading it: the
    /// system may have dropped what it could not write, and show it all the same.
    pub(super) fn sync_failed(&self) -> bool {
        self.0.sync_failed.load(Ordering::Acquire)
    }
}

impl Inner {
    fn sync(&self) -> io::Result<()> {
        let synced = self.storage.sync_data();
        self.sync_failed.fetch_or(synced.is_err(), Ordering::AcqRel);
        synced
    }

    /// Keeps a step back, if that is still to be done.
    fn hold(&self, step: impl FnOnce() -> Step) -> bool {
        if self.released.load(Ordering::Acquire) {
            return false;
        }
        let mut held = lock(&self.held);
        let step = step();
        match &step {
            Step::SetLen(len) => held.len = *len,
            Step::Write(offset, data) => held.len = held.len.max(offset + data.len() as u64),
            Step::Sync => {}
        }
        held.steps.push(step);
        true
    }

    /// Reads what the file would hold.
    fn read_held(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let held = lock(&self.held);
        if offset + out.len() as u64 > held.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let stored = self.storage.len()?.saturating_sub(offset).min(out.len() as u64);
        out.fill(0);
        if let Some(out) = usize::try_from(stored).ok().and_then(|stored| out.get_mut(..stored)) {
            self.storage.read(offset, out)?;
        }
        for step in &held.steps {
            match step {
                Step::Write(at, data) => overlay(offset, out, *at, data),
                Step::SetLen(len) => cut(offset, out, *len),
                Step::Sync => {}
            }
        }
        Ok(())
    }
}

/// Copies the part of `data`, which stands at `at`, that falls on `out`, which stands at `offset`.
fn overlay(offset: u64, out: &mut [u8], at: u64, data: &[u8]) {
    let skip = |from: u64, to: u64| usize::try_from(from.saturating_sub(to)).unwrap_or(usize::MAX);
    let target = out.iter_mut().skip(skip(at, offset));
    let source = data.iter().skip(skip(offset, at));
    target.zip(source).for_each(|(to, from)| *to = *from);
}

/// Zeroes what of `out`, which stands at `offset`, is beyond `len`.
fn cut(offset: u64, out: &mut [u8], len: u64) {
    let kept = usize::try_from(len.saturating_sub(offset)).unwrap_or(usize::MAX);
    out.iter_mut().skip(kept).for_each(|byte| *byte = 0);
}

impl StorageBackend for Guarded {
    fn len(&self) -> io::Result<u64> {
        if self.0.released.load(Ordering::Acquire) {
            self.0.storage.len()
        } else {
            Ok(lock(&self.0.held).len)
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.0.released.load(Ordering::Acquire) {
            return self.0.storage.read(offset, out);
        }
        self.0.read_held(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if self.0.hold(|| Step::SetLen(len)) { Ok(()) } else { self.0.storage.set_len(len) }
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.0.hold(|| Step::Sync) { Ok(()) } else { self.0.sync() }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if self.0.hold(|| Step::Write(offset, data.to_vec())) {
            Ok(())
        } else {
            self.0.storage.write(offset, data)
        }
    }

    fn close(&self) -> io::Result<()> {
        self.0.storage.close()
    }

    fn try_lock_range(&self, start: Range, end: Range) -> Result<bool, BackendError> {
        self.0.storage.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Range, end: Range) -> Result<bool, BackendError> {
        self.0.storage.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Range, end: Range) -> Result<(), BackendError> {
        self.0.storage.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Range, end: Range) -> Result<(), BackendError> {
        self.0.storage.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Range, end: Range) -> Result<(), BackendError> {
        self.0.storage.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Range, end: Range) -> Result<bool, BackendError> {
        self.0.storage.query_lock_range(start, end)
    }
}
