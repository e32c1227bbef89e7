//! Ending what an earlier server left behind.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid};

use super::{DEATH, blocking, remove};
use crate::driver::{DriverError, Swept};
use crate::init::start_time;
use crate::layout::{CONTROL, LOCK, Layout, PID};
use crate::spec::InstanceId;
use crate::wire::Channel;

/// Ends and removes all instances but the known ones.
pub(super) async fn sweep(layout: &Layout, known: &[InstanceId]) -> Result<Swept, DriverError> {
    let failed = || DriverError::io(format!("reading {}", layout.root().display()));
    let mut swept = Swept::default();
    for entry in std::fs::read_dir(layout.root()).map_err(failed())? {
        let name = entry.map_err(failed())?.file_name();
        let Some(id) = name.to_str().and_then(|name| InstanceId::parse(name).ok()) else { continue };
        if known.contains(&id) {
            continue;
        }
        let directory = layout.directory(&id);
        if end(&directory).await? {
            swept.ended.push(id.clone());
        }
        remove(directory).await?;
        swept.removed.push(id);
    }
    Ok(swept)
}

/// Kills the init of the instance in `directory` and waits for its end; says whether there was one.
pub(super) async fn end(directory: &Path) -> Result<bool, DriverError> {
    let failed = DriverError::io(format!("ending the instance in {}", directory.display()));
    let directory = directory.to_owned();
    blocking(move || kill(&directory)).await.map_err(failed)
}

/// An init that is only just starting has neither a socket nor a record yet; its lock tells of it.
fn kill(directory: &Path) -> io::Result<bool> {
    let begun = Instant::now();
    let mut found = false;
    while is_locked(directory)? {
        found = true;
        match pid(directory) {
            Some(pid) => kill_process(pid)?,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
        if begun.elapsed() > DEATH {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "its init does not end"));
        }
    }
    Ok(found)
}

/// Whether the init of the instance in `directory` lives, or is being started.
pub(super) fn is_locked(directory: &Path) -> io::Result<bool> {
    let lock = match File::open(directory.join(LOCK)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(false),
        Err(Errno::WOULDBLOCK) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

fn pid(directory: &Path) -> Option<Pid> {
    let listening = Channel::connect(directory, CONTROL).and_then(|channel| channel.peer_pid());
    listening.ok().or_else(|| recorded(directory))
}

fn kill_process(pid: Pid) -> io::Result<()> {
    let process = match pidfd_open(pid, PidfdFlags::empty()) {
        Err(Errno::SRCH) => return Ok(()),
        process => process?,
    };
    match pidfd_send_signal(&process, Signal::KILL) {
        Ok(()) => wait_for(&process, DEATH)?,
        Err(Errno::SRCH) => {}
        Err(error) => return Err(error.into()),
    }
    // As for one that ended while it was looked after.
    let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    Ok(())
}

/// The process that was recorded, if it is still the same.
fn recorded(directory: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(directory.join(PID)).ok()?;
    let (pid, started) = text.trim().split_once(' ')?;
    let pid: u32 = pid.parse().ok()?;
    let same = start_time(pid).ok()? == started.parse::<u64>().ok()?;
    Pid::from_raw(i32::try_from(pid).ok()?).filter(|_| same)
}

fn wait_for(process: &impl std::os::fd::AsFd, timeout: Duration) -> io::Result<()> {
    let timeout = Timespec { tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX), tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&timeout))?;
    if ended == 0 {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "it was killed and does not end"));
    }
    Ok(())
}
