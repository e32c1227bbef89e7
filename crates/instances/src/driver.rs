//! The seam between EC2's rules and the places where instances run.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::exec::{ExecRequest, Executing};
use crate::spec::{InstanceId, InstanceSpec};

/// A way of running instances. All state that must outlive the server lies in the instance's
/// directory (see [`crate::Layout`]); a driver made anew over the same directory can take over.
pub trait Driver: Send + Sync + 'static {
    /// Which driver this is.
    fn kind(&self) -> DriverKind;

    /// What this driver can give on this host, and what it can't, with reasons for people.
    fn capabilities(&self) -> BoxFuture<'_, Capabilities>;

    /// Starts an instance, new or stopped before (its disk is kept between the two).
    fn start(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Running, DriverError>>;

    /// Asks all its processes to end, kills what is left after `grace`, keeps its disk.
    /// Stopping an instance that does not run is no error; one that is being started is waited for.
    fn stop<'a>(&'a self, id: &'a InstanceId, grace: Duration) -> BoxFuture<'a, Result<(), DriverError>>;

    /// Kills its processes and removes all that was its own. No error when nothing is left to do.
    fn terminate<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), DriverError>>;

    /// Ends its processes and boots it again, keeping its sockets and its disk.
    fn reboot<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), DriverError>>;

    /// Runs a program in it.
    fn exec<'a>(
        &'a self,
        id: &'a InstanceId,
        request: ExecRequest,
    ) -> BoxFuture<'a, Result<Executing, DriverError>>;

    /// The end of its console's output: at most 64 KiB, as `GetConsoleOutput` gives. Readable while
    /// its directory exists, so also after a stop.
    fn console_output<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Vec<u8>, DriverError>>;

    /// After a restart of the server: takes over those of `ids` that still run.
    fn reattach_all<'a>(
        &'a self,
        ids: &'a [InstanceId],
    ) -> BoxFuture<'a, Vec<(InstanceId, Result<Running, NotReattached>)>>;

    /// After a restart of the server: ends and removes every instance that is not among `known`.
    fn sweep<'a>(&'a self, known: &'a [InstanceId]) -> BoxFuture<'a, Result<Swept, DriverError>>;
}

/// The drivers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriverKind {
    /// Linux namespaces.
    Namespace,
    /// A state and a metadata port.
    MetadataOnly,
}

/// An instance that runs.
#[derive(Debug)]
pub struct Running {
    /// Its id.
    pub id: InstanceId,
    /// Its sockets. Drop what was made of them when [`Running::exit`] fires: a socket keeps the
    /// network namespace alive.
    pub listeners: Listeners,
    /// Tells when it has ended, whoever ended it.
    pub exit: ExitWatch,
    /// How its files are made.
    pub file_system: FileSystem,
    /// Which user ids it has.
    pub users: Users,
    /// The public key of its `sshd`, in OpenSSH form. It comes from the instance.
    pub ssh_host_key: Option<String>,
}

/// The sockets of an instance.
///
/// A peer of these is a program of that instance, whatever address it shows: never take one for a
/// trusted loopback caller.
#[derive(Debug)]
pub struct Listeners {
    /// Its metadata service: 169.254.169.254:80 inside, or a loopback port (metadata-only).
    pub metadata: TcpListener,
    /// The API inside the instance; none where programs reach the server as any host program does.
    pub api: Option<TcpListener>,
    /// Where its `sshd` is reached on the host; none when no `sshd` is installed or usable.
    pub ssh: Option<SocketAddr>,
}

/// How an instance's files are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileSystem {
    /// The host's directories beneath a writable overlay.
    Overlay {
        /// What is not so, in sentences for people: directories where the kernel refused an overlay
        /// and that are read-only instead, or whose changes are kept in memory and lost at a stop.
        notes: Vec<String>,
    },
    /// The host's directories read-only; own `/etc` as a copy.
    ReadOnly,
    /// No file system of its own: programs run on the host.
    Host,
}

/// Which user ids an instance has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Users {
    /// A full range: `root`, `ec2-user` and the system's users are told apart. The server is root, and
    /// none of the instance's ids is an id that the host uses.
    Full,
    /// One: everything belongs to the server's user, shown as `root` to commands run by exec and as
    /// `ec2-user` to ssh sessions.
    Single,
    /// The host's own.
    Host,
}

/// What a driver can give here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Whether instances can be started at all.
    pub usable: bool,
    /// Which user ids they would have.
    pub users: Users,
    /// The `sshd` that would be used.
    pub sshd: Option<String>,
    /// What is missing, in sentences for people.
    pub notes: Vec<String>,
}

/// How an instance ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By [`Driver::stop`] or [`Driver::terminate`].
    Asked,
    /// By itself, or by a hand other than ours.
    Unasked,
}

/// Resolves when an instance has ended. Clones all see it.
#[derive(Clone, Debug)]
pub struct ExitWatch(pub(crate) watch::Receiver<Option<Exit>>);

impl ExitWatch {
    /// Waits for the end.
    pub async fn wait(&mut self) -> Exit {
        match self.0.wait_for(Option::is_some).await {
            Ok(exit) => exit.unwrap_or(Exit::Unasked),
            // The driver was dropped: nobody watches any more, which is no end that was asked for.
            Err(_) => Exit::Unasked,
        }
    }

    /// The end, if it has come.
    #[must_use]
    pub fn now(&self) -> Option<Exit> {
        *self.0.borrow()
    }
}

/// Why a driver could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DriverError {
    /// The instance does not run.
    #[error("instance {0} is not running")]
    NotRunning(InstanceId),
    /// The instance runs already.
    #[error("instance {0} is already running")]
    AlreadyRunning(InstanceId),
    /// This host can't do it.
    #[error("this host cannot run it: {0}")]
    Unsupported(String),
    /// The instance's own start-up failed.
    #[error("instance {id} failed to start: {reason}")]
    Start {
        /// Which.
        id: InstanceId,
        /// What its init said.
        reason: String,
    },
    /// It took longer than allowed.
    #[error("timed out after {0:?} while {1}")]
    TimedOut(Duration, &'static str),
    /// The instance's init answered with something else than was asked.
    #[error("unexpected answer from the instance's init: {0}")]
    Protocol(String),
    /// The operating system refused.
    #[error("{action}: {source}")]
    Io {
        /// What was being done.
        action: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl DriverError {
    pub(crate) fn io(action: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let action = action.into();
        move |source| Self::Io { action, source }
    }
}

/// Why an instance was not taken over: it is to be marked stopped.
#[derive(Debug, thiserror::Error)]
#[error("instance {id} was not taken over: {reason}")]
pub struct NotReattached {
    /// Which.
    pub id: InstanceId,
    /// Why, for people.
    pub reason: String,
}

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Instances whose processes were ended.
    pub ended: Vec<InstanceId>,
    /// Directories that were removed.
    pub removed: Vec<InstanceId>,
}
