//! Reaching an instance from another process of the same user on the same host, without the server:
//! what `rolecall instance exec` needs. The program gets this process's own streams.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::driver::DriverError;
use crate::exec::{ExecRequest, ExecStatus, TerminalSize};
use crate::layout::{CONTROL, Layout};
use crate::spec::InstanceId;
use crate::wire::{Channel, Reply, Request};

/// A program that was started from here. Dropping it hangs the program up.
#[derive(Debug)]
pub struct Program {
    channel: Channel,
    terminal: Option<OwnedFd>,
}

/// Starts a program on the given streams, or on a terminal if the request asks for one (then the
/// streams are not used, and the caller relays [`Program::terminal`]).
///
/// # Errors
/// When the instance does not run, or its init refuses.
pub fn exec(
    layout: &Layout,
    id: &InstanceId,
    request: ExecRequest,
    streams: [BorrowedFd<'_>; 3],
) -> Result<Program, DriverError> {
    let failed = || DriverError::io(format!("reaching instance {id}"));
    let channel = match Channel::connect(&layout.directory(id), CONTROL) {
        Ok(channel) => channel,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Err(DriverError::NotRunning(id.clone()));
        }
        Err(error) => return Err(failed()(error)),
    };
    let given: &[_] = if request.terminal.is_some() { &[] } else { &streams };
    channel.send(&Request::Exec(request), given).map_err(failed())?;
    match channel.receive::<Reply>().map_err(failed())? {
        Some((Reply::Started, descriptors)) => {
            Ok(Program { channel, terminal: descriptors.into_iter().next() })
        }
        other => Err(refused(other.map(|(reply, _)| reply))),
    }
}

impl Program {
    /// The master side of its terminal.
    ///
    /// # Errors
    /// When the descriptor can't be duplicated.
    pub fn terminal(&self) -> io::Result<Option<File>> {
        self.terminal.as_ref().map(|master| master.try_clone().map(File::from)).transpose()
    }

    /// Changes its terminal's size.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resize(&self, size: TerminalSize) -> io::Result<()> {
        self.terminal.as_ref().map_or(Ok(()), |terminal| crate::init::resize(terminal, size))
    }

    /// Signals its process group.
    ///
    /// # Errors
    /// When the instance is gone.
    pub fn signal(&self, number: i32) -> io::Result<()> {
        self.channel.send(&Request::Signal(number), &[])
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the instance ends first.
    pub fn wait(&self) -> Result<ExecStatus, DriverError> {
        match self.channel.receive::<Reply>().map_err(DriverError::io("waiting for the program"))? {
            Some((Reply::Ended(status), _)) => Ok(status),
            other => Err(refused(other.map(|(reply, _)| reply))),
        }
    }
}

/// So that a caller can wait for its end and for input at once.
impl AsFd for Program {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.channel.as_fd()
    }
}

fn refused(reply: Option<Reply>) -> DriverError {
    DriverError::Protocol(match reply {
        Some(Reply::Failed(reason)) => reason,
        Some(other) => format!("{other:?}"),
        None => "the instance ended".to_owned(),
    })
}
