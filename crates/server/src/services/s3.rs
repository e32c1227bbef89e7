//! S3 on the line: its bodies are streams, and its signatures cover them piece by piece.

use http::request::Parts;
use http::{HeaderValue, Response};
use http_body_util::{BodyExt as _, Either};
use hyper::body::Incoming;
use rolecall_access::{AccessError, Authorized, Demand, Subject, Values, authorize};
use rolecall_policy::{Document, Grammar, Policy, PolicyKind, PolicySet};
use rolecall_s3::{AuthFacts, AuthType, Call, Caller, Fault, S3, S3Body, Value};
use rolecall_sigv4::{ChunkLimits, Form, PayloadDecoder, PayloadHash, Presented, Request, SigError};

use crate::authenticate::Authenticated;
use crate::body::{Body, Paced, leave_unread, waits_to_send};
use crate::line::Passage;

/// Answers a request to S3, with or without a proof.
pub(crate) async fn answer_s3(
    passage: &mut Passage<'_>,
    presented: Option<&Presented>,
    parts: Parts,
    body: Incoming,
) -> Response<Body> {
    passage.trace.service = "s3";
    let s3 = passage.endpoint.parts().s3.clone();
    let region = s3.region_of(&parts);
    let waits = waits_to_send(&parts.headers);
    let refused = match open(passage, &s3, presented, parts) {
        Ok(opened) => match proceed(passage, &s3, opened, body).await {
            Ok(response) => return into_body(response),
            Err(fault) => passage.fail_s3(&fault),
        },
        Err(fault) => {
            let response = passage.fail_s3(&fault);
            leave_unread(waits, body, response).await
        }
    };
    located(refused, region)
}

/// Clients ask without credentials where a bucket is, and read it from the refusal.
fn located(mut refused: Response<Body>, region: Option<HeaderValue>) -> Response<Body> {
    if let Some(region) = region {
        refused.headers_mut().entry("x-amz-bucket-region").or_insert(region);
    }
    refused
}

/// A request whose proof holds and whose operation is known; its body is still to come.
struct Opened {
    authenticated: Option<Authenticated>,
    call: Call,
    decoder: PayloadDecoder,
    length: Option<u64>,
}

fn open(
    passage: &mut Passage<'_>,
    s3: &S3,
    presented: Option<&Presented>,
    parts: Parts,
) -> Result<Opened, Fault> {
    let length = decoded_length(&parts);
    let authenticated = presented.map(|presented| prove(passage, presented, &parts)).transpose()?;
    let decoder = decoder(authenticated.as_ref(), &parts, length)?;
    let call = s3.route(parts, auth_facts(passage, presented))?;
    passage.trace.operation = call.operation().name().into();
    Ok(Opened { authenticated, call, decoder, length })
}

async fn proceed(
    passage: &mut Passage<'_>,
    s3: &S3,
    opened: Opened,
    body: Incoming,
) -> Result<Response<S3Body>, Fault> {
    let Opened { authenticated, call, decoder, length } = opened;
    let pause = passage.endpoint.parts().limits.body_timeout;
    let undecided = s3.receive(call, Paced::new(body, pause), decoder, length).await?;
    let caller = authenticated.as_ref().map(Authenticated::caller);
    let subject = caller.map_or(Subject::Anonymous, Subject::Caller);
    let decided = undecided.decide(|demand| decide(passage, subject, demand))?;
    let account = caller.map(|caller| caller.account.to_string());
    let now_ms = passage.facts.now.0.saturating_mul(1_000);
    let response = s3.handle(decided, Caller { account }, now_ms, passage.id.as_str()).await;
    if response.status().is_client_error() || response.status().is_server_error() {
        passage.trace.error = Some((response.status().as_str().to_owned().into(), String::new()));
    }
    Ok(response)
}

pub(super) fn prove(
    passage: &mut Passage<'_>,
    presented: &Presented,
    parts: &Parts,
) -> Result<Authenticated, Fault> {
    passage.facts.region = presented.scope.region.clone();
    let request = Request::from(parts);
    let proven = presented
        .declared_payload(request)
        .and_then(|payload| passage.authenticate(presented, parts, &payload));
    match proven {
        Ok(authenticated) => {
            let facts = authenticated.facts();
            let admitted = passage.endpoint.admits(&facts);
            passage.trace.caller = Some(facts);
            if !admitted {
                passage.endpoint.metrics().throttled();
                return Err(Fault::slow_down());
            }
            Ok(authenticated)
        }
        Err(error) => Err(refused(passage, &error)),
    }
}

fn refused(passage: &Passage<'_>, error: &SigError) -> Fault {
    passage.endpoint.metrics().unauthenticated();
    error.wire(rolecall_sigv4::Family::S3, rolecall_sigv4::Disclosure::Canonical).into()
}

