//! No request may panic, and none may pass: the secret is never in the input.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use libfuzzer_sys::fuzz_target;
use rolecall_sigv4::{
    Disclosure, Family, PayloadHash, Presented, Request, Rules, SecretKey, Timestamp, verify,
};

fuzz_target!(|input: &[u8]| {
    let mut lines = input.split(|byte| *byte == b'\n');
    let Some(uri) = lines.next().and_then(|target| Uri::try_from(target).ok()) else { return };
    let mut headers = HeaderMap::new();
    for line in lines.take(64) {
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(0));
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let request = Request { method: &Method::GET, uri: &uri, headers: &headers };
    for family in [Family::Query, Family::Ec2, Family::Json, Family::S3] {
        let presented = match Presented::parse(request, family) {
            Ok(Some(presented)) => presented,
            Ok(None) => continue,
            Err(error) => {
                error.wire(family, Disclosure::Canonical);
                continue;
            }
        };
        let payload = presented.declared_payload(request).unwrap_or(PayloadHash::Unsigned);
        let secret = SecretKey::new("a secret that no input holds");
        let now = presented.timestamp;
        let result = verify(&presented, request, &secret, &payload, Timestamp(now.0), &Rules::default());
        match result {
            Ok(_) => panic!("verified without the secret"),
            Err(error) => drop(error.wire(family, Disclosure::Canonical)),
        }
    }
});
