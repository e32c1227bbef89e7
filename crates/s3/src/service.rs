//! The service: opened on a directory, asked to route, receive and handle.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri};
use http_body_util::{BodyExt, StreamBody};
use s3s::service::{S3Service, S3ServiceBuilder};

use rolecall_sigv4::PayloadDecoder;

use crate::access::{NoSignatures, SameAsDecided};
use crate::address::{Endpoint, Target};
use crate::backend::{Backend, Cx};
use crate::call::{AuthFacts, Call, is_signature_parameter};
use crate::decide::{Decided, Undecided};
use crate::demand::{Demand, Known, demands};
use crate::disk::{BucketFacts, Disk, OpenError};
use crate::fault::Fault;
use crate::names::BucketName;
use crate::receive::{Payload, ReceiveLimits, Received};

/// Sixteen random bytes at a time, for the ids of objects and uploads.
pub type Entropy = Arc<dyn Fn() -> [u8; 16] + Send + Sync>;

/// The body of an answer.
pub type S3Body = s3s::Body;

/// Who calls, as far as S3 shows it.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account that owns what is made; for an anonymous caller, `None`.
    pub account: Option<String>,
}

/// S3 on a directory.
#[derive(Clone)]
pub struct S3 {
    disk: Arc<Disk>,
    endpoint: Arc<Endpoint>,
    limits: ReceiveLimits,
    partition: &'static str,
    service: S3Service,
}

impl S3 {
    /// Opens the store under `root` (made if absent). Reads the facts of buckets, no objects.
    ///
    /// # Errors
    /// If the directory can't be read or a bucket's facts are damaged; nothing is changed then.
    pub fn open(root: &Path, endpoint: Endpoint, entropy: Entropy) -> Result<Self, OpenError> {
        let disk = Arc::new(Disk::open(root)?);
        let endpoint = Arc::new(endpoint);
        let mut builder = S3ServiceBuilder::new(Backend::new(disk.clone(), endpoint.clone(), entropy));
        builder.set_auth(NoSignatures);
        builder.set_access(SameAsDecided);
        let limits = ReceiveLimits::default();
        Ok(Self { disk, endpoint, limits, partition: "aws", service: builder.build() })
    }

    /// The host names that S3 answers to.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The account that owns a bucket.
    pub fn bucket_owner(&self, name: &str) -> Option<String> {
        self.facts(name).map(|facts| facts.owner.clone())
    }

    /// A bucket's policy.
    pub fn bucket_policy(&self, name: &str) -> Option<Arc<str>> {
        self.facts(name).and_then(|facts| facts.policy.clone())
    }

    /// All facts of a bucket.
    pub fn facts(&self, name: &str) -> Option<Arc<BucketFacts>> {
        self.disk.bucket(&BucketName::parse(name)?).map(|bucket| bucket.facts())
    }

    /// The buckets of an account, by name.
    pub fn buckets_of(&self, account: &str) -> Vec<Arc<BucketFacts>> {
        self.disk.owned_by(account)
    }

    /// Reads which operation a request is, and on what.
    ///
    /// # Errors
    /// If it is no operation of S3, or one that is not built.
    pub fn route(&self, parts: Parts, auth: AuthFacts) -> Result<Call, Fault> {
        let call = Call::read(parts, &self.endpoint, auth)?;
        if call.operation().is_built() {
            Ok(call)
        } else {
            Err(Fault::not_implemented(call.operation().name()))
        }
    }

    /// Takes the body, and finds what the request demands. `decoder` checks the body against what was
    /// signed; `length` is the payload's, if it is known.
    ///
    /// # Errors
    /// If a small body is not what was signed, or cannot be parsed.
    pub async fn receive<B>(
        &self,
        call: Call,
        body: B,
        decoder: PayloadDecoder,
        length: Option<u64>,
    ) -> Result<Undecided, Fault>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
    {
        let received = Received::read(call, body, decoder, length, self.limits).await?;
        let known = self.known(&received.call).await?;
        let mut demands = demands(&received.call, &received.input, &known, self.partition);
        demands.iter_mut().for_each(|demand| self.tell_of_bucket(demand));
        Ok(Undecided::new(received, demands))
    }

    /// Adds whose the bucket is and what its policy says.
    pub(crate) fn tell_of_bucket(&self, demand: &mut Demand) {
        let bucket = demand.bucket.as_ref().and_then(|name| self.disk.bucket(name));
        if let Some(facts) = bucket.map(|bucket| bucket.facts()) {
            demand.bucket_owner = Some(facts.owner.as_str().into());
            demand.bucket_policy = facts.policy.clone();
        }
    }

