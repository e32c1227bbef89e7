//! Running a program in an instance.

use std::os::fd::OwnedFd;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;

use crate::driver::DriverError;

/// A program to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecRequest {
    /// The program (looked up in the instance's `PATH`) and its arguments.
    pub argv: Vec<String>,
    /// Environment beside the instance's own.
    pub env: Vec<(String, String)>,
    /// The user to run as; `root` when `None` (the host's user for metadata-only instances).
    pub user: Option<String>,
    /// Where to run it; the user's home when `None`.
    pub cwd: Option<String>,
    /// A terminal of this size instead of three pipes.
    pub terminal: Option<TerminalSize>,
}

impl ExecRequest {
    /// A program with its arguments, by pipes, as root, in its home.
    #[must_use]
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { argv: argv.into_iter().map(Into::into).collect(), ..Self::default() }
    }
}

/// The size of a terminal in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalSize {
    /// Lines.
    pub rows: u16,
    /// Characters in a line.
    pub columns: u16,
}

/// A program that runs.
pub struct Executing {
    /// Its input and output.
    pub io: ExecIo,
    /// Signals and the terminal's size.
    pub control: ExecControl,
    /// Resolves at its end. Dropping it hangs the program up (SIGHUP, then SIGKILL).
    pub status: BoxFuture<'static, Result<ExecStatus, DriverError>>,
}

/// Our ends of a program's input and output.
#[derive(Debug)]
pub enum ExecIo {
    /// Three pipes.
    Pipes {
        /// To be written.
        stdin: OwnedFd,
        /// To be read.
        stdout: OwnedFd,
        /// To be read.
        stderr: OwnedFd,
    },
    /// The master side of its terminal, to be read and written.
    Terminal(OwnedFd),
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExecStatus {
    /// With this exit code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
}

impl ExecStatus {
    /// The code a shell would report: 128 more than the signal for one that was killed.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Exited(code) => code,
            Self::Signaled(signal) => 128 + signal,
        }
    }
}

/// Acts on a program that runs.
#[derive(Clone)]
pub struct ExecControl(pub(crate) std::sync::Arc<dyn Control>);

pub(crate) trait Control: Send + Sync {
    fn signal(&self, number: i32) -> Result<(), DriverError>;
    fn resize(&self, size: TerminalSize) -> Result<(), DriverError>;
}

impl ExecControl {
    /// Sends a signal to the program's process group.
    ///
    /// # Errors
    /// When the instance is gone or the number is no signal.
    pub fn signal(&self, number: i32) -> Result<(), DriverError> {
        self.0.signal(number)
    }

    /// Changes the size of its terminal; nothing happens without one.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn resize(&self, size: TerminalSize) -> Result<(), DriverError> {
        self.0.resize(size)
    }
}

/// What a program wrote, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub status: ExecStatus,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Feeds a program its input and collects what it writes, at most `limit` bytes of each stream.
///
/// # Errors
/// When it runs on a terminal, takes longer than `timeout`, or its instance ends.
pub async fn capture(
    executing: Executing,
    input: &[u8],
    limit: u64,
    timeout: Duration,
) -> Result<Output, DriverError> {
    let Executing { io, control, status } = executing;
    let ExecIo::Pipes { stdin, stdout, stderr } = io else {
        return Err(DriverError::Protocol("a terminal cannot be captured".into()));
    };
    let failed = || DriverError::io("connecting the program's pipes");
    let mut stdin = pipe::Sender::from_owned_fd(stdin).map_err(failed())?;
    let stdout = pipe::Receiver::from_owned_fd(stdout).map_err(failed())?;
    let stderr = pipe::Receiver::from_owned_fd(stderr).map_err(failed())?;
    let feed = async move {
        // A program that reads none of its input breaks this pipe; that is no failure.
        let _ = stdin.write_all(input).await;
    };
    let all = async { tokio::join!(feed, drain(stdout, limit), drain(stderr, limit), status) };
    let (_, stdout, stderr, status) = tokio::time::timeout(timeout, all)
        .await
        .map_err(|_| DriverError::TimedOut(timeout, "running a program"))?;
    drop(control);
    Ok(Output { status: status?, stdout, stderr })
}

/// Reads to the end, so that the writer never blocks, and keeps the first `limit` bytes.
async fn drain(mut from: impl AsyncRead + Unpin, limit: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    let _ = (&mut from).take(limit).read_to_end(&mut kept).await;
    let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
    kept
}
