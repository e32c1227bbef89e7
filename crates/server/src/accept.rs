//! Accepting connections: the only place where limits on time, size and number are set.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::{HeaderMap, Request, Response, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use crate::authenticate::LastHolder;
use crate::body::Body;
use crate::console::Front;
use crate::endpoint::Endpoint;
use crate::tls::Tls;
use crate::turns;

/// How long open requests may go on after a shutdown was asked for.
const GRACE: Duration = Duration::from_secs(10);
/// How long to wait after the system refused a connection (as when out of file descriptors).
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a connection may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Connections open at one time; more wait to be accepted.
    pub max_connections: usize,
    /// How long a client may take to send a request's head, and to begin the next one.
    pub header_timeout: Duration,
    /// How long a client may pause while it sends a body.
    pub body_timeout: Duration,
    /// The largest head of a request, in bytes.
    pub max_header_bytes: usize,
    /// The largest body of an API request, in bytes.
    pub max_body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 1_024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            max_header_bytes: 65_536,
            max_body_bytes: 1_048_576,
        }
    }
}

/// Where a request came in.
#[derive(Debug)]
pub struct Arrival {
    /// The client's address.
    pub peer: SocketAddr,
    /// The client's IP address as policies and records have it.
    pub(crate) source_ip: Arc<str>,
    /// Whether the connection is encrypted.
    pub secure: bool,
    last_holder: LastHolder,
    last_user_agent: ArcSwapOption<Arc<str>>,
}

impl Arrival {
    /// A new connection from `peer`.
    pub fn new(peer: SocketAddr, secure: bool) -> Self {
        let source_ip = peer.ip().to_canonical().to_string().into();
        Self {
            peer,
            source_ip,
            secure,
            last_holder: LastHolder::default(),
            last_user_agent: ArcSwapOption::empty(),
        }
    }

    pub(crate) fn last_holder(&self) -> &LastHolder {
        &self.last_holder
    }

    /// What a request names as its client. A connection's client rarely changes, and its name is shared.
    pub(crate) fn user_agent(&self, headers: &HeaderMap) -> Option<Arc<str>> {
        let value = headers.get(header::USER_AGENT)?;
        let last = self.last_user_agent.load();
        if let Some(same) = last.as_ref().filter(|last| last.as_bytes() == value.as_bytes()) {
            return Some(Arc::clone(same));
        }
        let name: Arc<str> = value.to_str().ok()?.into();
        self.last_user_agent.store(Some(Arc::new(name.clone())));
        Some(name)
    }
}

/// What answers requests.
pub(crate) trait Answer: Send + Sync + 'static {
    /// The answer to one request; there always is one.
    fn answer(
        &self,
        request: Request<Incoming>,
        arrival: &Arrival,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// Serves connections from `listener` until `shutdown` turns true; then lets open requests end.
/// Connections are encrypted where `tls` is given, and only then.
pub fn serve(
    listener: TcpListener,
    tls: Option<Arc<Tls>>,
    limits: Limits,
    front: Arc<Front>,
    shutdown: watch::Receiver<bool>,
) -> Serving {
    Box::pin(serve_from(Door { listener, instance: None, tls }, limits, front, shutdown))
}

/// Serving, until it is asked to end. Boxed, so that all of a request's way is compiled here, and not
/// once more into each program that serves.
pub type Serving = Pin<Box<dyn Future<Output = ()> + Send>>;

/// As [`serve`], for a listener inside an instance: whoever connects is that instance, whatever
/// address its socket shows, and never this machine's trusted loopback.
pub fn serve_instance(
    listener: TcpListener,
    instance: Ipv4Addr,
    limits: Limits,
    endpoint: Arc<Endpoint>,
    shutdown: watch::Receiver<bool>,
) -> Serving {
    Box::pin(serve_from(Door { listener, instance: Some(instance), tls: None }, limits, endpoint, shutdown))
}

/// Serves one connection that came by other means than a listener, until it ends.
///
/// # Errors
/// When it ends early.
pub async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    arrival: Arrival,
    limits: &Limits,
    answer: Arc<Front>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arrival = Arc::new(arrival);
    let service = service_fn(move |request| {
        let (answer, arrival) = (answer.clone(), arrival.clone());
        async move { Ok::<_, Infallible>(answer.answer(request, &arrival).await) }
    });
    connection_builder(limits).serve_connection(TokioIo::new(stream), service).await
}

/// Where connections come in, and what is known of them by that.
struct Door {
    listener: TcpListener,
    instance: Option<Ipv4Addr>,
    tls: Option<Arc<Tls>>,
}

async fn serve_from<A: Answer>(
    door: Door,
    limits: Limits,
    answer: Arc<A>,
    mut shutdown: watch::Receiver<bool>,
) {
    let Door { listener, instance, tls } = door;
    let server = connection_builder(&limits);
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(limits.max_connections));
    loop {
        let accepted = tokio::select! {
            accepted = next(&listener, &slots) => accepted,
            _ = shutdown.wait_for(|stop| *stop) => break,
        };
        let Some((slot, stream, peer)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let peer = instance.map_or(peer, |ip| SocketAddr::from((ip, peer.port())));
        let arrival = Arc::new(Arrival::new(peer, tls.is_some()));
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let (answer, arrival) = (answer.clone(), arrival.clone());
            async move {
                let response = answer.answer(request, &arrival).await;
                turns::turn_to_write().await;
                Ok::<_, Infallible>(response)
            }
        });
        let Some(tls) = &tls else {
            let connection =
                graceful.watch(server.serve_connection(TokioIo::new(stream), service).into_owned());
            tokio::spawn(async move {
                if let Err(cause) = connection.await {
                    tracing::debug!(%peer, %cause, "a connection ended early");
                }
                drop(slot);
            });
            continue;
        };
        let (handshake, watcher) = (tls.acceptor().accept(stream), graceful.watcher());
        let (server, patience) = (server.clone(), limits.header_timeout);
        tokio::spawn(async move {
            match tokio::time::timeout(patience, handshake).await {
                Ok(Ok(stream)) => {
                    let connection = server.serve_connection(TokioIo::new(stream), service).into_owned();
                    if let Err(cause) = watcher.watch(connection).await {
                        tracing::debug!(%peer, %cause, "a connection ended early");
                    }
                }
                Ok(Err(cause)) => tracing::debug!(%peer, %cause, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
            }
            drop(slot);
        });
    }
    let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
}

type Accepted = (tokio::sync::OwnedSemaphorePermit, tokio::net::TcpStream, SocketAddr);

/// The next connection, once there is a slot for it; none when the system refused one.
async fn next(listener: &TcpListener, slots: &Arc<Semaphore>) -> Option<Accepted> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small and written at once; waiting to fill a segment only delays them.
            let _ = stream.set_nodelay(true);
            Some((slot, stream, peer))
        }
        Err(cause) => {
            tracing::warn!(%cause, "a connection could not be accepted");
            None
        }
    }
}

fn connection_builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(limits.max_header_bytes)
        .pipeline_flush(true);
    let header_list = u32::try_from(limits.max_header_bytes).unwrap_or(u32::MAX);
    server.http2().timer(TokioTimer::new()).max_header_list_size(header_list).max_concurrent_streams(64);
    server
}
