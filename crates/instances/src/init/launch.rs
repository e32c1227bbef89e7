//! Stage one: makes the namespaces and starts process 1 in them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use nix::sched::{CloneFlags, unshare};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::{Outcome, Plan, complain, doing};
use crate::layout;
use crate::wire::Progress;

/// Makes the namespaces, has the driver map the user ids, starts process 1 and leaves it alone.
pub(super) fn launch(prefix: &[&str], directory: &Path) -> ExitCode {
    match attempt(prefix, directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            report(&Progress::Failed(failure.0.clone()));
            complain(&failure.0)
        }
    }
}

/// Finds out whether namespaces can be made, and leaves it at that.
pub(super) fn probe() -> ExitCode {
    match make_namespaces() {
        Ok(()) => {
            report(&Progress::Unshared);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            report(&Progress::Failed(failure.0));
            ExitCode::FAILURE
        }
    }
}

/// Tells the driver how far things are.
pub(super) fn report(progress: &Progress) {
    let mut out = io::stdout().lock();
    if serde_json::to_writer(&mut out, progress).is_ok() {
        // A driver that is gone is noticed at the next read.
        let _ = out.write_all(b"\n").and_then(|()| out.flush());
    }
}

fn make_namespaces() -> Outcome<()> {
    unshare(
        CloneFlags::CLONE_NEWUSER
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWUTS
            | CloneFlags::CLONE_NEWIPC,
    )
    .map_err(doing("making namespaces (are user namespaces allowed for this user?)"))
}

fn attempt(prefix: &[&str], directory: &Path) -> Outcome<()> {
    // The server's terminal must not reach the instance with its signals.
    let _ = rustix::process::setsid();
    // From here on its directory is the current one: the instance's ids may not be allowed to come to
    // it from the root.
    std::env::set_current_dir(directory).map_err(doing("entering its directory"))?;
    let lock = lock().map_err(doing("locking its directory (is it already running?)"))?;
    let shown = shown_directories()?;
    make_namespaces()?;
    report(&Progress::Unshared);
    let mut go = [0];
    io::stdin().read_exact(&mut go).map_err(doing("waiting for the user ids"))?;
    // Opened in the new mount namespace, and still with the server's permissions.
    let shown = open_inheritable(&shown)?;
    become_root()?;
    // When process 1 changes its root, this process's changes too, and `/proc` is another.
    let proc = rustix::fs::open("/proc", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .map_err(doing("opening /proc"))?;

    let child = Command::new("/proc/self/exe")
        .args(prefix)
        .arg("boot")
        // Shown by process listings, and not used otherwise.
        .arg(directory)
        .args(shown.iter().map(|directory| directory.as_raw_fd().to_string()))
        // Process 1 keeps the lock in its otherwise useless standard input, until it ends.
        .stdin(lock)
        .spawn()
        .map_err(doing("starting process 1"))?;
    record(&proc, child.id()).map_err(doing("recording process 1"))
}

fn shown_directories() -> Outcome<Vec<PathBuf>> {
    Ok(Plan::read()?.shown)
}

fn open_inheritable(directories: &[PathBuf]) -> Outcome<Vec<OwnedFd>> {
    let open = |path: &PathBuf| {
        let flags = OFlags::PATH | OFlags::DIRECTORY;
        rustix::fs::open(path, flags, Mode::empty()).map_err(doing(format!("opening {}", path.display())))
    };
    directories.iter().map(open).collect()
}

/// Takes on the id that is root's inside; one that is already root inside has nothing to do.
fn become_root() -> Outcome<()> {
    if rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let (user, group) = (Uid::ROOT, Gid::ROOT);
    set_thread_groups(&[]).map_err(doing("dropping groups"))?;
    set_thread_res_gid(group, group, group).map_err(doing("becoming its root"))?;
    set_thread_res_uid(user, user, user).map_err(doing("becoming its root"))
}

/// Whoever holds this lock is the instance's init: two can't be, and a sweep waits for it to end.
fn lock() -> io::Result<File> {
    let lock = File::options().create(true).append(true).open(layout::LOCK)?;
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
    Ok(lock)
}

/// The process id alone could be another's by the time it is needed; with its start time it can't.
fn record(proc: &OwnedFd, pid: u32) -> io::Result<()> {
    let stat =
        rustix::fs::openat(proc, format!("{pid}/stat"), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let started = start_time_of(&io::read_to_string(File::from(stat))?)?;
    std::fs::write(layout::PID, format!("{pid} {started}\n"))
}

/// When a process was started, in the kernel's ticks.
pub(crate) fn start_time(pid: u32) -> io::Result<u64> {
    start_time_of(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?)
}

fn start_time_of(stat: &str) -> io::Result<u64> {
    // The name, in parentheses, may hold anything; the fields after it are plain. Number 22.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let started = fields.split_ascii_whitespace().nth(19).and_then(|field| field.parse().ok());
    started.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc has no start time"))
}
