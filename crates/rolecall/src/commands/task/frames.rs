//! What goes over the socket in the data directory: one task as a line of JSON, then frames, each a kind, a
//! length and bytes.

use std::io;
use std::path::{Path, PathBuf};

use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::{UnixListener, UnixStream};

use super::Task;

/// The socket in the data directory.
pub(crate) const CONTROL: &str = "control";
/// The longest task, in bytes.
const MAX_TASK: u64 = 65_536;
/// The longest frame.
const MAX_FRAME: u32 = 16 << 20;
/// A path of a socket is no longer than this on any system.
const MAX_PATH: usize = 100;

/// A piece of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Bytes of what was asked for.
    Data(Vec<u8>),
    /// It was done; what is to be said.
    Done(String),
    /// It was not done, and why.
    Failed(String),
}

/// A path by which the socket can be named, and what must stay open meanwhile: a directory far down
/// is named by its handle.
fn short(data: &Path) -> io::Result<(PathBuf, Option<std::fs::File>)> {
    let path = data.join(CONTROL);
    if path.as_os_str().len() <= MAX_PATH {
        return Ok((path, None));
    }
    let directory = std::fs::File::open(data)?;
    let handle = std::os::fd::AsRawFd::as_raw_fd(&directory);
    Ok((PathBuf::from(format!("/proc/self/fd/{handle}/{CONTROL}")), Some(directory)))
}

/// Makes the socket, for its owner alone. One that an earlier server left is replaced: whoever calls this holds the
/// store, so that no other server is there.
pub(crate) fn listen_at(data: &Path) -> io::Result<UnixListener> {
    let (path, _directory) = short(data)?;
    match std::fs::remove_file(&path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(listener)
}

pub(super) async fn connect(data: &Path) -> io::Result<UnixStream> {
    let (path, _directory) = short(data)?;
    UnixStream::connect(&path).await
}

pub(super) async fn write_task(to: &mut (impl AsyncWrite + Unpin), task: &Task) -> io::Result<()> {
    let line = serde_json::to_string(task)? + "\n";
    to.write_all(line.as_bytes()).await.map_err(early)
}

/// What is said when the other side is gone.
fn early(cause: io::Error) -> io::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match cause.kind() {
        UnexpectedEof | ConnectionReset | BrokenPipe => {
            io::Error::other("the server ended before it was done")
        }
        _ => cause,
    }
}

/// Reads a task.
pub(crate) async fn read_task(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Task> {
    let mut line = String::new();
    BufReader::new(from.take(MAX_TASK)).read_line(&mut line).await?;
    Ok(serde_json::from_str(&line)?)
}

/// Writes a frame.
pub(crate) async fn write_frame(to: &mut (impl AsyncWrite + Unpin), frame: &Frame) -> io::Result<()> {
    let (kind, bytes) = match frame {
        Frame::Data(bytes) => (b'd', bytes.as_slice()),
        Frame::Done(said) => (b'o', said.as_bytes()),
        Frame::Failed(cause) => (b'e', cause.as_bytes()),
    };
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MAX_FRAME);
    let length = length.ok_or_else(|| io::Error::other("a frame is too long"))?;
    to.write_all(&[kind]).await?;
    to.write_all(&length.to_be_bytes()).await?;
    to.write_all(bytes).await
}

/// Reads a frame.
pub(crate) async fn read_frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Frame> {
    let kind = from.read_u8().await.map_err(early)?;
    let length = from.read_u32().await.map_err(early)?;
    if length > MAX_FRAME {
        return Err(io::Error::other("the server's answer makes no sense"));
    }
    let mut bytes = vec![0; length as usize];
    from.read_exact(&mut bytes).await.map_err(early)?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    match kind {
        b'd' => Ok(Frame::Data(bytes)),
        b'o' => Ok(Frame::Done(text(bytes))),
        b'e' => Ok(Frame::Failed(text(bytes))),
        _ => Err(io::Error::other("the server's answer makes no sense")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_said_is_heard() {
        let (mut here, mut there) = tokio::io::duplex(64);
        let frames = [Frame::Data(vec![7; 1_000]), Frame::Failed("no".into()), Frame::Done("so".into())];
        let writing = async {
            for frame in &frames {
                write_frame(&mut here, frame).await.unwrap();
            }
            drop(here);
        };
        let reading = async {
            for frame in &frames {
                assert_eq!(read_frame(&mut there).await.unwrap(), *frame);
            }
            read_frame(&mut there).await.unwrap_err().to_string()
        };
        let (_, end) = tokio::join!(writing, reading);
        assert!(end.contains("ended before it was done"), "{end}");
    }

    #[tokio::test]
    async fn a_socket_far_down_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        for data in [dir.path(), &deep] {
            let listener = listen_at(data).unwrap();
            let (accepted, connected) = tokio::join!(listener.accept(), connect(data));
            assert!(accepted.is_ok() && connected.is_ok());
            // One that was left behind is no hindrance.
            drop(listener);
            assert!(connect(data).await.is_err());
            listen_at(data).unwrap();
        }
    }
}
