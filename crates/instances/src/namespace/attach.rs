//! The driver's hold on one instance's init.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid};
use tokio::io::unix::AsyncFd;

use super::{blocking, readiness};
use crate::driver::{DriverError, Exit};
use crate::layout::CONTROL;
use crate::spec::InstanceId;
use crate::wire::{Channel, Place, Reply, Request};

/// How long init may take to answer what needs no waiting.
pub(super) const PROMPT: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Attached {
    id: InstanceId,
    directory: PathBuf,
    pid: Pid,
    process: AsyncFd<OwnedFd>,
    /// While this is open, init counts as served.
    _attachment: Channel,
    end_expected: AtomicBool,
}

impl Attached {
    /// Takes the listeners of an instance that runs.
    pub(super) async fn connect(
        id: &InstanceId,
        directory: &Path,
    ) -> Result<(Self, [TcpListener; 2], Place), DriverError> {
        let failed = || DriverError::io(format!("connecting to the init of {id}"));
        let path = directory.to_owned();
        let (channel, pid, process, answer) = blocking(move || {
            let channel = Channel::connect(&path, CONTROL)?;
            channel.set_timeout(Some(PROMPT))?;
            let pid = channel.peer_pid()?;
            let process = pidfd_open(pid, PidfdFlags::NONBLOCK)?;
            // The answer proves that the listening process lives, so the descriptor is of it and not
            // of another that came to bear its number.
            channel.send(&Request::Attach, &[])?;
            let answer = channel.receive::<Reply>()?;
            Ok((channel, pid, process, answer))
        })
        .await
        .map_err(failed())?;
        let (place, sockets) = match answer {
            Some((Reply::Attached(place), sockets)) => (place, sockets),
            other => return Err(unexpected(other.map(|(reply, _)| reply))),
        };
        let sockets = sockets.into_iter().map(TcpListener::from).collect::<Vec<_>>();
        let sockets = <[TcpListener; 2]>::try_from(sockets)
            .map_err(|_| DriverError::Protocol("the listeners did not come along".into()))?;
        let process = readiness::watch(process).map_err(failed())?;
        let attached = Self {
            id: id.clone(),
            directory: directory.to_owned(),
            pid,
            process,
            _attachment: channel,
            end_expected: AtomicBool::new(false),
        };
        Ok((attached, sockets, place))
    }

    /// Waits until init, and with it every process of the instance, has ended.
    pub(super) async fn ended(&self) {
        // A pidfd becomes readable at its process's end; an error means that it can't be watched.
        let _ = self.process.readable().await;
        // A server that is its container's first process inherits inits and has to reap them.
        let _ = waitpid(Some(self.pid), WaitOptions::NOHANG);
        for name in [CONTROL, crate::layout::PID] {
            let _ = std::fs::remove_file(self.directory.join(name));
        }
    }

    pub(super) fn expect_end(&self) {
        self.end_expected.store(true, Ordering::Relaxed);
    }

    pub(super) fn exit(&self) -> Exit {
        if self.end_expected.load(Ordering::Relaxed) { Exit::Asked } else { Exit::Unasked }
    }

    /// Kills init; the kernel then kills all others.
    pub(super) fn kill(&self) -> Result<(), DriverError> {
        match pidfd_send_signal(self.process.get_ref(), Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(DriverError::io(format!("killing {}", self.id))(error.into())),
        }
    }

    /// A conversation of one request and one answer.
    pub(super) async fn ask(&self, request: Request, timeout: Duration) -> Result<(), DriverError> {
        match self.converse(request, Vec::new(), timeout).await?.1 {
            Reply::Done => Ok(()),
            other => Err(unexpected(Some(other))),
        }
    }

    /// Begins a conversation and waits for the first answer.
    pub(super) async fn converse(
        &self,
        request: Request,
        descriptors: Vec<OwnedFd>,
        timeout: Duration,
    ) -> Result<(Channel, Reply, Vec<OwnedFd>), DriverError> {
        let directory = self.directory.clone();
        let answer = blocking(move || {
            use std::os::fd::AsFd;
            let channel = Channel::connect(&directory, CONTROL)?;
            channel.set_timeout(Some(timeout))?;
            let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
            channel.send(&request, &descriptors)?;
            let answer = channel.receive::<Reply>()?;
            Ok((channel, answer))
        })
        .await;
        match answer {
            Ok((channel, Some((reply, descriptors)))) => Ok((channel, reply, descriptors)),
            Ok((_, None)) => Err(DriverError::NotRunning(self.id.clone())),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(DriverError::TimedOut(timeout, "waiting for the instance's init"))
            }
            Err(error) => Err(DriverError::io(format!("asking the init of {}", self.id))(error)),
        }
    }
}

pub(super) fn unexpected(reply: Option<Reply>) -> DriverError {
    DriverError::Protocol(match reply {
        Some(Reply::Failed(reason)) => reason,
        Some(other) => format!("{other:?}"),
        None => "the connection was closed".to_owned(),
    })
}
