//! AWS's code and text for each refusal, and the edges of the clock.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use rolecall_sigv4::{
    Disclosure, Family, PayloadHash, Presented, Request, Rules, SecretKey, SigError, Signer, Timestamp,
    WireError, verify,
};

const NOW: Timestamp = Timestamp(1_440_938_160);
const BODY: &[u8] = b"Action=GetCallerIdentity&Version=2011-06-15";

struct Sent {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Sent {
    fn new(method: &str, target: &str, headers: &[(&str, &str)]) -> Self {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        }
        Self { method: method.parse().unwrap(), uri: target.parse().unwrap(), headers: map }
    }

    fn signed(service: &str, headers: &[(&str, &str)]) -> Self {
        let mut sent = Self::new("POST", "/", headers);
        sent.headers.insert("host", HeaderValue::from_static("sts.amazonaws.com"));
        let mut parts = http::Request::new(()).into_parts().0;
        (parts.method, parts.headers) = (sent.method.clone(), sent.headers);
        let secret = SecretKey::new("secret");
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE",
            secret: &secret,
            token: None,
            region: "us-east-1",
            service,
        };
        signer.sign(&mut parts, &PayloadHash::of(BODY), NOW).unwrap();
        Self { method: parts.method, uri: parts.uri, headers: parts.headers }
    }

    fn presigned(service: &str, expires: u32) -> Self {
        let mut sent = Self::new("GET", "/b/k", &[("host", "localhost:4566")]);
        let secret = SecretKey::new("secret");
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE",
            secret: &secret,
            token: None,
            region: "us-east-1",
            service,
        };
        sent.uri = signer.presign(&sent.method, &sent.uri, &sent.headers, expires, NOW).unwrap();
        sent
    }

    fn set(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, value.parse().unwrap());
        self
    }

    fn replace(self, name: &'static str, from: &str, to: &str) -> Self {
        let value = self.headers[name].to_str().unwrap().replace(from, to);
        self.set(name, &value)
    }

    fn check(&self, family: Family, secret: &str, now: Timestamp, rules: &Rules<'_>) -> Result<(), SigError> {
        let request = Request { method: &self.method, uri: &self.uri, headers: &self.headers };
        let presented = Presented::parse(request, family)?.ok_or(SigError::MissingAuthenticationToken)?;
        let payload = match family {
            Family::S3 => presented.declared_payload(request)?,
            _ if self.method == Method::GET => PayloadHash::of(b""),
            _ => PayloadHash::of(BODY),
        };
        verify(&presented, request, &SecretKey::new(secret), &payload, now, rules).map(drop)
    }

    fn refused(&self, family: Family) -> WireError {
        self.refused_at(family, NOW)
    }

    fn refused_at(&self, family: Family, now: Timestamp) -> WireError {
        let error = self.check(family, "secret", now, &Rules::default()).unwrap_err();
        error.wire(family, Disclosure::Canonical)
    }
}

fn assert_error(error: &WireError, code: &str, status: u16, message: &str) {
    assert_eq!((error.code, error.status, error.message.as_str()), (code, status, message));
}

fn query() -> Sent {
    Sent::signed("sts", &[("content-type", "application/x-www-form-urlencoded")])
}

fn s3() -> Sent {
    Sent::signed("s3", &[])
}

#[test]
fn good_requests_pass() {
    assert_eq!(query().check(Family::Query, "secret", NOW, &Rules::default()), Ok(()));
    assert_eq!(s3().check(Family::S3, "secret", NOW, &Rules::default()), Ok(()));
}

#[test]
fn no_proof_at_all() {
    let error = Sent::new("POST", "/", &[]).refused(Family::Query);
    assert_error(&error, "MissingAuthenticationToken", 403, "Request is missing Authentication Token");
}

#[test]
fn an_unknown_scheme_names_all_that_is_missing() {
    let error = Sent::new("POST", "/", &[("authorization", "Bearer x")]).refused(Family::Query);
    assert_error(
        &error,
        "IncompleteSignature",
        400,
        "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. \
         Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either \
         a 'X-Amz-Date' or a 'Date' header. Authorization=Bearer x",
    );
    let error = Sent::new("GET", "/", &[("authorization", "AWS AKID:sig=")]).refused(Family::S3);
    assert_error(
        &error,
        "InvalidRequest",
        400,
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    );
}

