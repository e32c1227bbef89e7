//! A connection that sends one request over and over. It reads no more of an answer than it must, so
//! that the generator costs little beside what it measures.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What one connection saw.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) latencies_ns: Vec<u64>,
    pub(crate) bad: u64,
    pub(crate) body_bytes: usize,
}

/// Sends `request` until `deadline`, each when the answer to the one before has come.
pub(crate) async fn repeat(address: SocketAddr, request: &[u8], deadline: Instant) -> Result<Seen, String> {
    let fault = |cause: std::io::Error| format!("{address}: {cause}");
    let mut stream = TcpStream::connect(address).await.map_err(fault)?;
    stream.set_nodelay(true).map_err(fault)?;
    let mut seen = Seen::default();
    let mut buffer = Vec::with_capacity(16_384);
    while Instant::now() < deadline {
        let began = Instant::now();
        stream.write_all(request).await.map_err(fault)?;
        let (ok, body) = read_answer(&mut stream, &mut buffer).await?;
        seen.latencies_ns.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        seen.bad += u64::from(!ok);
        seen.body_bytes = body;
    }
    Ok(seen)
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<(bool, usize), String> {
    buffer.clear();
    loop {
        let read = tokio::time::timeout(Duration::from_secs(10), stream.read_buf(buffer)).await;
        match read {
            Ok(Ok(n)) if n > 0 => {}
            other => return Err(format!("the answer ended early: {other:?}")),
        }
        let Some(head) = memchr::memmem::find(buffer, b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(buffer.get(..head).unwrap_or_default()).to_ascii_lowercase();
        let length =
            text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let length = length.ok_or("an answer without a length")?;
        if buffer.len() >= head + 4 + length {
            return Ok((text.starts_with("http/1.1 200"), length));
        }
    }
}
