//! What this host allows.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

use super::NamespaceConfig;
use super::ids::Mapping;
use crate::driver::{Capabilities, Users};
use crate::wire::Progress;

const USUAL_SSHD: [&str; 4] =
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd", "/run/current-system/sw/bin/sshd"];

/// The `sshd` to use. Its path must be absolute: it re-executes itself.
pub(super) fn sshd(config: &NamespaceConfig) -> Option<PathBuf> {
    match &config.sshd {
        Some(path) => path.is_file().then(|| path.clone()),
        None => USUAL_SSHD.iter().map(PathBuf::from).find(|path| path.is_file()),
    }
}

pub(super) async fn find(config: &NamespaceConfig) -> Capabilities {
    let mut notes = Vec::new();
    let usable = match try_namespaces(config).await {
        Ok(()) => true,
        Err(reason) => {
            notes.push(reason);
            false
        }
    };
    let users = Mapping::available(config.id_base).users();
    if users == Users::Single {
        notes.push(
            "the server is not root: an instance has one user id; ssh logs in as ec2-user without sudo, \
             and programs that change users do not work"
                .to_owned(),
        );
    }
    let sshd = sshd(config).map(|path| path.display().to_string());
    if sshd.is_none() {
        notes.push("no sshd is installed: instances are entered by exec only".to_owned());
    }
    if !Path::new("/usr/bin/ssh-keygen").exists() && sshd.is_some() {
        notes.push("no ssh-keygen in /usr/bin: sshd may be left without a host key".to_owned());
    }
    Capabilities { usable, users, sshd, notes }
}

/// Makes namespaces and lets them go again.
async fn try_namespaces(config: &NamespaceConfig) -> Result<(), String> {
    let mut child = Command::new(&config.program)
        .args(&config.program_arguments)
        .arg("probe")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{}: {error}", config.program.display()))?;
    let stdout = child.stdout.take().ok_or("the program has no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = tokio::time::timeout(Duration::from_secs(10), lines.next_line()).await;
    let line = line.map_err(|_| "making namespaces takes too long".to_owned())?;
    let line = line.ok().flatten().unwrap_or_default();
    let _ = child.wait().await;
    match serde_json::from_str(&line) {
        Ok(Progress::Unshared) => Ok(()),
        Ok(Progress::Failed(reason)) => Err(reason),
        Ok(Progress::Ready) | Err(_) => Err(format!("{} is no instance init", config.program.display())),
    }
}
