//! S3: which bucket and key a request is about, what it demands, and that nothing of it passes undecided.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use rolecall_s3::{AuthFacts, AuthType, Call, Endpoint, Fault, Operation, S3, Undecided, file_name};
use rolecall_sigv4::{ChunkLimits, PayloadDecoder, PayloadHash};
use tokio::runtime::Runtime;

use crate::{Run, lines};

/// See the module.
pub(crate) fn start() -> Run {
    let directory = tempfile::tempdir().expect("a directory");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let endpoint = Endpoint::new([], "us-east-1");
    let s3 = S3::open(directory.path(), endpoint, Arc::new(|| [7; 16])).expect("S3");
    Box::new(move |input| {
        assert!(directory.path().is_dir());
        let Some((parts, body)) = lines::request(input) else { return };
        let auth = AuthFacts { auth_type: AuthType::Header, signature_age_ms: 1_500 };
        match s3.route(parts, auth) {
            Ok(call) => within_its_buckets(&runtime, &s3, call, body),
            Err(fault) => is_refusal(&fault),
        }
    })
}

fn is_refusal(fault: &Fault) {
    assert!((300..500).contains(&fault.status.as_u16()) || fault.code == "NotImplemented", "{fault:?}");
    assert!(!fault.to_xml("/", "R").is_empty());
}

fn within_its_buckets(runtime: &Runtime, s3: &S3, call: Call, body: Bytes) {
    let (operation, mut prefixes) = (call.operation(), vec!["*".to_owned()]);
    if let Some(bucket) = call.target().bucket() {
        prefixes.push(format!("arn:aws:s3:::{bucket}"));
    }
    if let Some(key) = call.target().key() {
        let name = file_name(key);
        assert!(!name.contains('/') && name.len() <= 255 && name != "." && name != "..", "{key:?}");
    }
    if let Some(source) = call.copy_source() {
        prefixes.push(format!("arn:aws:s3:::{}", source.bucket));
    }
    match runtime.block_on(received(s3, call, body)) {
        Ok(undecided) => {
            for demand in undecided.demands() {
                let within = |prefix: &String| match demand.resource.strip_prefix(prefix.as_str()) {
                    Some(rest) => rest.is_empty() || rest.starts_with('/'),
                    None => false,
                };
                assert!(prefixes.iter().any(within), "{demand:?} of {operation:?}");
            }
            let passed = undecided.decide(|_| Err::<(), _>(Fault::access_denied("no"))).is_ok();
            assert!(!passed || operation == Operation::DeleteObjects, "{operation:?} passed without leave");
        }
        Err(fault) => is_refusal(&fault),
    }
}

async fn received(s3: &S3, call: Call, body: Bytes) -> Result<Undecided, Fault> {
    let length = Some(body.len() as u64);
    let decoder = PayloadDecoder::anonymous(&PayloadHash::Unsigned, length, ChunkLimits::default());
    s3.receive(call, Full::new(body), decoder.expect("a decoder"), length).await
}
