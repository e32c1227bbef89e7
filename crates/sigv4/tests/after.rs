//! A connection's requests are read by what differs from an earlier one: that must change nothing of what is read.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use http::HeaderValue;
use proptest::prelude::*;
use rolecall_sigv4::{Family, Presented, SigError};

/// An `Authorization` header of parts that clients send, and of some that none should.
fn authorization() -> impl Strategy<Value = String> {
    let choice = |texts: &'static [&'static str]| proptest::sample::select(texts);
    let credential = choice(&[
        "Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/sts/aws4_request",
        "Credential=ASIAIOSFODNN7EXAMPLE/20260101/eu-west-1/iam/aws4_request",
        "Credential=AKIA/20260101/us-east-1/sts",
        "Credential=",
    ]);
    let signed = choice(&["SignedHeaders=host;x-amz-date", "SignedHeaders=host", "SignedHeaders=Host"]);
    let signature = choice(&[
        "Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "Signature=fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
        "Signature=FEDCBA9876543210fedcba9876543210fedcba9876543210fedcba9876543210",
        "Signature=0123",
        "Signature=",
    ]);
    let separator = choice(&[", ", ",", " "]);
    let end = choice(&["", "", "", " ", ",", ", Signature=00", ", Other=1", "0"]);
    let algorithm = choice(&["AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256", "AWS4-OTHER", "Basic"]);
    (algorithm, credential, signed, signature, separator, end, any::<bool>()).prop_map(
        |(algorithm, credential, signed, signature, separator, end, last)| {
            let (second, third) = if last { (signed, signature) } else { (signature, signed) };
            format!("{algorithm} {credential}{separator}{second}{separator}{third}{end}")
        },
    )
}

fn request() -> impl Strategy<Value = http::Request<()>> {
    let date = proptest::sample::select(
        &[Some("20260101T000000Z"), Some("20260101T000001Z"), Some("soon"), None][..],
    );
    let token = proptest::sample::select(&[Some("token-a"), Some("token-b"), None][..]);
    (authorization(), date, token).prop_map(|(authorization, date, token)| {
        let mut request = http::Request::new(());
        let mut set =
            |name, value: &str| request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        set("authorization", &authorization);
        date.map(|date| set("x-amz-date", date));
        token.map(|token| set("x-amz-security-token", token));
        request
    })
}

fn read(request: &http::Request<()>, earlier: Option<&Presented>) -> Result<Option<Presented>, SigError> {
    let (parts, ()) = request.clone().into_parts();
    Presented::parse_after((&parts).into(), Family::Query, earlier)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_earlier_request_changes_nothing(first in request(), second in request()) {
        let earlier = read(&first, None).ok().flatten();
        for request in [&second, &first] {
            let (alone, after) = (read(request, None), read(request, earlier.as_ref()));
            prop_assert_eq!(format!("{alone:?}"), format!("{after:?}"));
        }
    }
}