/// The length of the payload itself: of a chunked body the header tells it.
pub(super) fn decoded_length(parts: &Parts) -> Option<u64> {
    let number = |name: &str| parts.headers.get(name)?.to_str().ok()?.parse().ok();
    number("x-amz-decoded-content-length").or_else(|| number("content-length"))
}

pub(super) fn decoder(
    authenticated: Option<&Authenticated>,
    parts: &Parts,
    length: Option<u64>,
) -> Result<PayloadDecoder, Fault> {
    let limits = ChunkLimits::default();
    if let Some(authenticated) = authenticated {
        return Ok(PayloadDecoder::new(authenticated.verified(), length, limits));
    }
    let declared = PayloadHash::declared(&parts.headers);
    let declared = declared
        .map_err(|error| error.wire(rolecall_sigv4::Family::S3, rolecall_sigv4::Disclosure::Plain))?;
    let decoder = PayloadDecoder::anonymous(&declared.unwrap_or(PayloadHash::Unsigned), length, limits);
    decoder.ok_or_else(|| Fault::access_denied("Access Denied"))
}

fn auth_facts(passage: &Passage<'_>, presented: Option<&Presented>) -> AuthFacts {
    let age =
        presented.map_or(0, |presented| passage.facts.now.0.saturating_sub(presented.timestamp.0).max(0));
    AuthFacts {
        auth_type: match presented.map(|presented| presented.form) {
            None => AuthType::Anonymous,
            Some(Form::Header) => AuthType::Header,
            Some(Form::Presigned { .. }) => AuthType::QueryString,
        },
        signature_age_ms: u64::try_from(age).unwrap_or(0).saturating_mul(1_000),
    }
}

pub(super) fn decide(
    passage: &mut Passage<'_>,
    subject: Subject<'_>,
    asked: &rolecall_s3::Demand,
) -> Result<Authorized<()>, Fault> {
    let mut demand = Demand::new(asked.action, asked.resource.as_str());
    demand.resource_account = asked.bucket_owner.as_ref().and_then(|owner| owner.parse().ok());
    for (key, value) in &asked.context {
        let value = match value {
            Value::One(value) => Values::One(value.clone()),
            Value::Many(values) => Values::Many(values.clone()),
        };
        demand.context.push((key.clone(), value));
    }
    if let Some(text) = asked.bucket_policy.as_ref().filter(|_| !keeps_the_keys(subject, asked)) {
        // A policy that can't be evaluated might hold a deny.
        let document = Document::parse(text.clone(), Grammar::evaluated(PolicyKind::Resource));
        let document = document.map_err(|_| Fault::access_denied("The bucket policy can't be evaluated."))?;
        demand.resource_policy =
            Some(PolicySet::compile(PolicyKind::Resource, [Policy::new("bucket policy", document)]));
    }
    let ruling = authorize((), subject, &passage.facts, &passage.snapshot, vec![demand]);
    let denied = ruling.evidence.last().map(|evidence| message(subject, asked, &evidence.reason));
    passage.trace.evidence.extend(ruling.evidence);
    ruling.result.map_err(|error| {
        passage.endpoint.metrics().denied();
        match error {
            AccessError::Denied { .. } => Fault::access_denied(denied.unwrap_or_else(|| "Access Denied".into())),
            other => {
                tracing::error!(request_id = passage.id.as_str(), cause = %other, "a decision could not be taken");
                Fault::access_denied("Access Denied")
            }
        }
    })
}

/// Whoever locks everyone out of a bucket can be helped by its account's root user, whom its policy can't keep from
/// the policy itself.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>
fn keeps_the_keys(subject: Subject<'_>, asked: &rolecall_s3::Demand) -> bool {
    let Subject::Caller(caller) = subject else { return false };
    let owner = asked.bucket_owner.as_ref().and_then(|owner| owner.parse().ok());
    let about_policy = ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"];
    caller.is_root() && owner == Some(caller.account) && about_policy.contains(&asked.action)
}

/// S3's own wording of a denial: the resource in quotation marks, and none for an action without.
fn message(subject: Subject<'_>, asked: &rolecall_s3::Demand, reason: &str) -> String {
    let Subject::Caller(caller) = subject else { return "Access Denied".to_owned() };
    let (arn, action, resource) = (caller.arn(), asked.action, &asked.resource);
    match resource.as_str() {
        "*" => format!("User: {arn} is not authorized to perform: {action} {reason}"),
        _ => {
            format!("User: {arn} is not authorized to perform: {action} on resource: \"{resource}\" {reason}")
        }
    }
}

/// An answer of S3's as the server sends it.
pub(crate) fn into_body(response: Response<S3Body>) -> Response<Body> {
    response.map(|body| Either::Right(body.map_err(std::io::Error::other).boxed_unsync()))
}
