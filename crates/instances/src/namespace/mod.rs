//! The namespace driver: each instance a set of Linux namespaces with a small init of its own.
//!
//! When the server is root, an instance has 65536 ids that are nobody's on the host: `ec2-user` by
//! ssh, with `sudo`. When it is not, an instance has the server's user alone: `root` by exec, the same
//! user named `ec2-user` by ssh, no `sudo`, no `chown`, no package installation, and system files can
//! be added to but not changed. Either way there is no network but the instance's own addresses.

mod attach;
mod capabilities;
mod executing;
mod ids;
mod launch;
mod readiness;
mod ssh;
mod sweep;

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::watch;

use crate::console;
use crate::driver::{
    Capabilities, Driver, DriverError, DriverKind, Exit, ExitWatch, NotReattached, Running, Swept,
};
use crate::exec::{ExecRequest, Executing};
use crate::layout::Layout;
use crate::namespace::attach::Attached;
use crate::spec::{InstanceId, InstanceSpec};
use crate::tree;
use crate::wire::Request;

/// Settings of the driver.
#[derive(Clone, Debug)]
pub struct NamespaceConfig {
    /// The directory of all instances; made with mode 0700. On a disk (not on an overlay itself), and
    /// outside the host directories that are shown, changes to system files outlive a stop.
    pub root: PathBuf,
    /// The program that is an instance's init, and the arguments that make it call [`crate::init::main`].
    pub program: PathBuf,
    /// See `program`; for instance `["instance-init"]`.
    pub program_arguments: Vec<OsString>,
    /// Host directories shown read-only beside the system's, for instance where the AWS CLI lives.
    /// Readable for everybody, if the server is root: instances have other ids.
    pub shown: Vec<PathBuf>,
    /// Directories never shown. The server's data directory belongs here; `root` is always among them.
    pub hidden: Vec<PathBuf>,
    /// Whether to use overlays where the kernel allows (else system files are read-only).
    pub overlay: bool,
    /// The `sshd` to run; looked for in the usual places when `None`.
    pub sshd: Option<PathBuf>,
    /// When the server is root: the first of the 65536 ids of the host that are those of instances.
    /// Nobody else's, and the same for as long as an instance lives.
    pub id_base: u32,
    /// How long instances go on without a server before they end by themselves.
    pub orphan_grace: Duration,
    /// How long a start may take.
    pub start_timeout: Duration,
}

impl NamespaceConfig {
    /// The usual settings.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, program: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            program: program.into(),
            program_arguments: Vec::new(),
            shown: Vec::new(),
            hidden: Vec::new(),
            overlay: true,
            sshd: None,
            id_base: ID_BASE,
            orphan_grace: Duration::from_secs(15 * 60),
            start_timeout: Duration::from_secs(30),
        }
    }
}

/// Runs instances in Linux namespaces. Cheap to clone.
#[derive(Clone, Debug)]
pub struct NamespaceDriver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: NamespaceConfig,
    layout: Layout,
    running: Mutex<HashMap<InstanceId, Entry>>,
}

/// An instance that this driver looks after.
#[derive(Debug)]
struct Entry {
    /// Its init; none while it is being started.
    attached: Option<Arc<Attached>>,
    exit: watch::Receiver<Option<Exit>>,
}

/// Above the ranges that people, packages and systemd's containers use, and below 2³¹.
const ID_BASE: u32 = 2_100_000_000;

/// How long an instance may take to be gone after all its processes were killed.
const DEATH: Duration = Duration::from_secs(10);

