//! The service without sockets: requests in, answers out, with a decider of the test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt, Full};
use rolecall_sigv4::{ChunkLimits, PayloadDecoder, PayloadHash};
use tempfile::TempDir;

use crate::{AuthFacts, AuthType, Caller, Demand, Endpoint, Entropy, Fault, S3};

mod buckets;
mod decisions;
mod durability;
mod lists;
mod multipart;
mod objects;
mod routes;

pub(super) const ALICE: &str = "111111111111";
pub(super) const BOB: &str = "222222222222";
const NOW_MS: i64 = 1_790_000_000_000;

/// A service on a directory that goes with it.
pub(super) struct Lab {
    pub(super) s3: S3,
    pub(super) directory: TempDir,
}

/// An answer, with its body read.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The texts of all elements of a name.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let values = self.body.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap());
        values.map(|value| quick_xml::escape::unescape(value).unwrap().into_owned()).collect()
    }

    pub(super) fn one(&self, name: &str) -> String {
        let mut all = self.all(name);
        assert_eq!(all.len(), 1, "{name} in {}", self.body);
        all.remove(0)
    }

    #[track_caller]
    pub(super) fn ok(self) -> Self {
        assert!(self.status.is_success(), "{self:?}");
        self
    }

    #[track_caller]
    pub(super) fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.all("Code")), (status, vec![code.to_owned()]), "{self:?}");
        assert_eq!(self.all("RequestId"), ["REQ"]);
        self
    }
}

/// A request before it is sent.
pub(super) struct Sending<'l> {
    lab: &'l Lab,
    method: Method,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    account: &'static str,
    payload: PayloadHash,
    auth: AuthType,
}

fn entropy() -> Entropy {
    let next = AtomicU64::new(1);
    Arc::new(move || u128::from(next.fetch_add(1, Ordering::Relaxed)).to_be_bytes())
}

impl Lab {
    pub(super) fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap())
    }

    pub(super) fn on(directory: TempDir) -> Self {
        let endpoint = Endpoint::new([], "us-east-1");
        Self { s3: S3::open(directory.path(), endpoint, entropy()).unwrap(), directory }
    }

    pub(super) async fn with_bucket(name: &str) -> Self {
        let lab = Self::new();
        lab.send("PUT", &format!("/{name}")).go().await.ok();
        lab
    }

    pub(super) fn send(&self, method: &str, target: &str) -> Sending<'_> {
        Sending {
            lab: self,
            method: method.parse().unwrap(),
            target: target.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            account: ALICE,
            payload: PayloadHash::Unsigned,
            auth: AuthType::Header,
        }
    }

    pub(super) async fn put(&self, target: &str, body: &str) -> Answer {
        self.send("PUT", target).body(body).go().await.ok()
    }

    pub(super) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target).go().await
    }
}

impl Sending<'_> {
    pub(super) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn from(mut self, account: &'static str) -> Self {
        self.account = account;
        self
    }

    pub(super) fn anonymous(mut self) -> Self {
        self.auth = AuthType::Anonymous;
        self
    }

    pub(super) fn payload(mut self, payload: PayloadHash) -> Self {
        self.payload = payload;
        self
    }

    /// Sends it, with everything allowed.
    pub(super) async fn go(self) -> Answer {
        self.decided_by(|_| Ok(())).await
    }

    /// What is demanded, as `action resource`.
    pub(super) async fn demands(self) -> Vec<String> {
        let mut seen = Vec::new();
        self.decided_by(|demand| {
            seen.push(format!("{} {}", demand.action, demand.resource));
            Ok(())
        })
        .await;
        seen
    }

    pub(super) async fn decided_by(self, decider: impl FnMut(&Demand) -> Result<(), Fault>) -> Answer {
        let (s3, head) = (self.lab.s3.clone(), self.method == Method::HEAD);
        let account = self.account;
        let response = match self.decide(decider).await {
            Ok(decided) => {
                s3.handle(decided, Caller { account: Some(account.to_owned()) }, NOW_MS, "REQ").await
            }
            Err(fault) => s3.refuse(&fault, "/", "REQ", head),
        };
        let (parts, body) = response.into_parts();
        let body = BodyExt::collect(body).await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    async fn decide(
        self,
        decider: impl FnMut(&Demand) -> Result<(), Fault>,
    ) -> Result<crate::Decided<()>, Fault> {
        let mut builder = http::Request::builder().method(self.method).uri(&self.target);
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        if !self.headers.iter().any(|(name, _)| name == "host") {
            builder = builder.header("host", "127.0.0.1:4566");
        }
        let parts = builder.body(()).unwrap().into_parts().0;
        let auth = AuthFacts { auth_type: self.auth, signature_age_ms: 1_500 };
        let call = self.lab.s3.route(parts, auth)?;
        let length = (!matches!(self.payload, PayloadHash::StreamingUnsignedTrailer))
            .then_some(self.body.len() as u64);
        let decoder = PayloadDecoder::anonymous(&self.payload, length, ChunkLimits::default()).unwrap();
        let body = Full::new(Bytes::from(self.body));
        self.lab.s3.receive(call, body, decoder, length).await?.decide(decider)
    }
}
