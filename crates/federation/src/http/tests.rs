//! Against servers of our own on this machine.

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::thumbprint;

const AUTHORITY: &[u8] = include_bytes!("../../testdata/tls-ca.der");
const SERVER: &[u8] = include_bytes!("../../testdata/tls-server.der");
const SERVER_KEY: &[u8] = include_bytes!("../../testdata/tls-server.pk8");
const STRANGER: &[u8] = include_bytes!("../../testdata/other.der");

fn rules() -> FetchRules {
    FetchRules {
        allow_loopback: true,
        timeout: Duration::from_millis(2_000),
        maximum_bytes: 64,
        ..FetchRules::default()
    }
}

fn fetcher() -> HttpFetcher {
    HttpFetcher::new(RootCertStore::empty, rules())
}

/// A server that answers each connection with `answer`; its port.
async fn serve(answer: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            respond(stream, &answer).await;
        }
    });
    port
}

async fn serve_tls(chain: &[&'static [u8]], answer: String) -> u16 {
    let chain = chain.iter().map(|der| CertificateDer::from(*der)).collect();
    let key = PrivatePkcs8KeyDer::from(SERVER_KEY).into();
    let config = ServerConfig::builder_with_provider(trust::provider()).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                respond(stream, &answer).await;
            }
        }
    });
    port
}

async fn respond(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &str) {
    let mut request = [0; 4_096];
    let length = stream.read(&mut request).await.unwrap_or(0);
    assert!(request[..length].starts_with(b"GET /keys?x=1 HTTP/1.1\r\n"));
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn fetch(port: u16) -> Result<Vec<u8>, FetchError> {
    fetcher().fetch(&format!("http://127.0.0.1:{port}/keys?x=1"), &[]).await
}

#[tokio::test]
async fn a_document_is_fetched() {
    assert_eq!(fetch(serve(ok("{\"keys\":[]}")).await).await.unwrap(), b"{\"keys\":[]}");
}

#[tokio::test]
async fn redirects_and_errors_are_failures() {
    for status in [302, 404, 500] {
        let answer =
            format!("HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(fetch(serve(answer).await).await, Err(FetchError::Status(status)));
    }
}

#[tokio::test]
async fn long_documents_are_broken_off() {
    assert!(fetch(serve(ok(&"x".repeat(64))).await).await.is_ok());
    assert_eq!(fetch(serve(ok(&"x".repeat(65))).await).await, Err(FetchError::TooLong));
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(100_000));
    assert_eq!(fetch(serve(endless).await).await, Err(FetchError::TooLong));
}

#[tokio::test]
async fn slow_servers_are_not_waited_for() {
    let fetcher =
        HttpFetcher::new(RootCertStore::empty, FetchRules { timeout: Duration::from_millis(100), ..rules() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/", listener.local_addr().unwrap().port());
    assert_eq!(fetcher.fetch(&url, &[]).await, Err(FetchError::TimedOut));
}

#[tokio::test]
async fn what_is_no_answer_is_a_failed_connection() {
    for answer in ["", "HELO\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort"] {
        assert!(
            matches!(fetch(serve(answer.to_owned()).await).await, Err(FetchError::Connection(_))),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn urls_and_addresses_that_are_not_allowed_are_not_asked() {
    let port = serve(ok("secret")).await;
    let strict = HttpFetcher::new(RootCertStore::empty, FetchRules::default());
    let (local, tls) =
        (format!("http://127.0.0.1:{port}/keys?x=1"), format!("https://localhost:{port}/keys?x=1"));
    for url in [local.as_str(), &tls] {
        assert!(matches!(strict.fetch(url, &[]).await, Err(FetchError::Forbidden(_))), "{url}");
    }
    for url in [
        "http://example.com/",
        "https://0.0.0.0/",
        "https://[::]/",
        "https://user@127.0.0.1/",
        "file:///etc/passwd",
        "/keys",
        "",
    ] {
        assert!(matches!(fetcher().fetch(url, &[]).await, Err(FetchError::Forbidden(_))), "{url}");
    }
}

#[tokio::test]
async fn a_private_authority_counts_by_its_thumbprint() {
    let port = serve_tls(&[SERVER, AUTHORITY], ok("keys")).await;
    let url = format!("https://localhost:{port}/keys?x=1");
    let authority = thumbprint::of(AUTHORITY);
    assert_eq!(fetcher().fetch(&url, &[authority.to_uppercase()]).await.unwrap(), b"keys");
    assert_eq!(fetcher().fetch(&url, &[thumbprint::of(SERVER)]).await.unwrap(), b"keys");
    for other in [vec![], vec!["0".repeat(40)]] {
        assert!(matches!(fetcher().fetch(&url, &other).await, Err(FetchError::Connection(_))));
    }
    let by_address = format!("https://127.0.0.1:{port}/keys?x=1");
    for pinned in [authority, thumbprint::of(SERVER)] {
        let refused = fetcher().fetch(&by_address, &[pinned]).await;
        assert!(matches!(refused, Err(FetchError::Connection(_))), "the certificate names localhost");
    }
}

#[tokio::test]
async fn a_thumbprint_without_its_certificate_counts_for_nothing() {
    // The server shows a certificate that the authority did sign, and leaves the authority out.
    let port = serve_tls(&[SERVER], ok("keys")).await;
    let url = format!("https://localhost:{port}/keys?x=1");
    let refused = fetcher().fetch(&url, &[thumbprint::of(AUTHORITY)]).await;
    assert!(matches!(refused, Err(FetchError::Connection(_))));
}

#[tokio::test]
async fn an_authority_beside_a_certificate_it_did_not_sign_counts_for_nothing() {
    let port = serve_tls(&[SERVER, STRANGER], ok("keys")).await;
    let url = format!("https://localhost:{port}/keys?x=1");
    let refused = fetcher().fetch(&url, &[thumbprint::of(STRANGER)]).await;
    assert!(matches!(refused, Err(FetchError::Connection(_))));
}

#[tokio::test]
async fn roots_count_without_thumbprints() {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(AUTHORITY)).unwrap();
    let port = serve_tls(&[SERVER], ok("keys")).await;
    let fetcher = HttpFetcher::new(|| roots, rules());
    assert_eq!(fetcher.fetch(&format!("https://localhost:{port}/keys?x=1"), &[]).await.unwrap(), b"keys");
}

#[tokio::test]
async fn the_presented_chain_gives_the_thumbprint() {
    let port = serve_tls(&[SERVER, AUTHORITY], ok("keys")).await;
    let chain = fetcher().presented_chain(&format!("https://localhost:{port}/")).await.unwrap();
    assert_eq!(chain, [SERVER, AUTHORITY]);
    assert_eq!(thumbprint::of_chain(&chain).unwrap(), thumbprint::of(AUTHORITY));
    assert!(fetcher().presented_chain("http://127.0.0.1:1/").await.is_err());
}
