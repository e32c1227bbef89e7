//! What AWS's own Rust signer signs is accepted, and any one-byte change of it is not.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use proptest::prelude::*;
use rolecall_sigv4::{
    Family, PayloadHash, Presented, Request, Rules, SecretKey, SigError, Signer, Timestamp, decode_path,
    decode_query, verify,
};

const NOW: i64 = 1_790_000_000;
const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";

/// A request in pieces that a test can change.
#[derive(Clone, Debug, PartialEq)]
struct Sent {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

#[derive(Clone, Debug)]
struct Plan {
    sent: Sent,
    secret: String,
    token: Option<String>,
    s3: bool,
    presigned: bool,
}

fn segment() -> impl Strategy<Value = String> {
    "([A-Za-z0-9._~-]|%[2-7][0-9A-F]|%C3%A9){1,8}".prop_filter("dot segments", |s| !s.starts_with('.'))
}

fn target() -> impl Strategy<Value = String> {
    let path = prop::collection::vec(segment(), 0..4).prop_map(|parts| format!("/{}", parts.join("/")));
    let pair = ("[A-Za-z][A-Za-z0-9._~-]{0,6}", "([A-Za-z0-9._~-]|%20|%2F|%3D|%26){0,8}");
    let query = prop::collection::vec(pair, 0..4);
    (path, query).prop_map(|(path, query)| {
        let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        if query.is_empty() { path } else { format!("{path}?{}", query.join("&")) }
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let header = ("x-amz-meta-[a-z]{1,6}", "[!-~]{1,4}( {1,3}[!-~]{1,4}){0,2}");
    let headers = prop::collection::vec(header, 0..3);
    let method = prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "HEAD"]);
    let body = prop::collection::vec(any::<u8>(), 0..40);
    let token = prop::option::of("[A-Za-z0-9+/=]{16,80}");
    let strategy =
        (method, target(), headers, body, "[A-Za-z0-9+/]{40}", token, any::<bool>(), any::<bool>());
    strategy.prop_map(|(method, target, headers, body, secret, token, s3, presigned)| {
        let mut headers: Vec<(String, String)> = headers;
        headers.sort();
        headers.dedup_by(|a, b| a.0 == b.0);
        headers.push(("host".to_owned(), "bucket.s3.us-east-1.amazonaws.com:4566".to_owned()));
        headers.push(("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        // A presigned request of the services other than S3 has no body.
        let body = if presigned && !s3 { Vec::new() } else { body };
        Plan { sent: Sent { method: method.to_owned(), target, headers, body }, secret, token, s3, presigned }
    })
}

/// Signs with AWS's signer.
fn officially_signed(plan: &Plan) -> Sent {
    let identity = Credentials::new(KEY_ID, &plan.secret, plan.token.clone(), None, "test").into();
    let mut settings = SigningSettings::default();
    if plan.s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    if plan.presigned {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(600));
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(NOW).unwrap());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-3")
        .name(if plan.s3 { "s3" } else { "iam" })
        .time(time)
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let mut sent = plan.sent.clone();
    let url = format!("https://bucket.s3.us-east-1.amazonaws.com:4566{}", sent.target);
    let headers = sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let body = match (plan.s3, plan.presigned) {
        (true, true) => SignableBody::UnsignedPayload,
        _ => SignableBody::Bytes(&sent.body),
    };
    let signable = SignableRequest::new(&sent.method, &url, headers, body).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let (new_headers, new_query) = instructions.into_parts();
    for header in new_headers {
        sent.headers.push((header.name().to_owned(), header.value().to_owned()));
    }
    for (name, value) in new_query {
        sent.target.push(if sent.target.contains('?') { '&' } else { '?' });
        let escaped: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        sent.target.push_str(&format!("{name}={escaped}"));
    }
    sent
}

/// Signs with ours.
fn our_own(plan: &Plan) -> Sent {
    let secret = SecretKey::new(&plan.secret);
    let signer = Signer {
        access_key_id: KEY_ID,
        secret: &secret,
        token: plan.token.as_deref(),
        region: "eu-west-3",
        service: if plan.s3 { "s3" } else { "iam" },
    };
    let mut sent = plan.sent.clone();
    let now = Timestamp(NOW);
    if plan.presigned {
        let headers = header_map(&sent.headers).unwrap();
        let uri = sent.target.parse().unwrap();
        let method = sent.method.parse().unwrap();
        sent.target = signer.presign(&method, &uri, &headers, 600, now).unwrap().to_string();
        return sent;
    }
    let mut parts = http::Request::new(()).into_parts().0;
    parts.method = sent.method.parse().unwrap();
    parts.uri = sent.target.parse().unwrap();
    parts.headers = header_map(&sent.headers).unwrap();
    signer.sign(&mut parts, &PayloadHash::of(&sent.body), now).unwrap();
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    sent.headers = parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    sent
}

fn header_map(headers: &[(String, String)]) -> Option<HeaderMap> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    Some(map)
}

/// `None` if the request cannot even be sent.
fn check(plan: &Plan, sent: &Sent) -> Option<Result<(), SigError>> {
    let headers = header_map(&sent.headers)?;
    let method: Method = sent.method.parse().ok()?;
    let uri: Uri = sent.target.parse().ok()?;
    Some(check_parts(plan, Request { method: &method, uri: &uri, headers: &headers }, &sent.body))
}

fn check_parts(plan: &Plan, request: Request<'_>, body: &[u8]) -> Result<(), SigError> {
    let family = if plan.s3 { Family::S3 } else { Family::Query };
    let presented = Presented::parse(request, family)?.ok_or(SigError::MissingAuthenticationToken)?;
    let payload = match plan.s3 {
        true => presented.declared_payload(request)?,
        false => PayloadHash::of(body),
    };
    let secret = SecretKey::new(&plan.secret);
    verify(&presented, request, &secret, &payload, Timestamp(NOW), &Rules::default())?;
    if let PayloadHash::Sha256(_) = payload
        && payload != PayloadHash::of(body)
    {
        return Err(SigError::InvalidContentSha256);
    }
    // The server looks up the session by the token, so a change of it is a change of the request.
    if presented.access_key_id.as_ref() != KEY_ID || presented.token.as_deref() != plan.token.as_deref() {
        return Err(SigError::InvalidToken);
    }
    Ok(())
}

/// Where to change a byte, and to what.
#[derive(Clone, Debug)]
enum Change {
    Method(usize, u8),
    Target(usize, u8),
    Header(usize, usize, u8),
    Body(usize, u8),
    BodyGrows(u8),
}

fn change() -> impl Strategy<Value = Change> {
    let at = 0_usize..10_000;
    let byte = prop::sample::select((b'!'..=b'~').collect::<Vec<u8>>());
    prop_oneof![
        1 => (at.clone(), byte.clone()).prop_map(|(at, byte)| Change::Method(at, byte)),
        5 => (at.clone(), byte.clone()).prop_map(|(at, byte)| Change::Target(at, byte)),
        5 => (at.clone(), at.clone(), byte.clone()).prop_map(|(which, at, byte)| Change::Header(which, at, byte)),
        2 => (at, byte.clone()).prop_map(|(at, byte)| Change::Body(at, byte)),
        1 => byte.prop_map(Change::BodyGrows),
    ]
}

fn replace(text: &mut String, at: usize, byte: u8) {
    if !text.is_empty() {
        let at = at % text.len();
        text.replace_range(at..=at, &char::from(byte).to_string());
    }
}

fn changed(sent: &Sent, change: &Change) -> Sent {
    let mut sent = sent.clone();
    match *change {
        Change::Method(at, byte) => replace(&mut sent.method, at, byte),
        Change::Target(at, byte) => replace(&mut sent.target, at, byte),
        Change::Header(which, at, byte) => {
            let which = which % sent.headers.len();
            replace(&mut sent.headers[which].1, at, byte);
        }
        Change::Body(at, byte) if !sent.body.is_empty() => {
            let at = at % sent.body.len();
            sent.body[at] = byte;
        }
        Change::Body(_, byte) | Change::BodyGrows(byte) => sent.body.push(byte),
    }
    sent
}

/// What a request means: the same path, parameters and headers in another spelling is the same.
fn meaning(plan: &Plan, sent: &Sent) -> impl PartialEq + use<> {
    let (path, query) = sent.target.split_once('?').unwrap_or((&sent.target, ""));
    let mut query = decode_query(query);
    if let Some(query) = &mut query {
        query.sort();
    }
    let words = |value: &str| value.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    // Commas and blanks both part the parameters of `Authorization`.
    let header = |(name, value): &(String, String)| {
        let value = if name == "authorization" { value.replace(',', " ") } else { value.clone() };
        (name.clone(), words(&value))
    };
    let headers: Vec<_> = sent.headers.iter().map(header).collect();
    let body = if plan.s3 && plan.presigned { Vec::new() } else { sent.body.clone() };
    let path = if plan.s3 { decode_path(path) } else { Some(path.trim_end_matches('#').to_owned()) };
    (sent.method.clone(), path, query, headers, body)
}

/// A presigned request of another service than S3 does not look at `X-Amz-Expires` but signs it; its
/// content type is not asked for. Everything else that is sent is covered.
fn assert_refused(plan: &Plan, good: &Sent, change: &Change) -> Result<(), TestCaseError> {
    let bad = changed(good, change);
    // What follows a `#` is no part of a request's target: the parser of URIs drops it.
    if bad.target.contains('#') || meaning(plan, &bad) == meaning(plan, good) {
        return Ok(());
    }
    let result = check(plan, &bad);
    prop_assert!(!matches!(result, Some(Ok(()))), "accepted {change:?}: {bad:?}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_official_signer_signs_is_accepted(plan in plan()) {
        let sent = officially_signed(&plan);
        let result = check(&plan, &sent);
        prop_assert!(matches!(result, Some(Ok(()))), "{result:?} {sent:?}");
    }

    #[test]
    fn what_we_sign_is_accepted(plan in plan()) {
        let sent = our_own(&plan);
        let result = check(&plan, &sent);
        prop_assert!(matches!(result, Some(Ok(()))), "{result:?} {sent:?}");
    }

    #[test]
    fn one_changed_byte_is_refused(plan in plan(), changes in prop::collection::vec(change(), 24)) {
        let good = officially_signed(&plan);
        for change in &changes {
            assert_refused(&plan, &good, change)?;
        }
    }

    #[test]
    fn an_added_header_is_refused(plan in plan(), name in "x-amz-[a-z]{3,12}", value in "[a-z]{1,9}") {
        let mut sent = officially_signed(&plan);
        prop_assume!(sent.headers.iter().all(|(known, _)| *known != name));
        sent.headers.push((name, value));
        let result = check(&plan, &sent);
        prop_assert!(!matches!(result, Some(Ok(()))), "{sent:?}");
    }

    #[test]
    fn another_secret_is_refused(plan in plan(), other in "[A-Za-z0-9+/]{40}") {
        prop_assume!(plan.secret != other);
        let sent = officially_signed(&plan);
        let result = check(&Plan { secret: other, ..plan }, &sent);
        prop_assert!(matches!(result, Some(Err(SigError::SignatureDoesNotMatch(_)))), "{result:?}");
    }

    #[test]
    fn nothing_panics(target in "/[ -~]{0,60}", authorization in "(AWS4-HMAC-SHA256 )?[ -~]{0,120}", date in "[0-9TZ]{0,18}") {
        let headers = vec![("authorization".to_owned(), authorization), ("x-amz-date".to_owned(), date)];
        for s3 in [true, false] {
            let sent = Sent { method: "GET".to_owned(), target: target.clone(), headers: headers.clone(), body: Vec::new() };
            let plan = Plan { sent: sent.clone(), secret: "s".to_owned(), token: None, s3, presigned: false };
            let result = check(&plan, &sent);
            prop_assert!(!matches!(result, Some(Ok(()))));
        }
    }
}
