//! The loopback port at which an instance's `sshd` is reached: each connection is handed inside.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::attach::{Attached, PROMPT, unexpected};
use crate::driver::DriverError;
use crate::layout::{SSH, SshAccess};
use crate::wire::{Reply, Request};

/// The port, open.
#[derive(Debug)]
pub(super) struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl Door {
    /// Opens the wanted port, else the one of the last time if it is free, else any; and writes down
    /// which, for ssh clients and later servers.
    pub(super) async fn open(
        directory: &Path,
        wanted: Option<u16>,
        host_key: &str,
    ) -> Result<Self, DriverError> {
        let path = directory.join(SSH);
        let before = std::fs::read(&path).ok();
        let before = before.and_then(|text| serde_json::from_slice::<SshAccess>(&text).ok());
        let bind = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = match (wanted, before) {
            (Some(port), _) => bind(port).await,
            (None, Some(before)) => match bind(before.port).await {
                Err(_) => bind(0).await,
                bound => bound,
            },
            (None, None) => bind(0).await,
        };
        let failed = || DriverError::io("opening the ssh port");
        let listener = listener.map_err(failed())?;
        let address = listener.local_addr().map_err(failed())?;
        let access = SshAccess { port: address.port(), host_key: host_key.to_owned() };
        let access = serde_json::to_vec(&access).map_err(|error| failed()(error.into()))?;
        std::fs::write(&path, access).map_err(failed())?;
        Ok(Self { listener, address })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Hands connections to the instance until aborted.
    pub(super) fn serve(self, attached: Arc<Attached>) -> JoinHandle<()> {
        tokio::spawn(async move {
            loop {
                match self.listener.accept().await {
                    Ok((connection, _)) => {
                        let attached = Arc::clone(&attached);
                        tokio::spawn(async move {
                            if let Err(error) = hand_over(&attached, connection).await {
                                tracing::warn!(%error, "an ssh connection was not handed to its instance");
                            }
                        });
                    }
                    Err(error) => {
                        // Out of descriptors, most likely: others may be closed meanwhile.
                        tracing::warn!(%error, "accepting an ssh connection");
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                }
            }
        })
    }
}

async fn hand_over(attached: &Attached, connection: TcpStream) -> Result<(), DriverError> {
    let plain = || -> io::Result<OwnedFd> {
        let connection = connection.into_std()?;
        connection.set_nonblocking(false)?;
        Ok(connection.into())
    };
    let connection = plain().map_err(DriverError::io("handing over an ssh connection"))?;
    match attached.converse(Request::Ssh, vec![connection], PROMPT).await?.1 {
        Reply::Done => Ok(()),
        other => Err(unexpected(Some(other))),
    }
}
