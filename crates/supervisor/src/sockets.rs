//! Serving an instance its metadata and the API, by the sockets inside it.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use rolecall_imds::Imds;
use rolecall_instances::{ExitWatch, Listeners};
use rolecall_server::{Endpoint, Limits, serve_instance};
use tokio::sync::watch;

/// What is served.
pub(crate) struct Served {
    pub(crate) imds: Arc<Imds>,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) limits: Limits,
}

/// Serves an instance (its id and address) until it ends or the server stops. The sockets are closed
/// then: an open one would keep the instance's network alive.
pub(crate) fn serve(
    (id, ip): (&str, Ipv4Addr),
    listeners: Listeners,
    served: Served,
    mut exit: ExitWatch,
    mut shutdown: watch::Receiver<bool>,
) {
    let Served { imds, endpoint, limits } = served;
    let (end, ended) = watch::channel(false);
    tokio::spawn(async move {
        let stopped = async {
            let _ = shutdown.wait_for(|stop| *stop).await;
        };
        tokio::select! {
            _ = exit.wait() => {}
            () = stopped => {}
        }
        let _ = end.send(true);
    });
    tokio::spawn(metadata(id.to_owned(), listeners.metadata, imds, ended.clone()));
    if let Some(api) = listeners.api {
        tokio::spawn(serve_api(id.to_owned(), ip, api, endpoint, limits, ended));
    }
}

async fn metadata(id: String, listener: TcpListener, imds: Arc<Imds>, mut ended: watch::Receiver<bool>) {
    let until = async {
        let _ = ended.wait_for(|end| *end).await;
    };
    if let Err(cause) = rolecall_imds::serve(listener, imds, &id, until).await {
        tracing::error!(instance = id, %cause, "the metadata of an instance can't be served");
    }
}

async fn serve_api(
    id: String,
    ip: Ipv4Addr,
    listener: TcpListener,
    endpoint: Arc<Endpoint>,
    limits: Limits,
    ended: watch::Receiver<bool>,
) {
    let listener = listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener));
    match listener {
        Ok(listener) => serve_instance(listener, ip, limits, endpoint, ended).await,
        Err(cause) => tracing::error!(instance = id, %cause, "the API can't be served in an instance"),
    }
}
