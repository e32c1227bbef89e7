//! What a signature check costs, in microseconds a request.
#![expect(clippy::expect_used, reason = "a test may panic")]

use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderValue, Method, Uri};
use rolecall_sigv4::{Family, PayloadHash, Presented, Request, Rules, SecretKey, Signer, Timestamp, verify};

const NOW: Timestamp = Timestamp(1_790_000_000);
const BODY: &[u8] = b"Action=GetCallerIdentity&Version=2011-06-15";

fn main() {
    divan::main();
}

struct Fixture {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    secret: SecretKey,
}

impl Fixture {
    fn new(token: Option<&str>) -> Self {
        let secret = SecretKey::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let mut parts = http::Request::new(()).into_parts().0;
        parts.method = Method::POST;
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
        parts.headers.insert("content-type", content_type);
        parts.headers.insert("host", HeaderValue::from_static("127.0.0.1:4566"));
        let signer = Signer {
            access_key_id: "AKIAIOSFODNN7EXAMPLE",
            secret: &secret,
            token,
            region: "us-east-1",
            service: "sts",
        };
        signer.sign(&mut parts, &PayloadHash::of(BODY), NOW).expect("signs");
        Self { method: parts.method, uri: parts.uri, headers: parts.headers, secret }
    }

    fn check(&self, secret: &SecretKey) -> bool {
        let request = Request { method: &self.method, uri: &self.uri, headers: &self.headers };
        let Ok(Some(presented)) = Presented::parse(request, Family::Query) else { return false };
        let payload = PayloadHash::of(BODY);
        verify(&presented, request, secret, &payload, NOW, &Rules::default()).is_ok()
    }
}

#[divan::bench]
fn known_key(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new(None);
    assert!(fixture.check(&fixture.secret));
    bencher.bench(|| black_box(&fixture).check(&fixture.secret));
}

#[divan::bench]
fn known_session(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new(Some(&"A".repeat(900)));
    assert!(fixture.check(&fixture.secret));
    bencher.bench(|| black_box(&fixture).check(&fixture.secret));
}

#[divan::bench]
fn fresh_secret_as_for_a_derived_session(bencher: Bencher<'_, '_>) {
    let fixture = Fixture::new(Some(&"A".repeat(900)));
    bencher.bench(|| {
        let secret = SecretKey::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        black_box(&fixture).check(&secret)
    });
}

/// The floor: the same number of bytes through the same hash, nothing else.
#[divan::bench]
fn bare_hashes(bencher: Bencher<'_, '_>) {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[7; 32]);
    bencher.bench(|| {
        let body = ring::digest::digest(&ring::digest::SHA256, black_box(BODY));
        let canonical = ring::digest::digest(&ring::digest::SHA256, black_box(&[b'x'; 260]));
        let tag = ring::hmac::sign(&key, black_box(&[b'x'; 140]));
        (body, canonical, tag)
    });
}