#[test]
fn version_2_in_the_query_is_no_anonymous_request() {
    let sent = Sent::new("GET", "/b/k?AWSAccessKeyId=AKID&Signature=x%3D&Expires=1", &[]);
    let message =
        "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
    assert_error(&sent.refused(Family::S3), "InvalidRequest", 400, message);
}

#[test]
fn a_header_without_a_signature() {
    let header = "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/sts/aws4_request, SignedHeaders=host";
    let sent = Sent::new("POST", "/", &[("authorization", header), ("x-amz-date", "20150830T123600Z")]);
    let wanted = format!("Authorization header requires 'Signature' parameter. Authorization={header}");
    assert_error(&sent.refused(Family::Query), "IncompleteSignature", 400, &wanted);
    assert_error(
        &sent.refused(Family::S3),
        "AuthorizationHeaderMalformed",
        400,
        "The authorization header is malformed; the authorization header requires three components: Credential, \
         SignedHeaders, and Signature.",
    );
}

#[test]
fn a_blank_in_the_key_id() {
    let header = "AWS4-HMAC-SHA256 Credential=AKID /20150830/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0";
    let error = Sent::new("POST", "/", &[("authorization", header)]).refused(Family::Query);
    let wanted = format!(
        "'/20150830/us-east-1/sts/aws4_request' not a valid key=value pair (missing equal-sign) in Authorization header: '{header}'."
    );
    assert_error(&error, "IncompleteSignature", 400, &wanted);
}

#[test]
fn a_wrong_secret_shows_the_canonical_request_to_its_owner() {
    let error = query().check(Family::Query, "other", NOW, &Rules::default()).unwrap_err();
    let shown = error.wire(Family::Query, Disclosure::Canonical);
    let hash = PayloadHash::of(BODY).to_text();
    assert_eq!((shown.code, shown.status), ("SignatureDoesNotMatch", 403));
    let start = format!(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this \
         request should have been\n'POST\n/\n\ncontent-type:application/x-www-form-urlencoded\nhost:sts.amazonaws.com\n\
         x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n{hash}'\n\nThe String-to-Sign should have \
         been\n'AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/sts/aws4_request\n"
    );
    assert!(shown.message.starts_with(&start), "{}", shown.message);
    let plain = error.wire(Family::Query, Disclosure::Plain);
    assert!(start.starts_with(&plain.message));
    assert_eq!(error.wire(Family::Json, Disclosure::Plain).code, "InvalidSignatureException");
    assert_eq!(error.wire(Family::Ec2, Disclosure::Plain).code, "AuthFailure");
}

#[test]
fn a_wrong_secret_at_s3() {
    let error = s3().check(Family::S3, "other", NOW, &Rules::default()).unwrap_err();
    let shown = error.wire(Family::S3, Disclosure::Canonical);
    let names: Vec<&str> = shown.fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "AWSAccessKeyId",
            "StringToSign",
            "SignatureProvided",
            "StringToSignBytes",
            "CanonicalRequest",
            "CanonicalRequestBytes"
        ]
    );
    assert!(shown.fields[3].1.starts_with("41 57 53 34 2d "));
}

#[test]
fn skew_is_fifteen_minutes_to_the_second() {
    let at = |seconds| query().check(Family::Query, "secret", NOW.plus(seconds), &Rules::default());
    assert_eq!(at(900), Ok(()));
    assert_eq!(at(-900), Ok(()));
    let expired = query().refused_at(Family::Query, NOW.plus(901));
    assert_error(
        &expired,
        "SignatureDoesNotMatch",
        403,
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)",
    );
    let early = query().refused_at(Family::Query, NOW.plus(-901));
    assert_error(
        &early,
        "SignatureDoesNotMatch",
        403,
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123559Z (20150830T122059Z + 15 min.)",
    );
}

#[test]
fn skew_at_s3() {
    for seconds in [901, -901] {
        let error = s3().refused_at(Family::S3, NOW.plus(seconds));
        assert_error(
            &error,
            "RequestTimeTooSkewed",
            403,
            "The difference between the request time and the current time is too large.",
        );
        assert_eq!(error.fields[0], ("RequestTime", "20150830T123600Z".to_owned()));
        assert_eq!(error.fields[2], ("MaxAllowedSkewMilliseconds", "900000".to_owned()));
    }
}

