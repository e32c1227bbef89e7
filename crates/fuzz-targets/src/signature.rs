//! Signature Version 4: what a request presents, and bodies in signed pieces.

use bytes::Bytes;
use http::Method;
use rolecall_sigv4::{
    ChunkLimits, Decoded, Disclosure, Family, PayloadDecoder, PayloadError, PayloadHash, Presented, Request,
    Rules, SecretKey, Timestamp, verify,
};

use crate::lines;

/// No request panics, and none passes: the secret is never in the input.
pub(crate) fn request(input: &[u8]) {
    let Some((parts, body)) = lines::request(input) else { return };
    let request = Request { method: &Method::GET, uri: &parts.uri, headers: &parts.headers };
    for family in [Family::Query, Family::Ec2, Family::Json, Family::S3] {
        let presented = match Presented::parse(request, family) {
            Ok(Some(presented)) => presented,
            Ok(None) => continue,
            Err(error) => {
                is_refusal(&error, family);
                continue;
            }
        };
        let payload = presented.declared_payload(request).unwrap_or_else(|_| PayloadHash::of(&body));
        let secret = SecretKey::new("a secret that no input holds");
        let now = Timestamp(presented.timestamp.0);
        match verify(&presented, request, &secret, &payload, now, &Rules::default()) {
            Ok(_) => panic!("verified without the secret"),
            Err(error) => is_refusal(&error, family),
        }
    }
}

fn is_refusal(error: &rolecall_sigv4::SigError, family: Family) {
    let wire = error.wire(family, Disclosure::Canonical);
    assert!((400..500).contains(&wire.status) && !wire.code.is_empty(), "{wire:?}");
}

/// However a chunked body is cut, it decodes to the same payload or is refused.
pub(crate) fn chunks(input: &[u8]) {
    let Some((piece, body)) = input.split_first() else { return };
    let whole = decode(body, body.len().max(1));
    let cut = decode(body, usize::from(*piece).max(1));
    assert_eq!(whole.is_ok(), cut.is_ok(), "{whole:?} {cut:?}");
    if let (Ok(whole), Ok(cut)) = (whole, cut) {
        assert_eq!(whole, cut);
    }
}

fn decode(body: &[u8], piece: usize) -> Result<Vec<u8>, PayloadError> {
    let hash = PayloadHash::StreamingUnsignedTrailer;
    let limits = ChunkLimits { chunk_bytes: 1 << 16, payload_bytes: 1 << 20 };
    let Some(mut decoder) = PayloadDecoder::anonymous(&hash, None, limits) else { return Ok(Vec::new()) };
    let mut payload = Vec::new();
    for part in body.chunks(piece) {
        let mut input = Bytes::copy_from_slice(part);
        while let Decoded::Data(data) = decoder.decode(&mut input)? {
            payload.extend_from_slice(&data);
        }
    }
    decoder.finish()?;
    Ok(payload)
}
