//! The directory of each instance, and what lies in it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::spec::InstanceId;

/// Knows where an instance's files are: `ROOT/i-…/`.
#[derive(Clone, Debug)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Over the directory that holds all instances.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory that holds all instances.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All that belongs to one instance.
    #[must_use]
    pub fn directory(&self, id: &InstanceId) -> PathBuf {
        self.root.join(id.as_str())
    }

    /// What its console showed.
    #[must_use]
    pub fn console(&self, id: &InstanceId) -> PathBuf {
        self.directory(id).join(CONSOLE)
    }

    /// Where its `sshd` is reached, and what its key is; `None` when it never ran with one.
    #[must_use]
    pub fn ssh(&self, id: &InstanceId) -> Option<SshAccess> {
        let text = std::fs::read(self.directory(id).join(SSH)).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// What an ssh client needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshAccess {
    /// The port on the host's loopback address.
    pub port: u16,
    /// The public key of the instance's `sshd`, in OpenSSH form. It comes from the instance.
    pub host_key: String,
}

/// The spec it was last started with.
pub(crate) const SPEC: &str = "spec.json";
/// Its [`SshAccess`] when it last ran.
pub(crate) const SSH: &str = "ssh.json";
/// How a metadata-only instance was last started.
pub(crate) const RUNTIME: &str = "runtime.json";
/// The socket of its init.
#[cfg(target_os = "linux")]
pub(crate) const CONTROL: &str = "control.sock";
/// Process id and start time of its init.
#[cfg(target_os = "linux")]
pub(crate) const PID: &str = "init.pid";
/// Locked for as long as any part of its init lives.
#[cfg(target_os = "linux")]
pub(crate) const LOCK: &str = "lock";
/// What its console showed.
pub(crate) const CONSOLE: &str = "console.log";
/// Its own files: its root directory (the host's directories are mounted onto it in its own mount
/// namespace only), and what it changed in those.
pub(crate) const DISK: &str = "disk";
/// Its root directory.
pub(crate) const ROOT: &str = "disk/root";
/// In its root: its `sshd`'s settings and keys.
pub(crate) const SSH_DIRECTORY: &str = "var/lib/rolecall/ssh";
