//! A line between the engine and etcd that can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What is done to the bytes that pass.
#[derive(Default)]
pub(crate) struct Cut {
    /// Nothing comes back any more.
    pub(crate) answers: AtomicBool,
    /// Nothing gets there any more.
    pub(crate) requests: AtomicBool,
    /// Connections are refused, and those that are there end.
    pub(crate) all: AtomicBool,
    connections: AtomicU64,
}

/// Starts a line to `target`; returns where it begins.
pub(crate) async fn to(target: SocketAddr) -> (SocketAddr, Arc<Cut>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, cut) = (listener.local_addr().unwrap(), Arc::new(Cut::default()));
    let shared = cut.clone();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let cut = shared.clone();
            tokio::spawn(async move {
                cut.connections.fetch_add(1, Ordering::SeqCst);
                if let (false, Ok(far)) = (cut.all.load(Ordering::SeqCst), TcpStream::connect(target).await) {
                    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                    tokio::select! {
                        () = pass(near_in, far_out, &cut, &cut.requests) => {}
                        () = pass(far_in, near_out, &cut, &cut.answers) => {}
                    }
                }
            });
        }
    });
    (address, cut)
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    cut: &Cut,
    swallow: &AtomicBool,
) {
    let mut buffer = [0; 4_096];
    loop {
        let read = tokio::time::timeout(std::time::Duration::from_millis(20), from.read(&mut buffer)).await;
        if cut.all.load(Ordering::SeqCst) {
            return;
        }
        match read {
            Err(_) => {}
            Ok(Ok(count @ 1..)) => {
                let (bytes, _) = buffer.split_at(count);
                if !swallow.load(Ordering::SeqCst) && to.write_all(bytes).await.is_err() {
                    return;
                }
            }
            Ok(_) => return,
        }
    }
}
