//! Starting a program of the instance from process 1.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::driver::Users;
use crate::exec::ExecRequest;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the `enter` stage is told; environment and streams it inherits.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) argv: Vec<String>,
    pub(super) user: String,
    pub(super) cwd: Option<String>,
    pub(super) terminal: bool,
    pub(super) users: Users,
}

/// Starts programs with the instance's environment.
pub(super) struct Spawner {
    pub(super) prefix: Vec<String>,
    pub(super) users: Users,
    pub(super) env: Vec<(String, String)>,
}

impl Spawner {
    /// Starts a program; its process id is also its process group's and its session's.
    pub(super) fn spawn(&self, request: ExecRequest, streams: [OwnedFd; 3]) -> io::Result<u32> {
        let ExecRequest { argv, env, user, cwd, terminal } = request;
        if argv.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program was named"));
        }
        let user = user.unwrap_or_else(|| "root".to_owned());
        let entry = Entry { argv, user, cwd, terminal: terminal.is_some(), users: self.users };
        let [stdin, stdout, stderr] = streams.map(Stdio::from);
        let child = Command::new("/proc/self/exe")
            .args(&self.prefix)
            .arg("enter")
            .arg(serde_json::to_string(&entry)?)
            .env_clear()
            .env("PATH", PATH)
            .env("LANG", "C.UTF-8")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .envs(env)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .spawn()?;
        // Ended children are reaped by process 1's loop and nowhere else.
        Ok(child.id())
    }
}
