//! Between the server and an instance's init: short conversations of JSON messages, some carrying
//! file descriptors, over a sequenced-packet Unix socket in the instance's directory.

use std::io;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::driver::{FileSystem, Users};
use crate::exec::{ExecRequest, ExecStatus};

/// The longest message.
pub(crate) const MESSAGE_BYTES: usize = 64 * 1024;
/// The most descriptors in one message: those of a program's three streams.
const DESCRIPTORS: usize = 3;

/// What a conversation begins with (and, of `Signal`, goes on with).
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Request {
    /// Take the listeners and stay connected: the instance counts as served while this lasts.
    Attach,
    /// Run a program on the three descriptors sent along, or on a terminal.
    Exec(ExecRequest),
    /// Signal the program of this conversation.
    Signal(i32),
    /// Serve ssh on the connection sent along.
    Ssh,
    /// End all processes, then the instance.
    Stop { grace_millis: u64 },
    /// End all processes, then boot again.
    Reboot,
}

/// What init answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Reply {
    /// The listeners come along: metadata, then API.
    Attached(Place),
    /// The program runs; the master side of its terminal comes along if it has one.
    Started,
    /// The program has ended.
    Ended(ExecStatus),
    /// Done.
    Done,
    /// Not done, and why.
    Failed(String),
}

/// How the instance came out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Place {
    pub(crate) file_system: FileSystem,
    pub(crate) users: Users,
    pub(crate) ssh_host_key: Option<String>,
}

/// What init prints on its standard output while it starts.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Progress {
    /// The namespaces are made; the user ids are to be mapped.
    Unshared,
    /// The control socket is there.
    Ready,
    /// It did not come to be.
    Failed(String),
}

/// One end of a conversation.
#[derive(Debug)]
pub(crate) struct Channel(OwnedFd);

impl std::os::fd::AsRawFd for Channel {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Channel {
    /// Connects to the init whose socket is `name` in `directory`.
    pub(crate) fn connect(directory: &Path, name: &str) -> io::Result<Self> {
        let socket = packet_socket(SocketFlags::CLOEXEC)?;
        let (_anchor, address) = short_address(directory, name)?;
        rustix::net::connect(&socket, &address)?;
        Ok(Self(socket))
    }

    /// Takes the next connection of a listener made by [`listen`].
    pub(crate) fn accept(listener: &OwnedFd) -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        Ok(Self(rustix::net::accept_with(listener, flags)?))
    }

    /// Bounds how long a receive may block.
    pub(crate) fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        sockopt::set_socket_timeout(&self.0, sockopt::Timeout::Recv, timeout)?;
        Ok(())
    }

    /// Makes receives return at once.
    pub(crate) fn set_nonblocking(&self) -> io::Result<()> {
        rustix::io::ioctl_fionbio(&self.0, true)?;
        Ok(())
    }

    /// The process id (as seen from here) of the process that listens at the other end.
    pub(crate) fn peer_pid(&self) -> io::Result<rustix::process::Pid> {
        Ok(sockopt::socket_peercred(&self.0)?.pid)
    }

    /// Sends one message.
    pub(crate) fn send(&self, message: &impl Serialize, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let bytes = serde_json::to_vec(message)?;
        if bytes.len() > MESSAGE_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"));
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "too many descriptors"));
        }
        rustix::net::sendmsg(&self.0, &[IoSlice::new(&bytes)], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Receives one message; `None` when the other end is closed.
    pub(crate) fn receive<M: DeserializeOwned>(&self) -> io::Result<Option<(M, Vec<OwnedFd>)>> {
        let mut bytes = vec![0; MESSAGE_BYTES];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::net::recvmsg(
            &self.0,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut ancillary,
            RecvFlags::CMSG_CLOEXEC,
        )?;
        let mut descriptors = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if received.bytes == 0 {
            return Ok(None);
        }
        if received.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the message was cut short"));
        }
        let message = serde_json::from_slice(bytes.get(..received.bytes).unwrap_or_default())?;
        Ok(Some((message, descriptors)))
    }
}

/// Listens at `name` in `directory`.
pub(crate) fn listen(directory: &Path, name: &str) -> io::Result<OwnedFd> {
    let socket = packet_socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    let (anchor, address) = short_address(directory, name)?;
    match rustix::fs::unlinkat(&anchor, name, rustix::fs::AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, 64)?;
    Ok(socket)
}

fn packet_socket(flags: SocketFlags) -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// A socket's path may have 107 bytes at most; a data directory may have more. Reached through a
/// descriptor of the directory, it is always short. The descriptor must live as long as it is used.
fn short_address(directory: &Path, name: &str) -> io::Result<(OwnedFd, SocketAddrUnix)> {
    use std::os::fd::AsRawFd;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let anchor = rustix::fs::open(directory, flags, Mode::empty())?;
    let address = SocketAddrUnix::new(format!("/proc/self/fd/{}/{name}", anchor.as_raw_fd()))?;
    Ok((anchor, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_travel_with_a_message_however_long_the_path() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("d".repeat(200));
        std::fs::create_dir(&deep).unwrap();
        let listener = listen(&deep, "s").unwrap();
        let near = Channel::connect(&deep, "s").unwrap();
        let far = Channel::accept(&listener).unwrap();

        let (reader, writer) = io::pipe().unwrap();
        near.send(&Request::Signal(15), &[writer.as_fd()]).unwrap();
        drop(writer);
        let (message, mut descriptors) = far.receive::<Request>().unwrap().unwrap();
        assert!(matches!(message, Request::Signal(15)));
        io::Write::write_all(&mut std::fs::File::from(descriptors.pop().unwrap()), b"through").unwrap();
        assert_eq!(io::read_to_string(reader).unwrap(), "through");

        drop(near);
        assert!(far.receive::<Request>().unwrap().is_none());
    }

    #[test]
    fn an_overlong_message_is_refused_before_it_is_sent() {
        let root = tempfile::tempdir().unwrap();
        let _listener = listen(root.path(), "s").unwrap();
        let near = Channel::connect(root.path(), "s").unwrap();
        let request = Request::Exec(ExecRequest::new(["x".repeat(MESSAGE_BYTES)]));
        assert!(near.send(&request, &[]).is_err());
    }
}
