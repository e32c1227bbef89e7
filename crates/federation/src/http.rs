//! Fetches issuers' documents over HTTP(S), so that an issuer's name can't be used to reach what only
//! this machine can: addresses are checked after they are resolved and before they are connected
//! to, redirects are not followed, and time and size are bounded.

mod address;
mod trust;
mod url;

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use ::http::{Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::trust::{AcceptAny, Trust};
use self::url::FetchUrl;
use crate::oidc::{FetchError, FetchFuture, KeyFetcher};

/// How many of a host's addresses are tried.
const MAXIMUM_ADDRESSES: usize = 4;

/// What may be fetched, and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchRules {
    /// Whether issuers may be on this machine, and there without TLS.
    pub allow_loopback: bool,
    /// Whether issuers may be on a private network.
    pub allow_private_networks: bool,
    /// How long a fetch may take in all.
    pub timeout: Duration,
    /// How long a document may be.
    pub maximum_bytes: usize,
}

impl Default for FetchRules {
    /// Public addresses only, five seconds, 512 KiB.
    fn default() -> Self {
        Self {
            allow_loopback: false,
            allow_private_networks: false,
            timeout: Duration::from_secs(5),
            maximum_bytes: 512 * 1_024,
        }
    }
}

/// Finds the authorities to trust.
type FindRoots = Box<dyn FnOnce() -> Arc<RootCertStore> + Send>;

/// The fetcher.
pub struct HttpFetcher {
    roots: LazyLock<Arc<RootCertStore>, FindRoots>,
    rules: FetchRules,
}

impl HttpFetcher {
    /// A fetcher that trusts what `roots` finds, and, for each issuer, the authorities with its thumbprints.
    /// `roots` is asked at the first fetch over TLS: a machine's authorities are hundreds of files, which a
    /// server that asks no issuer need not read.
    pub fn new(roots: impl FnOnce() -> RootCertStore + Send + 'static, rules: FetchRules) -> Self {
        let find: FindRoots = Box::new(|| Arc::new(roots()));
        Self { roots: LazyLock::new(find), rules }
    }

    /// The certificates that the server of `url` presents, its own first, whether or not they are to be
    /// trusted: what CreateOpenIDConnectProvider takes the thumbprint from when it is given none.
    /// Nothing is sent to the server.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn presented_chain(&self, url: &str) -> Result<Vec<Vec<u8>>, FetchError> {
        let work = async {
            let url = FetchUrl::parse(url, &self.rules)?;
            if !url.secure {
                return Err(FetchError::Forbidden(url.to_string()));
            }
            let config = tls_config(Arc::new(AcceptAny))?;
            let stream = secured(connect(&url, &self.rules).await?, &url, config).await?;
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            Ok(chain.iter().map(|certificate| certificate.to_vec()).collect())
        };
        tokio::time::timeout(self.rules.timeout, work).await.map_err(|_| FetchError::TimedOut)?
    }

    async fn get(&self, url: &str, thumbprints: &[String]) -> Result<Vec<u8>, FetchError> {
        let url = FetchUrl::parse(url, &self.rules)?;
        let stream = connect(&url, &self.rules).await?;
        if !url.secure {
            return request(stream, &url, self.rules.maximum_bytes).await;
        }
        let config = tls_config(Arc::new(Trust::new(self.roots.clone(), thumbprints.to_vec())))?;
        request(secured(stream, &url, config).await?, &url, self.rules.maximum_bytes).await
    }
}

impl KeyFetcher for HttpFetcher {
    fn fetch<'a>(&'a self, url: &'a str, thumbprints: &'a [String]) -> FetchFuture<'a> {
        Box::pin(async move {
            let work = self.get(url, thumbprints);
            tokio::time::timeout(self.rules.timeout, work).await.map_err(|_| FetchError::TimedOut)?
        })
    }
}

/// Connects to an address that has been checked, never to a name: what a name resolves to can change.
async fn connect(url: &FetchUrl, rules: &FetchRules) -> Result<TcpStream, FetchError> {
    let resolved = tokio::net::lookup_host((url.host.as_str(), url.port)).await.map_err(connection)?;
    let allowed: Vec<SocketAddr> =
        resolved.filter(|address| address::is_allowed(address.ip(), rules)).collect();
    let mut failure = FetchError::Forbidden(url.to_string());
    for address in allowed.into_iter().take(MAXIMUM_ADDRESSES) {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = connection(error),
        }
    }
    Err(failure)
}

fn tls_config(
    verifier: Arc<dyn rustls::client::danger::ServerCertVerifier>,
) -> Result<ClientConfig, FetchError> {
    let builder =
        ClientConfig::builder_with_provider(trust::provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(connection)?.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn secured(
    stream: TcpStream,
    url: &FetchUrl,
    config: ClientConfig,
) -> Result<TlsStream<TcpStream>, FetchError> {
    let name = rustls::pki_types::ServerName::try_from(url.host.clone()).map_err(connection)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(connection)
}

async fn request<S>(stream: S, url: &FetchUrl, maximum_bytes: usize) -> Result<Vec<u8>, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(connection)?;
    let driver = AbortOnDrop(tokio::spawn(driver));
    let request = Request::get(url.path.as_str())
        .header(header::HOST, url.authority())
        .header(header::ACCEPT, "application/json")
        .header(header::USER_AGENT, concat!("rolecall/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::Malformed("the URL"))?;
    let response = sender.send_request(request).await.map_err(connection)?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status().as_u16()));
    }
    let body = Limited::new(response.into_body(), maximum_bytes).collect().await;
    drop(driver);
    match body {
        Ok(body) => Ok(body.to_bytes().to_vec()),
        Err(error) if error.is::<LengthLimitError>() => Err(FetchError::TooLong),
        Err(error) => Err(connection(error)),
    }
}

/// Ends the connection with the request, also where that is given up for lack of time.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn connection(error: impl std::fmt::Display) -> FetchError {
    FetchError::Connection(error.to_string())
}

#[cfg(test)]
mod tests;
