//! A connection that sends one request over and over. It reads no more of an answer than it must, so
//! that the generator costs little beside what it measures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// An answer that does not come within this is none.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// What one connection saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) latencies_ns: Vec<u64>,
    pub(crate) bad: u64,
    pub(crate) body_bytes: usize,
}

/// Sends what `next` gives until `deadline`, each when the answer to the one before has come.
pub(crate) async fn repeat(
    address: SocketAddr,
    next: impl Fn() -> Result<Arc<Vec<u8>>, String>,
    deadline: Instant,
) -> Result<Seen, String> {
    let mut connection = Connection::open(address).await?;
    let mut seen = Seen::default();
    while Instant::now() < deadline {
        let request = next()?;
        let began = Instant::now();
        let answer = connection.ask(&request).await?;
        seen.latencies_ns.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        seen.bad += u64::from(answer.status != 200);
        seen.body_bytes = answer.body.len();
    }
    Ok(seen)
}

/// A connection, kept open from one request to the next.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, as much of it as is of interest.
pub(crate) struct Answer<'c> {
    pub(crate) status: u16,
    pub(crate) body: &'c [u8],
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self, String> {
        let fault = |cause: std::io::Error| format!("{address}: {cause}");
        let stream = TcpStream::connect(address).await.map_err(fault)?;
        stream.set_nodelay(true).map_err(fault)?;
        Ok(Self { address, stream, buffer: Vec::with_capacity(16_384) })
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>, String> {
        self.stream.write_all(request).await.map_err(|cause| format!("{}: {cause}", self.address))?;
        self.buffer.clear();
        loop {
            let read = tokio::time::timeout(ANSWER_WITHIN, self.stream.read_buf(&mut self.buffer)).await;
            match read {
                Ok(Ok(n)) if n > 0 => {}
                other => return Err(format!("the answer ended early: {other:?}")),
            }
            let Some(head) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") else { continue };
            let (status, length) = read_head(self.buffer.get(..head).unwrap_or_default())?;
            if self.buffer.len() >= head + 4 + length {
                return Ok(Answer { status, body: self.buffer.get(head + 4..).unwrap_or_default() });
            }
        }
    }
}

/// The status, and the length of the body.
fn read_head(head: &[u8]) -> Result<(u16, usize), String> {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or("an answer without a status")?;
    // An answer to a deletion may have no body.
    let empty = status == 204;
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let length = length.or(empty.then_some(0)).ok_or("an answer without a length")?;
    Ok((status, length))
}
