//! The metadata-only driver: an instance is a state and a loopback port for its metadata. Programs
//! run on the host, with the port in their environment.

use std::collections::HashMap;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};

use crate::driver::{
    Capabilities, Driver, DriverError, DriverKind, Exit, ExitWatch, FileSystem, Listeners, NotReattached,
    Running, Swept, Users,
};
use crate::exec::{Control, ExecControl, ExecIo, ExecRequest, ExecStatus, Executing, TerminalSize};
use crate::layout::{CONSOLE, Layout, RUNTIME, SPEC};
use crate::spec::{InstanceId, InstanceSpec};
use crate::{console, tree};

/// Settings of the driver.
#[derive(Clone, Debug)]
pub struct MetadataOnlyConfig {
    /// The directory of all instances.
    pub root: PathBuf,
    /// Environment that programs inherit from the host (`PATH`, `HOME` and the like): the driver
    /// reads no environment itself, and gives programs no other part of the server's.
    pub inherited: Vec<(String, String)>,
}

/// Runs instances that are only a state.
#[derive(Clone, Debug)]
pub struct MetadataOnlyDriver(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    layout: Layout,
    inherited: Vec<(String, String)>,
    running: Mutex<HashMap<InstanceId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    env: Vec<(String, String)>,
    exit: watch::Sender<Option<Exit>>,
}

/// What is kept for the next start, and for `rolecall instance exec` from another process.
#[derive(Debug, Serialize, Deserialize)]
struct Runtime {
    metadata_port: u16,
    env: Vec<(String, String)>,
}

impl MetadataOnlyDriver {
    /// Makes the directory of all instances and a driver over it.
    ///
    /// # Errors
    /// When the directory can't be made.
    pub fn new(config: MetadataOnlyConfig) -> Result<Self, DriverError> {
        std::fs::create_dir_all(&config.root)
            .map_err(DriverError::io(format!("making {}", config.root.display())))?;
        let layout = Layout::new(config.root);
        Ok(Self(Arc::new(Inner { layout, inherited: config.inherited, running: Mutex::default() })))
    }

    /// Where instances' files are.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.0.layout
    }

    /// The environment of an instance's programs, from its directory: for `rolecall instance exec`,
    /// which starts them itself.
    ///
    /// # Errors
    /// When the instance was never started.
    pub fn environment(layout: &Layout, id: &InstanceId) -> Result<Vec<(String, String)>, DriverError> {
        let runtime =
            read_runtime(&layout.directory(id)).ok_or_else(|| DriverError::NotRunning(id.clone()))?;
        Ok(runtime.env)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<InstanceId, Entry>> {
        // The map is consistent between any two statements that hold it.
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self, spec: &InstanceSpec) -> Result<Running, DriverError> {
        let directory = self.0.layout.directory(&spec.id);
        let failed = || DriverError::io(format!("preparing {}", directory.display()));
        std::fs::create_dir_all(&directory).map_err(failed())?;
        let kept = serde_json::to_vec(&spec).map_err(|error| DriverError::Protocol(error.to_string()))?;
        write_private(&directory.join(SPEC), &kept).map_err(failed())?;
        if spec.user_data.is_some() {
            let note = b"metadata-only instance: user data is shown by the metadata service and not run\n";
            std::fs::write(directory.join(CONSOLE), note).map_err(failed())?;
        }
        self.run(spec, &directory)
    }

    fn run(&self, spec: &InstanceSpec, directory: &Path) -> Result<Running, DriverError> {
        let mut running = self.running();
        if running.contains_key(&spec.id) {
            return Err(DriverError::AlreadyRunning(spec.id.clone()));
        }
        let failed = || DriverError::io("opening the metadata port");
        let before = read_runtime(directory).map_or(0, |runtime| runtime.metadata_port);
        let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let metadata = bind(before).or_else(|_| bind(0)).map_err(failed())?;
        let metadata_port = metadata.local_addr().map_err(failed())?.port();
        let mut env = spec.env.clone();
        let endpoint = format!("http://127.0.0.1:{metadata_port}/");
        env.push(("AWS_EC2_METADATA_SERVICE_ENDPOINT".to_owned(), endpoint));
        let runtime = Runtime { metadata_port, env: env.clone() };
        let runtime =
            serde_json::to_vec(&runtime).map_err(|error| DriverError::Protocol(error.to_string()))?;
        write_private(&directory.join(RUNTIME), &runtime).map_err(failed())?;
        let (exit, watched) = watch::channel(None);
        running.insert(spec.id.clone(), Entry { env, exit });
        Ok(Running {
            id: spec.id.clone(),
            listeners: Listeners { metadata, api: None, ssh: None },
            exit: ExitWatch(watched),
            file_system: FileSystem::Host,
            users: Users::Host,
            ssh_host_key: None,
        })
    }

    fn exec(&self, id: &InstanceId, request: ExecRequest) -> Result<Executing, DriverError> {
        let (env, exit) = {
            let running = self.running();
            let entry = running.get(id).ok_or_else(|| DriverError::NotRunning(id.clone()))?;
            (entry.env.clone(), entry.exit.subscribe())
        };
        if request.terminal.is_some() {
            let reason = "a metadata-only instance gives no terminal; its programs can use the caller's own";
            return Err(DriverError::Unsupported(reason.into()));
        }
        if request.user.is_some() {
            let reason = "a metadata-only instance runs programs as the server's user";
            return Err(DriverError::Unsupported(reason.into()));
        }
        let env = self.0.inherited.iter().cloned().chain(env).chain(request.env);
        run_on_host(&request.argv, request.cwd.as_deref(), env, exit)
    }
}

