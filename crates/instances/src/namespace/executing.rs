//! Running a program in an instance.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use tokio::io::unix::AsyncFd;

use super::attach::{Attached, PROMPT, unexpected};
use super::readiness;
use crate::driver::DriverError;
use crate::exec::{Control, ExecControl, ExecIo, ExecRequest, ExecStatus, Executing, TerminalSize};
use crate::init::resize;
use crate::wire::{Channel, Reply, Request};

pub(super) async fn start(attached: &Attached, request: ExecRequest) -> Result<Executing, DriverError> {
    let on_terminal = request.terminal.is_some();
    let (ours, theirs) = if on_terminal { (None, Vec::new()) } else { pipes().map(|(o, t)| (Some(o), t))? };
    let (channel, reply, descriptors) = attached.converse(Request::Exec(request), theirs, PROMPT).await?;
    if !matches!(reply, Reply::Started) {
        return Err(unexpected(Some(reply)));
    }
    let failed = || DriverError::io("talking to the instance's init");
    let (io, terminal) = match (ours, descriptors.into_iter().next()) {
        (Some(io), _) => (io, None),
        (None, Some(master)) => {
            let again = master.try_clone().map_err(failed())?;
            (ExecIo::Terminal(master), Some(again))
        }
        (None, None) => return Err(DriverError::Protocol("the terminal did not come along".into())),
    };
    channel.set_nonblocking().map_err(failed())?;
    let program = Arc::new(Program { channel: readiness::watch(channel).map_err(failed())?, terminal });
    let control = ExecControl(Arc::<Program>::clone(&program));
    Ok(Executing { io, control, status: Box::pin(async move { program.status().await }) })
}

fn pipes() -> Result<(ExecIo, Vec<OwnedFd>), DriverError> {
    let make = || -> io::Result<(OwnedFd, OwnedFd)> {
        let (reader, writer) = io::pipe()?;
        Ok((reader.into(), writer.into()))
    };
    let all = || -> io::Result<_> { Ok((make()?, make()?, make()?)) };
    let (input, output, error) = all().map_err(DriverError::io("making pipes"))?;
    let ours = ExecIo::Pipes { stdin: input.1, stdout: output.0, stderr: error.0 };
    Ok((ours, vec![input.0, output.1, error.1]))
}

/// The conversation about one program. Closing it hangs the program up.
struct Program {
    channel: AsyncFd<Channel>,
    terminal: Option<OwnedFd>,
}

impl Program {
    async fn status(&self) -> Result<ExecStatus, DriverError> {
        let failed = DriverError::io("waiting for the program");
        let received = self.channel.async_io(tokio::io::Interest::READABLE, Channel::receive::<Reply>).await;
        match received.map_err(failed)? {
            Some((Reply::Ended(status), _)) => Ok(status),
            other => Err(unexpected(other.map(|(reply, _)| reply))),
        }
    }
}

impl Control for Program {
    fn signal(&self, number: i32) -> Result<(), DriverError> {
        self.channel
            .get_ref()
            .send(&Request::Signal(number), &[])
            .map_err(DriverError::io("signalling the program"))
    }

    fn resize(&self, size: TerminalSize) -> Result<(), DriverError> {
        self.terminal
            .as_ref()
            .map_or(Ok(()), |terminal| resize(terminal, size))
            .map_err(DriverError::io("resizing"))
    }
}
