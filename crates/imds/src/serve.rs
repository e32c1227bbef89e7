//! Serving a listener that was handed in: an instance's, or a loopback port.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::container::ContainerCredentials;
use crate::page::Page;
use crate::service::{Answer, Imds};

/// Connections of one listener at once; more wait.
const CONNECTIONS: usize = 128;
/// A connection is closed when its next request takes longer to come.
const HEADER_TIMEOUT: Duration = Duration::from_secs(20);
/// The longest request: the line and all headers.
const REQUEST_BYTES: usize = 16 * 1024;
/// The time to live of ordinary packets.
const USUAL_HOPS: u32 = 64;

/// Serves an instance's metadata until `shutdown` resolves; connections end then too.
///
/// # Errors
/// When the listener can't be used.
pub async fn serve(
    listener: StdListener,
    imds: Arc<Imds>,
    instance_id: &str,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let instance_id: Arc<str> = instance_id.into();
    accept(listener, shutdown, move |parts| {
        let (imds, instance_id) = (Arc::clone(&imds), Arc::clone(&instance_id));
        async move { imds.respond(&instance_id, &parts).await }
    })
    .await
}

/// Serves container credentials until `shutdown` resolves.
///
/// # Errors
/// When the listener can't be used.
pub async fn serve_container(
    listener: StdListener,
    credentials: Arc<ContainerCredentials>,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    accept(listener, shutdown, move |parts| {
        let credentials = Arc::clone(&credentials);
        async move { credentials.respond(&parts).await.into() }
    })
    .await
}

async fn accept<R, F>(listener: StdListener, shutdown: impl Future<Output = ()>, respond: R) -> io::Result<()>
where
    R: Fn(http::request::Parts) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // Dropped at the end, which ends all connections.
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = async { (place.await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            () = &mut shutdown => return Ok(()),
            accepted = accepted => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, _)) => {
                let respond = respond.clone();
                connections.spawn(async move {
                    // A caller that breaks its connection off is no concern of ours.
                    let _ = converse(stream, respond).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of descriptors, most likely: others may be closed meanwhile.
                tracing::warn!(%error, "accepting a metadata connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse<R, F>(stream: TcpStream, respond: R) -> io::Result<()>
where
    R: Fn(http::request::Parts) -> F,
    F: Future<Output = Answer>,
{
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    // The connection itself belongs to the HTTP engine; this handle sets what its packets carry.
    let handle = stream.try_clone()?;
    let stream = TcpStream::from_std(stream)?;
    let set = AtomicU32::new(0);
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let answer = respond(request.into_parts().0);
        let (handle, set) = (&handle, &set);
        async move {
            let Answer { page, hop_limit } = answer.await;
            let hops = hop_limit.map_or(USUAL_HOPS, u32::from);
            if set.swap(hops, Ordering::Relaxed) != hops {
                // An IPv6 peer has no such limit; neither have instances an IPv6 address.
                let _ = handle.set_ttl(hops);
            }
            Ok::<Page, Infallible>(page)
        }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(REQUEST_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}