fn run_on_host(
    argv: &[String],
    cwd: Option<&str>,
    env: impl Iterator<Item = (String, String)>,
    exit: watch::Receiver<Option<Exit>>,
) -> Result<Executing, DriverError> {
    let (program, arguments) =
        argv.split_first().ok_or_else(|| DriverError::Unsupported("no program was named".into()))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(env).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if let Some(cwd) = cwd {
        command.current_dir(cwd);
    }
    let failed = || DriverError::io(format!("running {program}"));
    let mut child = command.spawn().map_err(failed())?;
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(DriverError::Protocol("the program has no streams".into()));
    };
    let io = ExecIo::Pipes {
        stdin: stdin.into_owned_fd().map_err(failed())?,
        stdout: stdout.into_owned_fd().map_err(failed())?,
        stderr: stderr.into_owned_fd().map_err(failed())?,
    };
    let (kill, killed) = mpsc::unbounded_channel();
    let status = Box::pin(follow(child, exit, killed));
    Ok(Executing { io, control: ExecControl(Arc::new(HostProgram { kill })), status })
}

/// Waits for a program; the end of its instance, and a signal, are its end.
async fn follow(
    mut child: Child,
    mut exit: watch::Receiver<Option<Exit>>,
    mut killed: mpsc::UnboundedReceiver<()>,
) -> Result<ExecStatus, DriverError> {
    let failed = || DriverError::io("waiting for the program");
    let ended = tokio::select! {
        status = child.wait() => Some(status.map_err(failed())?),
        _ = exit.wait_for(Option::is_some) => None,
        Some(()) = killed.recv() => None,
    };
    let status = match ended {
        Some(status) => status,
        None => {
            child.start_kill().map_err(failed())?;
            child.wait().await.map_err(failed())?
        }
    };
    Ok(exec_status(status))
}

fn exec_status(status: ExitStatus) -> ExecStatus {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .map_or_else(|| ExecStatus::Signaled(status.signal().unwrap_or_default()), ExecStatus::Exited)
}

struct HostProgram {
    kill: mpsc::UnboundedSender<()>,
}

impl Control for HostProgram {
    fn signal(&self, number: i32) -> Result<(), DriverError> {
        // Signals that end a program; others have no safe way here on every system.
        if matches!(number, 1 | 2 | 9 | 15) {
            // A program that has ended needs no signal.
            let _ = self.kill.send(());
            return Ok(());
        }
        Err(DriverError::Unsupported(format!("signal {number} to a program of a metadata-only instance")))
    }

