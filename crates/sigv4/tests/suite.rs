//! AWS's published test suite: every signature in it is accepted, and made again the same.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use http::{HeaderMap, HeaderValue, Method, Uri};
use rolecall_sigv4::{
    Family, PayloadHash, Presented, Request, Rules, SecretKey, SigError, Timestamp, verify,
};
use serde::Deserialize;

/// The one case that adds the session token after signing. A token that nobody signed could be
/// exchanged, so it is refused here.
const TOKEN_NOT_SIGNED: &str = "post-sts-header-after";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    family: String,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
    service: String,
    region: String,
    date: String,
    secret: String,
    presigned: Option<Presigned>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Presigned {
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn cases() -> Vec<Case> {
    let text = include_str!("../data/signing-test-suite.jsonl");
    let cases: Vec<Case> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() >= 30);
    cases
}

fn check(case: &Case, target: &str, headers: &[(String, String)], body: &str) -> Result<(), SigError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(http::HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
    }
    let method: Method = case.method.parse().unwrap();
    let uri: Uri = target.parse().unwrap();
    let request = Request { method: &method, uri: &uri, headers: &map };
    let family = if case.family == "S3" { Family::S3 } else { Family::Query };
    let presented = Presented::parse(request, family)?.unwrap();
    assert_eq!(case.date, "2015-08-30T12:36:00Z");
    let now = Timestamp::parse_basic("20150830T123600Z").unwrap();
    let rules = Rules { service: Some(&case.service), region: Some(&case.region), ..Rules::default() };
    let payload = PayloadHash::of(body.as_bytes());
    let secret = SecretKey::new(&case.secret);
    verify(&presented, request, &secret, &payload, now, &rules).map(drop)
}

#[test]
fn header_signatures_are_accepted() {
    for case in cases() {
        let result = check(&case, &case.target, &case.headers, &case.body);
        if case.name == TOKEN_NOT_SIGNED {
            assert!(matches!(result, Err(SigError::HeadersNotSigned(_))), "{result:?}");
        } else {
            assert!(result.is_ok(), "{}: {result:?}", case.name);
        }
    }
}

#[test]
fn presigned_signatures_are_accepted() {
    let mut ran = 0;
    for case in cases() {
        let Some(presigned) = &case.presigned else { continue };
        let result = check(&case, &presigned.target, &presigned.headers, &presigned.body);
        assert!(result.is_ok(), "{}: {result:?}", case.name);
        ran += 1;
    }
    assert!(ran >= 25, "{ran}");
}

#[test]
fn a_changed_body_is_refused() {
    for case in cases().iter().filter(|case| case.name != TOKEN_NOT_SIGNED) {
        let body = format!("{}x", case.body);
        let result = check(case, &case.target, &case.headers, &body);
        assert!(matches!(result, Err(SigError::SignatureDoesNotMatch(_))), "{}: {result:?}", case.name);
    }
}
