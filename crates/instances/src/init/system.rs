//! Limits, and what makes process 1 different from others.

use std::fs;
use std::io;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

use crate::spec::Limits;

/// Bounds this process and all that come after it.
pub(super) fn limit(limits: &Limits) -> io::Result<()> {
    let bounds = [
        (Resource::Nproc, limits.processes),
        (Resource::Nofile, limits.open_files),
        (Resource::Data, limits.memory_bytes),
        (Resource::Fsize, limits.file_bytes),
    ];
    for (resource, bound) in bounds {
        if bound.is_some() {
            setrlimit(resource, Rlimit { current: bound, maximum: bound })?;
        }
    }
    Ok(())
}

/// Signals of ended children come as readable bytes, so that there is one loop and no handler.
pub(super) fn child_signals() -> io::Result<SignalFd> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGCHLD);
    signals.thread_block()?;
    Ok(SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?)
}

/// Keeps the instance's unprivileged programs from looking into process 1 (its sockets, its memory).
pub(super) fn close_off() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Whether any process but this one is left.
pub(super) fn others_left() -> bool {
    let Ok(entries) = fs::read_dir("/proc") else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name.to_str().and_then(|name| name.parse::<u32>().ok()).is_some_and(|pid| pid != 1)
    })
}
