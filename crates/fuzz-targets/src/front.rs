//! The whole line of the server, from the bytes of a connection to the bytes of its answers: nothing that is sent
//! without a proof changes anything, nor what somebody sends who may only read; no answer is a failure of ours, and
//! none holds a secret.
//!
//! The first byte chooses: bytes as they come, or a request that is signed for a service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONNECTION, HOST};
use http::request::Parts;
use rolecall_federation::http::{FetchRules, HttpFetcher};
use rolecall_federation::oidc::CacheSettings;
use rolecall_server::record::{LineFormat, Recorder, TrailSettings};
use rolecall_server::{
    Arrival, Clock, Endpoint, Front, IssuerKeys, Limits, Parts as EndpointParts, RateLimits, serve_connection,
};
use rolecall_sigv4::{PayloadHash, SecretKey, Signer};
use rolecall_state::entities::{AccountRecord, Group, Role, User};
use rolecall_state::{
    AccessKeyId, AccountId, Entropy, MasterKey, State, StateError, SystemEntropy, Timestamp, access_keys,
};
use rolecall_store::Embedded;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::Runtime;

use crate::{Run, lines};

const ACCOUNT: &str = "123456789012";
const SECRET: &str = "a-secret-that-no-answer-may-hold";
const NOW: Timestamp = Timestamp(1_790_000_000);
const SERVICES: [&str; 8] =
    ["sts", "iam", "ec2", "s3", "organizations", "access-analyzer", "cloudtrail", "rolecall"];
/// What may be asked by whoever may only read.
const READS: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", "Action": [
    "iam:Get*", "iam:List*", "iam:Simulate*", "sts:*", "s3:Get*", "s3:List*", "ec2:Describe*", "cloudtrail:*",
    "organizations:Describe*", "organizations:List*", "access-analyzer:*", "rolecall:*"]}]}"#;

/// How often a client that sent just any bytes lets the server go on before it ends the connection.
const TURNS: usize = 64;
/// How long one waits that sent a whole request, which a server closes after its answer.
const PATIENCE: Duration = Duration::from_millis(500);

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }
}

struct NoConsole;

impl rolecall_ec2::ConsoleSource for NoConsole {
    fn output(&self, _: &str) -> Option<(Vec<u8>, SystemTime)> {
        None
    }
}

struct Server {
    runtime: Runtime,
    state: State,
    front: Arc<Front>,
    reader: AccessKeyId,
    secret: SecretKey,
    _directory: TempDir,
}

/// See the module.
pub(crate) fn start() -> Run {
    let server = Server::start();
    Box::new(move |input| {
        let Some((choice, rest)) = input.split_first() else { return };
        let before = server.state.snapshot().revision;
        let service = SERVICES.get(usize::from(*choice & 0x0f));
        let sent = match service {
            Some(service) => server.signed(service, rest),
            None => Some(rest.to_vec()),
        };
        let Some(sent) = sent else { return };
        let answer = server.exchange(&sent, service.is_some());
        assert_eq!(before, server.state.snapshot().revision, "something was written");
        let holds_secret = answer.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!holds_secret, "an answer holds a secret");
        let failed = answer.starts_with(b"HTTP/1.1 500") || answer.starts_with(b"HTTP/1.0 500");
        assert!(!failed, "{}", String::from_utf8_lossy(&answer));
    })
}

impl Server {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (state, reader) = runtime.block_on(state(&directory));
        let front = {
            let _guard = runtime.enter();
            Arc::new(Front::new(Arc::new(Endpoint::new(parts(&directory, state.clone())))))
        };
        let secret = SecretKey::new(SECRET);
        Self { runtime, state, front, reader, secret, _directory: directory }
    }

    /// The bytes of a request that the reader signed.
    fn signed(&self, service: &str, input: &[u8]) -> Option<Vec<u8>> {
        let (mut parts, body) = lines::request(input)?;
        if !parts.headers.contains_key(HOST) {
            parts.headers.insert(HOST, HeaderValue::from_static("127.0.0.1:4566"));
        }
        let id = self.reader.to_string();
        let signer =
            Signer { access_key_id: &id, secret: &self.secret, token: None, region: "us-east-1", service };
        signer.sign(&mut parts, &PayloadHash::of(&body), rolecall_sigv4::Timestamp(NOW.0)).ok()?;
        Some(written(&parts, &body))
    }

    /// What comes back on a connection on which this was sent and nothing more will be.
    fn exchange(&self, sent: &[u8], signed: bool) -> Vec<u8> {
        let peer = SocketAddr::from(([203, 0, 113, 9], 40_000));
        let (near, far) = tokio::io::duplex(1 << 16);
        let (mut reading, mut writing) = tokio::io::split(near);
        let (limits, mut answer) = (Limits::default(), Vec::new());
        self.runtime.block_on(async {
            let served = serve_connection(far, Arrival::new(peer, false), &limits, self.front.clone());
            let send = async {
                // A server that has heard enough closes the connection.
                let _ = writing.write_all(sent).await;
                // One that sees the end before it has answered does not answer.
                for _ in 0..TURNS {
                    tokio::task::yield_now().await;
                }
                if signed {
                    tokio::time::sleep(PATIENCE).await;
                }
                let _ = writing.shutdown().await;
                std::future::pending::<()>().await;
            };
            let all = async { tokio::join!(served, reading.read_to_end(&mut answer)) };
            let either = async {
                tokio::select! { _ = all => {}, () = send => {} }
            };
            let ended = tokio::time::timeout(Duration::from_secs(30), either).await;
            assert!(ended.is_ok(), "the connection does not end");
        });
        answer
    }
}

