//! Into an instance: a program by its init, or a log-in by ssh. What is needed stands in its
//! directory; the server is not asked.

use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use rolecall_instances::{ExecRequest, InstanceId, Layout, MetadataOnlyDriver};

use super::super::{Failure, variable};

fn failed(cause: impl std::fmt::Display) -> Failure {
    Failure::Environment(cause.to_string())
}

fn there(layout: &Layout, id: &InstanceId) -> Result<(), Failure> {
    match layout.directory(id).is_dir() {
        true => Ok(()),
        false => Err(Failure::Environment(format!(
            "there is no instance {id} below {}: name the server's data directory by --data",
            layout.root().display()
        ))),
    }
}

/// Runs a program in an instance on this process's own streams. Its exit code is ours.
pub(super) fn exec(
    layout: &Layout,
    id: &InstanceId,
    user: Option<String>,
    command: &[String],
) -> Result<ExitCode, Failure> {
    there(layout, id)?;
    // A metadata-only instance has no place of its own: its programs run here, with its environment.
    if let Ok(environment) = MetadataOnlyDriver::environment(layout, id) {
        return on_the_host(environment, command);
    }
    in_namespace(layout, id, user, command)
}

fn on_the_host(environment: Vec<(String, String)>, command: &[String]) -> Result<ExitCode, Failure> {
    let (program, arguments) = command.split_first().ok_or_else(|| failed("no program is given"))?;
    let mut child = Command::new(program);
    child.args(arguments).envs(environment);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"] {
        child.env_remove(name);
    }
    let status = child.status().map_err(|cause| failed(format!("{program}: {cause}")))?;
    Ok(code(status.code().or(status.signal().map(|signal| 128 + signal)).unwrap_or(1)))
}

#[cfg(target_os = "linux")]
fn in_namespace(
    layout: &Layout,
    id: &InstanceId,
    user: Option<String>,
    command: &[String],
) -> Result<ExitCode, Failure> {
    let mut request = ExecRequest::new(command.iter().cloned());
    request.user = user;
    request.env = variable("TERM").map(|term| ("TERM".to_owned(), term)).into_iter().collect();
    let (input, output, error) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let streams = [input.as_fd(), output.as_fd(), error.as_fd()];
    let program = rolecall_instances::client::exec(layout, id, request, streams).map_err(failed)?;
    Ok(code(program.wait().map_err(failed)?.code()))
}

#[cfg(not(target_os = "linux"))]
fn in_namespace(_: &Layout, id: &InstanceId, _: Option<String>, _: &[String]) -> Result<ExitCode, Failure> {
    Err(failed(format!("{id} does not run on this machine")))
}

fn code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

/// Logs in by ssh. The instance's own host key is known from its directory, so nothing is asked.
pub(super) fn ssh(
    layout: &Layout,
    id: &InstanceId,
    identity: Option<&Path>,
    user: &str,
    command: &[String],
) -> Result<ExitCode, Failure> {
    there(layout, id)?;
    let access = layout.ssh(id).ok_or_else(|| {
        failed(format!("{id} has no ssh: it was started without a key pair, or no sshd is installed"))
    })?;
    let known = layout.directory(id).join("known_hosts");
    let line = format!("[127.0.0.1]:{} {}\n", access.port, access.host_key.trim());
    std::fs::write(&known, line).map_err(|cause| failed(format!("{}: {cause}", known.display())))?;
    let mut ssh = Command::new("ssh");
    ssh.arg("-p").arg(access.port.to_string());
    ssh.arg("-o").arg(format!("UserKnownHostsFile={}", known.display()));
    ssh.args(["-o", "StrictHostKeyChecking=yes", "-o", "LogLevel=ERROR"]);
    if let Some(identity) = identity {
        ssh.arg("-i").arg(identity).args(["-o", "IdentitiesOnly=yes"]);
    }
    ssh.arg(format!("{user}@127.0.0.1")).args(command);
    let status = ssh.status().map_err(|cause| failed(format!("ssh: {cause}")))?;
    Ok(code(status.code().unwrap_or(255)))
}