#[test]
fn a_presigned_request_ends_with_its_expiry() {
    let sent = Sent::presigned("s3", 3_600);
    let at = |seconds| sent.check(Family::S3, "secret", NOW.plus(seconds), &Rules::default());
    assert_eq!(at(3_600), Ok(()));
    assert_error(&sent.refused_at(Family::S3, NOW.plus(3_601)), "AccessDenied", 403, "Request has expired");
}

#[test]
fn other_services_take_a_presigned_request_for_fifteen_minutes() {
    let sent = Sent::presigned("sts", 60);
    let at = |seconds| sent.check(Family::Query, "secret", NOW.plus(seconds), &Rules::default());
    assert_eq!(at(900), Ok(()));
    assert!(matches!(at(901), Err(SigError::Expired { .. })));
}

#[test]
fn expiry_is_between_a_second_and_a_week() {
    for (expires, message) in [
        ("0", "X-Amz-Expires must be non-negative"),
        ("-1", "X-Amz-Expires must be non-negative"),
        ("ten", "X-Amz-Expires should be a number"),
        ("", "X-Amz-Expires should be a number"),
        (
            "604801",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
        ),
    ] {
        let mut sent = Sent::presigned("s3", 604_800);
        assert_eq!(sent.check(Family::S3, "secret", NOW, &Rules::default()), Ok(()));
        sent.uri = sent.uri.to_string().replace("=604800", &format!("={expires}")).parse().unwrap();
        assert_error(&sent.refused(Family::S3), "AuthorizationQueryParametersError", 400, message);
    }
}

#[test]
fn a_presigned_request_that_lacks_a_parameter() {
    let sent = Sent::new("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20150830T123600Z", &[]);
    assert_error(
        &sent.refused(Family::Query),
        "IncompleteSignature",
        400,
        "AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include \
         'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the \
         query-string parameters.",
    );
    assert_eq!(sent.refused(Family::S3).code, "AuthorizationQueryParametersError");
}

#[test]
fn two_proofs_are_one_too_many() {
    let sent = Sent::presigned("s3", 60).set("authorization", "AWS4-HMAC-SHA256 Credential=x");
    assert_eq!(sent.refused(Family::S3).code, "InvalidArgument");
    assert_eq!(sent.refused(Family::Query).code, "IncompleteSignature");
    let mut twice = query();
    let value = twice.headers["authorization"].clone();
    twice.headers.append("authorization", value);
    assert_eq!(twice.refused(Family::Query).code, "IncompleteSignature");
}

#[test]
fn headers_that_must_be_signed() {
    let sent = query().set("x-amz-target", "Other");
    let message = "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.";
    assert_error(&sent.refused(Family::Query), "SignatureDoesNotMatch", 403, message);
    let sent = query().replace("authorization", ";host;", ";");
    let message = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
    assert_error(&sent.refused(Family::Query), "SignatureDoesNotMatch", 403, message);
    let sent = query().replace("authorization", "content-type;", "");
    let message = "'Content-Type' must be a 'SignedHeader' in the AWS Authorization.";
    assert_error(&sent.refused(Family::Query), "SignatureDoesNotMatch", 403, message);
    let error = s3().set("x-amz-acl", "public-read").set("x-amz-meta-a", "1").refused(Family::S3);
    assert_error(
        &error,
        "AccessDenied",
        403,
        "There were headers present in the request which were not signed",
    );
    assert_eq!(error.fields, [("HeadersNotSigned", "x-amz-acl, x-amz-meta-a".to_owned())]);
}

#[test]
fn a_signed_header_that_is_not_there() {
    let mut sent = Sent::signed("sts", &[("x-extra", "")]);
    assert_eq!(sent.check(Family::Query, "secret", NOW, &Rules::default()), Ok(()));
    sent.headers.remove("x-extra");
    assert_eq!(sent.refused(Family::Query).code, "SignatureDoesNotMatch");
}