    pub(crate) fn limits(&self) -> ReceiveLimits {
        self.limits
    }

    pub(crate) fn partition(&self) -> &'static str {
        self.partition
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// The region of the bucket that a request addresses, if there is such a bucket. S3 tells it to everyone.
    pub fn region_of(&self, parts: &Parts) -> Option<HeaderValue> {
        let host = rolecall_sigv4::Request::from(parts).host();
        let target = self.endpoint.target(host, parts.uri.path()).ok()?;
        let bucket = self.disk.bucket(target.bucket()?)?;
        HeaderValue::try_from(bucket.facts().region.as_str()).ok()
    }

    async fn known(&self, call: &Call) -> Result<Known, Fault> {
        let tags = match (call.target.bucket(), call.target.key()) {
            (Some(bucket), Some(key)) => self.tags(bucket, key).await?,
            _ => None,
        };
        let source_tags = match &call.copy_source {
            Some(source) => self.tags(&source.bucket, &source.key).await?,
            None => None,
        };
        Ok(Known { tags, source_tags })
    }

    async fn tags(&self, bucket: &BucketName, key: &str) -> Result<Option<Vec<(String, String)>>, Fault> {
        match self.disk.bucket(bucket) {
            Some(bucket) => bucket.tags(key).await,
            None => Ok(None),
        }
    }

    /// Does what was decided. `now_ms` is the time in milliseconds since 1970.
    pub async fn handle<P>(
        &self,
        decided: Decided<P>,
        caller: Caller,
        now_ms: i64,
        request_id: &str,
    ) -> Response<S3Body> {
        let Decided { received, verdicts, .. } = decided;
        let Received { call, input, body } = received;
        let head = call.parts.method == Method::HEAD;
        let resource = call.resource();
        let region =
            call.target.bucket().and_then(|name| self.disk.bucket(name)).map(|b| b.facts().region.clone());
        let response = match self.check_owners(&call) {
            Err(fault) => Err(fault),
            Ok(()) => self.call(call, input, verdicts, body, caller, now_ms).await,
        };
        let mut response = response.unwrap_or_else(|fault| self.refuse(&fault, &resource, request_id, head));
        if let Some(region) = region.and_then(|region| HeaderValue::try_from(region).ok()) {
            response.headers_mut().insert("x-amz-bucket-region", region);
        }
        identify(response.headers_mut(), request_id);
        response
    }

    /// The answer to a request that goes no further.
    pub fn refuse(&self, fault: &Fault, resource: &str, request_id: &str, head: bool) -> Response<S3Body> {
        let body = match fault.status {
            StatusCode::NOT_MODIFIED => S3Body::empty(),
            _ if head => S3Body::empty(),
            _ => S3Body::from(fault.to_xml(resource, request_id)),
        };
        let mut response = Response::new(body);
        *response.status_mut() = fault.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        let region = fault.fields.iter().find(|(name, _)| *name == "Region").map(|(_, region)| region);
        if let Some(region) = region.and_then(|region| HeaderValue::try_from(region.as_str()).ok()) {
            response.headers_mut().insert("x-amz-bucket-region", region);
        }
        identify(response.headers_mut(), request_id);
        response
    }

