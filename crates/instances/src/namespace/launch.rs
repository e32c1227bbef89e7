//! Starting an instance's init from the server's side.

use std::io;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::ids::Mapping;
use super::{NamespaceConfig, blocking, capabilities, remove, sweep};
use crate::driver::DriverError;
use crate::init::Plan;
use crate::layout::{self, DISK};
use crate::spec::{InstanceId, InstanceSpec};
use crate::wire::Progress;

/// Starts init and waits until its control socket is there. On failure nothing is left running, and
/// a directory that was made for it is removed.
pub(super) async fn launch(
    config: &NamespaceConfig,
    directory: &Path,
    spec: InstanceSpec,
) -> Result<(), DriverError> {
    let id = spec.id.clone();
    // Another server's, perhaps: whatever goes wrong below must not be taken out on it.
    if sweep::is_locked(directory).map_err(DriverError::io("looking for a running init"))? {
        return Err(DriverError::AlreadyRunning(id));
    }
    let is_new = !directory.join(DISK).exists();
    let mapping = Mapping::available(config.id_base);
    let plan = plan(config, spec, mapping);
    let outcome = match prepare(directory, &plan, mapping).await {
        Ok(()) => run(config, directory, &plan, mapping).await,
        Err(error) => Err(error),
    };
    if let Err(error) = &outcome {
        tracing::warn!(instance = %id, %error, "an instance did not start");
        sweep::end(directory).await?;
        if is_new {
            remove(directory.to_owned()).await?;
        }
    }
    outcome
}

fn plan(config: &NamespaceConfig, spec: InstanceSpec, mapping: Mapping) -> Plan {
    let mut hidden = config.hidden.clone();
    hidden.push(config.root.clone());
    Plan {
        spec,
        users: mapping.users(),
        shown: config.shown.clone(),
        hidden,
        overlay: config.overlay,
        sshd: capabilities::sshd(config),
        orphan_grace_seconds: config.orphan_grace.as_secs(),
    }
}

async fn prepare(directory: &Path, plan: &Plan, mapping: Mapping) -> Result<(), DriverError> {
    let failed = DriverError::io(format!("preparing {}", directory.display()));
    let plan = serde_json::to_vec(plan).map_err(|error| DriverError::Protocol(error.to_string()))?;
    let directory = directory.to_owned();
    let write = move || -> io::Result<()> {
        use std::io::Write;
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, chown};
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        std::fs::DirBuilder::new().recursive(true).mode(0o755).create(directory.join(layout::ROOT))?;
        let mut options = std::fs::File::options();
        // User data may hold secrets.
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(directory.join(layout::SPEC))?.write_all(&plan)?;
        if let Some(owner) = mapping.owner() {
            for name in ["", layout::SPEC, DISK, layout::ROOT] {
                chown(directory.join(name), Some(owner), Some(owner))?;
            }
        }
        Ok(())
    };
    blocking(write).await.map_err(failed)
}

async fn run(
    config: &NamespaceConfig,
    directory: &Path,
    plan: &Plan,
    mapping: Mapping,
) -> Result<(), DriverError> {
    let mut child = Command::new(&config.program)
        .args(&config.program_arguments)
        .arg("launch")
        .arg(directory)
        // The server's environment holds what instances must not know.
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(DriverError::io(format!("starting {}", config.program.display())))?;
    let timeout = config.start_timeout;
    let outcome = tokio::time::timeout(timeout, follow(&mut child, plan, mapping)).await;
    outcome.unwrap_or(Err(DriverError::TimedOut(timeout, "starting the instance")))
}

/// Goes along with init's start-up.
async fn follow(child: &mut Child, plan: &Plan, mapping: Mapping) -> Result<(), DriverError> {
    let failed = || DriverError::io("following the start of the instance's init");
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(DriverError::Protocol("init has no streams".into()));
    };
    let mut lines = BufReader::new(stdout.take(64 * 1024)).lines();
    loop {
        let Some(line) = lines.next_line().await.map_err(failed())? else {
            return Err(died(child, &plan.spec.id).await);
        };
        match serde_json::from_str(&line) {
            Ok(Progress::Unshared) => {
                let pid = child.id().ok_or_else(|| DriverError::Protocol("init has ended".into()))?;
                mapping.apply(pid).map_err(DriverError::io("mapping the instance's user ids"))?;
                stdin.write_all(b"g").await.map_err(failed())?;
            }
            Ok(Progress::Ready) => {
                child.wait().await.map_err(failed())?;
                return Ok(());
            }
            Ok(Progress::Failed(reason)) => {
                return Err(DriverError::Start { id: plan.spec.id.clone(), reason });
            }
            Err(_) => return Err(DriverError::Protocol(format!("init said {line:?}"))),
        }
    }
}

/// What init complained of before it ended.
async fn died(child: &mut Child, id: &InstanceId) -> DriverError {
    let mut reason = String::new();
    if let Some(stderr) = child.stderr.take() {
        // The complaint is all there is to tell; without it the message is just less helpful.
        let _ = stderr.take(4096).read_to_string(&mut reason).await;
    }
    DriverError::Start { id: id.clone(), reason: format!("its init ended: {}", reason.trim()) }
}