    fn resize(&self, _size: TerminalSize) -> Result<(), DriverError> {
        Ok(())
    }
}

fn read_runtime(directory: &Path) -> Option<Runtime> {
    serde_json::from_slice(&std::fs::read(directory.join(RUNTIME)).ok()?).ok()
}

fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(content)
}

impl Driver for MetadataOnlyDriver {
    fn kind(&self) -> DriverKind {
        DriverKind::MetadataOnly
    }

    fn capabilities(&self) -> BoxFuture<'_, Capabilities> {
        let notes = vec![
            "instances are a state and a metadata port: programs run on the host, user data does not run, \
             and there is no ssh"
                .to_owned(),
        ];
        Box::pin(async { Capabilities { usable: true, users: Users::Host, sshd: None, notes } })
    }

    fn start(&self, spec: InstanceSpec) -> BoxFuture<'_, Result<Running, DriverError>> {
        Box::pin(async move { Self::start(self, &spec) })
    }

    fn stop<'a>(&'a self, id: &'a InstanceId, _grace: Duration) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async move {
            if let Some(entry) = self.running().remove(id) {
                entry.exit.send_replace(Some(Exit::Asked));
            }
            Ok(())
        })
    }

    fn terminate<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async move {
            self.stop(id, Duration::ZERO).await?;
            let directory = self.0.layout.directory(id);
            tree::remove(&directory).map_err(DriverError::io(format!("removing {}", directory.display())))
        })
    }

    fn reboot<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<(), DriverError>> {
        Box::pin(async move {
            let running = self.running().contains_key(id);
            if running { Ok(()) } else { Err(DriverError::NotRunning(id.clone())) }
        })
    }

    fn exec<'a>(
        &'a self,
        id: &'a InstanceId,
        request: ExecRequest,
    ) -> BoxFuture<'a, Result<Executing, DriverError>> {
        Box::pin(async move { Self::exec(self, id, request) })
    }

    fn console_output<'a>(&'a self, id: &'a InstanceId) -> BoxFuture<'a, Result<Vec<u8>, DriverError>> {
        let path = self.0.layout.console(id);
        Box::pin(async move { console::tail(&path).map_err(DriverError::io("reading the console's output")) })
    }

    /// Its state is all there is of such an instance, so each that was started can be taken over.
    fn reattach_all<'a>(
        &'a self,
        ids: &'a [InstanceId],
    ) -> BoxFuture<'a, Vec<(InstanceId, Result<Running, NotReattached>)>> {
        let again = |id: &InstanceId| {
            let directory = self.0.layout.directory(id);
            let spec = std::fs::read(directory.join(SPEC)).map_err(|error| error.to_string())?;
            let spec: InstanceSpec = serde_json::from_slice(&spec).map_err(|error| error.to_string())?;
            self.run(&spec, &directory).map_err(|error| error.to_string())
        };
        let each = ids.iter().map(move |id| {
            (id.clone(), again(id).map_err(|reason| NotReattached { id: id.clone(), reason }))
        });
        let all = each.collect();
        Box::pin(async move { all })
    }

    fn sweep<'a>(&'a self, known: &'a [InstanceId]) -> BoxFuture<'a, Result<Swept, DriverError>> {
        Box::pin(async move {
            let mut swept = Swept::default();
            let root = self.0.layout.root();
            let failed = || DriverError::io(format!("sweeping {}", root.display()));
            for entry in std::fs::read_dir(root).map_err(failed())? {
                let name = entry.map_err(failed())?.file_name();
                let Some(id) = name.to_str().and_then(|name| InstanceId::parse(name).ok()) else { continue };
                if !known.contains(&id) {
                    tree::remove(&self.0.layout.directory(&id)).map_err(failed())?;
                    swept.removed.push(id);
                }
            }
            Ok(swept)
        })
    }
}
