//! Asking a server: one signed request, with the keys of the environment.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use rolecall_server::{Clock as _, SystemClock};
use rolecall_sigv4::{PayloadHash, SecretKey, Signer, Timestamp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;

use super::{Failure, variable};

/// What is asked.
pub(super) struct Asked<'a> {
    /// The server, `http://HOST:PORT` or `https://…`.
    pub(super) endpoint_url: &'a str,
    /// The service of the credential scope.
    pub(super) service: &'a str,
    /// Path and query.
    pub(super) path: &'a str,
    /// What is sent along.
    pub(super) body: Body<'a>,
}

/// A request's body, and by it the method.
pub(super) enum Body<'a> {
    /// None: a GET.
    Nothing,
    /// A posted form.
    Form(&'a str),
    /// A posted JSON 1.1 call of the operation that the target names.
    Json {
        /// `X-Amz-Target`.
        target: &'a str,
        /// The input.
        text: &'a str,
    },
}

impl Body<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Nothing => "",
            Self::Form(text) | Self::Json { text, .. } => text,
        }
    }

    fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Form(_) => Some("application/x-www-form-urlencoded; charset=utf-8"),
            Self::Json { .. } => Some("application/x-amz-json-1.1"),
        }
    }
}

fn environment(what: &str, cause: impl std::fmt::Display) -> Failure {
    Failure::Environment(format!("{what}: {cause}"))
}

/// The answer's status and body.
pub(super) async fn send(asked: &Asked<'_>) -> Result<(u16, Vec<u8>), Failure> {
    let url = asked.endpoint_url.trim_end_matches('/');
    let uri: http::Uri = url.parse().map_err(|cause| environment(url, cause))?;
    let secure = uri.scheme_str() == Some("https");
    let authority = uri.authority().filter(|_| secure || uri.scheme_str() == Some("http"));
    let authority =
        authority.ok_or_else(|| environment(url, "the endpoint must be an http:// or https:// address"))?;
    let address = match authority.port_u16() {
        Some(_) => authority.to_string(),
        None => format!("{authority}:{}", if secure { 443 } else { 80 }),
    };
    let content_type = asked.body.content_type();
    let method = if content_type.is_some() { http::Method::POST } else { http::Method::GET };
    let mut request = http::Request::builder()
        .method(method)
        .uri(asked.path)
        .header(http::header::HOST, authority.as_str())
        .header(http::header::USER_AGENT, concat!("rolecall/", env!("CARGO_PKG_VERSION")));
    if let Some(content_type) = content_type {
        request = request.header(http::header::CONTENT_TYPE, content_type);
    }
    if let Body::Json { target, .. } = asked.body {
        request = request.header("x-amz-target", target);
    }
    let (mut parts, ()) = request.body(()).map_err(|cause| environment(url, cause))?.into_parts();
    sign(&mut parts, asked)?;
    let stream =
        tokio::net::TcpStream::connect(&address).await.map_err(|cause| environment(&address, cause))?;
    let request =
        http::Request::from_parts(parts, Full::new(Bytes::copy_from_slice(asked.body.text().as_bytes())));
    if secure {
        let name = ServerName::try_from(authority.host().trim_matches(['[', ']']).to_owned());
        let name = name.map_err(|cause| environment(url, cause))?;
        let stream =
            connector()?.connect(name, stream).await.map_err(|cause| environment(&address, cause))?;
        return exchange(&address, stream, request).await;
    }
    exchange(&address, stream, request).await
}

async fn exchange(
    address: &str,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: http::Request<Full<Bytes>>,
) -> Result<(u16, Vec<u8>), Failure> {
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(io).await.map_err(|cause| environment(address, cause))?;
    tokio::spawn(connection);
    let answered = sender.send_request(request).await.map_err(|cause| environment(address, cause))?;
    let status = answered.status().as_u16();
    let body = answered.into_body().collect().await.map_err(|cause| environment(address, cause))?;
    Ok((status, body.to_bytes().to_vec()))
}

/// What speaks TLS with a server of one's own: its authority is named as the AWS CLI wants it named.
fn connector() -> Result<TlsConnector, Failure> {
    let path = variable("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).ok_or_else(|| {
        Failure::Environment(
            "$AWS_CA_BUNDLE is not set: it names the authority of the server's certificate".into(),
        )
    })?;
    let text = std::fs::read(&path).map_err(|cause| environment(&path, cause))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|cause| environment(&path, cause))?;
        roots.add(certificate).map_err(|cause| environment(&path, cause))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|cause| environment("TLS", cause))?;
    let config = config.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn sign(parts: &mut http::request::Parts, asked: &Asked<'_>) -> Result<(), Failure> {
    let needed = |name: &str| {
        variable(name).ok_or_else(|| {
            Failure::Environment(format!("${name} is not set: try `eval \"$(rolecall env)\"`"))
        })
    };
    let access_key_id = needed("AWS_ACCESS_KEY_ID")?;
    let secret = SecretKey::new(&needed("AWS_SECRET_ACCESS_KEY")?);
    let token = variable("AWS_SESSION_TOKEN").filter(|token| !token.is_empty());
    let region = variable("AWS_REGION").unwrap_or_else(|| "us-east-1".into());
    let signer = Signer {
        access_key_id: &access_key_id,
        secret: &secret,
        token: token.as_deref(),
        region: &region,
        service: asked.service,
    };
    let payload = PayloadHash::of(asked.body.text().as_bytes());
    let signed = signer.sign(parts, &payload, Timestamp(SystemClock.now().0));
    signed.map_err(|cause| environment("the request can't be signed", cause))
}