impl NamespaceDriver {
    /// Makes the directory of all instances and a driver over it.
    ///
    /// # Errors
    /// When the directory can't be made.
    pub fn new(config: NamespaceConfig) -> Result<Self, DriverError> {
        use std::os::unix::fs::PermissionsExt;
        let failed = || DriverError::io(format!("making {}", config.root.display()));
        std::fs::create_dir_all(&config.root).map_err(failed())?;
        // Programs of instances may leave set-user-id files: nobody else may reach them.
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&config.root, private).map_err(failed())?;
        let root = config.root.canonicalize().map_err(failed())?;
        let layout = Layout::new(&root);
        let config = NamespaceConfig { root, ..config };
        Ok(Self(Arc::new(Inner { config, layout, running: Mutex::default() })))
    }

    /// Where instances' files are.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }

    fn running(&self) -> MutexGuard<'_, HashMap<InstanceId, Entry>> {
        // The map is consistent between any two statements that hold it.
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn attached(&self, id: &InstanceId) -> Result<Arc<Attached>, DriverError> {
        let running = self.running();
        let attached = running.get(id).and_then(|entry| entry.attached.clone());
        attached.ok_or_else(|| DriverError::NotRunning(id.clone()))
    }

    /// Reserves an instance's place, so that it is started once.
    fn reserve(&self, id: &InstanceId) -> Result<Reservation, DriverError> {
        let (exit, watched) = watch::channel(None);
        let mut running = self.running();
        if running.contains_key(id) {
            return Err(DriverError::AlreadyRunning(id.clone()));
        }
        running.insert(id.clone(), Entry { attached: None, exit: watched });
        Ok(Reservation { driver: self.clone(), id: id.clone(), exit: Some(exit) })
    }

    async fn start(&self, spec: InstanceSpec) -> Result<Running, DriverError> {
        let reservation = self.reserve(&spec.id)?;
        let directory = self.0.layout.directory(&spec.id);
        let port = spec.ssh_port;
        launch::launch(&self.0.config, &directory, spec).await?;
        self.take_over(reservation, port).await
    }

    /// Connects to an init that is there, and looks after it from now on.
    async fn take_over(&self, reservation: Reservation, port: Option<u16>) -> Result<Running, DriverError> {
        let id = reservation.id.clone();
        let directory = self.0.layout.directory(&id);
        let (attached, sockets, place) = Attached::connect(&id, &directory).await?;
        let attached = Arc::new(attached);
        let ssh = match &place.ssh_host_key {
            Some(key) => Some(ssh::Door::open(&directory, port, key).await?),
            None => None,
        };
        let address = ssh.as_ref().map(ssh::Door::address);
        let watched = reservation.keep(&attached, ssh);
        let [metadata, api] = sockets;
        Ok(Running {
            id,
            listeners: crate::driver::Listeners { metadata, api: Some(api), ssh: address },
            exit: ExitWatch(watched),
            file_system: place.file_system,
            users: place.users,
            ssh_host_key: place.ssh_host_key,
        })
    }

    /// An instance that runs; waits for one that is being started. `None` when there is none.
    async fn settled(&self, id: &InstanceId) -> Option<(Arc<Attached>, watch::Receiver<Option<Exit>>)> {
        loop {
            let found = self.running().get(id).map(|entry| (entry.attached.clone(), entry.exit.clone()))?;
            if let (Some(attached), exit) = found {
                return Some((attached, exit));
            }
            // A start has a timeout of its own, so this ends.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn stop(&self, id: &InstanceId, grace: Duration) -> Result<(), DriverError> {
        let Some((attached, mut exit)) = self.settled(id).await else { return Ok(()) };
        attached.expect_end();
        let grace_millis = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        let asked = attached.ask(Request::Stop { grace_millis }, Duration::from_secs(5)).await;
        let patience = if asked.is_ok() { grace + Duration::from_secs(2) } else { Duration::ZERO };
        if tokio::time::timeout(patience, exit.wait_for(Option::is_some)).await.is_err() {
            attached.kill()?;
            let gone = tokio::time::timeout(DEATH, exit.wait_for(Option::is_some)).await;
            gone.map_err(|_| DriverError::TimedOut(DEATH, "killing the instance"))?.ok();
        }
        Ok(())
    }

    async fn terminate(&self, id: &InstanceId) -> Result<(), DriverError> {
        self.stop(id, Duration::ZERO).await?;
        // One that this driver does not look after may run all the same.
        let directory = self.0.layout.directory(id);
        sweep::end(&directory).await?;
        remove(directory).await
    }
}

async fn remove(directory: PathBuf) -> Result<(), DriverError> {
    let action = format!("removing {}", directory.display());
    blocking(move || tree::remove(&directory)).await.map_err(DriverError::io(action))
}

/// Runs what blocks for a short while beside the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)?
}

/// A place among the running ones; given back when dropped before the instance runs.
struct Reservation {
    driver: NamespaceDriver,
    id: InstanceId,
    exit: Option<watch::Sender<Option<Exit>>>,
}

impl Reservation {
    /// The instance runs: look after it until its end.
    fn keep(mut self, attached: &Arc<Attached>, ssh: Option<ssh::Door>) -> watch::Receiver<Option<Exit>> {
        let exit = self.exit.take().unwrap_or_else(|| watch::channel(None).0);
        let watched = exit.subscribe();
        if let Some(entry) = self.driver.running().get_mut(&self.id) {
            entry.attached = Some(Arc::clone(attached));
        }
        let (driver, id, attached) = (self.driver.clone(), self.id.clone(), Arc::clone(attached));
        tokio::spawn(async move {
            let door = ssh.map(|door| door.serve(Arc::clone(&attached)));
            attached.ended().await;
            if let Some(door) = door {
                door.abort();
            }
            driver.running().remove(&id);
            exit.send_replace(Some(attached.exit()));
        });
        watched
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.exit.is_some() {
            self.driver.running().remove(&self.id);
        }
    }
}

impl Driver for NamespaceDriver {
    fn kind(&self) -> DriverKind {
        DriverKind::Namespace
    }

    fn capabilities(&self) -> BoxFuture<'_, Capabilities> {
        Box::pin(capabilities::find(&self.0.config))
    }

    fn start(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Running, DriverError>> {
        Box::pin(Self::start(self, spec))
    }

    fn stop<'a>(&'a self, id: &'a InstanceId, grace: Duration) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(Self::stop(self, id, grace))
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(Self::terminate(self, id))
    }

    fn reboot<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async move {
            let attached = self.attached(id)?;
            attached.ask(Request::Reboot, Duration::from_secs(30)).await
        })
    }

    fn exec<'a>(
        &'a self,
        id: &'a InstanceId,
        request: ExecRequest,
    ) -> BoxFuture<'a, Result<Executing, DriverError>> {
        Box::pin(async move {
            let attached = self.attached(id)?;
            executing::start(&attached, request).await
        })
    }

    fn console_output<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Vec<u8>, DriverError>> {
        let path = self.0.layout.console(id);
        Box::pin(async move {
            blocking(move || console::tail(&path))
                .await
                .map_err(DriverError::io("reading the console's output"))
        })
    }

    fn reattach_all<'a>(
        &'a self,
        ids: &'a [InstanceId],
    ) -> BoxFuture<'a, Vec<(InstanceId, Result<Running, NotReattached>)>> {
        Box::pin(async move {
            let attempts = ids.iter().map(async |id| {
                let attempt = async {
                    let reservation = self.reserve(id)?;
                    self.take_over(reservation, None).await
                };
                let not = |error: DriverError| NotReattached { id: id.clone(), reason: error.to_string() };
                (id.clone(), attempt.await.map_err(not))
            });
            futures::future::join_all(attempts).await
        })
    }

    fn sweep<'a>(&'a self, known: &'a [InstanceId]) -> BoxFuture<'a, Result<Swept, DriverError>> {
        Box::pin(sweep::sweep(&self.0.layout, known))
    }
}