    /// `x-amz-expected-bucket-owner` and the same for the source of a copy.
    fn check_owners(&self, call: &Call) -> Result<(), Fault> {
        let source = call.copy_source.as_ref().map(|source| &source.bucket);
        for (header, bucket) in [
            ("x-amz-expected-bucket-owner", call.target.bucket()),
            ("x-amz-source-expected-bucket-owner", source),
        ] {
            let owner =
                bucket.and_then(|name| self.disk.bucket(name)).map(|bucket| bucket.facts().owner.clone());
            match (call.header(header), owner) {
                (Some(expected), Some(owner)) if expected != owner => {
                    return Err(Fault::access_denied("Access Denied"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn call(
        &self,
        call: Call,
        input: crate::receive::Input,
        verdicts: crate::decide::Verdicts,
        body: Payload,
        caller: Caller,
        now_ms: i64,
    ) -> Result<Response<S3Body>, Fault> {
        let mut request = http::Request::new(S3Body::empty());
        *request.method_mut() = call.parts.method.clone();
        *request.uri_mut() = plain_uri(&call)?;
        *request.headers_mut() = plain_headers(&call);
        let outcome = match body {
            Payload::Document(document) => {
                request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(document.len()));
                *request.body_mut() = S3Body::from(document);
                None
            }
            Payload::Object { bytes, length, outcome } => {
                if let Some(length) = length {
                    request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
                }
                let told = outcome.clone();
                let frames = bytes.map(move |piece| {
                    piece.map(http_body::Frame::data).inspect_err(|failure| {
                        // Only the first failure can be set, and it ends the stream.
                        let _ = told.fault.set(failure.fault());
                    })
                });
                *request.body_mut() = S3Body::http_body_unsync(StreamBody::new(frames));
                Some(outcome)
            }
        };
        let cx = Arc::new(Cx::new(call, input, verdicts, outcome, caller, now_ms));
        request.extensions_mut().insert(cx.clone());
        let response = self.service.call(request).await.map_err(|error| {
            let error: Box<dyn std::error::Error + Send + Sync> = error.into();
            Fault::internal(&error)
        })?;
        if response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED {
            return Ok(response);
        }
        match cx.take_fault() {
            Some(fault) => Err(fault),
            None => Err(reread(response).await),
        }
    }
}

/// The request as `s3s` gets it: by path, escaped anew, without what carried the signature.
fn plain_uri(call: &Call) -> Result<Uri, Fault> {
    let mut uri = String::from("/");
    match &call.target {
        Target::Service => {}
        Target::Bucket(bucket) => uri.push_str(bucket.as_str()),
        Target::Object(bucket, key) => {
            uri.push_str(bucket.as_str());
            uri.push('/');
            escape(&mut uri, key);
        }
    }
    let mut separator = '?';
    for (name, value) in call.query.iter().filter(|(name, _)| !is_signature_parameter(name)) {
        uri.push(separator);
        separator = '&';
        escape(&mut uri, name);
        uri.push('=');
        escape(&mut uri, value);
    }
    uri.parse()
        .map_err(|_| Fault::new("InvalidURI", StatusCode::BAD_REQUEST, "Couldn't parse the specified URI."))
}

pub(crate) fn escape(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
}

fn plain_headers(call: &Call) -> HeaderMap {
    // The content type goes too: a multipart one makes `s3s` see a browser's form post, which is not
    // built. What an object keeps is read from the request's own headers.
    const USED_UP: [&str; 13] = [
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "date",
        "expect",
        "host",
        "transfer-encoding",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-decoded-content-length",
        "x-amz-security-token",
        "x-amz-trailer",
    ];
    let mut headers = call.parts.headers.clone();
    for name in USED_UP {
        headers.remove(name);
    }
    if let Some(source) = &call.copy_source {
        let mut text = format!("{}/", source.bucket);
        escape(&mut text, &source.key);
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(HeaderName::from_static("x-amz-copy-source"), value);
        }
    }
    headers.insert(HOST, HeaderValue::from_static("s3"));
    headers
}

pub(crate) fn identify(headers: &mut HeaderMap, request_id: &str) {
    if let Ok(value) = HeaderValue::try_from(request_id) {
        headers.insert("x-amz-request-id", value.clone());
        headers.insert("x-amz-id-2", value);
    }
    headers.insert(http::header::SERVER, HeaderValue::from_static("AmazonS3"));
}

/// An error that `s3s` made by itself: its code and message, in our own document.
async fn reread(response: Response<S3Body>) -> Fault {
    const CODES: [(&str, &str); 11] = [
        ("AccessDenied", "Access Denied"),
        ("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size"),
        (
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        ("InvalidArgument", "Invalid Argument"),
        ("InvalidRequest", "Invalid Request"),
        ("InvalidURI", "Couldn't parse the specified URI."),
        (
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
        ("MaxMessageLengthExceeded", "Your request was too big."),
        ("MethodNotAllowed", "The specified method is not allowed against this resource."),
        ("MissingContentLength", "You must provide the Content-Length HTTP header."),
        ("NotImplemented", "A header or query you provided requested a function that is not implemented."),
    ];
    let status = response.status();
    let body = BodyExt::collect(response.into_body())
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let found = |name: &str| {
        let rest = text.split_once(&format!("<{name}>"))?.1;
        let value = rest.split_once("</")?.0;
        quick_xml::escape::unescape(value).ok().map(std::borrow::Cow::into_owned)
    };
    let code = found("Code").unwrap_or_default();
    match CODES.into_iter().find(|(known, _)| *known == code) {
        Some((code, message)) => {
            Fault::new(code, status, found("Message").unwrap_or_else(|| message.to_owned()))
        }
        None if status.is_client_error() => Fault::invalid_request(found("Message").unwrap_or(code)),
        None => Fault::internal(&format!("{code} {status}")),
    }
}