fn written(parts: &Parts, body: &Bytes) -> Vec<u8> {
    let mut bytes = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri).into_bytes();
    for (name, value) in &parts.headers {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    if !parts.headers.contains_key(CONNECTION) {
        bytes.extend_from_slice(b"connection: close\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// An account with a user who may read, a group and a role.
async fn state(directory: &TempDir) -> (State, AccessKeyId) {
    let store = Embedded::open(&directory.path().join("store")).expect("a store");
    let master = MasterKey::new([7; 32]).expect("a key");
    let state = State::open(Arc::new(store), master).await.expect("a state");
    let account: AccountId = ACCOUNT.parse().expect("an account");
    let entropy: &dyn Entropy = &SystemEntropy;
    let id = AccessKeyId::long_term(account, entropy);
    let written = state.write(account, |txn| {
        let (key, _) = access_keys::import(id.clone(), SECRET, txn.master(), NOW, entropy);
        let record: AccountRecord = from(json!({
            "v": 1, "id": ACCOUNT, "name": "root", "created": 0, "root": {"access_keys": []},
        }));
        txn.create_record(&record);
        txn.rotate_key_ring(NOW, entropy);
        let user: User = from(json!({
            "v": 1, "id": "AIDAAAAAAAAAAAAAAAAAA", "name": "reader", "path": "/auto/", "created": 0,
            "tags": [{"key": "Name", "value": "reader"}], "inline": {"reads": READS}, "access_keys": [key],
        }));
        txn.put(&user);
        let group: Group = from(json!({
            "v": 1, "id": "AGPAAAAAAAAAAAAAAAAAA", "name": "readers", "path": "/", "created": 0,
        }));
        txn.put(&group);
        let role: Role = from(json!({
            "v": 1, "id": "AROAAAAAAAAAAAAAAAAAA", "name": "robot", "path": "/", "created": 0,
            "max_session_seconds": 3600, "trust_policy": TRUST, "inline": {"reads": READS},
        }));
        txn.put(&role);
        Ok::<_, StateError>(())
    });
    written.await.expect("a write");
    (state, id)
}

const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"}]}"#;

fn from<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> T {
    serde_json::from_value(value).expect("an entity")
}

fn parts(directory: &TempDir, state: State) -> EndpointParts {
    let trail = TrailSettings { directory: directory.path().join("audit"), file_bytes: 1 << 20, files: 1 };
    let recorder = Recorder::start(&trail, 16, LineFormat::Off).expect("a trail");
    let endpoint = rolecall_s3::Endpoint::new([], "us-east-1");
    let ids = Arc::new(|| <dyn Entropy>::bytes(&SystemEntropy));
    let fetcher = HttpFetcher::new(rustls::RootCertStore::empty, FetchRules::default());
    EndpointParts {
        state,
        recorder: Arc::new(recorder),
        clock: Box::new(Fixed),
        entropy: Box::new(SystemEntropy),
        limits: Limits::default(),
        rates: RateLimits::default(),
        quotas: rolecall_iam::Quotas::default(),
        sts_limits: rolecall_sts::Limits { min_session_seconds: 900 },
        issuer_keys: IssuerKeys::new(fetcher, CacheSettings::default()),
        given_keys: Default::default(),
        providers: Default::default(),
        role_templates: Default::default(),
        local_issuers: false,
        s3: rolecall_s3::S3::open(&directory.path().join("s3"), endpoint, ids).expect("S3"),
        node: "fuzz".into(),
        console: Box::new(NoConsole),
        public_url: "http://127.0.0.1:4566".into(),
        region: "us-east-1".into(),
        metrics_token: "".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(server: &Server, service: &str, request: &str) -> String {
        let sent = server.signed(service, request.as_bytes()).unwrap();
        let answer = String::from_utf8(server.exchange(&sent, true)).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    }

    #[test]
    fn signed_requests_come_as_far_as_their_decision() {
        let server = Server::start();
        let form = "content-type: application/x-www-form-urlencoded\n\n";
        let ask = |service, query: &str| status(&server, service, &format!("POST /\n{form}{query}"));
        assert_eq!(ask("sts", "Action=GetCallerIdentity&Version=2011-06-15"), "200");
        assert_eq!(ask("iam", "Action=ListUsers&Version=2010-05-08"), "200");
        assert_eq!(ask("iam", "Action=CreateUser&Version=2010-05-08&UserName=eve"), "403");
        assert_eq!(status(&server, "s3", "GET /\nhost: localhost\n\n"), "200");
        assert_eq!(status(&server, "s3", "PUT /bucket\nhost: localhost\n\n"), "403");
    }
}
