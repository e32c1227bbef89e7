//! Requests to the members of etcd: which of them, how long, and signed in as whom.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::uri::PathAndQuery;
use prost::Message;
use tokio::time::Instant;
use tonic::client::Grpc;
use tonic::metadata::{AsciiMetadataValue, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status, Streaming};
use tonic_prost::ProstCodec;

use super::settings::{Credentials, EtcdSettings, Tls};
use super::wire;

/// A page of large values is larger than gRPC's usual limit.
const MAX_RESPONSE_BYTES: usize = 1 << 30;
/// How often a connection is tried; etcd hangs up on who does it more than every five seconds.
const PING_INTERVAL: Duration = Duration::from_secs(6);
/// A connection that does not answer a ping so long is dead.
const PING_TIMEOUT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Why a request was not answered.
#[derive(Clone, Debug)]
pub(super) enum CallError {
    /// etcd refused it: nothing was done.
    Refused(Status),
    /// It may have been done.
    Unsure(Status),
}

impl CallError {
    fn of(status: Status) -> Self {
        match status.code() {
            Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => Self::Refused(status),
            // etcd says so before anything is done; a connection says so at any time.
            Code::ResourceExhausted if status.message().starts_with("etcdserver:") => Self::Refused(status),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::ResourceExhausted
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Self::Unsure(status),
        }
    }

    /// What went wrong, without the addresses and metadata that a status carries.
    pub(super) fn message(&self) -> String {
        let (Self::Refused(status) | Self::Unsure(status)) = self;
        format!("etcd: {:?}: {}", status.code(), status.message())
    }
}

/// The pauses between attempts: short, then longer.
pub(super) struct Pauses(Duration);

impl Pauses {
    pub(super) fn new() -> Self {
        Self(PAUSE)
    }

    /// Waits, if there is time left before `deadline`.
    pub(super) async fn wait(&mut self, deadline: Instant) -> bool {
        let until = Instant::now() + self.0;
        if until >= deadline {
            return false;
        }
        tokio::time::sleep_until(until).await;
        self.0 = (self.0 * 2).min(LONGEST_PAUSE);
        true
    }
}

/// The members, of which one is asked until it fails.
pub(super) struct Client {
    channels: Vec<Channel>,
    current: AtomicUsize,
    timeout: Duration,
    credentials: Option<Credentials>,
    token: Mutex<Option<AsciiMetadataValue>>,
}

impl Client {
    /// A client that connects when it is first used.
    pub(super) fn new(settings: &EtcdSettings) -> Result<Self, String> {
        let channels: Result<Vec<_>, _> =
            settings.endpoints.iter().map(|url| channel(url, settings)).collect();
        Ok(Self {
            channels: channels?,
            current: AtomicUsize::new(0),
            timeout: settings.request_timeout,
            credentials: settings.credentials.clone(),
            token: Mutex::new(None),
        })
    }