#[test]
fn scopes_that_do_not_fit() {
    let rules = Rules { region: Some("eu-west-1"), service: Some("iam"), ..Rules::default() };
    let error = query().check(Family::Query, "secret", NOW, &rules).unwrap_err();
    let message = "Credential should be scoped to a valid region, not 'us-east-1'. ";
    assert_error(&error.wire(Family::Query, Disclosure::Plain), "SignatureDoesNotMatch", 403, message);
    let error =
        s3().check(Family::S3, "secret", NOW, &rules).unwrap_err().wire(Family::S3, Disclosure::Plain);
    let message =
        "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'";
    assert_error(&error, "AuthorizationHeaderMalformed", 400, message);
    assert_eq!(error.fields, [("Region", "eu-west-1".to_owned())]);
    let rules = Rules { service: Some("iam"), ..Rules::default() };
    let error = query().check(Family::Query, "secret", NOW, &rules).unwrap_err();
    let message = "Credential should be scoped to correct service: 'iam'. ";
    assert_error(&error.wire(Family::Query, Disclosure::Plain), "SignatureDoesNotMatch", 403, message);
    let error = query().replace("authorization", "/20150830/", "/20150829/").refused(Family::Query);
    let message = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
                   '20150829' != '20150830', from '20150830T123600Z'.";
    assert_error(&error, "SignatureDoesNotMatch", 403, message);
    let error = query().replace("authorization", "aws4_request", "aws5_request").refused(Family::Query);
    let message = "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. ";
    assert_error(&error, "SignatureDoesNotMatch", 403, message);
    let error = query().replace("authorization", "/sts", "").refused(Family::Query);
    let message = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                   'AKIDEXAMPLE/20150830/us-east-1/aws4_request'";
    assert_error(&error, "IncompleteSignature", 400, message);
}

#[test]
fn a_date_that_is_none() {
    let error = query().set("x-amz-date", "yesterday").refused(Family::Query);
    let message =
        "Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601";
    assert_error(&error, "IncompleteSignature", 400, message);
}

#[test]
fn s3_needs_the_payload_header() {
    let mut sent = s3();
    sent.headers.remove("x-amz-content-sha256");
    let message = "Missing required header for this request: x-amz-content-sha256";
    assert_error(&sent.refused(Family::S3), "InvalidRequest", 400, message);
    assert_eq!(s3().set("x-amz-content-sha256", "e3b0").refused(Family::S3).code, "InvalidArgument");
}

#[test]
fn keys_and_tokens_that_the_server_does_not_know() {
    let unknown = SigError::UnknownAccessKey { access_key_id: "AKIDEXAMPLE".into() };
    let message = "The security token included in the request is invalid.";
    assert_error(&unknown.wire(Family::Query, Disclosure::Plain), "InvalidClientTokenId", 403, message);
    let message = "The AWS Access Key Id you provided does not exist in our records.";
    assert_error(&unknown.wire(Family::S3, Disclosure::Plain), "InvalidAccessKeyId", 403, message);
    let message = "The security token included in the request is expired";
    assert_error(
        &SigError::ExpiredToken.wire(Family::Query, Disclosure::Plain),
        "ExpiredToken",
        403,
        message,
    );
    let message = "The provided token has expired.";
    assert_error(&SigError::ExpiredToken.wire(Family::S3, Disclosure::Plain), "ExpiredToken", 400, message);
}

#[test]
fn logs_show_neither_header_nor_token() {
    let sent = query().replace("authorization", "Signature=", "Signature=zz");
    let error = sent.check(Family::Query, "secret", NOW, &Rules::default()).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("AKIDEXAMPLE") && !shown.contains("aws4_request"), "{shown}");
    let sent = Sent::new("GET", "/", &[("authorization", "Bearer topsecret")]);
    let error = sent.check(Family::Query, "secret", NOW, &Rules::default()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("topsecret"));
}

#[test]
fn http2_signs_its_authority() {
    let signed = query();
    let mut sent = Sent {
        method: signed.method,
        uri: "https://sts.amazonaws.com/".parse().unwrap(),
        headers: signed.headers,
    };
    sent.headers.remove("host");
    assert_eq!(sent.check(Family::Query, "secret", NOW, &Rules::default()), Ok(()));
    sent.uri = "https://evil.example.com/".parse().unwrap();
    assert_eq!(sent.refused(Family::Query).code, "SignatureDoesNotMatch");
}