    /// Asks the next member from now on, unless someone has seen to that.
    pub(super) fn turn_from(&self, member: usize) {
        let _ = self.current.compare_exchange(member, member + 1, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(super) fn member(&self) -> usize {
        self.current.load(Ordering::Acquire)
    }

    fn grpc(&self, member: usize) -> Result<Grpc<Channel>, Status> {
        let count = self.channels.len().max(1);
        let channel =
            self.channels.get(member % count).ok_or_else(|| Status::unavailable("there is no endpoint"))?;
        Ok(Grpc::new(channel.clone()).max_decoding_message_size(MAX_RESPONSE_BYTES))
    }

    /// Asks once. Whoever is not signed in any more is signed in and asks again, since nothing was
    /// done then.
    pub(super) async fn once<M, R>(&self, path: &'static str, message: &M) -> Result<R, CallError>
    where
        M: Message + Clone + 'static,
        R: Message + Default + 'static,
    {
        let member = self.member();
        let mut answer = self.sent(member, path, message).await;
        if matches!(&answer, Err(status) if is_signed_out(status)) && self.credentials.is_some() {
            self.forget_token();
            answer = self.sent(member, path, message).await;
        }
        answer.map_err(|status| {
            let error = CallError::of(status);
            if matches!(error, CallError::Unsure(_)) {
                self.turn_from(member);
            }
            error
        })
    }

    async fn sent<M, R>(&self, member: usize, path: &'static str, message: &M) -> Result<R, Status>
    where
        M: Message + Clone + 'static,
        R: Message + Default + 'static,
    {
        let exchange = async {
            let request = self.signed(member, message.clone()).await?;
            self.unary(member, path, request).await
        };
        tokio::time::timeout(self.timeout, exchange)
            .await
            .unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")))
    }

    async fn unary<M, R>(&self, member: usize, path: &'static str, request: Request<M>) -> Result<R, Status>
    where
        M: Message + 'static,
        R: Message + Default + 'static,
    {
        let mut grpc = self.grpc(member)?;
        grpc.ready().await.map_err(|cause| Status::unavailable(cause.to_string()))?;
        let codec = ProstCodec::default();
        Ok(grpc.unary(request, PathAndQuery::from_static(path), codec).await?.into_inner())
    }

    /// Asks until there is an answer or `deadline` has come. Only for what may be done twice.
    pub(super) async fn again<M, R>(
        &self,
        path: &'static str,
        message: &M,
        deadline: Instant,
    ) -> Result<R, CallError>
    where
        M: Message + Clone + 'static,
        R: Message + Default + 'static,
    {
        let mut pauses = Pauses::new();
        loop {
            match self.once(path, message).await {
                Err(CallError::Unsure(status)) => {
                    if !pauses.wait(deadline).await {
                        return Err(CallError::Unsure(status));
                    }
                }
                answer => return answer,
            }
        }
    }

    /// Opens a watch at a member, which must have a leader: one that is cut off from the others
    /// ends the stream rather than staying silent.
    pub(super) async fn watch(
        &self,
        member: usize,
        create: wire::WatchCreate,
    ) -> Result<Streaming<wire::WatchResponse>, Status> {
        use futures::StreamExt;
        // etcd ends a watch when the client's half of the stream ends.
        let requests = futures::stream::iter([wire::WatchRequest { create: Some(create) }]);
        let open = async {
            let mut request = self.signed(member, requests.chain(futures::stream::pending())).await?;
            request.metadata_mut().insert("hasleader", MetadataValue::from_static("true"));
            let mut grpc = self.grpc(member)?;
            grpc.ready().await.map_err(|cause| Status::unavailable(cause.to_string()))?;
            let (path, codec) = (PathAndQuery::from_static(wire::WATCH), ProstCodec::default());
            Ok(grpc.streaming(request, path, codec).await?.into_inner())
        };
        let opened = tokio::time::timeout(self.timeout, open).await;
        let opened = opened.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer in time")));
        if matches!(&opened, Err(status) if is_signed_out(status)) {
            self.forget_token();
        }
        opened
    }

    async fn signed<T>(&self, member: usize, message: T) -> Result<Request<T>, Status> {
        let mut request = Request::new(message);
        if let Some(credentials) = &self.credentials {
            let known = self.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let token = match known {
                Some(token) => token,
                None => self.sign_in(member, credentials).await?,
            };
            request.metadata_mut().insert("token", token);
        }
        Ok(request)
    }

    async fn sign_in(&self, member: usize, credentials: &Credentials) -> Result<AsciiMetadataValue, Status> {
        let (name, password) = (credentials.user.clone(), credentials.password.to_string());
        let request = Request::new(wire::AuthenticateRequest { name, password });
        let answer: wire::AuthenticateResponse = self.unary(member, wire::AUTHENTICATE, request).await?;
        let mut token = AsciiMetadataValue::try_from(answer.token)
            .map_err(|_| Status::unauthenticated("etcd gave a token that is no header"))?;
        token.set_sensitive(true);
        *self.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    fn forget_token(&self) {
        self.token.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Tokens end, with time and when users change.
fn is_signed_out(status: &Status) -> bool {
    status.code() == Code::Unauthenticated || status.message().contains("auth store is old")
}

fn channel(url: &str, settings: &EtcdSettings) -> Result<Channel, String> {
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|cause| format!("{url}: {cause}"))?;
    let endpoint = endpoint
        .connect_timeout(settings.request_timeout)
        .http2_keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .tcp_nodelay(true);
    if !url.starts_with("https://") {
        return Ok(endpoint.connect_lazy());
    }
    let endpoint = endpoint.tls_config(tls(&settings.tls)).map_err(|cause| format!("{url}: {cause}"))?;
    Ok(endpoint.connect_lazy())
}

fn tls(tls: &Tls) -> ClientTlsConfig {
    let mut config = ClientTlsConfig::new();
    if let Some(authority) = &tls.authority {
        config = config.ca_certificate(Certificate::from_pem(authority));
    }
    if let Some((certificate, key)) = &tls.identity {
        config = config.identity(Identity::from_pem(certificate, &**key));
    }
    match &tls.server_name {
        Some(name) => config.domain_name(name),
        None => config,
    }
}
